//! The second call: the API server calls again when anything changed a pod after us, and people
//! copy pods that were injected.
//!
//! A status is a hint and never authority. Templates are evaluated on the pod without what its
//! statuses claim; a claim is true where the template adds just that again and the pod has nothing
//! else in its place. Where all claims are true, what is missing is added, and mostly that is
//! nothing. Where one is not, the pod is taken as it came, and only the true claims are kept, so
//! that a forged or stale status says nothing of what is the user's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::composition::{Composed, Given, compose, compose_apart};
use super::removal;
use super::status::Status;
use super::verdict::{Decision, Verdict};
use crate::review::Pod;

/// Decides about a pod that carries statuses; `None` where these cannot be taken out of it.
pub fn decide(given: Given<'_>, received: &Pod<'_>, text: &str) -> Option<Decision> {
    let mut without: Value = serde_json::from_str(text).ok()?;
    let claims = removal::remove_claims(&mut without, &|template| {
        given
            .templates
            .iter()
            .any(|selected| selected.name == template)
    });
    let without_text = without.to_string();
    let pod: Pod<'_> = serde_json::from_str(&without_text).ok()?;
    let composed = compose_apart(given, &pod, received).ok()?;
    let is_denied = composed.decision.verdict() == Verdict::Denied;
    let truth = truth(&composed, &claims);
    if !is_denied && truth == claims {
        return Some(composed.decision);
    }
    let truth = if is_denied { BTreeMap::new() } else { truth };
    Some(compose(given, received, &truth).ok()?.decision)
}

/// The claims that are true.
fn truth(composed: &Composed, claims: &BTreeMap<String, Status>) -> BTreeMap<String, Status> {
    let none = Status::default();
    let truth = |(template, claimed): (&String, &Status)| {
        let added = composed.statuses.get(template).unwrap_or(&none);
        let kept = composed.kept.get(template).unwrap_or(&none);
        let truth = claimed.clone().intersection(added).without(kept);
        (template.clone(), truth)
    };
    claims.iter().map(truth).collect()
}
