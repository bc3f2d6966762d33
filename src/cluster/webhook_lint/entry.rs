//! One entry of a webhook configuration, with the fields that the lint reads.

use serde::Deserialize;
use serde_json::Value;

use super::expected::Scope;
use crate::kubernetes::selector::{LabelSelector, SelectorDocument};

/// What the API server takes where an entry says nothing
/// (api:admissionregistration/v1/types.go).
const DEFAULT_TIMEOUT: i64 = 10;

/// An entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) fails: bool,
    pub(super) timeout: i64,
    pub(super) exact: bool,
    pub(super) reinvoked: bool,
    pub(super) rules: Vec<Rule>,
    pub(super) namespaces: LabelSelector,
    pub(super) objects: LabelSelector,
    pub(super) conditions: Vec<String>,
    pub(super) service: Option<Service>,
}

/// Which requests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rule {
    operations: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    scope: Option<String>,
}

/// Whom the API server calls.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Service {
    pub(super) namespace: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    name: String,
    #[serde(default)]
    failure_policy: Option<String>,
    #[serde(default)]
    timeout_seconds: Option<i64>,
    #[serde(default)]
    match_policy: Option<String>,
    #[serde(default)]
    reinvocation_policy: Option<String>,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    namespace_selector: Option<SelectorDocument>,
    #[serde(default)]
    object_selector: Option<SelectorDocument>,
    #[serde(default)]
    match_conditions: Vec<Condition>,
    #[serde(default)]
    client_config: ClientConfig,
}

#[derive(Deserialize)]
struct Condition {
    expression: String,
}

#[derive(Default, Deserialize)]
struct ClientConfig {
    #[serde(default)]
    service: Option<Service>,
}

impl Entry {
    /// Reads an entry; `Err` says what of it cannot be read.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let document = Document::deserialize(value).map_err(|error| error.to_string())?;
        let selector = |labels: Option<SelectorDocument>| {
            let labels = labels.unwrap_or_default();
            let operator = |word| format!("`{word}` is no operator of a label selector");
            labels.into_selector().map_err(operator)
        };
        Ok(Self {
            name: document.name,
            fails: document.failure_policy.as_deref() != Some("Ignore"),
            timeout: document.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT),
            exact: document.match_policy.as_deref() == Some("Exact"),
            reinvoked: document.reinvocation_policy.as_deref() == Some("IfNeeded"),
            rules: document.rules,
            namespaces: selector(document.namespace_selector)?,
            objects: selector(document.object_selector)?,
            conditions: document
                .match_conditions
                .into_iter()
                .map(|condition| condition.expression)
                .collect(),
            service: document.client_config.service,
        })
    }

    /// Whether a rule is about an operation on a resource.
    pub(super) fn is_about(&self, operation: &str, group: &str, resource: &str) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.operates(operation) && rule.names(group, resource))
    }

    /// Whether a rule is about any operation on a resource.
    pub(super) fn touches(&self, group: &str, resource: &str) -> bool {
        self.rules.iter().any(|rule| rule.names(group, resource))
    }

    /// What the rules name beyond this scope.
    pub(super) fn beyond(&self, scope: Scope) -> Vec<String> {
        let found = self.rules.iter().flat_map(|rule| rule.beyond(scope));
        found.collect()
    }
}

impl Rule {
    fn operates(&self, operation: &str) -> bool {
        self.operations
            .iter()
            .any(|one| one == "*" || one == operation)
    }

    fn names(&self, group: &str, resource: &str) -> bool {
        let groups = self.api_groups.iter().any(|one| one == "*" || one == group);
        let is_it = |one: &String| matches!(one.as_str(), "*" | "*/*") || one == resource;
        groups && self.resources.iter().any(is_it)
    }

    fn beyond(&self, (operations, resources): Scope) -> Vec<String> {
        let operation = |one: &&String| !operations.contains(&one.as_str());
        let mut found: Vec<_> = self.operations.iter().filter(operation).cloned().collect();
        for group in &self.api_groups {
            let of_group = resources.iter().find(|(known, _)| known == group);
            let known = of_group.map_or(&[][..], |(_, resources)| resources);
            for resource in &self.resources {
                if !known.contains(&resource.as_str()) {
                    found.push(if group.is_empty() {
                        resource.clone()
                    } else {
                        format!("{resource} of {group}")
                    });
                }
            }
        }
        if matches!(self.scope.as_deref(), Some("Cluster")) {
            found.push("cluster-scoped objects".to_owned());
        }
        found
    }
}
