//! Reviews of pods as the API server sends them, and what the answers do to the pods.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion::inject::{Answer, Engine};
use serde_json::{Value, json};

use crate::corpus::pods::Found;

/// The uid of every review here.
pub(crate) const UID: &str = "6a7f3f0c-51de-4b7b-8d0d-0f3c1f0a9b55";

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// The response.
    pub(crate) response: Value,
    /// The pod with the patch; the pod itself where there is none.
    pub(crate) pod: Value,
}

impl Answered {
    /// Reads an answer to the review of this pod.
    pub(crate) fn read(body: &[u8], pod: &Value) -> Self {
        let review: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(review["apiVersion"], "admission.k8s.io/v1", "{review}");
        assert_eq!(review["kind"], "AdmissionReview", "{review}");
        let response = review["response"].clone();
        assert_eq!(response["uid"], UID, "{review}");
        let mut pod = pod.clone();
        let patch = response.get("patch");
        assert_eq!(patch.is_some(), response.get("patchType").is_some());
        if let Some(patch) = patch {
            assert_eq!(response["patchType"], "JSONPatch");
            let bytes = STANDARD.decode(patch.as_str().unwrap()).unwrap();
            let patch: json_patch::Patch = serde_json::from_slice(&bytes).unwrap();
            json_patch::patch(&mut pod, &patch).unwrap();
        }
        Self { response, pod }
    }

    /// Whether the pod was let in.
    pub(crate) fn is_allowed(&self) -> bool {
        self.response["allowed"] == true
    }

    /// Whether there was a patch.
    pub(crate) fn has_patch(&self) -> bool {
        self.response.get("patch").is_some()
    }

    /// The verdict with its reason, as the audit log gets it.
    pub(crate) fn audit(&self) -> &str {
        self.response["auditAnnotations"]["verdict"]
            .as_str()
            .unwrap()
    }

    /// What a refused person is told.
    pub(crate) fn message(&self) -> &str {
        self.response["status"]["message"]
            .as_str()
            .unwrap_or_default()
    }
}

/// The review of a pod's creation.
pub(crate) fn of(pod: &Value, namespace: &str) -> Vec<u8> {
    let gvk = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": gvk,
            "resource": resource,
            "requestKind": gvk,
            "requestResource": resource,
            "name": pod["metadata"]["name"].as_str().unwrap_or_default(),
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:authenticated"],
            },
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    });
    serde_json::to_vec(&review).unwrap()
}

/// What the engine answers to the creation of a pod.
pub(crate) fn ask(engine: &Engine, found: &Found) -> Answered {
    match engine.review(&of(&found.pod, &found.namespace)) {
        Answer::Review { body, .. } => Answered::read(&body, &found.pod),
        other => panic!("{}: {other:?}", found.object),
    }
}
