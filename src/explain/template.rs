//! One template's part: who asks for it, its parameters and conditions, and what it adds.

use serde::Serialize;
use serde_json::Value;

use super::fields::{self, Field};
use super::finding::FindingExplanation;
use super::lines::Lines;
use crate::explain::rules::{Asker, askers};
use crate::inject::engine::Engine;
use crate::inject::selection::{Selection, SelectionInput, select};
use crate::inject::trace::{ConditionNote, Layer, ParameterNote, TemplateNotes, ValuePlace};
use crate::inject::verdict::{Decision, TemplateOutcome};
use crate::template::Template;

/// The value of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: Value,
    /// Where the value comes from; a map can come from several places.
    pub(crate) from: Vec<ParameterPlace>,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParameterPlace {
    /// Whose setting it is.
    pub(crate) place: PlaceKind,
    /// The annotation's key, or the path in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// Who can set a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum PlaceKind {
    /// An annotation of the pod.
    PodAnnotation,
    /// An annotation of the namespace.
    NamespaceAnnotation,
    /// Pillion's configuration.
    Configuration,
    /// The template's default.
    Default,
    /// Nobody: it is empty.
    Unset,
}

impl PlaceKind {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::PodAnnotation => "annotation of the pod",
            Self::NamespaceAnnotation => "annotation of the namespace",
            Self::Configuration => "configuration",
            Self::Default => "default",
            Self::Unset => "not set",
        }
    }
}

/// A match condition or a validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    /// The match condition's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The expression.
    pub(crate) expression: String,
    /// What came of it; absent where it failed, or was not reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holds: Option<bool>,
    /// Whether it was evaluated: nothing is, behind the first that is false.
    pub(crate) evaluated: bool,
    /// The line in the template's file.
    pub(crate) line: u32,
}

/// One selected template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemplateExplanation {
    /// Its name.
    pub name: String,
    /// Its revision.
    pub(crate) revision: String,
    /// The file that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// Who asks for it.
    pub asked_for_by: Vec<Asker>,
    /// Its verdict.
    pub(crate) verdict: &'static str,
    /// The verdict's reason.
    pub reason: &'static str,
    /// The reason in one sentence.
    pub message: String,
    /// Its parameters, as far as they were resolved.
    pub(crate) parameters: Vec<Parameter>,
    /// Its match conditions.
    pub(crate) match_conditions: Vec<Condition>,
    /// Its validations.
    pub(crate) validations: Vec<Condition>,
    /// What it adds, field by field; what it would add, where the verdict is not `Injected`.
    pub fields: Vec<Field>,
    /// What was found about what it adds, most severe first.
    pub findings: Vec<FindingExplanation>,
}

/// Explains each selected template.
pub(super) fn explain(
    engine: &Engine,
    asked: SelectionInput<'_>,
    decision: &Decision,
    notes: Vec<TemplateNotes>,
    lines: &mut Lines<'_>,
) -> Vec<TemplateExplanation> {
    let Selection::Templates(templates) = select(engine.catalog(), engine.settings(), asked) else {
        return Vec::new();
    };
    let mut notes = notes.into_iter();
    templates
        .iter()
        .zip(&decision.outcomes)
        .map(|(template, outcome)| {
            let askers = askers(template, engine.catalog(), asked);
            let notes = notes.next().unwrap_or_default();
            one(template, askers, outcome, notes, lines)
        })
        .collect()
}

fn one(
    template: &Template,
    asked_for_by: Vec<Asker>,
    outcome: &TemplateOutcome,
    notes: TemplateNotes,
    lines: &mut Lines<'_>,
) -> TemplateExplanation {
    let match_conditions = template
        .match_conditions
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let note = notes.match_conditions.get(index);
            condition(Some(&one.name), &one.condition, note)
        })
        .collect();
    let validations = template
        .validations
        .iter()
        .enumerate()
        .map(|(index, one)| condition(None, &one.condition, notes.validations.get(index)))
        .collect();
    TemplateExplanation {
        name: template.name.clone(),
        revision: outcome.revision.clone(),
        file: lines.file(template),
        asked_for_by,
        verdict: outcome.reason.verdict().as_str(),
        reason: outcome.reason.code(),
        message: outcome.message.clone(),
        parameters: notes.parameters.into_iter().map(parameter).collect(),
        match_conditions,
        validations,
        fields: fields::of(template, &notes.additions, lines),
        findings: outcome
            .findings
            .iter()
            .map(FindingExplanation::from)
            .collect(),
    }
}

fn condition(
    name: Option<&String>,
    condition: &crate::template::fragment::Condition,
    note: Option<&ConditionNote>,
) -> Condition {
    Condition {
        name: name.cloned(),
        expression: condition.expression.source().to_owned(),
        holds: note.and_then(|note| note.holds),
        evaluated: note.is_some(),
        line: condition.origin.line,
    }
}

fn parameter(note: ParameterNote) -> Parameter {
    Parameter {
        name: note.name,
        value: note.value,
        from: note.places.into_iter().map(parameter_place).collect(),
    }
}

fn parameter_place(place: ValuePlace) -> ParameterPlace {
    let (place, key) = match place {
        ValuePlace::Set { layer, key } => match layer {
            Layer::Pod => (PlaceKind::PodAnnotation, Some(key)),
            Layer::Namespace => (PlaceKind::NamespaceAnnotation, Some(key)),
            Layer::Configuration => (PlaceKind::Configuration, Some(key)),
        },
        ValuePlace::Default => (PlaceKind::Default, None),
        ValuePlace::Empty => (PlaceKind::Unset, None),
    };
    ParameterPlace { place, key }
}
