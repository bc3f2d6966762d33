//! Objects that helpers need: Secrets, ConfigMaps and service accounts, by name.
//!
//! Which objects exist is known only to who may read them: the webhook has no such right, so that
//! nothing counts as missing there. The commands look the names up with the caller's rights and
//! then decide again.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::pod::{Keys, Pod};
use crate::finding::{Code, Finding};
use crate::review::Text;

/// The kinds of objects that a container can refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ReferenceKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
    /// A ServiceAccount.
    ServiceAccount,
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::ServiceAccount => "ServiceAccount",
        })
    }
}

/// The names that are known not to exist in the pod's namespace.
pub(crate) type Missing = BTreeSet<(ReferenceKind, String)>;

/// One object that a template's addition needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    pub(crate) kind: ReferenceKind,
    /// Its name, in the pod's namespace.
    pub(crate) name: String,
    /// The keys that are read; empty where all are, or none is named.
    pub(crate) keys: Vec<String>,
    /// Whether the pod starts without it.
    pub(crate) optional: bool,
    /// The template whose addition needs it.
    pub(crate) template: String,
    /// Where it is named: a field of the resulting pod.
    pub(crate) path: String,
    /// What names it: a container, a volume or the pod.
    pub(crate) holder: String,
}

/// Everything that the templates' additions refer to, each once for each place.
pub(crate) fn references(pod: &Pod<'_>) -> Vec<Reference> {
    let mut found = ReferenceCollector(Vec::new());
    found.of_containers(pod);
    found.of_volumes(pod);
    found.of_spec(pod);
    found.0
}

/// Finds what is needed and known not to exist.
pub(crate) fn check(pod: &Pod<'_>, missing: &Missing, findings: &mut Vec<Finding>) {
    if missing.is_empty() {
        return;
    }
    let needed = references(pod).into_iter();
    let lacking = needed.filter(|reference| {
        !reference.optional && missing.contains(&(reference.kind, reference.name.clone()))
    });
    findings.extend(lacking.map(|reference| {
        let code = match reference.kind {
            ReferenceKind::Secret => Code::SecretNotFound,
            ReferenceKind::ConfigMap => Code::ConfigMapNotFound,
            ReferenceKind::ServiceAccount => Code::ServiceAccountNotFound,
        };
        let Reference {
            kind, name, holder, ..
        } = &reference;
        let message = format!("{holder} needs the {kind} `{name}`, which does not exist");
        let logged = format!("{holder} needs a {kind} that does not exist");
        Finding::new(code, reference.path, message)
            .logged_as(logged)
            .of(Some(&reference.template))
    }));
}

struct ReferenceCollector(Vec<Reference>);

/// Who refers to something.
#[derive(Clone, Copy)]
struct Holder<'h> {
    template: &'h str,
    words: &'h str,
}

impl ReferenceCollector {
    fn of_containers(&mut self, pod: &Pod<'_>) {
        for container in pod.all() {
            let words = &format!("the container `{}`", container.name);
            let path = container.place.to_string();
            for (index, env) in container.env.iter().enumerate() {
                let (Some(template), Some(from)) = (env.by, &env.value_from) else {
                    continue;
                };
                let holder = Holder { template, words };
                let path = format!("{path}.env[{index}].valueFrom");
                let secret = from.secret_key_ref.as_ref();
                let map = from.config_map_key_ref.as_ref();
                self.pair(
                    [("secretKeyRef", secret), ("configMapKeyRef", map)],
                    holder,
                    &path,
                );
            }
            let Some(template) = container.added_by else {
                continue;
            };
            let holder = Holder { template, words };
            for (index, from) in container.env_from.iter().enumerate() {
                let path = format!("{path}.envFrom[{index}]");
                let secret = from.secret_ref.as_ref();
                let map = from.config_map_ref.as_ref();
                self.pair(
                    [("secretRef", secret), ("configMapRef", map)],
                    holder,
                    &path,
                );
            }
        }
    }

    fn of_volumes(&mut self, pod: &Pod<'_>) {
        for volume in &pod.volumes {
            let Some(template) = volume.added_by else {
                continue;
            };
            let words = &format!("the volume `{}`", volume.name);
            let holder = Holder { template, words };
            let path = volume.path();
            let source = &volume.source;
            let (secret, map) = (source.secret.as_ref(), source.config_map.as_ref());
            self.pair([("secret", secret), ("configMap", map)], holder, &path);
            for (index, source) in source.projected_sources().enumerate() {
                let path = format!("{path}.projected.sources[{index}]");
                let (secret, map) = (source.secret.as_ref(), source.config_map.as_ref());
                self.pair([("secret", secret), ("configMap", map)], holder, &path);
            }
        }
    }

    fn of_spec(&mut self, pod: &Pod<'_>) {
        let words = "the pod";
        if let Some(template) = pod.field_by("serviceAccountName") {
            let name = pod.spec.service_account_name.as_ref();
            let (kind, path) = (ReferenceKind::ServiceAccount, "spec.serviceAccountName");
            self.add(kind, name, Holder { template, words }, path.to_owned());
        }
        if let Some(template) = pod.field_by("imagePullSecrets") {
            for (index, secret) in pod.spec.image_pull_secrets.iter().enumerate() {
                let path = format!("spec.imagePullSecrets[{index}]");
                let name = secret.name.as_ref();
                self.add(
                    ReferenceKind::Secret,
                    name,
                    Holder { template, words },
                    path,
                );
            }
        }
    }

    fn add(&mut self, kind: ReferenceKind, name: Option<&Text<'_>>, by: Holder<'_>, path: String) {
        let Some(name) = name.filter(|name| !name.as_str().is_empty()) else {
            return;
        };
        self.0.push(Reference {
            kind,
            name: name.as_str().to_owned(),
            keys: Vec::new(),
            optional: false,
            template: by.template.to_owned(),
            path,
            holder: by.words.to_owned(),
        });
    }

    /// A Secret and a ConfigMap, each in the field of this name below the path.
    fn pair(&mut self, [secret, map]: [(&str, Option<&Keys<'_>>); 2], by: Holder<'_>, path: &str) {
        let (field, keys) = secret;
        self.keys(ReferenceKind::Secret, keys, by, &format!("{path}.{field}"));
        let (field, keys) = map;
        let path = format!("{path}.{field}");
        self.keys(ReferenceKind::ConfigMap, keys, by, &path);
    }

    fn keys(&mut self, kind: ReferenceKind, keys: Option<&Keys<'_>>, by: Holder<'_>, path: &str) {
        let Some(keys) = keys else {
            return;
        };
        let before = self.0.len();
        self.add(kind, keys.name.as_ref(), by, path.to_owned());
        let items = keys.items.iter().flatten();
        let read = items.filter_map(|item| item.key.as_ref()).chain(&keys.key);
        let names: Vec<_> = read.map(|key| key.as_str().to_owned()).collect();
        for reference in self.0.iter_mut().skip(before) {
            reference.keys.clone_from(&names);
            reference.optional = keys.optional == Some(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_place_that_names_an_object_is_found() {
        let pod = json!({"spec": {
            "containers": [
                {"name": "app", "env": [{"name": "OWN", "valueFrom": {"secretKeyRef": {"name": "own", "key": "k"}}}]},
                {"name": "helper",
                 "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k", "optional": true}}}],
                 "envFrom": [{"secretRef": {"name": "s2"}}, {"configMapRef": {"name": "c2"}}]}],
            "volumes": [
                {"name": "own", "secret": {"secretName": "own"}},
                {"name": "helper", "secret": {"secretName": "s3", "items": [{"key": "a", "path": "a"}]}},
                {"name": "helper", "configMap": {"name": "c3"}},
                {"name": "helper", "projected": {"sources": [
                    {"secret": {"name": "s4"}}, {"configMap": {"name": "c4", "optional": true}}]}}],
            "imagePullSecrets": [{"name": "pull"}], "serviceAccountName": "robot",
        }});
        let by = |name: &str| (name == "helper").then_some("template");
        let mut read = Pod::read(&pod, &by);
        let named = |read: &Pod<'_>| -> Vec<String> {
            let all = references(read).into_iter();
            all.map(|one| format!("{} {} {}", one.kind, one.name, one.path))
                .collect()
        };
        for env in &mut read.containers[1].env {
            env.by = Some("template");
        }
        let of_elements = [
            "Secret s1 spec.containers[1].env[0].valueFrom.secretKeyRef",
            "ConfigMap c1 spec.containers[1].env[1].valueFrom.configMapKeyRef",
            "Secret s2 spec.containers[1].envFrom[0].secretRef",
            "ConfigMap c2 spec.containers[1].envFrom[1].configMapRef",
            "Secret s3 spec.volumes[1].secret",
            "ConfigMap c3 spec.volumes[2].configMap",
            "Secret s4 spec.volumes[3].projected.sources[0].secret",
            "ConfigMap c4 spec.volumes[3].projected.sources[1].configMap",
        ];
        assert_eq!(named(&read), of_elements);
        read.fields_by = vec![("serviceAccountName", "t"), ("imagePullSecrets", "t")];
        assert_eq!(
            named(&read)[of_elements.len()..],
            [
                "ServiceAccount robot spec.serviceAccountName",
                "Secret pull spec.imagePullSecrets[0]",
            ]
        );
        let kinds = [
            ReferenceKind::Secret,
            ReferenceKind::ConfigMap,
            ReferenceKind::ServiceAccount,
        ];
        let names = ["own", "s3", "c1", "c3", "robot"];
        let missing = kinds
            .into_iter()
            .flat_map(|kind| names.map(|name| (kind, name.to_owned())))
            .collect();
        let mut findings = Vec::new();
        check(&read, &missing, &mut findings);
        let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "SecretNotFound: the volume `helper` needs the Secret `s3`, which does not exist",
                "ConfigMapNotFound: the volume `helper` needs the ConfigMap `c3`, which does not exist",
                "ServiceAccountNotFound: the pod needs the ServiceAccount `robot`, which does not exist",
            ]
        );
        assert!(
            findings
                .iter()
                .all(|finding| !finding.logged.contains('`') || !finding.logged.contains("s3"))
        );
    }
}
