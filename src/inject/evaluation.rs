//! Evaluation: what one template wants for a pod.
//!
//! Parameters, conditions and fragments are evaluated on the pod as earlier templates left it.
//! What comes out is data, compared with nothing yet: the plan decides what of it the pod lacks.

mod app;
mod apps;
mod container;
mod files;
mod image;
mod metadata;
mod validity;
mod volume;

use serde_json::Value;

use super::expression_input::{Apps, ExpressionInput, MadeData};
use super::parameters::{self, ParameterSources};
use super::pod::{List, WorkingPod};
use super::settings::{Namespace, Settings};
use super::trace::Trace;
use super::verdict::{Reason, Refusal};
use crate::expression::{Bindings, Budget};
use crate::finding::Finding;
use crate::review::pod::Dictionary;
use crate::template::Template;
use crate::template::fragment::{Evaluation, Failure, Fragment, NoVolumes};
use crate::template::value::TemplateObject;
pub(crate) use apps::PLACEHOLDER;
use volume::VolumeNames;

/// What templates are evaluated with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EvaluationContext<'c> {
    /// The installation's settings.
    pub(crate) settings: &'c Settings,
    pub(crate) namespace_name: &'c str,
    pub(crate) namespace: &'c Namespace,
    /// The pod's annotations as it came, and those it is treated to carry.
    pub(crate) annotations: &'c Dictionary<'c>,
    /// The names of containers that are helpers, not the app's.
    pub(crate) helpers: &'c [&'c str],
    /// The app containers of an earlier call, the main one first; empty: there was none.
    pub(crate) known_apps: &'c [String],
    /// Where notes are taken, if somebody asks why.
    pub(crate) trace: Option<&'c Trace>,
    /// What evaluation is paid from.
    pub(crate) budget: &'c Budget<'c>,
}

/// A volume that the template wants in the pod.
#[derive(Debug, Clone)]
pub(crate) struct WantedVolume {
    /// Its name in the pod.
    pub(crate) name: String,
    /// The volume, its name included.
    pub(crate) value: TemplateObject,
}

/// A container that the template wants in the pod.
#[derive(Debug, Clone)]
pub(crate) struct WantedContainer {
    pub(crate) name: String,
    pub(crate) value: TemplateObject,
    /// Whether it runs beside the app.
    pub(crate) is_sidecar: bool,
    /// Whether it is a native sidecar.
    pub(crate) is_native: bool,
}

/// What the template wants in an app container.
#[derive(Debug, Clone)]
pub(crate) struct WantedEdit {
    /// The list that the container is in.
    pub list: List,
    /// Where it is in the list.
    pub index: usize,
    /// The fields.
    pub(crate) want: TemplateObject,
}

/// What a template wants for a pod.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) volumes: Vec<WantedVolume>,
    /// Containers, init containers first.
    pub(crate) containers: Vec<WantedContainer>,
    /// Edits of app containers.
    pub(crate) app: Vec<WantedEdit>,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) annotations: Vec<(String, String)>,
    /// Annotations that carry generated files; these are ours whatever the pod has.
    pub(crate) files: Vec<(String, String)>,
    /// Other fields of the spec.
    pub(crate) pod: TemplateObject,
    /// The digest of the parameters' values that annotations and the configuration set.
    pub(crate) parameters: String,
    /// The names of the app's containers, the main one first, where the template depends on them.
    pub(crate) apps: Vec<String>,
    /// What the person should know.
    pub(crate) findings: Vec<Finding>,
}

/// Evaluates a template on a pod.
pub(crate) fn evaluate(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
) -> Result<Wanted, Refusal> {
    let apps = apps::find(pod, template, with)?;
    app::expect_names(pod, template, &apps)?;
    let none = parameters::Values::default();
    let data = ExpressionInput {
        pod,
        namespace: with.namespace,
        namespace_name: with.namespace_name,
        values: &none,
        apps: &apps,
        own: None,
        kubernetes_minor: with.settings.kubernetes_minor,
        made: MadeData::default(),
    };
    let given = ParameterSources {
        pod: with.annotations,
        namespace: &with.namespace.annotations,
        configuration: &with.settings.parameters,
        trace: with.trace,
        budget: with.budget,
    };
    let mut values = parameters::resolve(template, given, &data)?;
    let digest = std::mem::take(&mut values.digest);
    let data = data.with_values(&values);
    let own = app::data_of_each(&data);
    let mut bindings = Bindings::new(&data, &template.reads, &template.variables, with.budget);
    let mut wanted = Wanted {
        parameters: digest,
        apps: apps::names_of(pod, template, &apps),
        ..Wanted::default()
    };
    let names = pod_parts(pod, template, with, &bindings, &apps, &mut wanted)?;
    app::edits(pod, template, &own, &mut bindings, &names, &mut wanted)?;
    Ok(wanted)
}

/// Everything but what the app containers get.
fn pod_parts<'v>(
    pod: &'v WorkingPod<'_>,
    template: &'v Template,
    with: EvaluationContext<'_>,
    bindings: &Bindings<'_>,
    apps: &Apps,
    wanted: &mut Wanted,
) -> Result<VolumeNames<'v>, Refusal> {
    let evaluation = Evaluation {
        bindings,
        volumes: &NoVolumes,
    };
    conditions(template, evaluation, with.trace)?;
    validations(template, evaluation, with.trace)?;
    let names = volume::volumes(pod, template, evaluation, apps, wanted)?;
    let evaluation = Evaluation {
        volumes: &names,
        ..evaluation
    };
    container::containers(pod, template, with, evaluation, wanted)?;
    metadata::metadata(pod, apps, template, evaluation, wanted)?;
    metadata::pod_fields(template, evaluation, wanted)?;
    Ok(names)
}

/// The first condition that is false is the reason to skip.
fn conditions(
    template: &Template,
    with: Evaluation<'_, '_>,
    trace: Option<&Trace>,
) -> Result<(), Refusal> {
    for condition in &template.match_conditions {
        let holds = condition.condition.holds(with.bindings);
        if let Some(trace) = trace {
            trace.match_condition(holds.as_ref().ok().copied());
        }
        if !evaluated(template, holds)? {
            let message = format!("the match condition `{}` is false", condition.name);
            return Err(Refusal::new(Reason::MatchConditionFalse, message));
        }
    }
    Ok(())
}

fn validations(
    template: &Template,
    with: Evaluation<'_, '_>,
    trace: Option<&Trace>,
) -> Result<(), Refusal> {
    for validation in &template.validations {
        let holds = validation.condition.holds(with.bindings);
        if let Some(trace) = trace {
            trace.validation(holds.as_ref().ok().copied());
        }
        if !evaluated(template, holds)? {
            let text = evaluated(template, validation.message.evaluate(with))?;
            let message = text.as_deref().and_then(Value::as_str).unwrap_or_default();
            let origin = &validation.condition.origin;
            let logged = format!("{} (line {}) is false", origin.field, origin.line);
            return Err(Refusal::with_value(
                Reason::ValidationFailed,
                message.to_owned(),
                logged,
            ));
        }
    }
    Ok(())
}

/// The fields that a fragment gives; none without a fragment, or where it is left out.
fn fields(
    template: &Template,
    fragment: Option<&Fragment>,
    with: Evaluation<'_, '_>,
) -> Result<TemplateObject, Refusal> {
    let given = fragment.map_or(Ok(None), |fragment| fragment.evaluate_fields(with));
    Ok(evaluated(template, given)?.unwrap_or_default())
}

/// What was evaluated, or the refusal where an expression failed.
fn evaluated<T>(template: &Template, given: Result<T, Failure>) -> Result<T, Refusal> {
    given.map_err(|failure| failed(template, &failure))
}

/// The refusal for an expression that failed, naming field and parameters.
fn failed(template: &Template, failure: &Failure) -> Refusal {
    let spelled = |name: &String| {
        let declared = template
            .parameters
            .iter()
            .find(|p| p.expression_name == *name);
        format!("`{}`", declared.map_or(name, |parameter| &parameter.name))
    };
    let names: Vec<_> = failure.parameters.iter().map(spelled).collect();
    let read = match names.as_slice() {
        [] => String::new(),
        [name] => format!(" (it reads the parameter {name})"),
        names => format!(" (it reads the parameters {})", names.join(", ")),
    };
    let logged = format!(
        "{} (line {}) failed",
        failure.origin.field, failure.origin.line
    );
    let message = format!("{failure}{read}");
    Refusal::with_value(Reason::EvaluationFailed, message, logged)
}
