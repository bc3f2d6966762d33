//! Another mutating webhook beside Pillion, which changes pods as meshes, mirrors and setters of
//! resources do.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::Identity;
use crate::support::wait::wait_until;
use crate::support::webhook::{SERVICE, ensure_service};

/// What the webhook does to a pod; it may be called twice for one.
pub(crate) type Change = fn(&mut Value);

/// The annotation by which a pod shows that the webhook was called.
const SEEN: &str = "other.example.com/seen";

/// A running webhook, ended with this value.
pub(crate) struct OtherWebhook {
    handle: Handle<std::net::SocketAddr>,
    _identity: Identity,
}

impl OtherWebhook {
    /// Starts a webhook, registers it under this name for a namespace, and waits until the API
    /// server calls it. Webhooks are called in the order of their names.
    pub(crate) async fn install(
        name: &str,
        change: Change,
        namespace: &Namespace,
    ) -> Outcome<Self> {
        let identity = Identity::new()?;
        let (certificate, key) = (identity.mount.certificate(), identity.mount.key());
        let config = RustlsConfig::from_pem_file(certificate, key).await;
        let config = config.during("read the other webhook's certificate")?;
        let answer = move |body: Bytes| async move { answered(&body, change) };
        let router = Router::new().route("/", post(answer));
        let handle: Handle<std::net::SocketAddr> = Handle::new();
        let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), config)
            .handle(handle.clone())
            .serve(router.into_make_service());
        tokio::spawn(server);
        let address = handle.listening().await;
        let address = address.ok_or_else(|| Failure::new("the other webhook does not listen"))?;
        register(name, address.port(), identity.authority(), namespace).await?;
        Ok(Self {
            handle,
            _identity: identity,
        })
    }
}

impl Drop for OtherWebhook {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn register(name: &str, port: u16, authority: &str, namespace: &Namespace) -> Outcome {
    ensure_service(&namespace.client).await?;
    let configuration: MutatingWebhookConfiguration = serde_json::from_value(json!({
        "metadata": {"name": name},
        "webhooks": [{
            "name": "other.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "reinvocationPolicy": "IfNeeded",
            "failurePolicy": "Fail",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["pods"]}],
            "clientConfig": {
                "caBundle": STANDARD.encode(authority),
                "service": {"namespace": SERVICE.0, "name": SERVICE.1, "port": port, "path": "/"},
            },
        }],
    }))
    .during("build the other webhook's configuration")?;
    let api: Api<MutatingWebhookConfiguration> = Api::all(namespace.client.clone());
    let created = api.create(&PostParams::default(), &configuration).await;
    created.during("register the other webhook")?;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "is-the-other-called"},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
    });
    let bound = Duration::from_secs(30);
    wait_until("the other webhook to be called", bound, async || {
        let answer = namespace.create_pod("dryRun=All", &pod).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        let is_seen = answer.body["metadata"]["annotations"].get(SEEN).is_some();
        is_seen
            .then_some(())
            .ok_or_else(|| format!("status {} {}", answer.status, answer.message()))
    })
    .await
}

/// The answer to a review: the pod as changed, in place of the pod as received.
fn answered(body: &[u8], change: Change) -> String {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let request = &review["request"];
    let before = &request["object"];
    let mut after = before.clone();
    change(&mut after);
    after["metadata"]["annotations"][SEEN] = json!("true");
    let mut response = json!({"uid": request["uid"], "allowed": true});
    if after != *before {
        let patch = json_patch::diff(before, &after);
        let patch = serde_json::to_vec(&patch).unwrap_or_default();
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(STANDARD.encode(patch));
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        .to_string()
}
