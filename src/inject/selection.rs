//! Selection: which templates apply to a pod, and why.
//!
//! Precedence: excluded namespaces, then mandatory templates, then the pod's label, then a
//! `disabled` namespace, then the pod's annotation, then the namespace. The same table is written
//! as selectors in the webhook configuration, so that the API server asks only for pods that ask.

pub(super) mod missing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::settings::{Namespace, Settings};
use super::verdict::{Reason, Refusal};
use crate::kubernetes::keys::{INJECT, INJECTION, MANDATORY, MIRROR};
use crate::kubernetes::selector::Selector;
use crate::review::Text;
use crate::review::pod::Dictionary;
use crate::template::compile::MandatoryFor;
use crate::template::{Catalog, Template};
use crate::wording::shown;
use missing::{ListOwner, way_out};

/// What all annotations of an object may have together, keys included
/// (apimachinery:pkg/api/validation/objectmeta.go, `TotalAnnotationSizeLimitB`).
pub(super) const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// What a selection is made from.
#[derive(Debug, Clone, Copy)]
pub struct SelectionInput<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// Its labels and annotations.
    pub namespace_object: &'a Namespace,
    /// The pod's labels.
    pub labels: &'a Dictionary<'a>,
    /// The pod's annotations.
    pub annotations: &'a Dictionary<'a>,
    /// Whether a node asks.
    pub from_node: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These templates, in the order of composition.
    Templates(Vec<Arc<Template>>),
    /// None; the pod stays as it is, or is refused.
    Nothing(Refusal),
}

/// Selects the templates for a pod.
pub fn select(catalog: &Catalog, settings: &Settings, asked: SelectionInput<'_>) -> Selection {
    if let Some(why) = excluded(settings, asked).or_else(|| mirror(asked)) {
        return Selection::Nothing(why);
    }
    if let Some(why) = oversized(asked) {
        return Selection::Nothing(why);
    }
    if let Some(why) = broken_mandatory(catalog, asked) {
        return Selection::Nothing(why);
    }
    let mandatory = mandatory(catalog, asked);
    let (names, nothing) = match asked_for(catalog, asked) {
        Ok(names) => (names, None),
        Err(why) if why.reason.http_code() == 200 => (RequestedTemplates::default(), Some(why)),
        Err(why) => return Selection::Nothing(why),
    };
    match find_all(catalog, asked, names, mandatory) {
        Ok(templates) if templates.is_empty() => Selection::Nothing(
            nothing.unwrap_or_else(|| Refusal::new(Reason::NotRequested, &**NOT_REQUESTED)),
        ),
        Ok(templates) => Selection::Templates(templates),
        Err(why) => Selection::Nothing(why),
    }
}

/// Whether the pod is left alone whatever its namespace says.
pub(crate) fn is_left_alone(settings: &Settings, asked: SelectionInput<'_>) -> bool {
    excluded(settings, asked)
        .or_else(|| mirror(asked))
        .is_some()
}

/// Whether an entry of the webhook configuration calls for the pod, mirror pods and excluded namespaces
/// apart: the chart's four entries in one.
pub(super) fn is_called_for(asked: SelectionInput<'_>) -> bool {
    let namespace = asked.namespace_object;
    if namespace.labels.contains_key(MANDATORY) {
        return true;
    }
    match asked.labels.get(INJECT).map(Text::as_str) {
        Some(label) => label != "false",
        None if asked.annotations.contains_key(INJECT) => namespace.injection() != Some("disabled"),
        None => namespace.injection() == Some("enabled"),
    }
}

pub(crate) fn excluded(settings: &Settings, asked: SelectionInput<'_>) -> Option<Refusal> {
    let is_excluded = settings.excluded_namespaces.contains(asked.namespace);
    is_excluded.then(|| {
        let message = format!(
            "pods of the namespace `{}` are never touched",
            asked.namespace
        );
        Refusal::new(Reason::NamespaceExcluded, message)
    })
}

pub(crate) fn mirror(asked: SelectionInput<'_>) -> Option<Refusal> {
    let is_mirror = asked.from_node && asked.annotations.contains_key(MIRROR);
    is_mirror.then(|| {
        let message = "the pod mirrors a static pod, which the node's kubelet alone defines";
        Refusal::new(Reason::MirrorPod, message)
    })
}

/// Annotations that the API server would refuse anyway are refused before anything reads them.
fn oversized(asked: SelectionInput<'_>) -> Option<Refusal> {
    let sizes = asked
        .annotations
        .iter()
        .map(|(key, value)| key.as_str().len() + value.as_str().len());
    let size: usize = sizes.sum();
    (size > ANNOTATIONS_LIMIT).then(|| {
        let message = format!(
            "the pod's annotations have {size} bytes, more than the {ANNOTATIONS_LIMIT} that \
             Kubernetes allows"
        );
        Refusal::new(Reason::AnnotationsTooLarge, message)
    })
}

/// A mandatory template that does not compile holds up every pod that it could be for.
pub(crate) fn broken_mandatory(catalog: &Catalog, asked: SelectionInput<'_>) -> Option<Refusal> {
    let (name, error) = find_broken_mandatory(catalog, asked)?;
    let says = missing::broken(error, catalog.unknown("", name));
    let message = format!("the mandatory template `{name}` {says}");
    Some(Refusal::new(Reason::TemplateBroken, message))
}

/// The name of the first such template, and its error.
fn find_broken_mandatory<'c>(
    catalog: &'c Catalog,
    asked: SelectionInput<'_>,
) -> Option<(&'c str, &'c str)> {
    if !asked.namespace_object.labels.contains_key(MANDATORY) {
        return None;
    }
    let mut broken = catalog.broken_mandatory();
    let found = broken.find(|(_, _, mandatory)| match mandatory {
        MandatoryFor::Nobody => false,
        MandatoryFor::All => true,
        MandatoryFor::Selected(selector) => matches_selector(selector, asked),
    });
    found.map(|(name, error, _)| (name, error))
}

/// The templates that the lists of a pod and its namespace name, and precedence keeps, whether they
/// exist or not; none where something keeps the pod out.
pub(crate) fn listed(asked: SelectionInput<'_>) -> Vec<String> {
    let names = asked_for(&Catalog::default(), asked);
    let listed = names.into_iter().flat_map(|names| names.listed.into_keys());
    listed.map(str::to_owned).collect()
}

/// Whether it is not known that a pod is refused for a template that is broken or missing: something may
/// serve under its name that is not at hand.
pub(crate) fn is_doubtful(catalog: &Catalog, asked: SelectionInput<'_>, reason: Reason) -> bool {
    if !matches!(reason, Reason::TemplateBroken | Reason::TemplateNotFound) {
        return false;
    }
    if let Some((name, _)) = find_broken_mandatory(catalog, asked) {
        return catalog.unknown("", name).is_some();
    }
    let namespace = asked.namespace;
    let mut listed = listed(asked).into_iter();
    // The first that is not there is whom the refusal is about.
    let refused = listed.find(|name| catalog.find(namespace, name).template().is_none());
    refused.is_some_and(|name| catalog.unknown(namespace, &name).is_some())
}

/// Names that are asked for, each with who asks, and templates that ask for themselves.
#[derive(Debug, Default)]
struct RequestedTemplates<'a> {
    listed: BTreeMap<&'a str, ListOwner>,
    selected: Vec<Arc<Template>>,
}

impl<'a> RequestedTemplates<'a> {
    /// Adds the names of a list, and takes out those with a `-`.
    fn add_list(&mut self, list: Option<&'a str>, owner: ListOwner) {
        let List { wanted, removed } = List::read(list);
        for name in wanted {
            self.listed.insert(name, owner);
        }
        self.listed.retain(|name, _| !removed.contains(name));
        self.selected
            .retain(|template| !removed.contains(template.name.as_str()));
    }
}

/// What a list `a,b,-c` asks for, and what it takes out.
pub(crate) struct List<'l> {
    pub(crate) wanted: Vec<&'l str>,
    pub(crate) removed: BTreeSet<&'l str>,
}

impl<'l> List<'l> {
    /// The names that it asks for and does not take out again, each once.
    pub(crate) fn kept(&self) -> BTreeSet<&'l str> {
        let wanted = self.wanted.iter().copied();
        wanted.filter(|name| !self.removed.contains(name)).collect()
    }

    pub(crate) fn read(list: Option<&'l str>) -> Self {
        let (removed, wanted): (Vec<&str>, Vec<&str>) = list
            .into_iter()
            .flat_map(|list| list.split([',', '\n']))
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .partition(|name| name.starts_with('-'));
        Self {
            wanted,
            removed: removed
                .into_iter()
                .filter_map(|name| name.strip_prefix('-'))
                .map(str::trim)
                .collect(),
        }
    }
}

/// Said of most pods, so made once.
static NOT_REQUESTED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "nothing asks for a template: the pod has no annotation {INJECT}, and its namespace is \
         not `enabled` with one"
    )
});

pub(crate) fn mandatory(catalog: &Catalog, asked: SelectionInput<'_>) -> Vec<Arc<Template>> {
    if !asked.namespace_object.labels.contains_key(MANDATORY) {
        return Vec::new();
    }
    catalog
        .unasked(asked.namespace)
        .filter(|template| template.mandatory && selector_matches(template, asked))
        .cloned()
        .collect()
}

/// Whether a template's selector, where it has one, matches.
fn selector_matches(template: &Template, asked: SelectionInput<'_>) -> bool {
    let selector = template.selector.as_ref();
    selector.is_none_or(|selector| matches_selector(selector, asked))
}

fn matches_selector(selector: &Selector, asked: SelectionInput<'_>) -> bool {
    selector.namespace.matches(&asked.namespace_object.labels) && selector.pod.matches(asked.labels)
}

/// What label, annotation and namespace ask for; `Err`: why nothing is to be asked for.
fn asked_for<'a>(
    catalog: &Catalog,
    asked: SelectionInput<'a>,
) -> Result<RequestedTemplates<'a>, Refusal> {
    by_label(asked)?;
    by_disabled_namespace(asked)?;
    let mut names = RequestedTemplates::default();
    if is_enabled(asked) {
        names.selected = selected(catalog, asked);
        let list = asked.namespace_object.annotations.get(INJECT);
        names.add_list(list.map(String::as_str), ListOwner::Namespace);
    }
    names.add_list(
        asked.annotations.get(INJECT).map(Text::as_str),
        ListOwner::Pod,
    );
    Ok(names)
}

/// What the pod's label says: whether the pod is opted in.
pub(crate) fn by_label(asked: SelectionInput<'_>) -> Result<bool, Refusal> {
    match asked.labels.get(INJECT).map(Text::as_str) {
        Some("true") => Ok(true),
        None => Ok(false),
        Some("false") => {
            let message = format!("the pod's label {INJECT} is `false`");
            Err(Refusal::new(Reason::OptedOut, message))
        }
        Some(other) => {
            let message = format!(
                "label {INJECT}: `{}` is neither `true` nor `false`; the templates wanted are \
                 listed in the annotation of that name",
                shown(other)
            );
            let logged = format!("label {INJECT}: neither `true` nor `false`");
            Err(Refusal::with_value(Reason::LabelInvalid, message, logged))
        }
    }
}

/// A disabled namespace keeps out what does not opt in by its label.
pub(crate) fn by_disabled_namespace(asked: SelectionInput<'_>) -> Result<(), Refusal> {
    if !asked.labels.contains_key(INJECT) && asked.namespace_object.injection() == Some("disabled")
    {
        let message = format!("the namespace's label {INJECTION} is `disabled`");
        return Err(Refusal::new(Reason::NamespaceDisabled, message));
    }
    Ok(())
}

/// Whether the namespace's annotation and the templates' selectors count.
pub(crate) fn is_enabled(asked: SelectionInput<'_>) -> bool {
    by_label(asked) == Ok(true) || asked.namespace_object.injection() == Some("enabled")
}

/// The names of templates whose selector would match the pod, were its namespace enabled.
pub(super) fn waiting(catalog: &Catalog, asked: SelectionInput<'_>) -> Vec<String> {
    catalog
        .unasked(asked.namespace)
        .filter(|template| {
            !template.mandatory
                && template.selector.as_ref().is_some_and(|selector| {
                    selector.pod.matches(asked.labels)
                        && (!asked.namespace_object.is_listed
                            || selector.namespace.matches(&asked.namespace_object.labels))
                })
        })
        .map(|template| template.name.clone())
        .collect()
}

/// How the pod leaves out a template that its namespace asks for, or that asks by its selector; `None`
/// where the pod asked itself, or nothing removes the template.
pub(super) fn opt_out(
    asked: SelectionInput<'_>,
    template: &str,
    mandatory: bool,
) -> Option<String> {
    let own = asked.annotations.get(INJECT).map(Text::as_str);
    let asks_itself = List::read(own).wanted.contains(&template);
    (!mandatory && !asks_itself && is_enabled(asked)).then(|| way_out(template))
}

/// The templates that apply by their selector.
pub(crate) fn selected(catalog: &Catalog, asked: SelectionInput<'_>) -> Vec<Arc<Template>> {
    catalog
        .unasked(asked.namespace)
        .filter(|template| !template.mandatory && selector_matches(template, asked))
        .cloned()
        .collect()
}

fn find_all(
    catalog: &Catalog,
    asked: SelectionInput<'_>,
    names: RequestedTemplates<'_>,
    mandatory: Vec<Arc<Template>>,
) -> Result<Vec<Arc<Template>>, Refusal> {
    let mut found = mandatory;
    found.extend(names.selected);
    for (name, owner) in names.listed {
        let lookup = missing::find(catalog, asked.namespace, name, owner);
        let template = lookup.map_err(|mut refusal| {
            if owner == ListOwner::Namespace {
                refusal.message.push_str(&way_out(name));
            }
            refusal
        })?;
        found.push(Arc::clone(template));
    }
    found.sort_by(|one, other| place(one).cmp(&place(other)));
    // Of one that is asked for in two ways the last counts.
    found.dedup_by(|later, kept| {
        let is_same = place(later) == place(kept);
        if is_same {
            std::mem::swap(later, kept);
        }
        is_same
    });
    tenants_behind_mandatory(&mut found);
    Ok(found)
}

/// Composes no namespace's template before a mandatory one: an init container of a tenant's that never ends
/// would keep its helper from starting, where that stands before the user's (`order` 0 or less).
fn tenants_behind_mandatory(templates: &mut [Arc<Template>]) {
    let mandatory = templates.iter().filter(|template| template.mandatory);
    if let Some(last) = mandatory.map(|template| template.order).max() {
        templates.sort_by_key(|template| match template.namespace {
            Some(_) => (template.order.max(last), !template.mandatory),
            None => (template.order, false),
        });
    }
}

/// Where a template stands in the composition.
fn place(template: &Arc<Template>) -> (i64, &str) {
    (template.order, &template.name)
}

#[cfg(test)]
mod tests;
