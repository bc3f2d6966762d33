//! The second call: the API server calls again when anything changed a pod after us, and people
//! copy pods that were injected.
//!
//! The plan is made on the pod without what its statuses name. If all of that comes back and is in
//! the pod with every field that the template names, there is nothing to do and the statuses stay.
//! Otherwise the statuses mean nothing: they are forged, copied or stale. Statuses of templates that
//! are not selected are not read at all: anybody can write them, and they must not make the true
//! ones look false.

use std::sync::Arc;

use serde_json::Value;

use super::Patch;
use super::composition::compose;
use super::merge::covers;
use super::removal;
use super::settings::Settings;
use super::status::PREFIX;
use super::subject::Subject;
use super::verdict::{Decision, Reason, Verdict};
use crate::review::Pod;
use crate::template::Template;
use crate::template::schema::FieldType;

/// The decision, where everything is in the pod already.
pub(super) fn decide(
    settings: &Settings,
    subject: &Subject,
    templates: &[Arc<Template>],
    text: &str,
) -> Option<Decision> {
    let received: Value = serde_json::from_str(text).ok()?;
    let is_selected = |name: &str| templates.iter().any(|template| template.name == name);
    let claimed = removal::statuses(&received, is_selected).ok()?;
    let mut without = received.clone();
    removal::remove_all(&mut without, &claimed);
    let without_text = without.to_string();
    let pod: Pod<'_> = serde_json::from_str(&without_text).ok()?;
    let namespace = settings.namespaces.get(&subject.namespace);
    let planned = compose(settings, subject, &pod, &namespace, templates).ok()?;
    if planned.decision.verdict() == Verdict::Denied {
        return None;
    }
    let comes_back = claimed.iter().all(|(template, claimed)| {
        planned
            .statuses
            .get(template)
            .is_some_and(|status| status.includes(claimed))
    });
    for operation in &planned.decision.patch.0 {
        operation.apply(&mut without);
    }
    if !comes_back || claimed.len() != planned.statuses.len() || !is_in(&received, &without) {
        return None;
    }
    let mut decision = planned.decision;
    if decision.verdict() == Verdict::Injected {
        let message = "everything that the templates add is in the pod already";
        decision.reason = Reason::AlreadyInjected;
        message.clone_into(&mut decision.message);
        message.clone_into(&mut decision.logged);
    }
    decision.patch = Patch::default();
    Some(decision)
}

/// Whether a pod has everything that a planned one has, statuses aside.
fn is_in(received: &Value, planned: &Value) -> bool {
    let texts = |pod: &Value, field: &str| {
        let texts = pod
            .pointer(&format!("/metadata/{field}"))
            .and_then(Value::as_object);
        texts.cloned().unwrap_or_default()
    };
    let has_all = |field: &str| {
        let theirs = texts(received, field);
        texts(planned, field)
            .iter()
            .filter(|(key, _)| !key.starts_with(PREFIX))
            .all(|(key, value)| theirs.get(key) == Some(value))
    };
    let spec = FieldType::Object("PodSpec".to_owned());
    has_all("labels")
        && has_all("annotations")
        && match (received.get("spec"), planned.get("spec")) {
            (Some(received), Some(planned)) => covers(received, planned, &spec),
            (received, planned) => received == planned,
        }
}
