//! `pillion uninject`: takes out of manifests what was injected into them.
//!
//! What that is, the status annotations of each pod say; nothing else is touched.

use serde_json::Value;

use super::Status;
use super::documents::DocumentArguments;
use super::manifest::kinds::Identity;
use super::report::{RunResult, TransformResult, operations};
use super::streams::Streams;
use super::transform::{ObjectTransform, TreatmentError};
use crate::inject::Reason;
use crate::inject::uninject::{self, RemovalError};

/// Take out of manifests what was injected into them.
///
/// Exactly what the status annotations say was added is removed. If a status cannot be read,
/// nothing is written and the exit status is 1; it is 2 for input that cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion uninject -f injected.yaml -o diff\n\
    \x20 kubectl get deployment web -o yaml | pillion uninject")]
pub struct Uninject {
    #[command(flatten)]
    documents: DocumentArguments,
}

impl Uninject {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let manifests = self.documents.read(streams)?;
        let removal = Removal(uninject::remove);
        self.documents.run(manifests, &removal, streams)
    }
}

/// Removes by the given function: the core's, in tests another.
struct Removal<F>(F);

impl<F: Fn(&mut Value) -> Result<Vec<String>, RemovalError>> ObjectTransform for Removal<F> {
    fn treat(
        &self,
        _identity: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError> {
        let before = object.clone();
        let removed = match object.pointer_mut(pointer).map(&self.0) {
            Some(Ok(removed)) => removed,
            Some(Err(error)) => {
                let reason = Reason::AnnotationInvalid;
                return Ok(TransformResult::plain(reason, error.to_string()));
            }
            None => Vec::new(),
        };
        let patch = json_patch::diff(&before, object);
        if patch.is_empty() {
            let message = "no status annotation says that anything was injected";
            return Ok(TransformResult {
                code: "NotInjected",
                ..TransformResult::plain(Reason::NotRequested, message)
            });
        }
        Ok(TransformResult {
            ending: RunResult::Removed,
            code: "Removed",
            patch: Some(operations(&patch)),
            ..TransformResult::plain(Reason::Applied, format!("took out {}", removed.join(", ")))
        })
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
            pod: Some("/spec/template"),
        }
    }

    fn treat(
        removal: impl Fn(&mut Value) -> Result<Vec<String>, RemovalError>,
    ) -> (TransformResult, Value) {
        let mut object = json!({"spec": {"template": {"spec": {"a": 1}, "metadata": {}}}});
        let treated = Removal(removal)
            .treat(&identity(), "/spec/template", &mut object)
            .unwrap();
        (treated, object)
    }

    #[test]
    fn what_was_taken_out_is_told() {
        let (treated, object) = treat(|pod| {
            pod["spec"] = json!({});
            Ok(vec!["logs".to_owned(), "proxy".to_owned()])
        });
        assert_eq!(treated.ending, RunResult::Removed);
        assert_eq!(treated.message, "took out logs, proxy");
        let expected = json!([{"op": "remove", "path": "/spec/template/spec/a"}]);
        assert_eq!(treated.patch, Some(expected));
        assert_eq!(object["spec"]["template"]["spec"], json!({}));
    }

    #[test]
    fn a_pod_without_status_stays_and_a_bad_status_refuses() {
        let (treated, _) = treat(|_| Ok(Vec::new()));
        assert_eq!((treated.code, treated.patch), ("NotInjected", None));
        let (treated, _) = treat(|_| {
            Err(RemovalError::Status {
                annotation: "pillion.dev/status.logs".to_owned(),
                problem: "not JSON".to_owned(),
            })
        });
        assert_eq!(treated.ending, RunResult::Decided(Verdict::Denied));
        assert!(treated.message.contains("pillion.dev/status.logs"));
    }
}
