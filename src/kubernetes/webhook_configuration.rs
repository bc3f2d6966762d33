//! Webhook configurations, as the API server reads them: whom it calls about which requests.
//!
//! A `MutatingWebhookConfiguration` and a `ValidatingWebhookConfiguration` differ in the
//! reinvocation policy alone. Defaults are those of `admissionregistration.k8s.io/v1`.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::object::list_at;
use super::selector::{LabelSelector, SelectorDocument};

/// The kind of configurations whose webhooks may change objects.
pub(crate) const MUTATING: &str = "MutatingWebhookConfiguration";
/// The kind of configurations whose webhooks may only refuse and warn.
pub(crate) const VALIDATING: &str = "ValidatingWebhookConfiguration";

/// Why a document is no webhook configuration.
#[derive(Debug, thiserror::Error)]
pub enum WebhookConfigurationError {
    /// It is of another kind.
    #[error("expected kind {MUTATING} or {VALIDATING}, found {0}")]
    Kind(String),
    /// An entry, or the configuration itself, has a field of another type or with another value.
    #[error("{of} cannot be read")]
    Shape {
        /// `the entry NAME`, or `the configuration`.
        of: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// A webhook configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfiguration {
    pub(crate) name: String,
    /// Whether its webhooks may change objects.
    pub(crate) is_mutating: bool,
    pub(crate) entries: Vec<Entry>,
}

/// One webhook of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// Its name, which is a domain name.
    pub(crate) name: String,
    /// Whom the API server calls, and what it trusts there.
    #[serde(default)]
    pub(crate) client_config: ClientConfig,
    /// What the API server does without an answer.
    #[serde(default)]
    pub(crate) failure_policy: FailurePolicy,
    /// How long it waits.
    #[serde(default = "default_timeout")]
    pub(crate) timeout_seconds: i64,
    /// `Exact` or `Equivalent`.
    #[serde(default)]
    pub(crate) match_policy: Option<String>,
    /// `Never` or `IfNeeded`.
    #[serde(default)]
    pub(crate) reinvocation_policy: Option<String>,
    /// The requests it is called about, any of which is enough.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
    /// What the labels of the namespace must be.
    #[serde(default, deserialize_with = "selector")]
    pub(crate) namespace_selector: LabelSelector,
    /// What the labels of the object must be.
    #[serde(default, deserialize_with = "selector")]
    pub(crate) object_selector: LabelSelector,
    /// CEL, all of which must be true.
    #[serde(default)]
    pub(crate) match_conditions: Vec<MatchCondition>,
}

/// Whom the API server calls: a Service, or a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClientConfig {
    /// The URL, where it is no Service.
    pub(crate) url: Option<String>,
    pub(crate) service: Option<ServiceReference>,
    /// The certificates of authorities in PEM, in base64; empty where none is given.
    pub(crate) ca_bundle: String,
}

/// A Service, and a path in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ServiceReference {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The path of the request.
    pub(crate) path: String,
    /// The Service's port; 443 where none is given.
    pub(crate) port: Option<u16>,
}

/// What the API server does without an answer; `Fail` where the entry says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum FailurePolicy {
    /// It refuses the request.
    #[default]
    Fail,
    /// It goes on without.
    Ignore,
}

impl FailurePolicy {
    /// The word of the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

/// Requests: operations on resources. `*` stands for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rule {
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`.
    pub(crate) operations: Vec<String>,
    /// API groups; empty for the core group.
    pub(crate) api_groups: Vec<String>,
    /// Versions of the groups.
    pub(crate) api_versions: Vec<String>,
    /// Resources, with their subresources as `pods/status`.
    pub(crate) resources: Vec<String>,
    /// `Namespaced`, `Cluster` or both.
    pub(crate) scope: Option<String>,
}

/// A CEL expression that must be true for the webhook to be called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct MatchCondition {
    pub(crate) name: String,
    pub(crate) expression: String,
}

fn default_timeout() -> i64 {
    10
}

fn selector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LabelSelector, D::Error> {
    let document = Option::<SelectorDocument>::deserialize(deserializer)?;
    let selector = document.map(SelectorDocument::into_selector).transpose();
    selector.map(Option::unwrap_or_default).map_err(|operator| {
        serde::de::Error::custom(format_args!(
            "`{operator}` is no operator of a label selector"
        ))
    })
}

impl WebhookConfiguration {
    /// Reads a configuration whose entries are all sound.
    pub fn read(document: &Value) -> Result<Self, WebhookConfigurationError> {
        let kind = document.get("kind").and_then(Value::as_str);
        let is_mutating = match kind {
            Some(MUTATING) => true,
            Some(VALIDATING) => false,
            other => {
                let found = other.unwrap_or("none").to_owned();
                return Err(WebhookConfigurationError::Kind(found));
            }
        };
        let name = document.pointer("/metadata/name").unwrap_or(&Value::Null);
        Ok(Self {
            name: String::deserialize(name).map_err(|source| WebhookConfigurationError::Shape {
                of: "the name of the configuration".to_owned(),
                source,
            })?,
            is_mutating,
            entries: Entry::read_all(document).collect::<Result<_, _>>()?,
        })
    }
}

impl Entry {
    /// Reads every entry of a configuration by itself, so that a broken one does not hide the others.
    pub(crate) fn read_all(
        document: &Value,
    ) -> impl Iterator<Item = Result<Self, WebhookConfigurationError>> {
        list_at(document, "/webhooks").iter().map(Self::read)
    }

    pub(crate) fn read(value: &Value) -> Result<Self, WebhookConfigurationError> {
        Self::deserialize(value).map_err(|source| {
            let name = value.get("name").and_then(Value::as_str);
            let of = format!("the entry {}", name.unwrap_or("without a name"));
            WebhookConfigurationError::Shape { of, source }
        })
    }

    /// Whether the entry is called when this is done to a resource (`pods`, `pods/status`) of a
    /// namespace.
    pub(crate) fn is_about(
        &self,
        operation: &str,
        group: &str,
        version: &str,
        resource: &str,
    ) -> bool {
        self.rules
            .iter()
            .filter(|rule| rule.names(group, version, resource))
            .any(|rule| rule.has_operation(operation))
    }
}

impl Rule {
    /// Whether it names this operation.
    pub(crate) fn has_operation(&self, operation: &str) -> bool {
        lists(&self.operations, operation)
    }

    /// Whether it names this resource, whatever the version and the scope.
    pub(crate) fn has_resource(&self, group: &str, resource: &str) -> bool {
        lists(&self.api_groups, group)
            && self.resources.iter().any(|item| {
                item == resource || item == "*/*" || (item == "*" && !resource.contains('/'))
            })
    }

    /// Whether it names this resource of a namespace, whatever the operation.
    pub(crate) fn names(&self, group: &str, version: &str, resource: &str) -> bool {
        self.has_resource(group, resource)
            && lists(&self.api_versions, version)
            && matches!(self.scope.as_deref(), None | Some("*" | "Namespaced"))
    }
}

fn lists(list: &[String], one: &str) -> bool {
    list.iter().any(|item| item == "*" || item == one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wording::with_sources;
    use serde_json::json;

    #[test]
    fn an_entry_has_the_defaults_of_the_api() {
        let entry = Entry::read(&json!({"name": "a", "sideEffects": "None"})).unwrap();
        assert_eq!(entry.failure_policy, FailurePolicy::Fail);
        assert_eq!(entry.timeout_seconds, 10);
        assert!(entry.namespace_selector.0.is_empty() && entry.rules.is_empty());
    }

    #[test]
    fn rules_name_resources_as_the_api_server_reads_them() {
        let rule = |resources: &[&str], scope: Option<&str>| Rule {
            operations: vec!["CREATE".to_owned()],
            api_groups: vec![String::new()],
            api_versions: vec!["v1".to_owned()],
            resources: resources.iter().map(|&one| one.to_owned()).collect(),
            scope: scope.map(str::to_owned),
        };
        let table = [
            (rule(&["pods"], None), "pods", true),
            (rule(&["pods"], None), "pods/status", false),
            (rule(&["*"], Some("*")), "pods", true),
            (rule(&["*"], None), "pods/status", false),
            (rule(&["*/*"], None), "pods/status", true),
            (rule(&["pods"], Some("Cluster")), "pods", false),
            (rule(&["services"], None), "pods", false),
        ];
        for (rule, resource, expected) in table {
            assert_eq!(rule.names("", "v1", resource), expected, "{rule:?}");
            assert!(!rule.names("apps", "v1", resource));
        }
    }

    #[test]
    fn other_documents_are_refused() {
        let table = [
            (
                json!({"kind": "Pod"}),
                "expected kind MutatingWebhookConfiguration or ValidatingWebhookConfiguration, \
                 found Pod",
            ),
            (json!({"kind": MUTATING}), "the name of the configuration"),
            (
                json!({"kind": MUTATING, "metadata": {"name": "a"}, "webhooks":
                    [{"name": "a.pillion.dev", "objectSelector": {"matchExpressions":
                        [{"key": "a", "operator": "Gt"}]}}]}),
                "the entry a.pillion.dev cannot be read: `Gt` is no operator",
            ),
        ];
        for (document, expected) in table {
            let error = WebhookConfiguration::read(&document).unwrap_err();
            let error = with_sources(&error);
            assert!(error.contains(expected), "{error}");
        }
    }
}
