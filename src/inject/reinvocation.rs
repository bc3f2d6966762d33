//! Deciding on a pod that may carry statuses: the API server calls again when another webhook changed
//! a pod after us, and people copy pods that were injected.
//!
//! A status is a hint and never authority. Templates are evaluated on the pod without what its
//! statuses claim; a claim is true where the template adds just that again and the pod has nothing
//! else in its place. Where all claims are true, what is missing is added, and mostly that is
//! nothing. A false claim is left out and the rest tried again, so that a forged, stale or copied
//! status says nothing of what is the user's, and one template's undoes no other's.

use std::collections::BTreeMap;

use super::composition::{Composed, ComposedPod, CompositionInput, compose};
use super::plan::SENSITIVE;
use super::status::{Status, has_status};
use super::uninject;
use super::verdict::{Decision, Reason, Verdict};
use crate::review::{Document, Pod};

/// How often false claims are left out before all are: claims shrink each time, and mostly one
/// round is enough.
const ROUNDS: usize = 4;

/// Decides on a pod for which templates are selected.
pub fn decide(input: CompositionInput<'_>, pod: &Pod<'_>) -> Result<Decision, serde_json::Error> {
    if has_status(pod)
        && let Some(decision) = decide_apart(input, pod)
    {
        return Ok(decision);
    }
    let plain = ComposedPod {
        evaluated: pod,
        received: None,
        claims: &BTreeMap::new(),
        may_keep: false,
    };
    Ok(compose(input, plain)?.decision)
}

/// Decides on a pod with its statuses' claims set aside; `None` where none of them is true.
fn decide_apart(input: CompositionInput<'_>, received: &Pod<'_>) -> Option<Decision> {
    let mut whole = Some(received.json.to_value());
    let mut claims = uninject::claims(whole.as_ref()?, &|template| {
        let mut selected = input.templates.iter();
        selected.any(|selected| selected.name == template)
    });
    for round in 0..ROUNDS {
        // Mostly one round is enough: a copy for the next would cost each of them.
        let mut rest = whole.take().unwrap_or_else(|| received.json.to_value());
        uninject::remove_claims(&mut rest, &claims);
        let rest = rest.to_string();
        let rest = Document::read(&rest).ok()?;
        let apart = ComposedPod {
            evaluated: &Pod::read(rest.root()).ok()?,
            received: Some(received),
            claims: &claims,
            may_keep: round == 0,
        };
        let composed = compose(input, apart).ok()?;
        let decision = &composed.decision;
        let for_a_finding = matches!(decision.reason, Reason::Finding(_));
        if decision.verdict() == Verdict::Denied && !for_a_finding {
            return None;
        }
        // What the checks find says nothing of the claims: others changed the pod since.
        let truth = truth(&composed, &claims);
        if truth == claims {
            return Some(composed.decision);
        }
        claims = truth;
        if claims.values().all(Status::adds_nothing) {
            return None;
        }
    }
    None
}

/// The claims that are true.
fn truth(composed: &Composed, claims: &BTreeMap<String, Status>) -> BTreeMap<String, Status> {
    let none = Status::default();
    let truth = |(template, claimed): (&String, &Status)| {
        let added = composed.statuses.get(template).unwrap_or(&none);
        let kept = composed.kept.get(template).unwrap_or(&none);
        let lacked = composed.lacked.get(template).unwrap_or(&none);
        let truth = claimed.clone().intersection(added).without(kept);
        (template.clone(), not_the_users(truth, kept, lacked))
    };
    claims.iter().map(truth).collect()
}

/// Drops claims about fields that the user has changed since.
fn not_the_users(mut truth: Status, kept: &Status, lacked: &Status) -> Status {
    let kept_in = |container: &str, test: &dyn Fn(&str) -> bool| {
        let keys = kept.edited.get(container).into_iter().flatten();
        keys.into_iter().any(|key| test(key))
    };
    // Other webhooks rewrite images, amounts and environment; a container that does something else
    // is not the one that was added.
    let is_another = |container: &String| {
        kept_in(container, &|key| {
            SENSITIVE.contains(&key.split('/').next().unwrap_or_default())
        })
    };
    truth.containers.retain(|name| !is_another(name));
    truth.init_containers.retain(|name| !is_another(name));
    truth
        .auto
        .retain(|name| !kept_in(name, &|key| key == "image"));
    truth
        .replaced
        .retain(|key| !kept.pod.contains(key) && !lacked.pod.contains(key));
    for (container, keys) in &mut truth.replaced_in {
        keys.retain(|key| !kept_in(container, &|kept| kept == key));
    }
    truth.replaced_in.retain(|_, keys| !keys.is_empty());
    truth
}

#[cfg(test)]
mod tests;
