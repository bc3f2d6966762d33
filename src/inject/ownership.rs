//! Whose an element of a pod is: still ours, ours and changed by somebody since, or the user's.
//!
//! A status names what a template added, each with a digest of its content. It is a hint: anyone can
//! write one, and pods get copied. So a false status may cost its writer their own elements and
//! nothing else: never another injector's helper, never the last container, never a volume that
//! something mounts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::patch::unescape;
use super::status::Element;
use crate::kubernetes::element_digest::{element_digest, text};
use crate::kubernetes::keys::FILE_PREFIX;
use crate::kubernetes::merge_keys::{ListMerge, additive_key, key_of, list_merge};
use crate::kubernetes::object::digest;
use crate::kubernetes::schema::{self, FieldType};
use crate::template::Template;

/// How what a status names stands in the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not there.
    Absent,
    /// It has the content that the digest was taken of.
    Unchanged,
    /// Somebody changed it since.
    Changed,
    /// The status has no digest of it.
    Undigested,
}

/// The longest list that is searched for each element that a status names in it; longer ones are indexed, as
/// a status may name thousands.
const SEARCHED: usize = 64;

/// The elements of a list by what the last step of a key path calls them.
type Index<'p> = HashMap<Cow<'p, str>, &'p Value>;

/// The elements of a pod, to be found by what statuses call them.
pub(crate) struct PodContent<'p> {
    pod: &'p Value,
    lists: HashMap<(&'static str, &'p str), &'p Value>,
    /// Of the long lists that were asked for, by where they are.
    indexes: RefCell<HashMap<*const Value, Index<'p>>>,
}

impl<'p> PodContent<'p> {
    /// Reads the lists of a pod.
    pub(crate) fn new(pod: &'p Value) -> Self {
        let mut lists = HashMap::new();
        for list in ["containers", "initContainers", "volumes"] {
            for item in items(pod, list) {
                lists.insert((list, name(item)), item);
            }
        }
        Self {
            pod,
            lists,
            indexes: RefCell::default(),
        }
    }

    /// A container of either list.
    pub(crate) fn container(&self, name: &str) -> Option<&'p Value> {
        let regular = self.lists.get(&("containers", name));
        regular
            .or_else(|| self.lists.get(&("initContainers", name)))
            .copied()
    }

    /// What an element is, with the digest of its content.
    pub(crate) fn find(&self, element: Element<'_>) -> Option<(&'p Value, u64)> {
        let text_of = |kind: &str, key: &str| {
            let value = self.pod.get("metadata")?.get(kind)?.get(key)?;
            Some((value, text(value.as_str()?)))
        };
        let listed = |list, name: &str, definition: &str| {
            let value = *self.lists.get(&(list, name))?;
            let ty = FieldType::Object(definition.to_owned());
            Some((value, element_digest(&ty, value)))
        };
        match element {
            Element::Container(name) => listed("containers", name, "Container"),
            Element::InitContainer(name) => listed("initContainers", name, "Container"),
            Element::Volume(name) => listed("volumes", name, "Volume"),
            Element::Label(key) => text_of("labels", key),
            Element::Annotation(key) => text_of("annotations", key),
            Element::Image(name) => {
                let image = self.container(name)?.get("image")?;
                Some((image, text(image.as_str()?)))
            }
            Element::Field(key) | Element::Default(key) => {
                let (value, ty) = self.value_at("PodSpec", self.pod.get("spec")?, &steps(key))?;
                Some((value, element_digest(ty, value)))
            }
            Element::Edit(name, key) | Element::EditedDefault(name, key) => {
                let container = self.container(name)?;
                let (value, ty) = self.value_at("Container", container, &steps(key))?;
                Some((value, element_digest(ty, value)))
            }
        }
    }

    /// What a key path names in an object of this definition.
    fn value_at(
        &self,
        definition: &str,
        object: &'p Value,
        steps: &[String],
    ) -> Option<(&'p Value, &'static FieldType)> {
        let (first, rest) = steps.split_first()?;
        let field = schema::field(definition, first)?;
        let value = object.get(first)?;
        if rest.is_empty() {
            return Some((value, &field.ty));
        }
        match &field.ty {
            FieldType::List(element) => {
                let named = self.element(definition, first, value, &rest.join("/"))?;
                Some((named, element))
            }
            FieldType::Object(inner) => self.value_at(inner, value, rest),
            FieldType::Map(inner) => Some((value.get(rest.join("/"))?, inner)),
            _ => None,
        }
    }

    /// The element of a list of this name; of several variables of one name the last counts.
    fn element(
        &self,
        definition: &str,
        list: &str,
        value: &'p Value,
        key: &str,
    ) -> Option<&'p Value> {
        let items = value.as_array()?;
        if items.len() <= SEARCHED {
            let mut items = items.iter().rev();
            return items.find(|item| is_named(definition, list, item, key));
        }
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(std::ptr::from_ref(value)).or_insert_with(|| {
            let named = items
                .iter()
                .flat_map(|item| names(definition, list, item).map(move |name| (name, item)));
            named.collect()
        });
        index.get(key).copied()
    }

    /// How an element stands in the pod.
    pub(crate) fn state(&self, element: Element<'_>, digest: Option<u64>) -> State {
        match (self.find(element), digest) {
            (None, _) => State::Absent,
            (Some(_), None) => State::Undigested,
            (Some((_, now)), Some(then)) if now == then => State::Unchanged,
            (Some(_), Some(_)) => State::Changed,
        }
    }
}

/// Whether a template emits an element of this very name into every pod.
pub(crate) fn emits(template: &Template, element: Element<'_>) -> bool {
    match element {
        Element::Container(name) | Element::InitContainer(name) => template.has_helper(name),
        Element::Volume(name) => template.volumes.iter().any(|volume| volume.emitted == name),
        Element::Annotation(key) => template.volumes.iter().any(|volume| {
            key.strip_prefix(FILE_PREFIX)
                .and_then(|file| file.strip_prefix(volume.emitted.as_str()))
                .is_some_and(|file| file.starts_with('.'))
        }),
        _ => false,
    }
}

/// The elements of a list of the pod's spec.
pub(crate) fn items<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p Value> {
    let items = pod.get("spec").and_then(|spec| spec.get(list));
    items.and_then(Value::as_array).into_iter().flatten()
}

/// The name of a container or volume.
pub(crate) fn name(item: &Value) -> &str {
    let name = item.get("name").and_then(Value::as_str);
    name.unwrap_or_default()
}

/// A key path's steps, unescaped.
pub(crate) fn steps(path: &str) -> Vec<String> {
    path.split('/')
        .map(|step| unescape(step).into_owned())
        .collect()
}

/// What the last step of a key path calls an element of a list.
pub(crate) fn called<'v>(definition: &str, list: &str, item: &'v Value) -> Option<Cow<'v, str>> {
    match list_merge(definition, list) {
        ListMerge::ByKeys(fields) => key_of(item, fields),
        ListMerge::Additive | ListMerge::AdditiveInFront => {
            match schema::field(definition, list).map(|field| &field.ty) {
                Some(FieldType::List(element)) => Some(Cow::Owned(additive_key(element, item))),
                _ => None,
            }
        }
        ListMerge::Atomic => None,
    }
}

/// Whether an element of a list is what the last step of a key path names.
pub(crate) fn is_named(definition: &str, list: &str, item: &Value, key: &str) -> bool {
    names(definition, list, item).any(|name| name == key)
}

/// Whether an element of a list is what the last step of one of these key paths names.
pub(crate) fn is_among(
    definition: &str,
    list: &str,
    item: &Value,
    keys: &BTreeSet<String>,
) -> bool {
    names(definition, list, item).any(|name| keys.contains(name.as_ref()))
}

/// What key paths call an element of a list: as today, and as statuses of earlier releases do.
fn names<'v>(definition: &str, list: &str, item: &'v Value) -> impl Iterator<Item = Cow<'v, str>> {
    let today = called(definition, list, item);
    let is_additive = matches!(
        list_merge(definition, list),
        ListMerge::Additive | ListMerge::AdditiveInFront
    );
    let earlier = is_additive.then(|| Cow::Owned(digest(item)));
    today.into_iter().chain(earlier)
}
