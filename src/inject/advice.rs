//! Advice: what will become of the pods of a workload, told to whoever applies it.
//!
//! Nobody sees the warnings of a pod that a controller made. So the workload is judged when it is
//! applied: the pod that its controller would make of the pod template goes through the same
//! engine, and the verdict and the findings come back as warnings. The workload is always allowed
//! and never changed: the decision falls when its pods are created. Whatever cannot be judged is
//! allowed in silence, and only the log says why. Whoever applies a Namespace hears which of its labels and
//! annotations mean nothing.

pub(super) mod namespace;
mod wording;
mod workload;

use super::answer::{Answer, DecidedPod, text};
use super::verdict::{Decision, Reason, Refusal, Verdict};
use crate::kubernetes::keys::INJECT;
use crate::kubernetes::workload::{self as kinds, WorkloadKind};
use crate::review::{Request, Response, Text};
use workload::Workload;

/// The answer that says nothing, for a reason that the log alone tells.
pub(super) fn silent(request: &Request<'_>, decision: Decision) -> Answer {
    let kind = request.kind.as_ref().and_then(|kind| kind.kind.as_ref());
    let name = format!("{}/{}", text(kind), text(request.name.as_ref()));
    let allowed = Response::allowed(request.uid.as_str()).to_json();
    Answer::with_body(request, allowed, DecidedPod::named(name, decision))
}

/// The answer that tells the decision about the pods of a workload, whose namespace can ask for the
/// `served` templates.
pub(super) fn answer(
    request: &Request<'_>,
    workload: &Workload<'_>,
    decision: Decision,
    served: &[&str],
) -> Answer {
    let body = response(request.uid.as_str(), workload, &decision, served).to_json();
    // Whoever applied the workload sees the warnings at once: no event is sent.
    let decided = DecidedPod::named(workload.to_string(), decision);
    Answer::with_body(request, body, decided)
}

/// The workload of a request and the pod that its controller would make; `Err`: why there is nothing to
/// say.
pub(super) fn pod_of_workload<'a>(
    request: &Request<'a>,
) -> Result<(Workload<'a>, String), Refusal> {
    let operation = request.operation.as_ref().map_or("", Text::as_str);
    if !matches!(operation, "CREATE" | "UPDATE") {
        let message = "workloads are judged at their creation and update alone";
        return Err(Refusal::new(Reason::NotACreation, message));
    }
    let kind = kind_of(request)
        .ok_or_else(|| Refusal::new(Reason::NotAPod, "the request is not about a workload"))?;
    let unreadable = || {
        let (kind, pointer) = (kind.kind, kind.pod_pointer);
        let message = format!("the {kind} cannot be read, or has no pod template at {pointer}");
        Refusal::new(Reason::ReviewInvalid, message)
    };
    let read = |object| Workload::read(kind, object);
    let workload = request.object.and_then(read).ok_or_else(unreadable)?;
    if workload.is_made_by_a_controller {
        let message = "a controller made the object, and its owner was judged before";
        return Err(Refusal::new(Reason::MadeByController, message));
    }
    let before = request.old_object.filter(|_| operation == "UPDATE");
    if before
        .and_then(read)
        .is_some_and(|before| workload.is_as(&before))
    {
        let message = "the update leaves the pod template as it is";
        return Err(Refusal::new(Reason::PodTemplateUnchanged, message));
    }
    let pod = workload.pod().ok_or_else(unreadable)?;
    Ok((workload, pod))
}

/// The kind of workload that the request is about as a whole, whose controller makes pods.
fn kind_of(request: &Request<'_>) -> Option<&'static WorkloadKind> {
    let part = request.sub_resource.as_ref().map_or("", Text::as_str);
    let kind = request.kind.as_ref().filter(|_| part.is_empty())?;
    let group = kind.group.as_ref().map_or("", Text::as_str);
    kinds::find(group, kind.kind.as_ref()?.as_str()).filter(|kind| kind.owner.is_some())
}

/// The response that tells a decision about the pods of a workload.
fn response<'a>(
    uid: &'a str,
    workload: &Workload<'_>,
    decision: &Decision,
    served: &[&str],
) -> Response<'a> {
    let is_said = match decision.reason {
        // What the API server takes and this does not understand is not the person's fault.
        Reason::ReviewInvalid => false,
        // Who asks and is kept out wonders; who does not ask hears nothing.
        Reason::NamespaceDisabled => workload.has_annotation(INJECT),
        _ => decision.verdict() == Verdict::Denied || !decision.outcomes.is_empty(),
    };
    let outcomes = decision.outcomes.iter();
    let names = outcomes.map(|outcome| outcome.template.as_str()).collect();
    let applied = (decision.verdict() != Verdict::Denied).then_some(&names);
    let misplaced: Vec<_> = workload
        .misplaced(applied, served)
        .into_iter()
        .map(|hint| format!("pillion: {hint}"))
        .collect();
    if !is_said && misplaced.is_empty() {
        return Response::allowed(uid);
    }
    let lines = if is_said {
        wording::lines(workload.kind.kind, decision)
    } else {
        Vec::new()
    };
    let audit = format!("{} ({})", decision.verdict(), decision.reason);
    Response::allowed(uid)
        .with_warnings(lines.into_iter().chain(misplaced))
        .with_audit("verdict", audit)
}

#[cfg(test)]
mod tests;
