//! The pod that would result, as the checks see it.
//!
//! A typed, borrowed view of what the checks read and of nothing else, made once for each decision:
//! from the raw JSON of the user's parts and from the data of what templates added. Every element
//! says which template it comes from, so that a finding can name both sides. A field of another
//! type than the API gives it counts as absent: the API server refuses it with better words.

mod amount;
mod container;
mod field;
mod reference;
mod security;
mod source;
mod spec;
mod volume;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::expression::MAX_ITEMS;
use crate::review::Text;

pub(crate) use container::{
    Container, Env, Handler, Mount, Network, Place, Port, PortNumber, Probe, Resources,
    SecurityContext,
};
#[cfg(test)]
pub(crate) use field::Field;
pub(crate) use reference::Keys;
pub(crate) use security::{PodSecurityContext, Profile, SeLinux, WindowsOptions};
pub(crate) use source::{Addition, Source};
pub(crate) use spec::{DEFAULT_GRACE_PERIOD, Spec};
pub(crate) use volume::{EmptyDir, Volume};

/// The most elements of one kind that the checks compare with each other, in all containers together.
const MOST_COMPARED: usize = 4096;

/// A field's text, where absent is empty.
pub(crate) fn text<'t>(field: Option<&'t Text<'_>>) -> &'t str {
    field.map(Text::as_str).unwrap_or_default()
}

/// The pod that would result.
#[derive(Debug, Default)]
pub struct Pod<'a> {
    pub(crate) init_containers: Vec<Container<'a>>,
    pub(crate) containers: Vec<Container<'a>>,
    pub(crate) volumes: Vec<Volume<'a>>,
    /// The other fields of the spec.
    pub(crate) spec: Spec<'a>,
    /// The fields of the spec that templates added to, each with the template.
    pub(crate) fields_by: Vec<(&'a str, &'a str)>,
    pub(crate) labels: BTreeMap<&'a str, &'a str>,
    pub(crate) annotations: BTreeMap<&'a str, &'a str>,
    /// Whether the pod must end: it is not restarted always, or a Job owns it.
    pub(crate) must_end: bool,
}

/// The objects of a list, each with its place among them and its name.
fn named_objects(list: Option<&Value>) -> impl Iterator<Item = (usize, &str, Source<'_>)> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let objects = items.filter_map(Value::as_object).enumerate();
    objects.map(|(index, object)| {
        let name = object.get("name").and_then(Value::as_str);
        (index, name.unwrap_or_default(), Source::Data(object))
    })
}

impl<'a> Pod<'a> {
    /// Reads a whole pod from data; `added_by` says which template added the container or volume of
    /// a name.
    pub fn read(pod: &'a Value, added_by: &dyn Fn(&str) -> Option<&'a str>) -> Self {
        let Some(spec) = pod.get("spec").and_then(Value::as_object) else {
            return Self::default();
        };
        let containers = |field, place: fn(usize) -> Place| {
            named_objects(spec.get(field))
                .map(|(index, name, source)| {
                    Container::read(place(index), name, added_by(name), source, &[])
                })
                .collect()
        };
        let texts = |field| {
            let metadata = pod.get("metadata");
            let texts = metadata.and_then(|metadata| metadata.get(field)?.as_object());
            texts
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
                .collect()
        };
        let policy = spec.get("restartPolicy").and_then(Value::as_str);
        Self {
            init_containers: containers("initContainers", Place::Init),
            containers: containers("containers", Place::Regular),
            volumes: named_objects(spec.get("volumes"))
                .map(|(index, name, source)| Volume::read(index, name, added_by(name), source))
                .collect(),
            spec: Spec::read(Source::Data(spec)),
            fields_by: Vec::new(),
            labels: texts("labels"),
            annotations: texts("annotations"),
            must_end: policy.is_some_and(|policy| policy != "Always"),
        }
        .with_volumes_found()
    }

    /// The pod with each mount's volume found: most storage checks ask for it.
    pub(crate) fn with_volumes_found(mut self) -> Self {
        let containers = self.init_containers.iter_mut().chain(&mut self.containers);
        for mount in containers.flat_map(|container| &mut container.mounts) {
            let name = text(mount.name.as_ref());
            mount.volume = self.volumes.iter().position(|volume| volume.name == name);
        }
        self
    }

    pub(crate) fn annotations_with_prefix(
        &self,
        prefix: &'static str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let from = self.annotations.range(prefix..);
        from.map(|(key, value)| (*key, *value))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Every container, init containers first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Container<'a>> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// The containers that templates added.
    pub(crate) fn helpers(&self) -> impl Iterator<Item = &Container<'a>> {
        self.all().filter(|container| container.added_by.is_some())
    }

    /// The containers that run side by side: regular ones and native sidecars.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Container<'a>> {
        self.all().filter(|container| container.runs_beside())
    }

    /// What is said of a pod with more than can be compared.
    pub(crate) fn too_long(&self) -> Option<String> {
        let together = |length: fn(&Container<'_>) -> usize| self.all().map(length).sum::<usize>();
        let ports = together(|container| container.ports.len());
        let mounts = together(|container| container.mounts.len());
        let devices = together(|container| container.volume_devices.len());
        let lists = [
            ("volumes", self.volumes.len(), MAX_ITEMS),
            ("containers", self.containers.len(), MAX_ITEMS),
            ("initContainers", self.init_containers.len(), MAX_ITEMS),
            ("ports of its containers", ports, MOST_COMPARED),
            ("volumeMounts of its containers", mounts, MOST_COMPARED),
            ("volumeDevices of its containers", devices, MOST_COMPARED),
        ];
        let (what, length, most) = lists.into_iter().find(|(_, length, most)| length > most)?;
        Some(format!(
            "the pod would have {length} {what}; templates are applied to pods with at most {most}"
        ))
    }

    /// The volume of this name.
    pub(crate) fn volume(&self, name: &str) -> Option<&Volume<'a>> {
        self.volumes.iter().find(|volume| volume.name == name)
    }

    /// The volume of a mount.
    pub(crate) fn volume_of(&self, mount: &Mount<'_>) -> Option<&Volume<'a>> {
        self.volumes.get(mount.volume?)
    }

    /// Whether this template added to this field of the spec.
    pub(crate) fn changed(&self, field: &str, template: &str) -> bool {
        self.fields_by.contains(&(field, template))
    }

    /// The template that added to this field of the spec.
    pub(crate) fn field_by(&self, field: &str) -> Option<&'a str> {
        let mut by = self.fields_by.iter();
        by.find(|(name, _)| *name == field).map(|(_, by)| *by)
    }
}
