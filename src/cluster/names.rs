//! Objects by the names that people type: `pod/web`, `deploy/web`.

use kube::api::ApiResource;

use crate::kubernetes::workload;

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
        let (kind, plural) = workload::named(word)?;
        // Names of objects have no slash; a path may.
        let is_name = !name.is_empty() && !name.contains('/');
        is_name.then(|| Self {
            resource: resource(kind.group, kind.kind, plural),
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
            ("rc/old", None),
            ("podtemplate/web", None),
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
