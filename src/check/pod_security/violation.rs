//! What one control finds in a pod.

use crate::check::pod::Container;

pub(super) struct ControlViolation {
    pub(super) containers: Vec<String>,
    /// The first field concerned.
    pub(super) path: String,
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl ControlViolation {
    /// About containers, and perhaps the pod: `field` is that of `securityContext`.
    pub(super) fn in_contexts(
        pod: bool,
        offenders: &[&Container<'_>],
        field: &str,
        reason: &'static str,
        detail: String,
    ) -> Self {
        let place = match offenders.first() {
            Some(first) if !pod => first.place.to_string(),
            _ => "spec".to_owned(),
        };
        Self {
            containers: names(offenders),
            path: format!("{place}.securityContext.{field}"),
            reason,
            detail,
        }
    }

    /// About another field.
    pub(super) fn at(path: String, reason: &'static str, detail: String) -> Self {
        Self {
            containers: Vec::new(),
            path,
            reason,
            detail,
        }
    }

    /// The same, about these containers.
    pub(super) fn about(mut self, offenders: &[&Container<'_>]) -> Self {
        self.containers = names(offenders);
        self
    }
}

fn names(containers: &[&Container<'_>]) -> Vec<String> {
    let names = containers.iter().map(|container| container.name.to_owned());
    names.collect()
}
