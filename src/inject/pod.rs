//! The pod while it is being decided about: the user's, with what earlier templates added.
//!
//! The user's parts stay borrowed raw JSON; what is added is kept beside them. Each template sees
//! the pod as the ones before it left it, and the patch is written once, at the end, from what was
//! added: so parents are created once and no operation can miss its place.

mod element;
mod resulting;
mod texts;
pub(crate) mod token;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::merge::Fill;
use super::patch::{Operation, Patch};
use crate::kubernetes::image_reference::{ALWAYS, PULL_POLICY};
use crate::review::pod::{Metadata, SpecFields};
use crate::review::{Json, Pod};
use crate::template::value::TemplateObject;
pub(crate) use element::Element;
use element::Elements;
pub(crate) use texts::Texts;

/// Room for the operations of a patch: most have fewer.
const USUAL_OPERATIONS: usize = 12;

/// A list of the pod's spec that templates add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum List {
    InitContainers,
    Containers,
    Volumes,
}

impl List {
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::InitContainers => "initContainers",
            Self::Containers => "containers",
            Self::Volumes => "volumes",
        }
    }
}

/// A pod that templates are applied to.
#[derive(Debug)]
pub(crate) struct WorkingPod<'p> {
    pub(crate) labels: Texts<'p>,
    pub(crate) annotations: Texts<'p>,
    metadata: Option<&'p Metadata<'p>>,
    init_containers: Elements<'p>,
    containers: Elements<'p>,
    volumes: Elements<'p>,
    others: SpecFields<'p>,
    edits: Vec<Operation>,
    changed: Map<String, Value>,
    fields_by: Vec<(String, String)>,
    /// The templates that added what key paths of the spec name.
    field_owners: BTreeMap<String, String>,
    /// Helpers of mandatory templates as received, which were taken out.
    earlier: Option<&'p BTreeMap<String, Value>>,
}

impl<'p> WorkingPod<'p> {
    /// The pod of a review, or of a manifest.
    pub(crate) fn new(pod: &'p Pod<'_>) -> Result<Self, serde_json::Error> {
        let spec = pod.spec()?;
        let metadata = pod.metadata.as_ref();
        Ok(Self {
            labels: Texts::new(metadata.and_then(|metadata| metadata.labels.as_ref())),
            annotations: Texts::new(metadata.and_then(|metadata| metadata.annotations.as_ref())),
            init_containers: Elements::new(spec.init_containers),
            containers: Elements::new(spec.containers),
            volumes: Elements::new(spec.volumes),
            metadata,
            others: spec.others,
            edits: Vec::new(),
            changed: Map::new(),
            fields_by: Vec::new(),
            field_owners: BTreeMap::new(),
            earlier: None,
        })
    }

    /// The same pod, of which these helpers of mandatory templates were taken out.
    pub(crate) fn without_helpers(self, earlier: &'p BTreeMap<String, Value>) -> Self {
        Self {
            earlier: Some(earlier),
            ..self
        }
    }

    /// A mandatory template's helper of this name as received, where it was taken out.
    pub(crate) fn earlier(&self, name: &str) -> Option<&'p Value> {
        self.earlier?.get(name)
    }

    fn elements(&self, list: List) -> &Elements<'p> {
        match list {
            List::InitContainers => &self.init_containers,
            List::Containers => &self.containers,
            List::Volumes => &self.volumes,
        }
    }

    fn elements_mut(&mut self, list: List) -> &mut Elements<'p> {
        match list {
            List::InitContainers => &mut self.init_containers,
            List::Containers => &mut self.containers,
            List::Volumes => &mut self.volumes,
        }
    }

    /// The elements of a list as they are now.
    pub(crate) fn list(&self, list: List) -> &[Element<'p>] {
        &self.elements(list).list
    }

    /// The containers of both lists.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Element<'p>> {
        let lists = [List::InitContainers, List::Containers];
        lists.into_iter().flat_map(|list| self.list(list))
    }

    /// Whether every container that the user wrote is pulled anew for each pod, as the admission plugin
    /// `AlwaysPullImages` has it.
    pub(crate) fn always_pulls(&self) -> bool {
        let mut users = self
            .containers()
            .filter(|element| matches!(element, Element::Users { .. }));
        users.all(|element| {
            let policy = element.view().field(PULL_POLICY);
            policy.is_some_and(|policy| policy.text().as_deref() == Some(ALWAYS))
        })
    }

    pub(crate) fn metadata(&self) -> Option<&'p Metadata<'p>> {
        self.metadata
    }

    /// The element of a list with this name.
    pub(crate) fn find(&self, list: List, name: &str) -> Option<(usize, &Element<'p>)> {
        self.list(list)
            .iter()
            .enumerate()
            .find(|(_, element)| element.name() == name)
    }

    /// A field of the spec other than the lists, as it is now.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        match self.changed.get(name) {
            Some(value) => Some(value.clone()),
            None => self.others.get(name).map(Json::to_value),
        }
    }

    /// Whether the spec has a field other than the lists.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.changed.contains_key(name) || self.others.get(name).is_some()
    }

    /// The names of the other fields of the spec.
    fn field_names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let users = self.others.fields().map(|(name, _)| name);
        let added = self.changed.keys().map(|name| Cow::Borrowed(name.as_str()));
        users.chain(added.filter(|name| self.others.get(name).is_none()))
    }

    /// Whether the pod must end: it is not restarted always, or a Job owns it.
    pub(crate) fn must_end(&self) -> bool {
        let policy = self.others.get("restartPolicy").and_then(Json::as_text);
        policy.is_some_and(|policy| policy != "Always")
            || self
                .metadata
                .and_then(|metadata| metadata.owner_references.as_ref())
                .into_iter()
                .flatten()
                .filter_map(|owner| owner.kind.as_ref())
                .any(|kind| kind.as_str() == "Job")
    }

    /// The spec's other fields, to fill wanted ones in.
    pub(crate) fn fields_view(&self) -> Value {
        let names = self.field_names();
        let fields = names.filter_map(|name| Some((name.to_string(), self.field(&name)?)));
        Value::Object(fields.collect())
    }

    /// Adds an element: at the front, behind what templates put there before, or at the end.
    pub(crate) fn add(
        &mut self,
        list: List,
        template: &str,
        value: TemplateObject,
        in_front: bool,
    ) {
        let element = Element::Added {
            template: template.to_owned(),
            value,
        };
        let in_front = in_front && list != List::Volumes;
        self.elements_mut(list).add(element, in_front);
    }

    /// Moves the user's element at this index to where a template's would stand.
    pub(crate) fn move_to_front(&mut self, list: List, index: usize, template: &str) {
        self.elements_mut(list).move_to_front(index, template);
    }

    /// The name of the element at this index.
    pub(crate) fn name_of(&self, list: List, index: usize) -> String {
        let element = self.list(list).get(index);
        element.map_or_else(String::new, |element| element.name().to_owned())
    }

    /// Adds to the user's element at this index.
    pub(crate) fn edit(&mut self, list: List, index: usize, template: &str, fill: Fill) {
        if let Some(element) = self.elements_mut(list).list.get_mut(index) {
            element.edit(template, fill);
        }
    }

    /// Adds to the spec's other fields.
    pub(crate) fn edit_fields(&mut self, template: &str, mut fill: Fill) {
        let operations = std::mem::take(&mut fill.operations);
        let owned = fill.owned().map(|key| (key, template.to_owned()));
        self.field_owners.extend(owned);
        // Most templates add no field of the pod, and its view reads every field there is.
        if operations.is_empty() {
            return;
        }
        let mut fields = self.fields_view();
        for operation in operations {
            if operation.apply(&mut fields) {
                let name = operation
                    .path()
                    .split('/')
                    .nth(1)
                    .unwrap_or_default()
                    .to_owned();
                self.changed
                    .insert(name.clone(), fields.get(&name).cloned().unwrap_or_default());
                self.fields_by.push((name, template.to_owned()));
                self.edits.push(operation);
            }
        }
    }

    /// The template that added what a key path of the spec names.
    pub(crate) fn field_owner(&self, key: &str) -> Option<&str> {
        self.field_owners.get(key).map(String::as_str)
    }

    /// The patch that makes the pod of the review into the pod as it is now.
    pub(crate) fn into_patch(self) -> Patch {
        let token_volume: Option<Arc<str>> = self.token_volume().map(Into::into);
        let mut patch = Patch(Vec::with_capacity(USUAL_OPERATIONS));
        let adds_metadata = !(self.labels.added.is_empty() && self.annotations.added.is_empty());
        if adds_metadata && self.metadata.is_none() {
            patch.0.push(Operation::Add {
                path: "/metadata".to_owned(),
                value: json!({}).into(),
            });
        }
        self.labels.write("/metadata/labels", &mut patch);
        self.annotations.write("/metadata/annotations", &mut patch);
        patch.0.extend(Patch(self.edits).below("/spec").0);
        let token = token_volume.as_ref();
        self.volumes.write("/spec/volumes", None, &mut patch);
        self.init_containers
            .write("/spec/initContainers", token, &mut patch);
        self.containers.write("/spec/containers", token, &mut patch);
        patch
    }
}
