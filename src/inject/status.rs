//! The status annotation: what one template did to a pod.
//!
//! It says verdict, reason, revision and the names of what was added, never a value. It is a hint
//! and never authority: anyone can write an annotation, and pods get copied. `uninject` reads it,
//! and the second call of the API server compares it with what a fresh plan adds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::verdict::Reason;

/// The start of the annotations' keys; the template's name follows.
pub const PREFIX: &str = "pillion.dev/status.";

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
    /// Per container of the user's, its keys whose API-server default was replaced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: BTreeMap<String, Vec<String>>,
    /// Other keys of the spec that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pod: Vec<String>,
    /// Keys of the spec whose API-server default was replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<String>,
    /// Volumes that were added to the cluster autoscaler's list of those safe to evict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safe_to_evict: Vec<String>,
    /// In shadow mode: containers, volumes and keys that would have been added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub would_add: Vec<String>,
}

impl Status {
    /// The annotation's key for a template.
    pub fn key(template: &str) -> String {
        format!("{PREFIX}{template}")
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
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let edited = self.edited.iter();
        let edited = edited.map(|(name, keys)| format!("in `{name}`: {}", keys.join(", ")));
        let defaults = self.defaults.iter();
        let defaults = defaults.map(|(name, keys)| format!("in `{name}`: {}", keys.join(", ")));
        [
            named("init containers", &self.init_containers),
            named("containers", &self.containers),
            named("images of", &self.auto),
            named("volumes", &self.volumes),
            named("labels", &self.labels),
            named("annotations", &self.annotations),
            named("pod fields", &self.pod),
            named("pod fields", &self.replaced),
        ]
        .into_iter()
        .flatten()
        .chain(edited)
        .chain(defaults)
        .collect()
    }

    /// Whether nothing was added.
    pub fn adds_nothing(&self) -> bool {
        let kept = Self {
            verdict: self.verdict.clone(),
            reason: self.reason.clone(),
            revision: self.revision.clone(),
            ..Self::default()
        };
        *self == kept
    }

    /// Whether everything that `other` names is named here too.
    pub fn includes(&self, other: &Self) -> bool {
        let lists = |status: &Self| {
            [
                status.containers.clone(),
                status.init_containers.clone(),
                status.volumes.clone(),
                status.labels.clone(),
                status.annotations.clone(),
                status.auto.clone(),
                status.pod.clone(),
                status.replaced.clone(),
                status.safe_to_evict.clone(),
            ]
        };
        let all = |here: &[String], there: &[String]| there.iter().all(|name| here.contains(name));
        let all_in = |here: &BTreeMap<_, Vec<_>>, there: &BTreeMap<String, Vec<_>>| {
            there
                .iter()
                .all(|(container, keys)| here.get(container).is_some_and(|here| all(here, keys)))
        };
        lists(self)
            .iter()
            .zip(&lists(other))
            .all(|(here, there)| all(here, there))
            && all_in(&self.edited, &other.edited)
            && all_in(&self.defaults, &other.defaults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_and_names_what_it_includes() {
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
        assert!(status.includes(&less) && !less.includes(&status));
    }
}
