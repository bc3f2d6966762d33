//! The plan: what a pod lacks of what one template wants.
//!
//! Planning does not touch the pod; the [`Change`] that comes out is applied as a whole or not at
//! all, so that a refused, skipped or shadowed template leaves nothing behind.

mod added;
mod app;
mod container;
mod pod_fields;
mod safety;
mod volume;

use super::evaluation::Wanted;
use super::merge::{Fill, spelled};
use super::pod::{List, WorkingPod};
use super::status::Status;
use super::verdict::Refusal;
use crate::finding::{Code, Finding};
use crate::template::Template;
use crate::template::piece::TemplateObject;

/// Fields of a container that decide what it does.
pub const SENSITIVE: [&str; 3] = ["command", "args", "securityContext"];

/// What a template adds to a pod.
#[derive(Debug, Default)]
pub struct Change {
    volumes: Vec<TemplateObject>,
    init_containers: Vec<TemplateObject>,
    containers: Vec<TemplateObject>,
    edits: Vec<(List, usize, Fill)>,
    fields: Fill,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    /// What was added, by name.
    pub status: Status,
    /// What the pod has that differs from what the template wants, in the same words as `status`.
    pub kept: Status,
    /// What the person should know.
    pub findings: Vec<Finding>,
}

/// Plans what the pod lacks.
pub fn plan(
    pod: &WorkingPod<'_>,
    template: &Template,
    mut wanted: Wanted,
) -> Result<Change, Refusal> {
    let mut change = Change {
        findings: std::mem::take(&mut wanted.findings),
        ..Change::default()
    };
    volume::volumes(pod, &mut wanted, &mut change)?;
    container::containers(pod, template, wanted.containers, &mut change)?;
    app::edits(pod, wanted.app, &mut change);
    pod_fields::texts(pod, wanted.labels, wanted.annotations, &mut change);
    pod_fields::fields(pod, &wanted.pod, &mut change);
    safety::check(pod, &change)?;
    Ok(change)
}

impl Change {
    /// Notes a fill of a user's container.
    fn edit(&mut self, list: List, index: usize, name: &str, fill: Fill) {
        if !fill.kept.is_empty() {
            let mut keys: Vec<_> = fill.kept.iter().map(|key| spelled(key)).collect();
            keys.sort();
            let message = format!("container `{name}` keeps its own {}", keys.join(", "));
            let path = format!("spec.{}[{index}]", list.field());
            self.findings
                .push(Finding::new(Code::FieldKept, path, message));
        }
        let note = |status: &mut Status, keys: &[String]| {
            if !keys.is_empty() {
                let noted = status.edited.entry(name.to_owned()).or_default();
                noted.extend_from_slice(keys);
            }
        };
        note(&mut self.kept, &fill.kept);
        note(&mut self.status, &fill.added);
        if !fill.replaced.is_empty() {
            let replaced = self.status.replaced_in.entry(name.to_owned()).or_default();
            replaced.extend_from_slice(&fill.replaced);
        }
        if !fill.operations.is_empty() {
            self.edits.push((list, index, fill));
        }
    }

    /// Applies the change to the pod that it was planned on.
    pub fn apply(self, pod: &mut WorkingPod<'_>, template: &Template) {
        let in_front = template.order <= 0;
        // Edits first: their indices are those of the pod as it was planned on.
        for (list, index, fill) in self.edits {
            pod.edit(list, index, &template.name, fill);
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
        pod.edit_fields(&template.name, self.fields);
        for (key, value) in self.labels {
            pod.labels.set(&key, value);
        }
        for (key, value) in self.annotations {
            pod.annotations.set(&key, value);
        }
    }
}
