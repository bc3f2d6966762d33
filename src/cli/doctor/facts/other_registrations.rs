//! Webhook configurations of other names that have entries of Pillion's, as an installation leaves them
//! that was not taken away as a whole.

use std::collections::BTreeMap;

use serde_json::Value;

use super::KnownNames;
use super::resources::{MUTATING, SERVICES, VALIDATING};
use crate::cluster::{ClusterReader, Read};
use crate::explain::gates::is_ours;
use crate::kubernetes::webhook_configuration::{Entry, FailurePolicy};

/// A Service that entries of ours in another configuration call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::doctor) struct OtherRegistration {
    /// The kind of the configuration.
    pub(in crate::cli::doctor) kind: &'static str,
    /// Its name.
    pub(in crate::cli::doctor) name: String,
    /// The namespace and the name of the Service.
    pub(in crate::cli::doctor) service: (String, String),
    /// Whether requests are refused when nobody answers.
    pub(in crate::cli::doctor) fails: bool,
    /// Whether the Service is there.
    pub(in crate::cli::doctor) found: Read<()>,
}

/// Every Service that other configurations call by entries of ours.
pub(super) async fn read(
    reader: &ClusterReader,
    names: &KnownNames,
) -> Read<Vec<OtherRegistration>> {
    let mut others = Vec::new();
    for resource in [MUTATING, VALIDATING] {
        let listed = match reader.list(&resource, None, "").await {
            Read::Found(listed) => listed,
            Read::Missing => continue,
            Read::Unknown(why) => return Read::Unknown(why),
        };
        for configuration in &listed.items {
            let name = configuration.pointer("/metadata/name");
            let name = name.and_then(Value::as_str).unwrap_or_default();
            if name == names.name {
                continue;
            }
            for (service, fails) in services(configuration) {
                let found = reader.get(&SERVICES, Some(&service.0), &service.1).await;
                others.push(OtherRegistration {
                    kind: resource.kind,
                    name: name.to_owned(),
                    service,
                    fails,
                    found: match found {
                        Read::Found(_) => Read::Found(()),
                        Read::Missing => Read::Missing,
                        Read::Unknown(why) => Read::Unknown(why),
                    },
                });
            }
        }
    }
    Read::Found(others)
}

/// The Services that entries of ours call, each with whether one of these entries fails.
fn services(configuration: &Value) -> BTreeMap<(String, String), bool> {
    let entries = Entry::read_all(configuration).filter_map(Result::ok);
    let mut services = BTreeMap::new();
    for entry in entries.filter(is_ours) {
        let fails = entry.failure_policy == FailurePolicy::Fail;
        if let Some(service) = entry.client_config.service {
            *services
                .entry((service.namespace, service.name))
                .or_insert(false) |= fails;
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn services_of_our_entries_are_found() {
        let entry = |name: &str, service: &str, policy: &str| {
            let service = json!({"namespace": "old", "name": service});
            json!({"name": name, "failurePolicy": policy, "clientConfig": {"service": service}})
        };
        let configuration = json!({"webhooks": [
            entry("a.pillion.dev", "pillion", "Ignore"),
            entry("b.pillion.dev", "pillion", "Fail"),
            entry("c.pillion.dev", "second", "Ignore"),
            entry("of.others", "theirs", "Fail"),
        ]});
        let service = |name: &str| ("old".to_owned(), name.to_owned());
        let expected = [(service("pillion"), true), (service("second"), false)];
        assert_eq!(services(&configuration), expected.into());
    }
}
