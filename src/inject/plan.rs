//! The plan: what a pod lacks of what one template wants.
//!
//! Planning does not touch the pod; the [`Change`] that comes out is applied as a whole or not at
//! all, so that a refused, skipped or shadowed template leaves nothing behind.

mod added;
mod app;
mod container;
mod kept;
mod pod_fields;
mod safety;
mod same_name;
mod volume;

use super::evaluation::Wanted;
use super::merge::Fill;
use super::pod::{Element, List, WorkingPod};
use super::status::Status;
use super::verdict::Refusal;
use crate::finding::Finding;
use crate::kubernetes::element_digest::object_digest;
use crate::template::Template;
use crate::template::value::{ReadObject, TemplateObject};

/// Fields of a container that decide what it does.
pub(crate) const SENSITIVE: [&str; 3] = ["command", "args", "securityContext"];

/// What a template adds to a pod.
#[derive(Debug, Default)]
pub(crate) struct Change {
    volumes: Vec<TemplateObject>,
    init_containers: Vec<TemplateObject>,
    containers: Vec<TemplateObject>,
    edits: Vec<(List, usize, Fill)>,
    /// Containers of the user's that are moved to where the template's would stand.
    to_front: Vec<(List, String)>,
    fields: Fill,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    /// What was added, by name.
    pub(crate) status: Status,
    /// What the person should know.
    pub(crate) findings: Vec<Finding>,
}

/// Plans what the pod lacks.
pub(crate) fn plan(
    pod: &WorkingPod<'_>,
    template: &Template,
    mut wanted: Wanted,
    kubernetes_minor: u32,
) -> Result<Change, Refusal> {
    let mut change = Change {
        findings: std::mem::take(&mut wanted.findings),
        status: Status {
            requirement: if template.mandatory { "Mandatory" } else { "" }.to_owned(),
            parameters: std::mem::take(&mut wanted.parameters),
            apps: std::mem::take(&mut wanted.apps),
            ..Status::default()
        },
        ..Change::default()
    };
    if template.mandatory {
        container::check_profiles(pod, &wanted)?;
    }
    volume::volumes(pod, template, &mut wanted, &mut change)?;
    container::containers(pod, template, wanted.containers, &mut change)?;
    app::edits(pod, template, wanted.app, &mut change)?;
    pod_fields::texts(
        pod,
        template,
        wanted.labels,
        wanted.annotations,
        &mut change,
    )?;
    pod_fields::fields(pod, template, &wanted.pod, &mut change)?;
    safety::check(pod, template, &change)?;
    pod_fields::requests(pod, kubernetes_minor, &mut change);
    Ok(change)
}

/// The digest of a container or volume that is added.
fn digest(definition: &str, value: &TemplateObject) -> u64 {
    let fields = value.iter().map(|(name, value)| (name, value.part()));
    object_digest(definition, fields, |name| value.get(name))
}

impl Change {
    /// Notes a fill of a user's container.
    fn edit(
        &mut self,
        template: &Template,
        (list, index, element): (List, usize, &Element<'_>),
        fill: Fill,
    ) {
        let name = element.name();
        let path = || format!("spec.{}[{index}]", list.field());
        let is_helper = template.has_helper(name);
        self.findings
            .extend(kept::finding(path, (name, is_helper), &fill));
        let noted = [
            (&mut self.status.edited, &fill.added),
            (&mut self.status.replaced_in, &fill.replaced),
        ];
        for (of_container, keys) in noted {
            if !keys.is_empty() {
                let noted = of_container.entry(name.to_owned()).or_default();
                noted.extend(keys.iter().cloned());
            }
        }
        if !(fill.operations.is_empty() && fill.agreed.is_empty()) {
            self.edits.push((list, index, fill));
        }
    }

    /// Applies the change to the pod that it was planned on.
    pub(crate) fn apply(self, pod: &mut WorkingPod<'_>, template: &Template) {
        let in_front = template.order <= 0;
        // Edits first: their indices are those of the pod as it was planned on.
        for (list, index, fill) in self.edits {
            pod.edit(list, index, &template.name, fill);
        }
        for (list, name) in self.to_front {
            let index = pod.find(list, &name).map(|(index, _)| index);
            if let Some(index) = index {
                pod.move_to_front(list, index, &template.name);
            }
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
            pod.labels.set_by(&template.name, key, value);
        }
        for (key, value) in self.annotations {
            pod.annotations.set_by(&template.name, key, value);
        }
    }
}
