//! The object that an event about a verdict regards.
//!
//! The pod does not exist yet, may never exist, and mostly has no name. A person who looks for it finds its
//! controller (`kubectl describe replicaset`), where Kubernetes also reports pods that it could not create.

use crate::inject::status::has_status;
use crate::inject::verdict::{Decision, Verdict};
use crate::review::{Pod, Text};

/// The object that an event about a verdict regards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Regarding {
    /// `apiVersion` of the object.
    pub(crate) api_version: String,
    /// `kind` of the object.
    pub(crate) kind: String,
    /// Its name; it is in the pod's namespace.
    pub(crate) name: String,
    /// Its uid, empty where nobody knows it yet.
    pub(crate) uid: String,
}

impl Regarding {
    /// The pod's controller, else the pod by its name. `None` where nothing is to be told: the pod
    /// stays as it is, has neither, or brings a status, by which the API server's second call for a
    /// pod is known.
    pub(super) fn of(pod: &Pod<'_>, decision: &Decision) -> Option<Self> {
        match decision.verdict() {
            Verdict::Unchanged => return None,
            Verdict::Denied => {}
            _ if has_status(pod) => return None,
            _ => {}
        }
        let text = |text: Option<&Text<'_>>| text.map(|text| text.as_str().to_owned());
        let metadata = pod.metadata.as_ref()?;
        let owners = metadata.owner_references.iter().flatten();
        let mut controllers = owners.filter(|owner| owner.controller == Some(true));
        if let Some(owner) = controllers.next() {
            return Some(Self {
                api_version: text(owner.api_version.as_ref())?,
                kind: text(owner.kind.as_ref())?,
                name: text(owner.name.as_ref())?,
                uid: text(owner.uid.as_ref())?,
            });
        }
        Some(Self {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: text(metadata.name.as_ref())?,
            uid: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::Reason;
    use crate::review::Document;

    fn regarding(metadata: &str, reason: Reason) -> Option<String> {
        let pod = format!("{{\"metadata\": {metadata}}}");
        let document = Document::read(&pod).unwrap();
        let pod = Pod::read(document.root()).unwrap();
        let found = Regarding::of(&pod, &Decision::plain(reason, ""))?;
        let Regarding {
            api_version,
            kind,
            name,
            uid,
        } = found;
        Some(format!("{api_version} {kind} {name} {uid}"))
    }

    #[test]
    fn an_event_regards_the_controller_or_the_named_pod() {
        let owned = r#"{"generateName": "web-", "ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u0"},
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u1", "controller": true}]}"#;
        let of_controller = Some("apps/v1 ReplicaSet web u1".to_owned());
        assert_eq!(regarding(owned, Reason::Applied), of_controller);
        let of_pod = Some("v1 Pod web ".to_owned());
        assert_eq!(regarding(r#"{"name": "web"}"#, Reason::Applied), of_pod);
        assert_eq!(
            regarding(r#"{"generateName": "web-"}"#, Reason::Applied),
            None
        );
    }

    #[test]
    fn nothing_is_told_of_untouched_pods_and_of_the_second_call() {
        let named = r#"{"name": "web"}"#;
        assert_eq!(regarding(named, Reason::NotRequested), None);
        assert_eq!(regarding(named, Reason::AlreadyInjected), None);
        let again = r#"{"name": "web", "annotations": {"pillion.dev/status.a": "{}"}}"#;
        assert_eq!(regarding(again, Reason::Applied), None);
        let refused = regarding(again, Reason::ParameterInvalid);
        assert_eq!(refused.as_deref(), Some("v1 Pod web "));
    }
}
