//! Objects by the names that people type: `pod/web`, `deploy/web`.

use kube::api::ApiResource;

/// A kind whose objects are pods or make them.
struct Kind {
    group: &'static str,
    name: &'static str,
    plural: &'static str,
    /// Besides the kind in lower case and the plural.
    short: &'static str,
}

/// The kinds that can be named, with kubectl's own short names.
const KINDS: [Kind; 7] = [
    kind("", "Pod", "pods", "po"),
    kind("apps", "Deployment", "deployments", "deploy"),
    kind("apps", "StatefulSet", "statefulsets", "sts"),
    kind("apps", "DaemonSet", "daemonsets", "ds"),
    kind("apps", "ReplicaSet", "replicasets", "rs"),
    kind("batch", "Job", "jobs", "job"),
    kind("batch", "CronJob", "cronjobs", "cj"),
];

const fn kind(
    group: &'static str,
    name: &'static str,
    plural: &'static str,
    short: &'static str,
) -> Kind {
    Kind {
        group,
        name,
        plural,
        short,
    }
}

/// An object of the cluster that is a pod or makes pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectName {
    pub(super) resource: ApiResource,
    pub(crate) name: String,
}

impl ObjectName {
    /// Reads `KIND/NAME`; `None` where the text is something else, such as a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (word, name) = text.split_once('/')?;
        let word = word.to_ascii_lowercase();
        let kind = KINDS.iter().find(|kind| {
            word == kind.name.to_ascii_lowercase() || word == kind.plural || word == kind.short
        })?;
        // Names of objects have no slash; a path may.
        let is_name = !name.is_empty() && !name.contains('/');
        is_name.then(|| Self {
            resource: resource(kind.group, kind.name, kind.plural),
            name: name.to_owned(),
        })
    }

    pub(crate) fn kind(&self) -> &str {
        &self.resource.kind
    }
}

/// A resource in version v1, which all that is read here has.
pub(super) fn resource(group: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        api_version: if group.is_empty() {
            "v1".to_owned()
        } else {
            format!("{group}/v1")
        },
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_as_kubectl_names_them() {
        let table = [
            ("pod/web", Some("v1/Pod web")),
            ("po/web-1", Some("v1/Pod web-1")),
            ("Pods/web", Some("v1/Pod web")),
            ("deployment/web", Some("apps/v1/Deployment web")),
            ("deploy/web", Some("apps/v1/Deployment web")),
            ("sts/db", Some("apps/v1/StatefulSet db")),
            ("cj/night", Some("batch/v1/CronJob night")),
            ("job/once", Some("batch/v1/Job once")),
            ("web.yaml", None),
            ("deploy/web/values.yaml", None),
            ("pod/", None),
            ("manifests/web.yaml", None),
        ];
        for (text, expected) in table {
            let found = ObjectName::parse(text);
            let found = found.map(|object| {
                let version = &object.resource.api_version;
                format!("{version}/{} {}", object.kind(), object.name)
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
