//! The status annotation: what one template did to a pod.
//!
//! It says verdict, reason, revision and the names of what was added, never a value. It is a hint
//! and never authority: anyone can write an annotation, and pods get copied. `uninject` reads it,
//! and the second call of the API server compares it with what a fresh plan adds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::merge::spelled;
use super::verdict::Reason;
use crate::kubernetes::keys::STATUS_PREFIX;
use crate::review::Pod;
use crate::review::pod::Dictionary;

/// Whether a pod carries a status annotation.
pub fn has_status(pod: &Pod<'_>) -> bool {
    let mut keys = pod.annotations().into_iter().flat_map(Dictionary::keys);
    keys.any(|key| key.as_str().starts_with(STATUS_PREFIX))
}

/// What one template did. Lists are names or key paths such as `env/DATABASE_HOST`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The verdict's word.
    pub verdict: String,
    /// The reason's code.
    pub reason: String,
    /// The template's revision.
    pub revision: String,
    /// Containers that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
    /// Init containers and native sidecars that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<String>,
    /// Volumes that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// Labels that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Annotations that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
    /// Per container of the user's, the keys that were added to it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub edited: BTreeMap<String, Vec<String>>,
    /// Containers of the user's whose image was the placeholder `auto`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auto: Vec<String>,
    /// Per container of the user's, the keys whose API-server default was replaced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub replaced_in: BTreeMap<String, Vec<String>>,
    /// Other keys of the spec that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pod: Vec<String>,
    /// Keys of the spec whose API-server default was replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<String>,
    /// Volumes that were added to the cluster autoscaler's list of those safe to evict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safe_to_evict: Vec<String>,
    /// Why the template was not applied, without values.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What was found about what it adds, without values: `CODE: sentence`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// In shadow mode: containers, volumes and keys that would have been added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub would_add: Vec<String>,
}

impl Status {
    /// The annotation's key for a template.
    pub fn key(template: &str) -> String {
        format!("{STATUS_PREFIX}{template}")
    }

    /// The annotation's value.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Says how the template ended, and which revision of it.
    pub fn describe(&mut self, reason: Reason, revision: &str) {
        reason.verdict().as_str().clone_into(&mut self.verdict);
        reason.code().clone_into(&mut self.reason);
        revision.clone_into(&mut self.revision);
    }

    /// Everything that was added, in a few words for a person.
    pub fn summary(&self) -> Vec<String> {
        let named = |what: &str, names: &[String]| {
            let names: Vec<_> = names.iter().map(|name| spelled_field(what, name)).collect();
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let inside = |(name, keys): (&String, &Vec<String>)| {
            let keys: Vec<_> = keys.iter().map(|key| spelled(key)).collect();
            format!("in container `{name}` {}", keys.join(", "))
        };
        [
            named("init containers", &self.init_containers),
            named("containers", &self.containers),
            named("images of", &self.auto),
            named("volumes", &self.volumes),
            named("labels", &self.labels),
            named("annotations", &self.annotations),
            named("pod fields", &self.pod),
            named("in place of defaults", &self.replaced),
        ]
        .into_iter()
        .flatten()
        .chain(self.edited.iter().chain(&self.replaced_in).map(inside))
        .collect()
    }

    /// Whether both tell of the same end, whatever the revision.
    pub fn tells_the_same_end(&self, other: &Self) -> bool {
        self.verdict == other.verdict
            && self.reason == other.reason
            && self.would_add == other.would_add
    }

    /// Keeps the findings of an earlier status that tells of the same otherwise.
    pub fn keep_findings(&mut self, earlier: &Self) {
        let same = Self {
            findings: self.findings.clone(),
            ..earlier.clone()
        };
        if *self == same {
            self.findings.clone_from(&earlier.findings);
        }
    }

    /// Whether nothing was added.
    pub fn adds_nothing(&self) -> bool {
        let lists = [
            &self.containers,
            &self.init_containers,
            &self.volumes,
            &self.labels,
            &self.annotations,
            &self.auto,
            &self.pod,
            &self.replaced,
            &self.safe_to_evict,
            &self.would_add,
        ];
        lists.into_iter().all(Vec::is_empty)
            && self.edited.is_empty()
            && self.replaced_in.is_empty()
    }

    /// The lists of names, in a fixed order.
    fn lists(&mut self) -> [&mut Vec<String>; 9] {
        [
            &mut self.containers,
            &mut self.init_containers,
            &mut self.volumes,
            &mut self.labels,
            &mut self.annotations,
            &mut self.auto,
            &mut self.pod,
            &mut self.replaced,
            &mut self.safe_to_evict,
        ]
    }

    /// The lists of keys by container, in a fixed order.
    fn maps(&mut self) -> [&mut BTreeMap<String, Vec<String>>; 2] {
        [&mut self.edited, &mut self.replaced_in]
    }

    /// Keeps what `other` names too, or with `not` what it does not name.
    fn filter(&mut self, mut other: Self, not: bool) {
        for (list, others) in self.lists().into_iter().zip(other.lists()) {
            let others: BTreeSet<&String> = others.iter().collect();
            list.retain(|name| others.contains(name) != not);
        }
        for (map, others) in self.maps().into_iter().zip(other.maps()) {
            for (container, keys) in map.iter_mut() {
                let others: BTreeSet<&String> =
                    others.get(container).into_iter().flatten().collect();
                keys.retain(|key| others.contains(key) != not);
            }
            map.retain(|_, keys| !keys.is_empty());
        }
    }

    /// What both name.
    pub fn intersection(mut self, other: &Self) -> Self {
        self.filter(other.clone(), false);
        self
    }

    /// What this names and `other` does not.
    pub fn without(mut self, other: &Self) -> Self {
        self.filter(other.clone(), true);
        self
    }
}

/// Keys of the spec are key paths; all else are plain names.
fn spelled_field(what: &str, name: &str) -> String {
    if what == "pod fields" {
        spelled(name)
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_and_is_a_set_of_names() {
        let status = Status {
            verdict: "Injected".to_owned(),
            reason: "Applied".to_owned(),
            revision: "abc".to_owned(),
            init_containers: vec!["pgbouncer".to_owned()],
            edited: BTreeMap::from([("web".to_owned(), vec!["env/DATABASE_HOST".to_owned()])]),
            ..Status::default()
        };
        let read: Status = serde_json::from_str(&status.to_json()).unwrap();
        assert_eq!(read, status);
        assert!(!status.adds_nothing());
        let mut less = status.clone();
        less.edited.clear();
        let rest = status.clone().without(&less);
        assert_eq!(rest.edited, status.edited);
        assert!(rest.init_containers.is_empty());
        assert_eq!(status.clone().intersection(&less), less);
    }
}
