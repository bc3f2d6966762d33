//! The plan: what one template adds to a pod, made afresh from the pod as it is.
//!
//! Evaluation and composition happen without touching the pod; the [`Change`] that comes out is
//! applied as a whole or not at all, so that a refused, skipped or shadowed template leaves nothing
//! behind.

mod app;
mod container;
mod files;
mod pod_fields;
mod safety;
mod validity;
mod volume;

use std::collections::BTreeSet;

use serde_json::Value;

use super::data::{Apps, Data};
use super::merge::Fill;
use super::parameters::{self, Given};
use super::pod::{List, WorkingPod};
use super::refusal::Refusal;
use super::settings::{Namespace, Settings};
use super::status::Status;
use super::verdict::{Outcome, Reason, Verdict};
use crate::template::Template;
use crate::template::expression::Bindings;
use crate::template::fragment::{Evaluation, Failure, NoVolumes};
use volume::Names;

/// The annotation that lists volumes which do not keep the cluster autoscaler from evicting a pod.
pub const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// The image by which a container of the user's says: take the template's.
pub const PLACEHOLDER: &str = "auto";

/// What plans are made with.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'c> {
    /// The installation's settings.
    pub settings: &'c Settings,
    /// The namespace's name.
    pub namespace_name: &'c str,
    /// The namespace.
    pub namespace: &'c Namespace,
    /// The pod's annotations as it came, and those it is treated to carry.
    pub annotations: &'c std::collections::BTreeMap<String, String>,
    /// The names of all containers of the selected templates: no app containers.
    pub helpers: &'c BTreeSet<String>,
}

/// What a template adds.
#[derive(Debug, Default)]
pub struct Change {
    volumes: Vec<Value>,
    init_containers: Vec<Value>,
    containers: Vec<Value>,
    edits: Vec<(List, usize, Fill)>,
    fields: Option<Fill>,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    /// What was added, by name.
    pub status: Status,
    /// What the person should know, one sentence each.
    pub findings: Vec<String>,
}

/// Makes and, unless the template is in shadow mode, applies the plan of one template.
pub fn apply(
    pod: &mut WorkingPod<'_>,
    template: &Template,
    with: Circumstances<'_>,
) -> (Outcome, Status) {
    match make(pod, template, with) {
        Ok(change) => finish(pod, template, change),
        Err(refusal) => stop(template, refusal),
    }
}

/// A template that is not applied. In shadow mode it never refuses a pod.
fn stop(template: &Template, mut refusal: Refusal) -> (Outcome, Status) {
    if template.shadow && refusal.reason.verdict() == Verdict::Denied {
        let would = format!("would be refused in enforcing mode: {}: ", refusal.reason);
        refusal.message.insert_str(0, &would);
        refusal.logged.insert_str(0, &would);
        refusal.reason = Reason::ShadowMode;
    }
    let mut status = Status::default();
    status.describe(refusal.reason, &template.revision);
    (outcome(template, refusal, Vec::new()), status)
}

fn outcome(template: &Template, why: Refusal, findings: Vec<String>) -> Outcome {
    Outcome {
        template: template.name.clone(),
        revision: template.revision.clone(),
        reason: why.reason,
        message: why.message,
        logged: why.logged,
        findings,
    }
}

/// Applies a change, or in shadow mode only says what it would be.
fn finish(pod: &mut WorkingPod<'_>, template: &Template, change: Change) -> (Outcome, Status) {
    let summary = change.status.summary();
    let (reason, message) = if template.shadow {
        (
            Reason::ShadowMode,
            format!(
                "nothing is applied in shadow mode; would add {}",
                summary.join("; ")
            ),
        )
    } else if change.status.adds_nothing() {
        (
            Reason::NothingToAdd,
            "the template has nothing to add to this pod".to_owned(),
        )
    } else {
        (Reason::Applied, format!("added {}", summary.join("; ")))
    };
    let mut status = change.status.clone();
    if template.shadow {
        status = Status {
            would_add: summary,
            ..Status::default()
        };
    }
    status.describe(reason, &template.revision);
    let why = Refusal::new(reason, message);
    let outcome = outcome(template, why, change.findings.clone());
    if !template.shadow {
        change.apply(pod, template);
    }
    (outcome, status)
}

impl Change {
    fn apply(self, pod: &mut WorkingPod<'_>, template: &Template) {
        let in_front = template.order <= 0;
        // Edits first: their indices are those of the pod as it was planned on.
        for (list, index, fill) in self.edits {
            pod.edit(list, index, fill);
        }
        for (list, values) in [
            (List::Volumes, self.volumes),
            (List::InitContainers, self.init_containers),
            (List::Containers, self.containers),
        ] {
            for value in values {
                pod.add(list, &template.name, value, in_front);
            }
        }
        if let Some(fill) = self.fields {
            pod.edit_fields(fill);
        }
        for (key, value) in self.labels {
            pod.labels.set(&key, value);
        }
        for (key, value) in self.annotations {
            pod.annotations.set(&key, value);
        }
    }
}

/// Plans without touching the pod.
fn make(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Circumstances<'_>,
) -> Result<Change, Refusal> {
    let apps = app::find(pod, with)?;
    let none = parameters::Values::new();
    let data = Data {
        pod,
        namespace: with.namespace,
        namespace_name: with.namespace_name,
        values: &none,
        apps: &apps,
        own: None,
        kubernetes_minor: with.settings.kubernetes_minor,
    };
    let given = Given {
        pod: with.annotations,
        namespace: &with.namespace.annotations,
        configuration: &with.settings.parameters,
    };
    let values = parameters::resolve(template, given, &data)?;
    let data = Data {
        values: &values,
        ..data
    };
    let bindings = Bindings::new(&data, &template.reads, &template.variables);
    let evaluation = Evaluation {
        bindings: &bindings,
        source: &data,
        volumes: &NoVolumes,
    };
    conditions(template, evaluation)?;
    validations(template, evaluation)?;
    compose(pod, template, with, evaluation, &data, &apps)
}

/// The first condition that is false is the reason to skip.
fn conditions(template: &Template, with: Evaluation<'_>) -> Result<(), Refusal> {
    for condition in &template.match_conditions {
        if !condition.condition.holds(with.bindings).map_err(failed)? {
            let message = format!("the match condition `{}` is false", condition.name);
            return Err(Refusal::new(Reason::MatchConditionFalse, message));
        }
    }
    Ok(())
}

fn validations(template: &Template, with: Evaluation<'_>) -> Result<(), Refusal> {
    for validation in &template.validations {
        if !validation.condition.holds(with.bindings).map_err(failed)? {
            let message = validation.message.evaluate(with).map_err(failed)?;
            let message = message.as_ref().and_then(Value::as_str).unwrap_or_default();
            let origin = &validation.condition.origin;
            let logged = format!("{} (line {}) is false", origin.field, origin.line);
            let message = message.to_owned();
            return Err(Refusal::with_value(
                Reason::ValidationFailed,
                message,
                logged,
            ));
        }
    }
    Ok(())
}

/// The refusal for an expression that failed, naming field and parameters.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` takes")]
fn failed(failure: Failure) -> Refusal {
    let read = match failure.parameters.as_slice() {
        [] => String::new(),
        names => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!(" (it reads the parameter {})", names.join(", "))
        }
    };
    Refusal::new(Reason::EvaluationFailed, format!("{failure}{read}"))
}

/// Everything that the template adds.
fn compose(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Circumstances<'_>,
    evaluation: Evaluation<'_>,
    data: &Data<'_>,
    apps: &Apps,
) -> Result<Change, Refusal> {
    let mut change = Change::default();
    let names: Names = volume::volumes(pod, template, evaluation, apps, &mut change)?;
    let evaluation = Evaluation {
        volumes: &names,
        ..evaluation
    };
    container::containers(pod, template, with, evaluation, &mut change)?;
    app::edits(pod, template, data, &names, apps, &mut change)?;
    pod_fields::metadata(pod, template, evaluation, &mut change)?;
    pod_fields::fields(pod, template, evaluation, &mut change)?;
    safety::check(pod, template, &change)?;
    Ok(change)
}
