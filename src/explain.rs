//! Why a pod is, or is not, injected: the whole way from the API server's gates to the patch.
//!
//! The webhook answers in microseconds and says one sentence. A person who asks why wants to see
//! every step, also those that were passed. The steps are those of the engine itself, which notes
//! what it decided where somebody listens ([`trace`](crate::inject::trace)); only the API server's own
//! gates are evaluated here ([`gates`]), and lines are looked up in the templates' files (`lines`).

mod fields;
mod finding;
pub mod gates;
pub(crate) mod lines;
mod needed;
mod question;
mod resources;
pub(crate) mod rules;
pub(crate) mod stop;
mod template;

use serde::Serialize;
use serde_json::Value;

pub(crate) use fields::Field;
pub(crate) use finding::FindingExplanation;
pub(crate) use needed::{Existence, Needed};
pub use question::Question;
pub(crate) use resources::{Amount, Resources};
pub(crate) use stop::Stop;
pub(crate) use template::{Condition, Parameter, TemplateExplanation};

use crate::check::references::Reference;
use crate::explain::rules::Rule;
use crate::inject::engine::Engine;
use crate::inject::patch::Patch;
use crate::inject::request_context::RequestContext;
use crate::inject::selection::is_doubtful;
use crate::inject::trace::Trace;
use crate::inject::verdict::{Decision, Reason, Verdict};
use crate::kubernetes::webhook_configuration::WebhookConfiguration;
use crate::review::{Document, Pod};
use crate::template::Source;
use gates::{Call, EntryGates};
use lines::Lines;

/// The word for a verdict that is not known.
const UNKNOWN: &str = "Unknown";
/// Why it is not.
const TEMPLATE_UNKNOWN: &str = "TemplateUnknown";

/// The webhook configurations that lead to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Where they were read, for a person.
    pub from: String,
    /// The configurations; `Err`: they could not be read, and why.
    pub configurations: Result<Vec<WebhookConfiguration>, String>,
}

/// The API server's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gates {
    /// Where the webhook configurations were read.
    pub(crate) from: String,
    /// Whether the API server calls Pillion for this pod.
    pub(crate) call: Call,
    /// Why nothing can be told, where nothing can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// Every entry that names Pillion.
    pub(crate) entries: Vec<EntryGates>,
}

/// Everything about one pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The engine's verdict, what the webhook would answer when it is called; `Unknown` where that depends on
    /// a template that could not be read.
    #[serde(serialize_with = "word_of_verdict")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub verdict: Option<Verdict>,
    /// The verdict's reason; `TemplateUnknown` where the verdict is `Unknown`.
    #[serde(serialize_with = "code_of_reason")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub reason: Option<Reason>,
    /// The reason in one sentence.
    pub message: String,
    /// What stops the injection first, and what to change; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Stop>,
    /// The API server's own gates.
    pub(crate) gates: Gates,
    /// The rules of the selection, in the order of precedence.
    pub(crate) selection: Vec<Rule>,
    /// The selected templates, in the order of composition.
    pub templates: Vec<TemplateExplanation>,
    /// What the pod requests and may use, by the scheduler's formula; absent where nothing is
    /// added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Resources>,
    /// The objects that the templates' additions need.
    pub(crate) references: Vec<Needed>,
    /// What was found about no template in particular.
    pub(crate) findings: Vec<FindingExplanation>,
    /// What the webhook would change (RFC 6902).
    #[serde(serialize_with = "operations")]
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    pub patch: Patch,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde hands over a reference"
)]
fn word_of_verdict<S: serde::Serializer>(
    verdict: &Option<Verdict>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_str(verdict.map_or(UNKNOWN, Verdict::as_str))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde hands over a reference"
)]
fn code_of_reason<S: serde::Serializer>(reason: &Option<Reason>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(reason.map_or(TEMPLATE_UNKNOWN, Reason::code))
}

fn operations<S: serde::Serializer>(patch: &Patch, to: S) -> Result<S::Ok, S::Error> {
    patch.0.serialize(to)
}

impl Engine {
    /// Explains the decision about a pod. `sources` are the files that the engine's templates come
    /// from. `Err`: what the webhook would answer with HTTP status 400.
    pub fn explain(
        &self,
        question: &Question<'_>,
        registration: &Registration,
        sources: &[Source],
    ) -> Result<Explanation, String> {
        let trace = Trace::default();
        let (decision, case) = question.decide(self, &trace)?;
        let asked = case.asked();
        let gates = gates_of(registration, case.arrival());
        let selection = crate::explain::rules::rules(self.catalog(), self.settings(), asked);
        let mut lines = Lines::new(self.catalog(), sources);
        let (notes, result) = trace.into_notes();
        let templates = template::explain(self, asked, &decision, notes, &mut lines);
        let Decision {
            reason,
            message,
            patch,
            findings,
            ..
        } = decision;
        let reason = Some(reason).filter(|reason| !is_doubtful(self.catalog(), asked, *reason));
        Ok(Explanation {
            namespace: case.subject.namespace.clone(),
            stopped_by: stop::find(&gates, &selection, &templates, reason, &message),
            verdict: reason.map(Reason::verdict),
            reason,
            message,
            gates,
            selection,
            templates,
            references: result.references.into_iter().map(Needed::from).collect(),
            resources: result.effect.as_ref().map(Resources::from),
            findings: findings.iter().map(FindingExplanation::from).collect(),
            patch,
        })
    }
}

impl Engine {
    /// The objects that the templates' additions to a pod would need.
    pub(crate) fn references(&self, subject: &RequestContext, pod: &str) -> Vec<Reference> {
        let trace = Trace::default();
        if let Ok(document) = Document::read(pod)
            && let Ok(pod) = Pod::read(document.root())
        {
            self.decide(subject, &pod, Some(&trace));
        }
        trace.into_notes().1.references
    }
}

impl Explanation {
    /// Refuses a pod that the API server cannot read, for this reason: whatever would be added, it
    /// refuses the pod before it calls a webhook.
    pub(crate) fn refuse_unreadable(&mut self, why: &str) {
        let reason = Some(Reason::ReviewInvalid);
        self.reason = reason;
        self.verdict = reason.map(Reason::verdict);
        why.clone_into(&mut self.message);
        self.templates.clear();
        self.references.clear();
        self.findings.clear();
        self.resources = None;
        self.patch = Patch::default();
        self.stopped_by = stop::find(&self.gates, &self.selection, &[], reason, why);
    }

    /// The verdict and its reason, as a person reads them.
    pub(crate) fn judgement(&self) -> String {
        let verdict = self.verdict.map_or(UNKNOWN, Verdict::as_str);
        let reason = self.reason.map_or(TEMPLATE_UNKNOWN, Reason::code);
        format!("{verdict} ({reason})")
    }

    /// The pod as the webhook would leave it; as it came, where the patch does not fit.
    pub fn patched(&self, pod: &Value) -> Value {
        let mut patched = pod.clone();
        for operation in &self.patch.0 {
            if !operation.apply(&mut patched) {
                return pod.clone();
            }
        }
        patched
    }
}

fn gates_of(registration: &Registration, arrival: gates::Arrival<'_>) -> Gates {
    let from = registration.from.clone();
    let configurations = match &registration.configurations {
        Ok(configurations) => configurations,
        Err(problem) => {
            return Gates {
                from,
                call: Call::Unknown,
                problem: Some(problem.clone()),
                entries: Vec::new(),
            };
        }
    };
    let entries: Vec<_> = configurations
        .iter()
        .flat_map(|configuration| gates::evaluate(configuration, arrival))
        .collect();
    let call = [Call::Refused, Call::Called, Call::Unknown]
        .into_iter()
        .find(|call| entries.iter().any(|entry| entry.call == *call));
    let problem = entries.is_empty().then(|| {
        "no MutatingWebhookConfiguration names Pillion: the API server never calls it".to_owned()
    });
    Gates {
        from,
        call: call.unwrap_or(Call::NotCalled),
        problem,
        entries,
    }
}
