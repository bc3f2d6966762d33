//! What the engine notes on its way, for a person who asks why.
//!
//! The webhook passes no trace, and then nothing is noted and nothing is copied. Where the engine
//! tries several times, as for a pod that carries statuses, the notes are those of the last try,
//! which is the one that the decision comes from.

use std::cell::RefCell;

use serde_json::Value;

use crate::check::references::Reference;
use crate::check::resources::Effect;

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValuePlace {
    /// An annotation, or the configuration: by layer and key.
    Set {
        layer: Layer,
        /// The annotation's key, or the path in the configuration.
        key: String,
    },
    Default,
    /// No default either: empty.
    Empty,
}

/// Who sets parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Configuration,
    /// An annotation of the namespace.
    Namespace,
    /// An annotation of the pod.
    Pod,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParameterNote {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// Where the value comes from; a map comes from several places.
    pub(crate) places: Vec<ValuePlace>,
}

/// One match condition or validation that was evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConditionNote {
    /// What came of it; `None`: it failed.
    pub(crate) holds: Option<bool>,
}

/// The list that a container is in.
pub(crate) use super::pod::List;

/// One thing that a template adds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Addition {
    /// What it is added to.
    pub(crate) to: AddedTo,
    pub(crate) value: Value,
}

/// What something is added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AddedTo {
    /// A list of the spec, as a new element of this name.
    List(List, String),
    /// The container of this name in this list, at a JSON pointer below it.
    Container(List, String, String),
    /// The spec, at a JSON pointer below it.
    Spec(String),
    /// The labels, under this key.
    Label(String),
    /// The annotations, under this key.
    Annotation(String),
}

/// What was noted of one template.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TemplateNotes {
    /// Parameters, in the order of resolution, as far as that came.
    pub(crate) parameters: Vec<ParameterNote>,
    /// Match conditions that were evaluated, in order.
    pub(crate) match_conditions: Vec<ConditionNote>,
    /// Validations that were evaluated, in order.
    pub(crate) validations: Vec<ConditionNote>,
    /// What the template adds, or in shadow mode would add.
    pub(crate) additions: Vec<Addition>,
}

/// The notes of one decision, by template in the order of composition.
#[derive(Debug, Default)]
pub struct Trace {
    templates: RefCell<Vec<TemplateNotes>>,
    before: RefCell<Vec<TemplateNotes>>,
    result: RefCell<ResultNotes>,
}

/// What was noted of the pod that would result.
#[derive(Debug, Default)]
pub(crate) struct ResultNotes {
    /// What the applied templates refer to.
    pub(crate) references: Vec<Reference>,
    /// What they change in what the pod requests; `None` where none is applied.
    pub(crate) effect: Option<Effect>,
}

impl Trace {
    /// The engine tries once more.
    pub(super) fn restart(&self) {
        self.before.replace(self.templates.take());
        self.result.take();
    }

    /// What follows is about the next template. One that is `skipped` for what was found about it
    /// is not evaluated again: its notes are those of the try in which it was.
    pub(super) fn next_template(&self, skipped: bool) {
        let mut templates = self.templates.borrow_mut();
        let before = self.before.borrow();
        let notes = before.get(templates.len()).filter(|_| skipped);
        templates.push(notes.cloned().unwrap_or_default());
    }

    fn note(&self, note: impl FnOnce(&mut TemplateNotes)) {
        if let Some(template) = self.templates.borrow_mut().last_mut() {
            note(template);
        }
    }

    pub(super) fn parameter(&self, parameter: ParameterNote) {
        self.note(|template| template.parameters.push(parameter));
    }

    pub(super) fn match_condition(&self, holds: Option<bool>) {
        self.note(|template| template.match_conditions.push(ConditionNote { holds }));
    }

    pub(super) fn validation(&self, holds: Option<bool>) {
        self.note(|template| template.validations.push(ConditionNote { holds }));
    }

    pub(super) fn additions(&self, additions: Vec<Addition>) {
        self.note(|template| template.additions = additions);
    }

    /// What the applied templates refer to.
    pub(super) fn references(&self, references: Vec<Reference>) {
        self.result.borrow_mut().references = references;
    }

    /// What the applied templates change in what the pod requests.
    pub(super) fn effect(&self, effect: Effect) {
        self.result.borrow_mut().effect = Some(effect);
    }

    /// The notes of each template, and of the pod that would result.
    pub(crate) fn into_notes(self) -> (Vec<TemplateNotes>, ResultNotes) {
        (self.templates.into_inner(), self.result.into_inner())
    }
}
