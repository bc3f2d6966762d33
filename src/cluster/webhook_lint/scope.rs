//! What the rules of an entry name.
//!
//! The API server calls for other versions of a resource too (`matchPolicy: Equivalent`), and a rule
//! can be for cluster-scoped objects: what could be called for counts, whatever version and scope say.

use super::expected::Scope;
use crate::kubernetes::webhook_configuration::{Entry, Rule};

/// Whether a rule is about an operation on a resource.
pub(super) fn is_about(entry: &Entry, operation: &str, group: &str, resource: &str) -> bool {
    let mut rules = entry.rules.iter();
    rules.any(|rule| rule.has_operation(operation) && rule.has_resource(group, resource))
}

/// Whether a rule is about any operation on a resource.
pub(super) fn touches(entry: &Entry, group: &str, resource: &str) -> bool {
    let mut rules = entry.rules.iter();
    rules.any(|rule| rule.has_resource(group, resource))
}

/// What the rules name beyond this scope.
pub(super) fn beyond(entry: &Entry, scope: Scope) -> Vec<String> {
    let rules = entry.rules.iter();
    rules.flat_map(|rule| rule_beyond(rule, scope)).collect()
}

fn rule_beyond(rule: &Rule, scope: Scope) -> Vec<String> {
    let mut found: Vec<_> = rule
        .operations
        .iter()
        .filter(|one| !scope.operations.contains(&one.as_str()))
        .cloned()
        .collect();
    for group in &rule.api_groups {
        let of_group = scope.resources.iter().find(|(known, _)| known == group);
        let known = of_group.map_or(&[][..], |(_, resources)| resources);
        for resource in &rule.resources {
            if !known.contains(&resource.as_str()) {
                found.push(if group.is_empty() {
                    resource.clone()
                } else {
                    format!("{resource} of {group}")
                });
            }
        }
    }
    if rule.scope.as_deref() == Some("Cluster") && !scope.is_cluster {
        found.push("cluster-scoped objects".to_owned());
    }
    found
}
