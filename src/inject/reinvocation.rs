//! Deciding on a pod that carries statuses: the API server calls again when another webhook changed a
//! pod after us, and people apply injected manifests again, restore pods from backups and copy them.
//!
//! What is still ours is taken out, templates are composed on the rest as if the pod had come so, and
//! the patch is the difference between the pod as received and the result. At a second call, with the
//! same revision and parameters, what others changed since stays as received; with another revision or
//! other parameters the template is applied afresh. A mandatory template believes no status: its
//! helpers are made anew, with what may be added to them.

mod finalize;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::composition::{Composed, ComposedPod, CompositionInput, compose};
use super::evaluation::PLACEHOLDER;
use super::ownership::{PodContent, items, name};
use super::parameters::{self, ParameterSources};
use super::received::{always_pulls, restore_policies};
use super::status::{ASKED_BY_FLAG, Element, Status, has_status};
use super::uninject::{Claim, Purpose, TakenOut, is_security_or_pod, take_out};
use super::verdict::{Decision, Reason, Refusal, Verdict};
use crate::finding::{Code, Finding};
use crate::kubernetes::keys::STATUS_PREFIX;
use crate::review::object::Text;
use crate::review::pod::Dictionary;
use crate::review::{Document, Pod};
use crate::template::Template;
use finalize::finalize;

/// How often claims that nothing confirms are left out before the pod is decided on as it is.
const ROUNDS: usize = 4;

/// Claims by template.
type Claims<'t> = BTreeMap<String, Claim<'t>>;

/// Decides on a pod for which templates are selected.
pub(crate) fn decide(
    input: CompositionInput<'_>,
    pod: &Pod<'_>,
) -> Result<Decision, serde_json::Error> {
    let again = if has_status(pod) {
        decide_again(input, pod)
    } else {
        None
    };
    let is_final = |decision: &Decision| {
        decision.verdict() != Verdict::Denied || matches!(decision.reason, Reason::Finding(_))
    };
    let again = match again {
        Some(decision) if is_final(&decision) => return Ok(decision),
        again => again,
    };
    let plain = ComposedPod {
        evaluated: pod,
        earlier: &BTreeMap::new(),
        claims: &BTreeMap::new(),
        found: &[],
    };
    let plain = compose(input, plain)?.decision;
    // What refuses the pod is said of the pod without ours, where it is refused either way.
    Ok(match again {
        Some(again) if plain.verdict() == Verdict::Denied => again,
        _ => plain,
    })
}

/// Decides on a pod for which no template is selected: what templates added that are not selected any
/// more is taken out.
pub(crate) fn take_out_unselected(
    input: CompositionInput<'_>,
    pod: &Pod<'_>,
    why: Refusal,
) -> Decision {
    let decided = decide_again(input, pod).filter(|decided| decided.verdict() != Verdict::Denied);
    let mut decision = Decision::refused(why);
    if let Some(decided) = decided {
        decision.patch = decided.patch;
        decision.findings = decided.findings;
    }
    if !decision.patch.is_empty() {
        let taken = "; what templates had added that are not selected any more is taken out";
        decision.message.push_str(taken);
        decision.logged.push_str(taken);
    }
    decision
}

/// Decides on a pod with what is ours taken out; `None` where it is to be decided on as it is.
fn decide_again(input: CompositionInput<'_>, received: &Pod<'_>) -> Option<Decision> {
    let mut claims = claims(input, received);
    let mut given_back: BTreeMap<String, Status> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut rest = received.to_value();
        release_placeholders(&mut claims, &rest);
        if always_pulls(&rest) {
            for claim in claims.values() {
                restore_policies(&mut rest, &claim.status);
            }
        }
        let earlier = mandatory_helpers(input, &rest, &claims);
        let mut taken = take_out(&mut rest, &claims, &input.settings.foreign_helpers);
        for (template, status) in &given_back {
            let left = taken.left.entry(template.clone()).or_default();
            left.unite(status.clone());
        }
        taken.forget_absent(&rest);
        let text = rest.to_string();
        let document = Document::read(&text).ok()?;
        let found = findings(&claims, &taken);
        let second_calls = second_calls(&claims);
        let apart = ComposedPod {
            evaluated: &Pod::read(document.root()).ok()?,
            earlier: &earlier,
            claims: &second_calls,
            found: &found,
        };
        let composed = compose(input, apart).ok()?;
        let decision = &composed.decision;
        if decision.verdict() == Verdict::Denied {
            let is_changed = decision.reason == Reason::OverrideNotAllowed;
            if is_changed && claim_placeholders(&mut claims, &received.to_value()) {
                continue;
            }
            return Some(composed.decision);
        }
        let unconfirmed = unconfirmed(&claims, &taken, &composed);
        if unconfirmed.is_empty() {
            return Some(finalize(input, &claims, &taken, (received, rest), composed));
        }
        for (template, status) in unconfirmed {
            if let Some(claim) = claims.get_mut(&template) {
                let whole = std::mem::take(&mut claim.status);
                claim.status = whole.with_elements(&|element, _| !status.names(element));
                // What is left keeps its place in the autoscaler's list.
                let evictable = &mut claim.status.safe_to_evict;
                evictable.retain(|volume| !status.volumes.contains(volume));
            }
            given_back.entry(template).or_default().unite(status);
        }
    }
    None
}

/// What the pod's statuses claim, and for what it is taken out; one that cannot be read claims nothing.
fn claims<'t>(input: CompositionInput<'t>, pod: &Pod<'_>) -> Claims<'t> {
    let namespace = &input.context.namespace;
    let served = |name: &str| input.catalog.find(namespace, name).template();
    let claim = |(key, text): (&Text<'_>, &Text<'_>)| {
        let name = key.as_str().strip_prefix(STATUS_PREFIX)?;
        let status: Status = serde_json::from_str(text.as_str()).ok()?;
        let mut selected = input.templates.iter();
        let selected = selected.find(|template| template.name == name);
        let purpose = match selected {
            None if status.asked_by == ASKED_BY_FLAG => return None,
            None => Purpose::Unselected,
            Some(template) if template.revision == status.revision => Purpose::SecondCall,
            Some(_) => Purpose::Afresh,
        };
        let claim = Claim {
            status,
            template: selected.or_else(|| served(name)).map(AsRef::as_ref),
            purpose,
        };
        Some((name.to_owned(), claim))
    };
    let annotations = pod.annotations().into_iter().flat_map(Dictionary::iter);
    let mut claims: Claims<'t> = annotations.filter_map(claim).collect();
    for claim in claims.values_mut() {
        let is_other = |template: &Template| {
            let set = ParameterSources {
                pod: input.annotations,
                namespace: &input.namespace.annotations,
                configuration: &input.settings.parameters,
                trace: None,
                budget: input.budget,
            };
            parameters::digest_of(template, set).is_some_and(|set| set != claim.status.parameters)
        };
        // Where nothing was added, as of a template that was skipped, nothing is to be made anew.
        let names_some = !claim.status.names_nothing();
        if claim.purpose == Purpose::SecondCall
            && names_some
            && claim.template.is_some_and(is_other)
        {
            claim.purpose = Purpose::Afresh;
        }
    }
    claims
}

/// Counts as a mandatory template's own the placeholders of the user's that it filled in: others have
/// changed them since, and what they changed is put back and never refused. `false` where there is none.
fn claim_placeholders(claims: &mut Claims<'_>, pod: &Value) -> bool {
    let content = PodContent::new(pod);
    let mut is_any = false;
    for claim in claims.values_mut() {
        let Some(template) = claim.template.filter(|template| template.mandatory) else {
            continue;
        };
        if claim.purpose == Purpose::Unselected {
            continue;
        }
        let status = &mut claim.status;
        let filled: Vec<String> = status.auto.names().cloned().collect();
        for name in filled {
            if !template.has_helper(&name) || status.init_containers.contains(&name) {
                continue;
            }
            let list = match content.find(Element::InitContainer(&name)) {
                Some(_) => &mut status.init_containers,
                None => &mut status.containers,
            };
            list.push_undigested(name.as_str());
            status.edited.remove(&name);
            status.replaced_in.remove(&name);
            status.auto.retain(|other, _| other != name);
            is_any = true;
        }
    }
    is_any
}

/// Leaves out what claims say of containers with a placeholder for their image: no template adds such a one, so
/// that it stands where a helper was for the template to fill in.
fn release_placeholders(claims: &mut Claims<'_>, pod: &Value) {
    let lists = ["containers", "initContainers"].into_iter();
    let containers = lists.flat_map(|list| items(pod, list));
    let is_empty =
        |container: &&Value| container.get("image").and_then(Value::as_str) == Some(PLACEHOLDER);
    let placeholders: BTreeSet<&str> = containers.filter(is_empty).map(name).collect();
    if placeholders.is_empty() {
        return;
    }
    for claim in claims.values_mut() {
        let whole = std::mem::take(&mut claim.status);
        claim.status = whole.with_elements(&|element, _| match element {
            Element::Container(name) | Element::InitContainer(name) => !placeholders.contains(name),
            _ => true,
        });
    }
}

/// The statuses of templates that are as they were.
fn second_calls(claims: &Claims<'_>) -> BTreeMap<String, Status> {
    let same = claims
        .iter()
        .filter(|(_, claim)| claim.purpose == Purpose::SecondCall);
    same.map(|(name, claim)| (name.clone(), claim.status.clone()))
        .collect()
}

/// The containers of mandatory templates as received, where a status of the same revision and parameters claims
/// them: of what another revision added nothing is kept.
fn mandatory_helpers(
    input: CompositionInput<'_>,
    pod: &Value,
    claims: &Claims<'_>,
) -> BTreeMap<String, Value> {
    let content = PodContent::new(pod);
    let mandatory = input.templates.iter().filter(|template| template.mandatory);
    let claimed = mandatory
        .filter_map(|template| claims.get(&template.name))
        .filter(|claim| claim.purpose == Purpose::SecondCall);
    let elements = claimed.flat_map(|claim| {
        let named = claim.status.elements().map(|(element, _)| element);
        named.filter(|element| claim.emits(*element))
    });
    elements
        .filter_map(|element| match element {
            Element::Container(name) | Element::InitContainer(name) => {
                Some((name.to_owned(), content.find(element)?.0.clone()))
            }
            _ => None,
        })
        .collect()
}

/// What was taken out although nothing confirms that it is the template's: it was changed, is a field of
/// the pod or of a security context, is in another injector's helper, or in a container whose image it would
/// leave to nobody; and the template does not set it.
fn unconfirmed(
    claims: &Claims<'_>,
    taken: &TakenOut,
    composed: &Composed,
) -> BTreeMap<String, Status> {
    let none = Status::default();
    let of_template = |(name, taken_out): (&String, &Status)| {
        let claim = claims.get(name)?;
        let added = composed.statuses.get(name).unwrap_or(&none);
        let changed = taken.changed.get(name).unwrap_or(&none);
        let is_unconfirmed = |element: Element<'_>| {
            let is_doubtful = is_security_or_pod(element)
                || changed.names(element)
                || is_unfilled(taken_out, added, element)
                || is_edit_in(&taken.foreign, element);
            let is_emitted = claim.emits(element) || claim.sets(element);
            let is_mounted =
                matches!(element, Element::Volume(name) if taken.mounted.contains(name));
            ((is_doubtful && !is_emitted) || is_mounted) && !added.names(element)
        };
        let mut elements = taken_out.elements();
        if !elements.any(|(element, _)| is_unconfirmed(element)) {
            return None;
        }
        let status = taken_out.clone();
        Some((
            name.clone(),
            status.with_elements(&|element, _| is_unconfirmed(element)),
        ))
    };
    taken.taken.iter().filter_map(of_template).collect()
}

/// Whether an element is something in a container of another injector's.
fn is_edit_in(foreign: &BTreeSet<String>, element: Element<'_>) -> bool {
    match element {
        Element::Edit(name, _) | Element::EditedDefault(name, _) => foreign.contains(name),
        _ => false,
    }
}

/// Whether an element is in a container whose image was a placeholder's and is filled in no more: such a
/// container cannot start.
fn is_unfilled(taken: &Status, added: &Status, element: Element<'_>) -> bool {
    let (Element::Image(name) | Element::Edit(name, _) | Element::EditedDefault(name, _)) = element
    else {
        return false;
    };
    taken.auto.contains(name) && !added.auto.contains(name)
}

/// Whether an element may stay as others changed it. What a mandatory template adds beside its helpers and
/// their volumes is the pod's to decide, as in a pod that comes bare.
fn may_stay(claim: &Claim<'_>, element: Element<'_>) -> bool {
    let Some(mandatory) = claim.template.filter(|template| template.mandatory) else {
        return true;
    };
    match element {
        Element::Label(_) | Element::Annotation(_) | Element::Field(_) | Element::Default(_) => {
            true
        }
        Element::Edit(container, _) | Element::EditedDefault(container, _) => {
            !mandatory.has_helper(container)
        }
        _ => false,
    }
}

/// What is to be told of what others changed, and of what was left.
fn findings(claims: &Claims<'_>, taken: &TakenOut) -> Vec<Finding> {
    let mut found = Vec::new();
    let words = |status: &Status| -> String {
        let elements = status.elements().map(|(element, _)| element.to_string());
        elements.collect::<Vec<_>>().join(", ")
    };
    for (name, claim) in claims {
        let changed = taken.changed.get(name).cloned().unwrap_or_default();
        let changed = changed.with_elements(&|element, digest| {
            let is_told = claim.purpose != Purpose::SecondCall || may_stay(claim, element);
            digest.is_some() && !element.is_generated_file() && is_told
        });
        let changed = words(&changed);
        let template = claim.template.map(|template| template.name.as_str());
        if !changed.is_empty() {
            let (code, message) = match claim.purpose {
                Purpose::SecondCall => (
                    Code::ChangedByOther,
                    format!(
                        "another webhook, or somebody by hand, has changed {changed} since the template added it; it stays so"
                    ),
                ),
                _ => (
                    match claim.template {
                        Some(template) if template.mandatory => Code::MandatoryReverted,
                        _ => Code::EditReplaced,
                    },
                    format!(
                        "{changed} had been changed since an earlier revision or other parameters of the template added it, and is made anew"
                    ),
                ),
            };
            found.push(Finding::new(code, "metadata.annotations", message).of(template));
        }
        let left = taken.left.get(name).map(words).unwrap_or_default();
        if !left.is_empty() {
            let message = format!(
                "the status of the template `{name}` names {left}, which it does not prove to be the \
                 template's; it stays"
            );
            found
                .push(Finding::new(Code::LeftBehind, "metadata.annotations", message).of(template));
        }
    }
    found
}

#[cfg(test)]
mod tests;
