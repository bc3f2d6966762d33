//! Containers of other injectors, in which no status vouches for anything.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Claim, Purpose};
use crate::inject::ownership::{items, name};
use crate::inject::settings::ForeignHelpers;
use crate::inject::status::Element;
use crate::kubernetes::keys::{CONTAINERS, PARAMETER_INFIX};
use crate::template::compiled::CONTAINERS_PARAMETER;

/// The containers of a pod that are other injectors' helpers.
pub(super) struct ForeignContainers<'p> {
    pod: &'p Value,
    /// By name and image.
    known: HashSet<&'p str>,
    /// By annotations of other injectors.
    listed: BTreeSet<Cow<'p, str>>,
}

impl<'p> ForeignContainers<'p> {
    /// Finds them.
    pub(super) fn of(pod: &'p Value, foreign: &ForeignHelpers) -> Self {
        let containers = items(pod, "containers").chain(items(pod, "initContainers"));
        let is_known = |container: &&Value| {
            let image = container.get("image").and_then(Value::as_str);
            foreign.has(name(container), image)
        };
        Self {
            pod,
            known: containers.filter(is_known).map(name).collect(),
            listed: foreign.listed(|key| annotation(pod, key)),
        }
    }

    /// Whether a container is one of them.
    pub(super) fn has(&self, container: &str) -> bool {
        self.known.contains(container) || self.listed.contains(container)
    }

    /// Their names.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let listed = self.listed.iter().map(ToString::to_string);
        let known = self.known.iter().map(|name| (*name).to_owned());
        listed.chain(known).collect()
    }

    /// Whether an element is such a container, of which the template adds none of that name, or an edit in
    /// one that is not the app. Where templates are composed anew, that shows which edits are theirs.
    pub(super) fn hold(&self, template: &str, claim: &Claim<'_>, element: Element<'_>) -> bool {
        match element {
            Element::Container(name) | Element::InitContainer(name) | Element::Image(name) => {
                self.has(name) && !claim.emits(Element::Container(name))
            }
            Element::Edit(name, _) | Element::EditedDefault(name, _) => {
                !matches!(claim.purpose, Purpose::SecondCall | Purpose::Afresh)
                    && !claim.emits(Element::Container(name))
                    && !self.is_app(template, claim, name)
            }
            _ => false,
        }
    }

    /// Whether a container is the app's for a template: no helper, or named by the pod. For a mandatory
    /// template the list of names and images alone counts, and never all containers.
    fn is_app(&self, template: &str, claim: &Claim<'_>, container: &str) -> bool {
        if claim.status.requirement.is_empty() {
            return !self.has(container) || self.is_named(template, container);
        }
        let mut regular = items(self.pod, "containers").map(name);
        !self.known.contains(container) || regular.all(|name| self.known.contains(name))
    }

    /// Whether an annotation of the pod names a container as the app's.
    fn is_named(&self, template: &str, container: &str) -> bool {
        let of_template = format!("{template}{PARAMETER_INFIX}{CONTAINERS_PARAMETER}");
        let lists = [CONTAINERS, &of_template].map(|key| annotation(self.pod, key));
        let mut names = lists
            .into_iter()
            .flatten()
            .flat_map(|list| list.split([',', '\n']));
        names.any(|name| name.trim() == container)
    }
}

fn annotation<'p>(pod: &'p Value, key: &str) -> Option<&'p str> {
    pod.get("metadata")?.get("annotations")?.get(key)?.as_str()
}
