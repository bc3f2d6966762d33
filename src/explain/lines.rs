//! From what was added back to the line of the template that says so.
//!
//! Templates run without the places of their constants, which no pod needs. A person who asks why
//! does, so the template's file is read once more, with places, and what was added is laid beside
//! it: maps key by key, lists in order, where each element is that of the next one in the template
//! that can have given it. What the engine derives (a startup probe from the readiness probe, the
//! volume of generated files) stands at the nearest line that it is derived from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::inject::patch::unescape;
use crate::inject::trace::{AddedTo, Addition};
use crate::kubernetes::object::text_or_json;
use crate::template::node::{self, Node, NodeValue};
use crate::template::{Catalog, Source, Template};

/// What the engine derives, and from which field.
const DERIVED: [(&str, &str); 3] = [
    ("startupProbe", "readinessProbe"),
    ("restartPolicy", "name"),
    ("downwardAPI", "files"),
];

/// The files of templates, read where they are needed.
pub(super) struct Lines<'l> {
    catalog: &'l Catalog,
    sources: &'l [Source],
    read: BTreeMap<String, Vec<Node>>,
}

/// A place in a template's file: the node that gave a value, and the nearest line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TemplatePlace<'n> {
    node: Option<&'n Node>,
    line: Option<u32>,
}

impl<'l> Lines<'l> {
    pub(super) fn new(catalog: &'l Catalog, sources: &'l [Source]) -> Self {
        Self {
            catalog,
            sources,
            read: BTreeMap::new(),
        }
    }

    /// The file that a template comes from.
    pub(super) fn file(&self, template: &Template) -> Option<String> {
        self.catalog.file(template).map(str::to_owned)
    }

    /// Where an addition comes from.
    pub(super) fn spot(&mut self, template: &Template, addition: &Addition) -> TemplatePlace<'_> {
        let spec = self.document(template).field_if("spec");
        spec.map_or_else(TemplatePlace::default, |spec| {
            place_in(spec, template, addition)
        })
    }

    fn document(&mut self, template: &Template) -> TemplatePlace<'_> {
        let Some(path) = self.catalog.file(template) else {
            return TemplatePlace::default();
        };
        let sources = self.sources;
        let documents = self.read.entry(path.to_owned()).or_insert_with(|| {
            let source = sources.iter().find(|source| source.path == path);
            // A file that does not parse as a whole has served in pieces: it has no lines here.
            source.map_or_else(Vec::new, |source| {
                node::read(&source.text).unwrap_or_default()
            })
        });
        TemplatePlace::of(documents.iter().find(|document| {
            let metadata = |key| document.get("metadata")?.get(key)?.text();
            metadata("name") == Some(&template.name)
                && metadata("namespace") == template.namespace.as_deref()
        }))
    }
}

/// Where an addition comes from in the template's spec.
pub(crate) fn place_in<'n>(
    spec: TemplatePlace<'n>,
    template: &Template,
    addition: &Addition,
) -> TemplatePlace<'n> {
    match &addition.to {
        AddedTo::List(_, name) => match emitted(template, name) {
            Some(volume) => spec.field("volumes").named(volume),
            None => container(spec, name).unwrap_or(spec),
        },
        AddedTo::Container(_, name, pointer) => {
            let of_container = container(spec, name);
            let from = of_container.unwrap_or_else(|| spec.field("app"));
            from.below(pointer, &addition.value)
        }
        AddedTo::Spec(pointer) => spec.field("pod").below(pointer, &addition.value),
        AddedTo::Label(key) => spec.field("metadata").field("labels").field(key),
        AddedTo::Annotation(key) => match file(template, key) {
            Some((volume, file)) => {
                let volume = spec.field("volumes").named(volume);
                volume.field("files").field(file)
            }
            None => spec.field("metadata").field("annotations").field(key),
        },
    }
}

/// The template's container of this name.
fn container<'n>(spec: TemplatePlace<'n>, name: &str) -> Option<TemplatePlace<'n>> {
    ["initContainers", "sidecars"]
        .into_iter()
        .filter_map(|list| spec.field_if(list))
        .map(|list| list.named(name))
        .find(|element| element.node.is_some())
}

/// The name inside the template of the volume that is called so in the pod.
fn emitted<'t>(template: &'t Template, name: &str) -> Option<&'t str> {
    let mut volumes = template.volumes.iter();
    let volume = volumes.find(|volume| volume.emitted == name)?;
    Some(&volume.name)
}

/// The volume and the name of the generated file that this annotation carries.
fn file<'t>(template: &'t Template, key: &str) -> Option<(&'t str, &'t str)> {
    template.volumes.iter().find_map(|volume| {
        let mut files = volume.files.iter().flat_map(|files| &files.files);
        let file = files.find(|file| file.key == key)?;
        Some((volume.name.as_str(), file.name.as_str()))
    })
}

impl<'n> TemplatePlace<'n> {
    pub(crate) fn of(node: Option<&'n Node>) -> Self {
        Self {
            node,
            line: node.map(|node| node.place.line),
        }
    }

    /// The node that stands here; `None`: the template has none.
    pub(crate) fn node(&self) -> Option<&'n Node> {
        self.node
    }

    pub(super) fn line(&self) -> Option<u32> {
        self.line
    }

    /// A field of the map that stands here, if it has it.
    fn field_if(self, key: &str) -> Option<Self> {
        let Some(NodeValue::Map(entries)) = self.node.map(|node| &node.value) else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        Some(Self {
            node: Some(&entry.value),
            line: Some(entry.place.line),
        })
    }

    /// A field of the map that stands here, else what it is derived from, else the map's own line.
    pub(crate) fn field(self, key: &str) -> Self {
        let derived_from = DERIVED
            .iter()
            .filter(|(derived, _)| *derived == key)
            .map(|(_, from)| *from);
        std::iter::once(key)
            .chain(derived_from)
            .find_map(|key| self.field_if(key))
            .unwrap_or_else(|| self.without_node())
    }

    fn without_node(self) -> Self {
        Self { node: None, ..self }
    }

    /// The element of this name in the list that stands here.
    fn named(self, name: &str) -> Self {
        let Some(NodeValue::List(items)) = self.node.map(|node| &node.value) else {
            return self;
        };
        items
            .iter()
            .find(|item| item.get("name").and_then(Node::text) == Some(name))
            .map_or_else(|| self.without_node(), |item| Self::of(Some(item)))
    }

    /// The spot of what was added at a JSON pointer below what stands here.
    fn below(self, pointer: &str, value: &Value) -> Self {
        let mut spot = self;
        for step in pointer.split('/').skip(1) {
            let step = unescape(step);
            let is_list = matches!(spot.node.map(|n| &n.value), Some(NodeValue::List(_)));
            spot = if is_list {
                // The position is one in the user's list; ours is the element that gives this.
                let mut elements = spot.elements(std::slice::from_ref(value));
                elements.pop().unwrap_or(spot)
            } else {
                spot.field(&step)
            };
        }
        spot
    }

    /// The spots of the elements of a list that the list standing here gave.
    pub(crate) fn elements(self, values: &[Value]) -> Vec<Self> {
        let nodes: &[Node] = match self.node.map(|node| &node.value) {
            Some(NodeValue::List(nodes)) => nodes,
            _ => &[],
        };
        let mut left = nodes.iter();
        values
            .iter()
            .map(|value| {
                let mut rest = left.clone();
                let found = rest.by_ref().find(|node| can_give(node, value));
                if found.is_some() {
                    left = rest;
                }
                Self {
                    node: found,
                    line: found.map_or(self.line, |node| Some(node.place.line)),
                }
            })
            .collect()
    }
}

/// Whether a node of a template can have given this value.
fn can_give(node: &Node, value: &Value) -> bool {
    match (&node.value, value) {
        (NodeValue::Text(text), _) if text.contains("${") => true,
        (NodeValue::Map(entries), Value::Object(fields)) => {
            entries
                .iter()
                .filter(|entry| !entry.key.starts_with('$'))
                .filter_map(|entry| Some((entry, fields.get(&entry.key)?)))
                .all(|(entry, value)| entry.key == "name" || can_give(&entry.value, value))
                && entries.iter().any(|entry| fields.contains_key(&entry.key))
                && same_name(entries, fields)
        }
        (NodeValue::List(_), Value::Array(_)) => true,
        (NodeValue::Map(_) | NodeValue::List(_), _) => false,
        (_, value) => text_or_json(&node.to_json()) == text_or_json(value),
    }
}

/// Names of mounts are the template's own, and longer in the pod; all others are the same.
fn same_name(entries: &[node::Entry], fields: &serde_json::Map<String, Value>) -> bool {
    let name = entries.iter().find(|entry| entry.key == "name");
    let written = name.and_then(|entry| entry.value.text());
    match (written, fields.get("name").and_then(Value::as_str)) {
        (Some(written), Some(given)) => written.contains("${") || given.ends_with(written),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
