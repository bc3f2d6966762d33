//! The template that the pods of this proof ask for, and how it changes.

use std::time::Duration;

use kube::Client;
use serde_json::{Value, json};

use crate::installation::churn::HELPER;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;

/// The helper's image, which the node has.
pub(crate) const FIRST_IMAGE: &str = "docker.io/library/busybox:1.37.0";

/// The image of the helper's next revision; no container is ever started with it.
pub(crate) const NEXT_IMAGE: &str = "registry.example.com/helper:2";

/// Replicas see a change within milliseconds; busy machines get their time.
const SOON: Duration = Duration::from_mins(1);

/// So many pods in a row, which the replicas answer in turn by chance.
const IN_A_ROW: u32 = 12;

const TEMPLATES: &str = "/apis/pillion.dev/v1alpha1/clusterinjectiontemplates";

/// Creates the template, or replaces its content.
pub(crate) async fn apply_helper(client: &Client, image: &str) -> Outcome {
    let spec = json!({
        "pattern": "Sidecar",
        "description": "A helper that does nothing until it is told to end.",
        "sidecars": [{
            "name": HELPER,
            "image": image,
            "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"],
            "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}},
            "securityContext": {
                "runAsUser": 65534,
                "runAsNonRoot": true,
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }],
    });
    put(client, &spec).await
}

/// Gives the template a content that does not compile, which the API server cannot know.
pub(crate) async fn break_helper(client: &Client) -> Outcome {
    let spec = json!({
        "pattern": "Sidecar",
        "sidecars": [{"name": HELPER, "image": "${params.nothing}"}],
    });
    put(client, &spec).await
}

async fn put(client: &Client, spec: &Value) -> Outcome {
    let object = json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": HELPER},
        "spec": spec,
    });
    let created = raw::post(client, TEMPLATES, &object).await?;
    let answer = if created.status == 409 {
        let path = format!("{TEMPLATES}/{HELPER}");
        raw::merge(client, &path, &object).await?
    } else {
        created
    };
    if answer.granted() {
        return Ok(());
    }
    let message = answer.message();
    Err(Failure::new(format!(
        "failed to write the template: {message}"
    )))
}

/// A condition of the template: its status and its message.
pub(crate) async fn condition(client: &Client, kind: &str) -> Outcome<Option<(String, String)>> {
    let answer = raw::get(client, &format!("{TEMPLATES}/{HELPER}")).await?;
    let conditions = answer.body["status"]["conditions"].as_array().cloned();
    let found = conditions
        .unwrap_or_default()
        .into_iter()
        .find(|condition| condition["type"] == kind);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(found.map(|found| (text(&found["status"]), text(&found["message"]))))
}

/// Waits until pods get the helper with this image from every replica.
pub(crate) async fn serves(namespace: &Namespace, image: &str) -> Outcome {
    let mut row = 0;
    let what = format!("pods with {image} from every replica");
    wait_until(&what, SOON, async || {
        let seen = probe(namespace)
            .await
            .map_err(|failure| failure.to_string())?;
        row = if seen.contains(image) { row + 1 } else { 0 };
        if row >= IN_A_ROW {
            return Ok(());
        }
        Err(format!("{row} in a row, last: {seen}"))
    })
    .await
}

/// The image of the helper that a pod gets now, by a dry run; else why it gets none.
pub(crate) async fn probe(namespace: &Namespace) -> Outcome<String> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "annotations": {"pillion.dev/inject": HELPER}},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    let path = format!("/api/v1/namespaces/{}/pods?dryRun=All", namespace.name);
    let answer = raw::post(&namespace.client, &path, &pod).await?;
    let containers = answer.body["spec"]["initContainers"].as_array();
    let helper = containers.and_then(|all| all.iter().find(|one| one["name"] == HELPER));
    let image = helper.and_then(|helper| helper["image"].as_str());
    Ok(image.unwrap_or_else(|| answer.message()).to_owned())
}
