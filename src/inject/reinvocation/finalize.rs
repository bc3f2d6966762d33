//! The end of a decision on a pod that carries statuses: what of it stays as received, and the patch.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Claims, is_unfilled, may_stay};
use crate::finding::{Code, Finding};
use crate::inject::composition::{Composed, CompositionInput, check_changed};
use crate::inject::difference::difference;
use crate::inject::patch::Patch;
use crate::inject::received::{
    ChangedHelper, always_pulls, keep_amounts, keep_changes, keep_evictable, keep_order,
    keep_policies,
};
use crate::inject::status::Status;
use crate::inject::uninject::{
    Claim, Purpose, TakenOut, is_security_or_pod, statuses as statuses_of,
};
use crate::inject::verdict::{Decision, EnforcedFinding, Reason, Verdict};
use crate::kubernetes::element_digest::element_digest;
use crate::kubernetes::keys::SAFE_TO_EVICT_VOLUMES;
use crate::kubernetes::schema::FieldType;
use crate::review::Pod;
use crate::review::object::Text;
use crate::template::Template;
use crate::wording::some;

/// The decision for the pod as received, from what was composed on the rest of it.
pub(super) fn finalize(
    input: CompositionInput<'_>,
    claims: &Claims<'_>,
    taken: &TakenOut,
    (received, rest): (&Pod<'_>, Value),
    mut composed: Composed,
) -> Decision {
    composed.decision.patch = if is_as_received(claims, taken, received, &composed) {
        Patch::default()
    } else {
        let before = received.to_value();
        let after = resulting(input, claims, taken, (&before, rest), &mut composed);
        let mut purposes = purposes_of_taken(claims, taken);
        let is_anew = purposes.any(|purpose| purpose == Purpose::Afresh);
        difference(&before, &after, !is_anew)
    };
    if composed.decision.patch.is_empty() {
        already_injected(&mut composed.decision);
    }
    let removed = removed(claims, taken, &composed);
    composed.decision.findings.extend(removed);
    composed.decision
}

/// For what that was taken out of which there was anything.
fn purposes_of_taken<'c>(
    claims: &'c Claims<'_>,
    taken: &'c TakenOut,
) -> impl Iterator<Item = Purpose> + 'c {
    let is_some = |name: &String| {
        let taken = taken.taken.get(name);
        taken.is_some_and(|taken| !taken.names_nothing())
    };
    let of_taken = claims.iter().filter(move |(name, _)| is_some(name));
    of_taken.map(|(_, claim)| claim.purpose)
}

/// What was taken out that the templates, as they are served, do not add to any pod by this name: a status
/// alone says whose it was, and a wrong one may be read by who misses it.
fn removed(claims: &Claims<'_>, taken: &TakenOut, composed: &Composed) -> Vec<EnforcedFinding> {
    // At a second call the outcome of the template says why it adds less.
    let anew = claims
        .iter()
        .filter(|(_, claim)| claim.purpose != Purpose::SecondCall);
    let of_template = |(name, claim): (&String, &Claim<'_>)| {
        let added = composed.statuses.get(name);
        let removed = taken.taken.get(name)?.elements().filter(|(element, _)| {
            let is_added = added.is_some_and(|added| added.names(*element));
            !is_added && !claim.emits(*element) && !element.is_generated_file()
        });
        let words: Vec<_> = removed.map(|(element, _)| element.to_string()).collect();
        if words.is_empty() {
            return None;
        }
        let words = some(words.iter().map(String::as_str));
        let whose = whose(claim);
        let message =
            format!("{words} was taken out: the status of the template `{name}` says that {whose}");
        let finding = Finding::new(Code::TakenOut, "metadata.annotations", message);
        Some(EnforcedFinding {
            policy: finding.code.default_policy(),
            finding,
        })
    };
    anew.filter_map(of_template).collect()
}

/// Who had added what was taken out, and what has become of that since.
fn whose(claim: &Claim<'_>) -> &'static str {
    let Some(template) = claim.template else {
        return "it had added it, and no such template is served any more";
    };
    match claim.purpose {
        Purpose::Unselected => {
            "it had added it, and the template is not selected for the pod any more"
        }
        _ if template.revision == claim.status.revision => "it had added it with other parameters",
        _ => "another revision than the one that is served had added it",
    }
}

/// Whether the pod has each element of each status unchanged, and nothing else is to be added: most
/// second calls end here, as other webhooks seldom touch what is ours. What mandatory templates add
/// is moved too, and so is always compared.
fn is_as_received(
    claims: &Claims<'_>,
    taken: &TakenOut,
    received: &Pod<'_>,
    composed: &Composed,
) -> bool {
    let is_unchanged = |(name, claim): (&String, &Claim<'_>)| {
        let added = composed.statuses.get(name);
        claim.purpose == Purpose::SecondCall
            && claim.template.is_some_and(|template| !template.mandatory)
            && added.is_some_and(|added| claim.status.says_the_same(added))
            && taken.taken.get(name) == Some(&claim.status)
            && taken.changed.get(name).is_none_or(Status::names_nothing)
            && is_evictable(received, &claim.status)
    };
    taken.left.is_empty()
        && composed.statuses.len() == claims.len()
        && claims.iter().all(is_unchanged)
}

/// Whether the autoscaler's list names every volume that a status says it got.
fn is_evictable(pod: &Pod<'_>, status: &Status) -> bool {
    let listed = pod
        .annotations()
        .and_then(|annotations| annotations.get(SAFE_TO_EVICT_VOLUMES));
    let mut names = status.safe_to_evict.iter();
    names.all(|volume| {
        let mut listed = listed.map_or("", Text::as_str).split(',');
        listed.any(|name| name.trim() == volume)
    })
}

/// Names the fields that others changed in helpers.
fn tell_fields(decision: &mut Decision, template: &str, helpers: &[ChangedHelper]) {
    let mut outcomes = decision.outcomes.iter_mut();
    let outcome = outcomes.find(|outcome| outcome.template == template);
    let mut findings = outcome
        .into_iter()
        .flat_map(|outcome| &mut outcome.findings);
    let told = findings.find(|told| told.finding.code == Code::ChangedByOther);
    let Some(EnforcedFinding { finding, .. }) = told else {
        return;
    };
    for text in [&mut finding.message, &mut finding.logged] {
        add_fields(text, helpers);
    }
}

fn add_fields(text: &mut String, helpers: &[ChangedHelper]) {
    if helpers.iter().all(|helper| helper.fields.is_empty())
        && let Some(changed) = text.strip_suffix("; it stays so")
    {
        text.truncate(changed.len());
    }
    for ChangedHelper { name, fields, .. } in helpers {
        if !fields.is_empty() {
            let fields = some(fields.iter().map(String::as_str));
            text.extend(["; of ", name, ": ", fields.as_str()]);
        }
    }
    for ChangedHelper {
        name, lost_volume, ..
    } in helpers
    {
        if let Some(volume) = lost_volume {
            text.extend([
                "; ",
                name,
                " is made anew, as the volume ",
                volume,
                " that it mounts is in the pod no more",
            ]);
        }
    }
    for helper in helpers.iter().filter(|helper| helper.is_sidecar_again) {
        text.extend([
            "; ",
            &helper.name,
            " had lost restartPolicy: Always, as another webhook knows no sidecars, and has it again: else the \
             app would wait for its end",
        ]);
    }
}

/// The pod as it is to be.
fn resulting(
    input: CompositionInput<'_>,
    claims: &Claims<'_>,
    taken: &TakenOut,
    (before, rest): (&Value, Value),
    composed: &mut Composed,
) -> Value {
    let mut after = rest;
    for operation in &composed.decision.patch.0 {
        operation.apply(&mut after);
    }
    let is_second_call =
        purposes_of_taken(claims, taken).all(|purpose| purpose == Purpose::SecondCall);
    if is_second_call && always_pulls(before) {
        keep_policies(before, &mut after);
    }
    let as_composed = after.clone();
    for (name, claim) in claims {
        let is_kept = claim.purpose == Purpose::SecondCall && claim.template.is_some();
        let (changed, added) = (taken.changed.get(name), composed.statuses.get(name));
        if let (true, Some(changed), Some(added)) = (is_kept, changed, added) {
            let kept = changed
                .clone()
                .with_elements(&|element, _| added.names(element) && may_stay(claim, element));
            let helpers = keep_changes(before, &mut after, &kept);
            tell_fields(&mut composed.decision, name, &helpers);
        }
    }
    keep_amounts(before, &mut after);
    let mandatory: Vec<&str> = claims
        .values()
        .filter_map(|claim| claim.template)
        .filter(|template| template.mandatory)
        .flat_map(Template::helpers)
        .map(|container| container.name.as_str())
        .collect();
    if is_second_call {
        keep_order(before, &mut after, &mandatory);
        keep_evictable(before, &mut after);
    }
    check_changed(input, composed, (&as_composed, &after));
    keep_left(taken, &mut composed.statuses, &mut after);
    keep_statuses(&composed.statuses, before, &mut after);
    after
}

/// Keeps what was left of a template in its status, so that it can be taken out later.
fn keep_left(taken: &TakenOut, statuses: &mut BTreeMap<String, Status>, after: &mut Value) {
    for (name, left) in &taken.left {
        let Some(status) = statuses.get_mut(name) else {
            continue;
        };
        // Without a digest nothing will ever show that it is the template's, and what is in a container
        // whose image it does not fill in any more is the user's from now on.
        let left = left.clone().with_elements(&|element, digest| {
            digest.is_some()
                && !is_security_or_pod(element)
                && !status.names(element)
                && !is_unfilled(left, status, element)
        });
        if left.elements().next().is_none() {
            continue;
        }
        status.unite(left);
        let annotations = after.pointer_mut("/metadata/annotations");
        if let Some(Value::Object(annotations)) = annotations {
            annotations.insert(Status::key(name), Value::String(status.to_json()));
        }
    }
}

/// Keeps the text of a status that says the same as the new one: what the checks find may have changed
/// since by what other webhooks did, and what was added has not.
fn keep_statuses(statuses: &BTreeMap<String, Status>, before: &Value, after: &mut Value) {
    // A helper whose digest is another one, and which is as received, has what may be added to it.
    let spec = |pod: &Value| {
        let ty = FieldType::Object("PodSpec".to_owned());
        pod.get("spec").map(|spec| element_digest(&ty, spec))
    };
    let is_unchanged =
        |after: &Value| before.get("spec") == after.get("spec") || spec(before) == spec(after);
    let texts = statuses_of(before);
    for (name, status) in statuses {
        let Some(text) = texts.get(name) else {
            continue;
        };
        let Ok(received) = serde_json::from_str::<Status>(text) else {
            continue;
        };
        let same = received.says_the_same(status)
            || (received.without_digests() == status.without_digests() && is_unchanged(after));
        let annotations = after.pointer_mut("/metadata/annotations");
        if let (true, Some(Value::Object(annotations))) = (same, annotations) {
            annotations.insert(Status::key(name), Value::String(text.clone()));
        }
    }
}

/// Makes `Injected` the decision about a pod that has everything already.
fn already_injected(decision: &mut Decision) {
    if decision.verdict() == Verdict::Injected {
        let outcomes = decision.outcomes.iter();
        let is_changed = outcomes
            .flat_map(|outcome| &outcome.findings)
            .any(|enforced| enforced.finding.code == Code::ChangedByOther);
        let message = if is_changed {
            "what the templates add is in the pod already, in part as somebody has changed it"
        } else {
            "everything that the templates add is in the pod already"
        };
        decision.reason = Reason::AlreadyInjected;
        message.clone_into(&mut decision.message);
        message.clone_into(&mut decision.logged);
    }
}
