//! The status annotation: what one template did to a pod.
//!
//! It says verdict, reason, revision and the names of what was added, each with a digest of its
//! content, and never a value. So what is ours, what was ours and somebody changed since, and what is
//! the user's are told apart. It is a hint and never authority: anyone can write an annotation, and
//! pods get copied.

mod elements;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::merge::spelled;
use super::verdict::Reason;
use crate::kubernetes::keys::{FILE_PREFIX, STATUS_PREFIX};
use crate::review::Pod;
use crate::review::pod::Dictionary;
pub(crate) use elements::Elements;

/// Something that a template added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Element<'s> {
    /// A container of this name.
    Container(&'s str),
    /// An init container or native sidecar of this name.
    InitContainer(&'s str),
    /// A volume of this name.
    Volume(&'s str),
    /// A label of this key.
    Label(&'s str),
    /// An annotation of this key.
    Annotation(&'s str),
    /// The image of the user's container of this name, which was the placeholder `auto`.
    Image(&'s str),
    /// A field of the spec, by its key path.
    Field(&'s str),
    /// A field of the spec in place of an API-server default.
    Default(&'s str),
    /// In the user's container of this name, what this key path names.
    Edit(&'s str, &'s str),
    /// In the user's container of this name, a field in place of an API-server default.
    EditedDefault(&'s str, &'s str),
}

impl Element<'_> {
    /// Whether it is a generated file, which is always written anew.
    pub(crate) fn is_generated_file(&self) -> bool {
        matches!(self, Self::Annotation(key) if key.starts_with(FILE_PREFIX))
    }
}

impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name) => write!(f, "container `{name}`"),
            Self::InitContainer(name) => write!(f, "init container `{name}`"),
            Self::Volume(name) => write!(f, "volume `{name}`"),
            Self::Label(key) => write!(f, "label {key}"),
            Self::Annotation(key) => write!(f, "annotation {key}"),
            Self::Image(name) => write!(f, "the image of container `{name}`"),
            Self::Field(key) | Self::Default(key) => write!(f, "the pod's {}", spelled(key)),
            Self::Edit(container, key) | Self::EditedDefault(container, key) => {
                write!(f, "{} of container `{container}`", spelled(key))
            }
        }
    }
}

/// What a status says of a template that `--inject` asked for: in the pod nothing asks for it, and
/// what it added stays.
pub(crate) const ASKED_BY_FLAG: &str = "flag";

/// Whether a pod carries a status annotation.
pub(crate) fn has_status(pod: &Pod<'_>) -> bool {
    let mut keys = pod.annotations().into_iter().flat_map(Dictionary::keys);
    keys.any(|key| key.as_str().starts_with(STATUS_PREFIX))
}

/// What one template did. Lists are names or key paths such as `env/DATABASE_HOST`, each with the
/// digest of its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The verdict's word.
    pub verdict: Cow<'static, str>,
    /// The reason's code.
    pub reason: Cow<'static, str>,
    /// The template's revision.
    pub(crate) revision: String,
    /// Containers that were added.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) containers: Elements,
    /// Init containers and native sidecars that were added.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) init_containers: Elements,
    /// Volumes that were added.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) volumes: Elements,
    /// Labels that were added.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) labels: Elements,
    /// Annotations that were added.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) annotations: Elements,
    /// Per container of the user's, the keys that were added to it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) edited: Edits,
    /// Containers of the user's whose image was the placeholder `auto`.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) auto: Elements,
    /// Per container of the user's, the keys whose API-server default was replaced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) replaced_in: Edits,
    /// Other keys of the spec that were added.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) pod: Elements,
    /// Keys of the spec whose API-server default was replaced.
    #[serde(skip_serializing_if = "Elements::is_empty")]
    pub(crate) replaced: Elements,
    /// Volumes that were added to the cluster autoscaler's list of those safe to evict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) safe_to_evict: Vec<String>,
    /// `Mandatory`, where the template is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub requirement: String,
    /// [`ASKED_BY_FLAG`], where the pod itself does not ask for the template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub asked_by: String,
    /// The digest of the parameters' values that annotations and the configuration set.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) parameters: String,
    /// The app's containers, the main one first, where the template depends on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) apps: Vec<String>,
    /// Why the template was not applied, without values.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
    /// What was found about what it adds, without values: `CODE: sentence`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<String>,
    /// In shadow mode: containers, volumes and keys that would have been added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) would_add: Vec<String>,
}

/// Keys by the container of the user's that they are in.
type Edits = BTreeMap<String, Elements>;

/// What an element of this name is.
type OfName = for<'s> fn(&'s str) -> Element<'s>;

/// What this key is in the container of this name.
type OfKey = for<'s> fn(&'s str, &'s str) -> Element<'s>;

/// Room for a status, in bytes: most are shorter.
const USUAL_STATUS: usize = 1024;

impl Status {
    /// The annotation's key for a template.
    pub(crate) fn key(template: &str) -> String {
        format!("{STATUS_PREFIX}{template}")
    }

    /// The annotation's value.
    pub fn to_json(&self) -> String {
        let mut json = Vec::with_capacity(USUAL_STATUS);
        // Writing texts into memory cannot fail.
        let _ = serde_json::to_writer(&mut json, self);
        String::from_utf8(json).unwrap_or_default()
    }

    /// Says how the template ended, and which revision of it.
    pub fn describe(&mut self, reason: Reason, revision: &str) {
        self.verdict = reason.verdict().as_str().into();
        self.reason = reason.code().into();
        revision.clone_into(&mut self.revision);
    }

    /// Everything that was added, in a few words for a person.
    pub(crate) fn summary(&self) -> impl Iterator<Item = Added<'_>> {
        let lists = [
            ("init containers", &self.init_containers),
            ("containers", &self.containers),
            ("images of", &self.auto),
            ("volumes", &self.volumes),
            ("labels", &self.labels),
            ("annotations", &self.annotations),
            (FIELDS, &self.pod),
            (DEFAULTS, &self.replaced),
        ];
        let named = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let inside = self.edited.iter().chain(&self.replaced_in);
        named
            .map(|(what, names)| Added::Named(what, names))
            .chain(inside.map(|(container, keys)| Added::Inside(container, keys)))
    }

    /// Whether no element is named.
    pub(crate) fn names_nothing(&self) -> bool {
        self.elements().next().is_none()
    }

    /// Whether nothing was added.
    pub(crate) fn adds_nothing(&self) -> bool {
        self.names_nothing() && self.safe_to_evict.is_empty() && self.would_add.is_empty()
    }

    /// The lists of what has a name in the pod, each with what it holds.
    fn lists(&self) -> [(OfName, &Elements); 8] {
        [
            (|name| Element::Container(name), &self.containers),
            (|name| Element::InitContainer(name), &self.init_containers),
            (|name| Element::Volume(name), &self.volumes),
            (|name| Element::Label(name), &self.labels),
            (|name| Element::Annotation(name), &self.annotations),
            (|name| Element::Image(name), &self.auto),
            (|name| Element::Field(name), &self.pod),
            (|name| Element::Default(name), &self.replaced),
        ]
    }

    /// The same lists, to be changed.
    fn lists_mut(&mut self) -> [(OfName, &mut Elements); 8] {
        [
            (|name| Element::Container(name), &mut self.containers),
            (
                |name| Element::InitContainer(name),
                &mut self.init_containers,
            ),
            (|name| Element::Volume(name), &mut self.volumes),
            (|name| Element::Label(name), &mut self.labels),
            (|name| Element::Annotation(name), &mut self.annotations),
            (|name| Element::Image(name), &mut self.auto),
            (|name| Element::Field(name), &mut self.pod),
            (|name| Element::Default(name), &mut self.replaced),
        ]
    }

    /// What was added to the user's containers, by container.
    fn edits(&self) -> [(OfKey, &Edits); 2] {
        [
            (|container, key| Element::Edit(container, key), &self.edited),
            (
                |container, key| Element::EditedDefault(container, key),
                &self.replaced_in,
            ),
        ]
    }

    /// The same, to be changed.
    fn edits_mut(&mut self) -> [(OfKey, &mut Edits); 2] {
        [
            (
                |container, key| Element::Edit(container, key),
                &mut self.edited,
            ),
            (
                |container, key| Element::EditedDefault(container, key),
                &mut self.replaced_in,
            ),
        ]
    }

    /// Everything that was added, with its digest.
    pub(crate) fn elements(&self) -> impl Iterator<Item = (Element<'_>, Option<u64>)> {
        let named = self
            .lists()
            .into_iter()
            .flat_map(|(of, list)| list.iter().map(move |(name, digest)| (of(name), digest)));
        let edited = self.edits().into_iter().flat_map(|(of, edits)| {
            edits.iter().flat_map(move |(container, keys)| {
                keys.iter()
                    .map(move |(key, digest)| (of(container, key), digest))
            })
        });
        named.chain(edited)
    }

    /// The same status with those elements for which `keep` is true.
    pub(crate) fn with_elements(mut self, keep: &dyn Fn(Element<'_>, Option<u64>) -> bool) -> Self {
        for (of, list) in self.lists_mut() {
            list.retain(|name, digest| keep(of(name), digest));
        }
        for (of, edits) in self.edits_mut() {
            edits.retain(|container, keys| {
                keys.retain(|key, digest| keep(of(container, key), digest));
                !keys.is_empty()
            });
        }
        self
    }

    /// Adds the elements of another status.
    pub(crate) fn unite(&mut self, mut other: Self) {
        for ((_, list), (_, others)) in self.lists_mut().into_iter().zip(other.lists_mut()) {
            list.append(std::mem::take(others));
        }
        for ((_, edits), (_, others)) in self.edits_mut().into_iter().zip(other.edits_mut()) {
            for (container, keys) in std::mem::take(others) {
                edits.entry(container).or_default().append(keys);
            }
        }
    }

    /// Whether a status names an element.
    pub(crate) fn names(&self, element: Element<'_>) -> bool {
        match element {
            Element::Container(name) => self.containers.contains(name),
            Element::InitContainer(name) => self.init_containers.contains(name),
            Element::Volume(name) => self.volumes.contains(name),
            Element::Label(key) => self.labels.contains(key),
            Element::Annotation(key) => self.annotations.contains(key),
            Element::Image(name) => self.auto.contains(name),
            // Whether a default was replaced or nothing stood there, the field is the template's.
            Element::Field(key) | Element::Default(key) => {
                self.pod.contains(key) || self.replaced.contains(key)
            }
            Element::Edit(name, key) | Element::EditedDefault(name, key) => {
                let mut edits = self.edits().into_iter();
                edits.any(|(_, edits)| edits.get(name).is_some_and(|keys| keys.contains(key)))
            }
        }
    }

    /// What was added, without digests and findings.
    pub(crate) fn without_digests(&self) -> Self {
        let mut names = self.clone();
        names.findings.clear();
        for (_, list) in names.lists_mut() {
            list.forget_digests();
        }
        for (_, edits) in names.edits_mut() {
            edits.values_mut().for_each(Elements::forget_digests);
        }
        names
    }

    /// Whether both say the same of what was added, whatever was found about it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        if self.findings == other.findings {
            return self == other;
        }
        let without_findings = |status: &Self| Self {
            findings: Vec::new(),
            ..status.clone()
        };
        without_findings(self) == without_findings(other)
    }
}

/// What the fields of the pod's spec are called, and those of them that had a default.
const FIELDS: &str = "pod fields";
const DEFAULTS: &str = "in place of defaults";

/// Some of what was added, in words.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Added<'s> {
    /// Such things of these names.
    Named(&'static str, &'s Elements),
    /// These keys in a container.
    Inside(&'s str, &'s Elements),
}

impl fmt::Display for Added<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match self {
            Self::Named(what, names) => {
                f.write_str(what)?;
                names
            }
            Self::Inside(container, keys) => {
                write!(f, "in container `{container}`")?;
                keys
            }
        };
        // Keys of the spec and of containers are key paths; all else are plain names.
        let are_names = matches!(self, Self::Named(what, _) if ![FIELDS, DEFAULTS].contains(what));
        let mut words: Vec<_> = if are_names {
            names.names().cloned().collect()
        } else {
            names.names().map(|name| spelled(name)).collect()
        };
        words.dedup();
        write!(f, " {}", words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_with_and_without_digests() {
        let status = Status {
            verdict: "Injected".into(),
            reason: "Applied".into(),
            revision: "abc".to_owned(),
            init_containers: [("pgbouncer".to_owned(), 7)].into_iter().collect(),
            edited: BTreeMap::from([(
                "web".to_owned(),
                [("env/DATABASE_HOST".to_owned(), 8)].into_iter().collect(),
            )]),
            ..Status::default()
        };
        let json = status.to_json();
        assert!(json.contains(r#""pgbouncer":"0000000000000007""#), "{json}");
        let read: Status = serde_json::from_str(&json).unwrap();
        assert_eq!(read, status);
        assert!(!status.adds_nothing());
        let earlier = r#"{"initContainers":["pgbouncer"]}"#;
        let read: Status = serde_json::from_str(earlier).unwrap();
        let elements: Vec<_> = read.elements().collect();
        assert_eq!(elements, [(Element::InitContainer("pgbouncer"), None)]);
    }

    #[test]
    fn a_part_of_a_status_names_nothing_else() {
        let status = r#"{"containers":["a","b"],"edited":{"web":["env/A"],"api":["env/A"]}}"#;
        let status: Status = serde_json::from_str(status).unwrap();
        let part = status.with_elements(&|element, _| {
            matches!(element, Element::Container("a") | Element::Edit("web", _))
        });
        let elements: Vec<_> = part.elements().map(|(element, _)| element).collect();
        assert_eq!(
            elements,
            [Element::Container("a"), Element::Edit("web", "env/A")]
        );
        assert_eq!(part.edited.len(), 1);
    }
}
