//! `pillion uninject`: takes out of manifests what was injected into them.
//!
//! What that is, the status annotations of each pod say, as far as digests or the templates that are
//! served prove it; what they do not is left and told.

use serde_json::Value;

use super::Status;
use super::documents::DocumentArguments;
use super::engine_options::EngineOptions;
use super::manifest::kinds::Identity;
use super::report::{RunResult, TransformResult, operations};
use super::streams::Streams;
use super::transform::without_pod;
use super::transform::{ObjectTransform, TreatmentError};
use crate::inject::Reason;
use crate::inject::uninject::{self, RemovalError, TakenOut};

/// Take out of manifests what was injected into them.
///
/// What the status annotations name is removed where it is as it was added, or where a template that
/// is served adds a container or volume of that name. If something is left, the report says what, and
/// the exit status is 1. If a status cannot be read, nothing is written and the exit status is 1; it
/// is 2 for input that cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion uninject -f injected.yaml -o diff\n\
    \x20 kubectl get deployment web -o yaml | pillion uninject")]
pub(crate) struct Uninject {
    #[command(flatten)]
    documents: DocumentArguments,

    #[command(flatten)]
    engine: EngineOptions,
}

impl Uninject {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let manifests = self.documents.read(streams)?;
        let catalog = self.engine.load_catalog(streams)?;
        let settings = self.engine.settings()?;
        let removal = Removal(|namespace: &str, pod: &mut Value| {
            uninject::remove(
                pod,
                &|name| Some(catalog.find(namespace, name).template()?.as_ref()),
                &settings.foreign_helpers,
            )
        });
        self.documents.run(manifests, &removal, streams)
    }
}

/// Removes by the given function, which gets the namespace and the pod: the core's, in tests another.
struct Removal<F>(F);

impl<F: Fn(&str, &mut Value) -> Result<TakenOut, RemovalError>> ObjectTransform for Removal<F> {
    fn without_pod(&self, identity: &Identity, object: &Value) -> TransformResult {
        without_pod::of_removal(identity, object)
    }

    fn beside_pods(&self, identity: &Identity, object: &Value) -> Option<TransformResult> {
        without_pod::beside_removal(identity, object)
    }

    fn treat(
        &self,
        identity: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError> {
        let before = object.clone();
        let pod = object.pointer_mut(pointer);
        let removed = match pod.map(|pod| (self.0)(&identity.namespace, pod)) {
            Some(Ok(removed)) => removed,
            Some(Err(error)) => {
                let reason = Reason::AnnotationInvalid;
                return Ok(TransformResult::plain(reason, error.to_string()));
            }
            None => TakenOut::default(),
        };
        let difference = json_patch::diff(&before, object);
        let patch = (!difference.is_empty()).then(|| operations(&difference));
        Ok(result(&removed, patch))
    }
}

fn result(removed: &TakenOut, patch: Option<Value>) -> TransformResult {
    let left = removed.left_in_words();
    if !left.is_empty() {
        let message = format!(
            "left {}: changed since, or named by a status that proves nothing",
            left.join(", ")
        );
        return TransformResult {
            ending: RunResult::RemovedInPart,
            code: "RemovedInPart",
            patch,
            ..TransformResult::plain(Reason::Applied, message)
        };
    }
    let names: Vec<&str> = removed.taken.keys().map(String::as_str).collect();
    if names.is_empty() {
        let message = "no status annotation says that anything was injected";
        return TransformResult {
            code: "NotInjected",
            ..TransformResult::plain(Reason::NotRequested, message)
        };
    }
    TransformResult {
        ending: RunResult::Removed,
        code: "Removed",
        patch,
        ..TransformResult::plain(Reason::Applied, format!("took out {}", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::Verdict;
    use serde_json::json;

    fn identity() -> Identity {
        Identity {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
            pod: Some("/spec/template".to_owned()),
            other_pods: Vec::new(),
            place: String::new(),
        }
    }

    fn treat(
        removal: impl Fn(&str, &mut Value) -> Result<TakenOut, RemovalError>,
    ) -> (TransformResult, Value) {
        let mut object = json!({"spec": {"template": {"spec": {"a": 1}, "metadata": {}}}});
        let treated = Removal(removal)
            .treat(&identity(), "/spec/template", &mut object)
            .unwrap();
        (treated, object)
    }

    fn taken_out(taken: &[&str], left: &[&str]) -> TakenOut {
        let status = |name: &&str| {
            let status = json!({"containers": [name]}).to_string();
            ((*name).to_owned(), serde_json::from_str(&status).unwrap())
        };
        TakenOut {
            taken: taken.iter().map(status).collect(),
            left: left.iter().map(status).collect(),
            ..TakenOut::default()
        }
    }

    #[test]
    fn what_was_taken_out_is_told() {
        let (treated, object) = treat(|_, pod| {
            pod["spec"] = json!({});
            Ok(taken_out(&["logs", "proxy"], &[]))
        });
        assert_eq!(treated.ending, RunResult::Removed);
        assert_eq!(treated.message, "took out logs, proxy");
        let expected = json!([{"op": "remove", "path": "/spec/template/spec/a"}]);
        assert_eq!(treated.patch, Some(expected));
        assert_eq!(object["spec"]["template"]["spec"], json!({}));
    }

    #[test]
    fn what_was_left_is_told() {
        let (treated, _) = treat(|_, _| Ok(taken_out(&["logs"], &["logs"])));
        assert_eq!(treated.ending, RunResult::RemovedInPart);
        assert!(
            treated
                .message
                .contains("container `logs` (template `logs`)")
        );
    }

    #[test]
    fn a_pod_without_status_stays_and_a_bad_status_refuses() {
        let (treated, _) = treat(|_, _| Ok(TakenOut::default()));
        assert_eq!((treated.code, treated.patch), ("NotInjected", None));
        let (treated, _) = treat(|_, _| {
            Err(RemovalError::Status {
                annotation: "pillion.dev/status.logs".to_owned(),
                problem: "not JSON".to_owned(),
            })
        });
        assert_eq!(treated.ending, RunResult::Decided(Verdict::Denied));
        assert!(treated.message.contains("pillion.dev/status.logs"));
    }
}
