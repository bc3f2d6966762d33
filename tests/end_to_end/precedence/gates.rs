//! What `pillion explain` says of the API server's gates, for the same cells.

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Api;
use pillion::explain::gates::{self, Arrival, Call};
use pillion::kubernetes::webhook_configuration::WebhookConfiguration;
use pillion::review::pod::Dictionary;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::namespaces::Place;
use crate::support::failure::{During, Outcome};

/// The configuration of these places as the API server has it.
pub(super) async fn configuration(places: &[Place]) -> Outcome<WebhookConfiguration> {
    let first = &places[0].namespace;
    let api: Api<MutatingWebhookConfiguration> = Api::all(first.client.clone());
    let got = api.get(&format!("pillion-{}", first.name)).await;
    let got = got.during("read the webhook configuration")?;
    let mut document = serde_json::to_value(got).during("read the webhook configuration")?;
    document["kind"] = json!("MutatingWebhookConfiguration");
    WebhookConfiguration::read(&document).during("read the webhook configuration")
}

/// The entries that are said to be called for a pod.
pub(super) fn called(
    configuration: &WebhookConfiguration,
    place: &Place,
    pod: &Value,
) -> Vec<String> {
    let texts = |value: &Value| {
        let entries = value.as_object().into_iter().flatten();
        entries
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect()
    };
    let namespace = place.manifest();
    let arrival = Arrival {
        operation: "CREATE",
        namespace_labels: &texts(&namespace["metadata"]["labels"]),
        labels: &Dictionary::deserialize(&pod["metadata"]["labels"]).unwrap_or_default(),
        object: pod,
        request: &json!({"operation": "CREATE", "namespace": place.namespace.name}),
    };
    let entries = gates::evaluate(configuration, arrival).into_iter();
    entries
        .filter(|entry| entry.call == Call::Called)
        .map(|entry| entry.entry)
        .collect()
}
