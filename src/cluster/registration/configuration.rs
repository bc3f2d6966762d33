//! One webhook configuration as it was read, and what is to be written to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::api::{ApiResource, DynamicObject};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::webhook_lint::{Installation, Severity, lint};
use crate::kubernetes::object::list_at;
use crate::kubernetes::webhook_configuration::ClientConfig;

/// How the names of our entries end.
const OUR_NAMES: &str = ".pillion.dev";

/// A webhook configuration as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    kind: ApiResource,
    object: DynamicObject,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// What clients trust there, in PEM; empty where nothing was written yet.
    pub(crate) bundle: Vec<u8>,
    /// Why it could stop the cluster, and what would be right. Where it has no bundle yet, it gets
    /// none; one that works is kept.
    pub(crate) deadlock: Option<String>,
}

impl Entry {
    /// Whether no bundle is to be written here.
    pub(crate) fn is_withheld(&self) -> bool {
        self.deadlock.is_some() && self.bundle.is_empty()
    }
}

impl Configuration {
    /// Reads the entries that call the installation's Service, or a URL.
    pub(super) fn new(
        kind: ApiResource,
        object: DynamicObject,
        installation: &Installation,
    ) -> Self {
        let deadlocks = deadlocks(&kind, &object, installation);
        let entries = list_at(&object.data, "/webhooks")
            .iter()
            .filter_map(|entry| {
                let name = entry.get("name")?.as_str()?;
                // What else the entry says may be unreadable: its bundle must be kept all the same.
                let client = ClientConfig::deserialize(entry.get("clientConfig")?).ok()?;
                is_ours(name, &client, installation).then(|| Entry {
                    name: name.to_owned(),
                    // The API server has decoded it once already.
                    bundle: STANDARD.decode(&client.ca_bundle).unwrap_or_default(),
                    deadlock: deadlocks.get(name).cloned(),
                })
            });
        Self {
            entries: entries.collect(),
            kind,
            object,
        }
    }

    pub(super) fn kind(&self) -> &ApiResource {
        &self.kind
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether an entry that is to have the bundle has another one.
    pub(super) fn is_stale(&self, bundle: &[u8]) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| !entry.is_withheld() && entry.bundle != bundle)
    }

    /// What is applied: the bundle alone, for the very state that was read.
    pub(super) fn application(&self, bundle: &[u8]) -> Value {
        let bundle = STANDARD.encode(bundle);
        let entries: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| !entry.is_withheld())
            .map(|entry| json!({"name": entry.name, "clientConfig": {"caBundle": bundle}}))
            .collect();
        json!({
            "apiVersion": self.kind.api_version,
            "kind": self.kind.kind,
            "metadata": {
                "name": self.object.metadata.name,
                "resourceVersion": self.object.metadata.resource_version,
            },
            "webhooks": entries,
        })
    }

    /// The merge patch that ends a manager's ownership of fields; `None` where it has none.
    pub(super) fn without_manager(&self, manager: &str) -> Option<Value> {
        let fields = self.object.metadata.managed_fields.as_ref()?;
        let (ours, others): (Vec<_>, Vec<_>) = fields
            .iter()
            .partition(|entry| entry.manager.as_deref() == Some(manager));
        // An empty list would take everybody's ownership away.
        (!ours.is_empty() && !others.is_empty()).then(|| {
            json!({"metadata": {
                "resourceVersion": self.object.metadata.resource_version,
                "managedFields": others,
            }})
        })
    }

    /// Who has written last, of all others: the manager's name.
    pub(super) fn last_writer(&self, besides: &str) -> Option<&str> {
        let fields = self.object.metadata.managed_fields.iter().flatten();
        let others = fields.filter(|entry| entry.manager.as_deref() != Some(besides));
        let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
        last?.manager.as_deref()
    }
}

/// Whether an entry calls the installation's Service, or by its name is ours and calls a URL: there
/// anybody could be, who trusts another authority.
fn is_ours(name: &str, client: &ClientConfig, installation: &Installation) -> bool {
    let is_by_url = client.url.is_some() && name.ends_with(OUR_NAMES);
    is_by_url
        || client.service.as_ref().is_some_and(|service| {
            service.namespace == installation.namespace && service.name == installation.service
        })
}

/// What of the configuration could stop the cluster: why, by the entry's name.
fn deadlocks(
    kind: &ApiResource,
    object: &DynamicObject,
    installation: &Installation,
) -> BTreeMap<String, String> {
    let mut value = object.data.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("kind".to_owned(), kind.kind.clone().into());
    }
    let mut deadlocks = BTreeMap::<String, String>::new();
    for found in lint(&value, installation) {
        if found.severity == Severity::Deadlock {
            let why = deadlocks.entry(found.entry).or_default();
            if !why.is_empty() {
                why.push_str("; ");
            }
            // Writing to a string cannot fail.
            let _ = write!(why, "{}; {}", found.what, found.remedy);
        }
    }
    deadlocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Configuration {
        let kind = super::super::kinds().into_iter().next().unwrap();
        let installation = Installation {
            namespace: "pillion-system".to_owned(),
            service: "pillion".to_owned(),
            replicas: Some(2),
        };
        Configuration::new(kind, serde_json::from_value(value).unwrap(), &installation)
    }

    /// An entry that fails open, so that it stops nothing.
    fn entry(name: &str, service: &str, bundle: Option<&str>) -> Value {
        let mut client = json!({"service": {"namespace": "pillion-system", "name": service}});
        if let Some(bundle) = bundle {
            client["caBundle"] = STANDARD.encode(bundle).into();
        }
        json!({
            "name": name,
            "clientConfig": client,
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "rules": [{
                "operations": ["CREATE"],
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["pods"],
            }],
        })
    }

    fn configuration(entries: &[Value]) -> Value {
        json!({
            "metadata": {
                "name": "pillion",
                "resourceVersion": "7",
                "managedFields": [
                    {"manager": "helm", "operation": "Apply", "time": "2026-01-02T00:00:00Z"},
                    {"manager": "old", "operation": "Update", "time": "2026-01-01T00:00:00Z"},
                    {"manager": "pillion-ca-bundle", "operation": "Apply", "time": "2026-01-03T00:00:00Z"},
                ],
            },
            "webhooks": entries,
        })
    }

    #[test]
    fn the_bundle_alone_is_applied_to_our_entries_at_the_state_that_was_read() {
        let mut by_url = entry("c.pillion.dev", "pillion", None);
        by_url["clientConfig"] = json!({"url": "https://a.example"});
        let mut theirs_by_url = by_url.clone();
        theirs_by_url["name"] = "theirs-too.example.com".into();
        let read = read(configuration(&[
            entry("a.pillion.dev", "pillion", None),
            entry("b.pillion.dev", "pillion", Some("B")),
            entry("theirs.example.com", "another", None),
            by_url,
            theirs_by_url,
        ]));
        assert!(read.is_stale(b"B"));
        let bundle = json!({"caBundle": STANDARD.encode("B")});
        assert_eq!(
            read.application(b"B"),
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": "pillion", "resourceVersion": "7"},
                "webhooks": [
                    {"name": "a.pillion.dev", "clientConfig": bundle},
                    {"name": "b.pillion.dev", "clientConfig": bundle},
                    {"name": "c.pillion.dev", "clientConfig": bundle},
                ],
            })
        );
    }

    #[test]
    fn an_entry_that_could_stop_the_cluster_gets_no_bundle_but_keeps_one() {
        let mut entries = [
            entry("new.pillion.dev", "pillion", None),
            entry("old.pillion.dev", "pillion", Some("A")),
        ];
        for entry in &mut entries {
            // Without selectors kube-system and Pillion's own pods match.
            entry["failurePolicy"] = "Fail".into();
        }
        let read = read(configuration(&entries));
        assert!(read.entries()[0].is_withheld());
        let deadlock = read.entries()[0].deadlock.as_deref().unwrap();
        assert!(deadlock.contains("kube-system"), "{deadlock}");
        assert!(read.is_stale(b"B"));
        let applied = read.application(b"B");
        assert_eq!(applied["webhooks"].as_array().unwrap().len(), 1);
        assert_eq!(applied["webhooks"][0]["name"], "old.pillion.dev");
        assert!(!read.is_stale(b"A"), "what is withheld is not stale");
    }

    #[test]
    fn what_is_shipped_stops_nothing() {
        for (manifest, kind) in [
            include_str!("../../../deploy/kustomize/base/mutating-webhook.yaml"),
            include_str!("../../../deploy/kustomize/base/validating-webhook.yaml"),
        ]
        .into_iter()
        .zip(super::super::kinds())
        {
            let installation = Installation {
                namespace: "pillion-system".to_owned(),
                service: "pillion".to_owned(),
                replicas: Some(2),
            };
            let object = serde_saphyr::from_str(manifest).unwrap();
            let read = Configuration::new(kind, object, &installation);
            assert!(!read.entries().is_empty());
            for entry in read.entries() {
                assert_eq!(entry.deadlock, None, "{}", entry.name);
            }
        }
    }

    #[test]
    fn ownership_is_given_up_and_that_of_others_is_kept() {
        let read = read(configuration(&[]));
        let patch = read.without_manager("pillion-ca-bundle").unwrap();
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let kept = patch["metadata"]["managedFields"].as_array().unwrap();
        let managers: Vec<_> = kept.iter().map(|entry| &entry["manager"]).collect();
        assert_eq!(managers, ["helm", "old"]);
        assert_eq!(read.without_manager("nobody"), None);
        assert_eq!(read.last_writer("pillion-ca-bundle"), Some("helm"));
    }
}
