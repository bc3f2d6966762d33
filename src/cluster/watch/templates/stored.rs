//! One stored template: the newest generation, what became of it, and what it takes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;

use super::super::object::{Key, StoredTemplate};
use crate::cluster::model::ServedRevision;
use crate::cluster::weight::weight;
use crate::template::TemplateError;
use crate::template::compile::{Compiled, MandatoryFor, compile_object, object_path};
use crate::template::node::Place;

/// How many errors of a template are kept; its status tells fewer.
const MOST_ERRORS: usize = 64;

/// How many characters are kept of each text of an error: it may repeat what its author wrote.
const LONGEST_ERROR: usize = 1024;

/// A stored template and its last good generation.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) uid: String,
    pub(super) generation: i64,
    digest: String,
    pub(super) resource_version: String,
    pub(super) status: Arc<Value>,
    pub(super) created: String,
    /// The newest generation, until it is compiled or refused.
    pub(super) spec: Option<Value>,
    /// What the newest generation takes when it compiles: by its spec, and its patterns as far as they
    /// were compiled.
    weight: usize,
    pattern_bytes: usize,
    /// Whether its namespace has too much without it. Its spec is not kept, as it would take what the
    /// bounds save.
    pub(super) is_refused: bool,
    /// What the errors of the newest generation take, where it was found not to compile; refused or
    /// not.
    broken: Option<usize>,
    mandatory: MandatoryFor,
    pub(super) errors: Arc<[TemplateError]>,
    /// The last good generation that was seen here, with what it takes.
    good: Option<(ServedRevision, usize)>,
}

impl Stored {
    pub(super) fn new(new: StoredTemplate) -> Self {
        Self {
            uid: new.uid,
            generation: new.generation,
            digest: new.digest,
            resource_version: new.resource_version,
            status: Arc::new(new.status),
            created: new.created,
            weight: weight(&new.spec),
            pattern_bytes: 0,
            spec: Some(new.spec),
            is_refused: false,
            broken: None,
            mandatory: MandatoryFor::Nobody,
            errors: Arc::new([]),
            good: None,
        }
    }

    /// Whether the spec is the one that was looked at.
    pub(super) fn is_known(&self, new: &StoredTemplate) -> bool {
        self.generation == new.generation && self.digest == new.digest && !self.is_refused
    }

    /// Takes over what changes without its text.
    pub(super) fn touch(&mut self, new: StoredTemplate) {
        self.resource_version = new.resource_version;
        self.status = Arc::new(new.status);
    }

    /// Takes over a generation that is to be compiled: a new one, or one that was not kept.
    pub(super) fn replace(&mut self, mut new: StoredTemplate) {
        if self.generation != new.generation || self.digest != new.digest {
            self.pattern_bytes = 0;
            self.broken = None;
        }
        self.generation = new.generation;
        self.digest = std::mem::take(&mut new.digest);
        let spec = std::mem::take(&mut new.spec);
        self.weight = weight(&spec);
        self.spec = Some(spec);
        self.touch(new);
    }

    pub(super) fn mandatory(&self) -> MandatoryFor {
        self.mandatory.clone()
    }

    /// The last good generation that was seen here.
    pub(super) fn good(&self) -> Option<&ServedRevision> {
        self.good.as_ref().map(|(good, _)| good)
    }

    /// Whether a kept revision is to serve, or would if it were not refused, as the newest generation
    /// does not compile.
    pub(super) fn needs_kept(&self) -> bool {
        self.broken.is_some() && self.good.is_none()
    }

    /// What it takes of the memory, or would take if it were not refused, but for kept revisions.
    pub(super) fn bytes(&self) -> usize {
        let good = self.good.as_ref().map_or(0, |(_, bytes)| *bytes);
        match self.broken {
            // What is broken is not kept: only what is wrong with it.
            Some(errors) => errors + good,
            None if self.is_refused || self.spec.is_some() => self.weight + self.pattern_bytes,
            None => good,
        }
    }

    /// Serves nothing of the template, and says why.
    pub(super) fn refuse(&mut self, (namespace, name): &Key, reason: &str) {
        if !std::mem::replace(&mut self.is_refused, true) {
            tracing::warn!(template = name, namespace, reason, "a template is refused");
        }
        self.spec = None;
        self.good = None;
        self.mandatory = MandatoryFor::Nobody;
        self.errors = Arc::new([TemplateError {
            file: object_path(namespace, name),
            template: name.clone(),
            line: 0,
            column: 0,
            field: String::new(),
            message: reason.to_owned(),
        }]);
    }

    /// Compiles the newest generation.
    pub(super) fn compile(&mut self, (namespace, name): &Key) {
        let Some(spec) = self.spec.take() else {
            return;
        };
        let compiled = compiled(namespace, name, &spec);
        self.mandatory = compiled.mandatory;
        match compiled.result {
            Ok(template) => {
                self.errors = Arc::new([]);
                self.broken = None;
                self.pattern_bytes = template.pattern_bytes;
                let good = ServedRevision {
                    template: Arc::from(template),
                    generation: self.generation,
                    spec: spec.to_string().into(),
                };
                self.good = Some((good, self.weight + self.pattern_bytes));
            }
            Err(errors) => {
                self.errors = errors.into_iter().take(MOST_ERRORS).map(bounded).collect();
                self.broken = Some(self.errors.iter().map(bytes_of).sum());
                for error in self.errors.iter() {
                    tracing::error!(
                        template = error.template.as_str(),
                        error = error.to_string().as_str(),
                        "a template has an error"
                    );
                }
            }
        }
    }
}

/// What an error takes of the memory.
fn bytes_of(error: &TemplateError) -> usize {
    error.field.len() + error.message.len() + 256
}

/// An error of which no text is long.
fn bounded(mut error: TemplateError) -> TemplateError {
    for text in [&mut error.field, &mut error.message] {
        if let Some((end, _)) = text.char_indices().nth(LONGEST_ERROR) {
            text.truncate(end);
            text.push('…');
        }
        text.shrink_to_fit();
    }
    error
}

/// Compiles a template. A panic of the compiler costs this template only.
pub(super) fn compiled(namespace: &str, name: &str, spec: &Value) -> Compiled {
    let compiled = catch_unwind(AssertUnwindSafe(|| {
        compile_object(namespace, name, Some(spec))
    }));
    compiled.unwrap_or_else(|_| Compiled {
        name: Some(name.to_owned()),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        mandatory: match spec.get("requirement") {
            Some(word) if word != "Optional" => MandatoryFor::All,
            _ => MandatoryFor::Nobody,
        },
        place: Place::default(),
        result: Err(vec![TemplateError {
            file: object_path(namespace, name),
            template: name.to_owned(),
            line: 0,
            column: 0,
            field: "spec".to_owned(),
            message: "it was not compiled because of a defect in Pillion; its log says where"
                .to_owned(),
        }]),
    })
}
