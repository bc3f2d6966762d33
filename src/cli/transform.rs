//! Goes through manifests, has every pod in them treated, and keeps what is to be told about it.
//!
//! `inject` and `uninject` differ in one thing only, the [`ObjectTransform`] of an object that holds a
//! pod; which objects those are, what is told about the others, and the results in a
//! `ResourceList` are the same.

use serde_json::Value;

use super::manifest::Manifest;
use super::manifest::booleans;
use super::manifest::kinds::{self, Identity};
use super::resource_list;
use crate::inject::{EnforcedFinding, Reason, TemplateOutcome, Verdict};

/// What is done with an object that holds a pod.
pub(crate) trait ObjectTransform {
    /// Changes `object`, whose pod is the map at `pointer`, in place.
    fn treat(
        &self,
        identity: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError>;
}

/// Why an object could not be treated at all. This is our own fault, never that of the manifest.
#[derive(Debug, thiserror::Error)]
#[error("failed to apply the patch to {object}: please report this as a bug")]
pub struct TreatmentError {
    /// The object's name.
    pub(crate) object: String,
    /// What the patch met.
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

/// What was done with an object: a verdict of the engine, or what only `uninject` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunResult {
    /// What the engine decided.
    Decided(Verdict),
    /// What was injected was taken out.
    Removed,
}

impl RunResult {
    /// Every ending, in the order in which a report counts them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Decided(Verdict::Denied),
        Self::Decided(Verdict::Injected),
        Self::Removed,
        Self::Decided(Verdict::Shadowed),
        Self::Decided(Verdict::Skipped),
        Self::Decided(Verdict::Unchanged),
    ];

    /// The word that is printed.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Decided(verdict) => verdict.as_str(),
            Self::Removed => "Removed",
        }
    }
}

/// How one object ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TransformResult {
    /// What was done.
    pub(crate) ending: RunResult,
    /// The code that scripts look for.
    pub(crate) code: &'static str,
    /// One sentence for the person.
    pub(crate) message: String,
    /// One entry for each template.
    pub(crate) outcomes: Vec<TemplateOutcome>,
    /// What was found that is no template's doing.
    pub(crate) findings: Vec<EnforcedFinding>,
    /// The change as a JSON Patch on the object (RFC 6902); `None` where there is none.
    pub(crate) patch: Option<Value>,
}

impl TransformResult {
    /// An object that stays as it is, or is refused, without any template's part in it.
    pub(crate) fn plain(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            ending: RunResult::Decided(reason.verdict()),
            code: reason.code(),
            message: message.into(),
            outcomes: Vec::new(),
            findings: Vec::new(),
            patch: None,
        }
    }
}

/// One object of the input and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The file that it stands in.
    pub(crate) file: String,
    /// The number of its document in the file, from 1.
    pub(crate) document: usize,
    /// What it is called.
    pub(crate) identity: Identity,
    /// How it ended.
    pub(crate) treated: TransformResult,
}

/// A document that is not a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// The file that it stands in.
    pub(crate) file: String,
    /// Its number in the file, from 1.
    pub(crate) document: usize,
}

/// What happened to the whole input.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    /// Every object, in order.
    pub(crate) entries: Vec<Entry>,
    /// Every document that is no object, in order.
    pub(crate) notes: Vec<Note>,
}

impl Report {
    /// Whether any object was refused: then nothing is written.
    pub(crate) fn is_refused(&self) -> bool {
        self.count(RunResult::Decided(Verdict::Denied)) > 0
    }

    /// How many objects ended so.
    pub(crate) fn count(&self, ending: RunResult) -> usize {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.treated.ending == ending)
            .count()
    }
}

/// Treats every object of the manifests, marking the documents that changed. `namespace` is that of
/// objects that name none.
pub(crate) fn transform(
    manifests: &mut [Manifest],
    namespace: &str,
    treatment: &dyn ObjectTransform,
) -> Result<Report, TreatmentError> {
    let mut report = Report::default();
    for manifest in manifests {
        for (index, document) in manifest.documents.iter_mut().enumerate() {
            let first = report.entries.len();
            let place = (manifest.name.as_str(), index + 1);
            let mut visit = |identity: &Identity, object: &mut Value| {
                let treated = treat_object(treatment, identity, object)?;
                document.changed |= treated.patch.is_some();
                report.entries.push(Entry {
                    file: place.0.to_owned(),
                    document: place.1,
                    identity: identity.clone(),
                    treated,
                });
                Ok(())
            };
            let is_object = kinds::each_object(&mut document.value, namespace, &mut visit)?;
            if !is_object && !document.is_empty() {
                report.notes.push(Note {
                    file: place.0.to_owned(),
                    document: place.1,
                });
            }
            let entries = report.entries.get(first..).unwrap_or_default();
            document.changed |= resource_list::add_results(&mut document.value, entries);
        }
    }
    Ok(report)
}

/// Treats one object, which may hold no pod.
pub(crate) fn treat_object(
    treatment: &dyn ObjectTransform,
    identity: &Identity,
    object: &mut Value,
) -> Result<TransformResult, TreatmentError> {
    let Some(pointer) = identity.pod_pointer() else {
        let message = format!("a {} holds no pod", identity.kind);
        return Ok(TransformResult::plain(Reason::NotAPod, message));
    };
    let pod = object.pointer(pointer);
    if !pod.is_some_and(|pod| pod.get("spec").is_some_and(Value::is_object)) {
        let message = format!("no pod spec at {pointer}/spec");
        return Ok(TransformResult::plain(Reason::NotAPod, message));
    }
    booleans::settle(object);
    treatment.treat(identity, pointer, object)
}
