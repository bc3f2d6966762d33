//! Templates that a list names and nobody has: what was meant, and how a pod goes without them.

use std::fmt;
use std::sync::Arc;

use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::keys::INJECT;
use crate::template::{Catalog, CatalogLookup, Template, UnknownContent};
use crate::wording::{did_you_mean, shown};

/// Longest name of a template in bytes: a DNS label, as the API server bounds it.
const LONGEST_NAME: usize = 63;

/// How many names a refusal lists.
const MOST_NAMES: usize = 10;

/// A text shorter than this is part of too many names to mean one.
const SHORTEST_PART: usize = 3;

/// Whose annotation a list of templates is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inject) enum ListOwner {
    Pod,
    Namespace,
}

impl fmt::Display for ListOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pod => "pod",
            Self::Namespace => "namespace",
        })
    }
}

/// The template that a list names.
pub(in crate::inject) fn find<'c>(
    catalog: &'c Catalog,
    namespace: &str,
    name: &str,
    owner: ListOwner,
) -> Result<&'c Arc<Template>, Refusal> {
    let (reason, says) = match (
        catalog.find(namespace, name),
        catalog.unknown(namespace, name),
    ) {
        (CatalogLookup::Template(template), _) => return Ok(template),
        (CatalogLookup::Broken(error), unknown) => {
            let says = format!("the template `{name}` {}", broken(error, unknown));
            (Reason::TemplateBroken, says)
        }
        (CatalogLookup::Nothing, Some(UnknownContent::Unread(why))) => {
            let says = format!(
                "whether there is a template `{}` is not known: {why}",
                shown(name)
            );
            (Reason::TemplateNotFound, says)
        }
        (CatalogLookup::Nothing, _) => {
            let hint = hint(catalog, namespace, name);
            // Where nothing like it is known.
            let unread = catalog.unreadable().next();
            let unread = unread.filter(|_| !has_near_name(catalog, namespace, name));
            let unreadable = unread.map_or_else(String::new, |file| {
                format!("; the file {file} cannot be read, and may have it")
            });
            let says = format!("there is no template `{}`{hint}{unreadable}", shown(name));
            (Reason::TemplateNotFound, says)
        }
    };
    let whose = format!("annotation {INJECT} of the {owner}");
    let message = format!("{whose}: {says}");
    let logged = match reason {
        Reason::TemplateNotFound => format!("{whose}: names a template that is not there"),
        _ => message.clone(),
    };
    Err(Refusal::with_value(reason, message, logged))
}

/// What is so of a template whose newest text does not compile, behind its name.
pub(super) fn broken(error: &str, unknown: Option<UnknownContent<'_>>) -> String {
    match unknown {
        None => format!("does not compile and has no earlier revision: {error}"),
        Some(UnknownContent::Earlier(revision)) => format!(
            "does not compile any more, and its earlier revision {revision} is served; what that does cannot be \
             told from the object, which has the newest text alone: {error}"
        ),
        Some(UnknownContent::Unread(why)) => format!(
            "does not compile here, and whether another one of this name is served is not known: {why}"
        ),
    }
}

/// Whether a name is nearly that of a template.
pub(in crate::inject) fn has_near_name(catalog: &Catalog, namespace: &str, name: &str) -> bool {
    name.len() <= LONGEST_NAME && !did_you_mean(name, catalog.names(namespace)).is_empty()
}

/// How a pod leaves out one template that it did not ask for.
pub(super) fn way_out(template: &str) -> String {
    format!(
        "; the pod did not ask for it by name, its namespace or the template's selector does: the pod's \
         annotation {INJECT}: \"-{}\" leaves it out",
        shown(template)
    )
}

/// What was probably meant by a name that no template has; else what there is.
pub(in crate::inject) fn hint(catalog: &Catalog, namespace: &str, name: &str) -> String {
    if name.len() > LONGEST_NAME {
        return format!("; names have at most {LONGEST_NAME} characters");
    }
    if name == "true" || name == "false" {
        return format!("; that is a value of the label {INJECT}: the annotation lists templates");
    }
    if name.contains(|c: char| c == ';' || c.is_whitespace()) {
        return "; separate names by commas".to_owned();
    }
    let containing = catalog
        .names(namespace)
        .filter(|known| name.len() >= SHORTEST_PART && known.contains(name))
        .min_by_key(|known| known.len());
    if let Some(meant) = containing {
        return format!("; did you mean `{meant}`?");
    }
    let near = did_you_mean(name, catalog.names(namespace));
    if near.is_empty() {
        all_names(catalog, namespace)
    } else {
        near
    }
}

fn all_names(catalog: &Catalog, namespace: &str) -> String {
    let names: Vec<_> = catalog.names(namespace).take(MOST_NAMES).collect();
    if names.is_empty() {
        return "; there are no templates here".to_owned();
    }
    let more = match catalog.names(namespace).skip(MOST_NAMES).count() {
        0 => String::new(),
        more => format!(" and {more} more (pillion template list)"),
    };
    format!("; templates here: {}{more}", names.join(", "))
}
