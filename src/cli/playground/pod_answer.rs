//! What the page shows about one pod.

use serde::Serialize;
use serde_json::Value;

use super::bars::{self, Bar};
use super::origins;
use super::time_line::{self, TimeLine};
use crate::cli::report::Entry;
use crate::explain::Explanation;
use crate::template::node::Node;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodAnswer {
    /// The object that it is or comes of: `Deployment/default/web`.
    pub(super) object: String,
    /// Everything that `explain` knows about it.
    pub(super) explanation: Explanation,
    /// Every field that a template adds, with both places.
    pub(super) added: Vec<AddedField>,
    /// When its containers start and stop.
    pub(super) time_line: TimeLine,
    /// Its requests and limits, before and after.
    pub(super) resources: Vec<Bar>,
    /// The patch (RFC 6902) of the object.
    pub(super) patch: Value,
}

/// A field that a template adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddedField {
    pub(super) template: String,
    pub(super) path: String,
    pub(super) value: Value,
    /// The file that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    /// The line in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<u32>,
    /// The line in the injected manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
}

impl PodAnswer {
    /// Of an entry of the report, its object in the injected manifest, and the pod as it was.
    pub(super) fn of(entry: &Entry, object: &Node, pod: &Value, explanation: Explanation) -> Self {
        let pointer = entry.identity.pod_pointer().unwrap_or_default();
        let added = added(&explanation, object, pointer);
        Self {
            object: entry.identity.to_string(),
            time_line: time_line::of(&explanation.patched(pod), &|list, name| {
                let path = format!("spec.{list}[{name}].name");
                let field = added.iter().find(|field| field.path == path)?;
                Some(field.template.clone())
            }),
            resources: explanation
                .resources
                .as_ref()
                .map_or_else(Vec::new, bars::of),
            patch: entry.treated.patch.clone().unwrap_or_default(),
            added,
            explanation,
        }
    }
}

fn added(explanation: &Explanation, object: &Node, pointer: &str) -> Vec<AddedField> {
    let templates = explanation.templates.iter();
    templates
        .flat_map(|template| {
            template.fields.iter().map(|field| AddedField {
                template: template.name.clone(),
                line: origins::line(object, pointer, &field.path),
                path: field.path.clone(),
                value: field.value.clone(),
                file: template.file.clone(),
                from: field.line,
            })
        })
        .collect()
}
