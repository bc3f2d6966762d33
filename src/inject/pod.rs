//! The pod while it is being decided about: the user's, with what earlier templates added.
//!
//! The user's parts stay borrowed raw JSON; what is added is kept beside them. Each template sees
//! the pod as the ones before it left it, and the patch is written once, at the end, from what was
//! added: so parents are created once and no operation can miss its place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::merge::{Fill, View};
use super::patch::{Operation, Patch, escape};
use crate::review::pod::{Dictionary, Metadata};
use crate::review::{Object, Pod, Spec, Text};

/// A list of the pod's spec that templates add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// `initContainers`.
    InitContainers,
    /// `containers`.
    Containers,
    /// `volumes`.
    Volumes,
}

impl List {
    /// The field's name.
    pub fn field(self) -> &'static str {
        match self {
            Self::InitContainers => "initContainers",
            Self::Containers => "containers",
            Self::Volumes => "volumes",
        }
    }
}

/// An element of a list: a container or a volume.
#[derive(Debug)]
pub enum Element<'p> {
    /// The user's, with what was added to it.
    Users {
        /// Its name.
        name: Cow<'p, str>,
        /// As the review has it.
        object: Object<'p>,
        /// What was added, with pointers below the element.
        edits: Vec<Operation>,
        /// The element with the edits, once there are any.
        current: OnceLock<Value>,
        /// Environment variables at the front that templates put there.
        env_in_front: usize,
    },
    /// Added by a template of this name.
    Added {
        /// The template.
        template: String,
        /// The element.
        value: Value,
    },
}

impl Element<'_> {
    /// The element's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Users { name, .. } => name,
            Self::Added { value, .. } => value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        }
    }

    /// The element as it is now.
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Users { object, edits, .. } if edits.is_empty() => View::Fields(object),
            Self::Users {
                object,
                edits,
                current,
                ..
            } => View::Data(current.get_or_init(|| edited(object, edits))),
            Self::Added { value, .. } => View::Data(value),
        }
    }

    /// Whether the element is an init container that runs beside the app.
    pub fn is_sidecar(&self) -> bool {
        match self {
            Self::Users { object, .. } => object.text("restartPolicy").as_deref() == Some("Always"),
            Self::Added { value, .. } => {
                value.get("restartPolicy").and_then(Value::as_str) == Some("Always")
            }
        }
    }

    /// How many environment variables at the front templates put there.
    pub fn env_in_front(&self) -> usize {
        match self {
            Self::Users { env_in_front, .. } => *env_in_front,
            Self::Added { .. } => 0,
        }
    }

    /// Adds to the user's element.
    fn edit(&mut self, operations: Vec<Operation>) {
        if let Self::Users {
            edits,
            current,
            env_in_front,
            ..
        } = self
        {
            current.take();
            *env_in_front += operations.iter().map(added_env).sum::<usize>();
            edits.extend(operations);
        }
    }
}

/// How many environment variables an operation adds.
fn added_env(operation: &Operation) -> usize {
    match operation.path() {
        "/env" => operation.value().as_array().map_or(0, Vec::len),
        path => usize::from(path.starts_with("/env/")),
    }
}

/// The user's element with what was added to it.
fn edited(object: &Object<'_>, edits: &[Operation]) -> Value {
    let mut value = object.to_value();
    for operation in edits {
        operation.apply(&mut value);
    }
    value
}

/// Labels or annotations: the user's, and what was added.
#[derive(Debug, Default)]
pub struct Texts<'p> {
    /// `None` where the pod has no such field.
    users: Option<Dictionary<'p>>,
    added: BTreeMap<String, String>,
}

impl<'p> Texts<'p> {
    fn new(users: Option<Dictionary<'p>>) -> Self {
        Self {
            users,
            added: BTreeMap::new(),
        }
    }

    /// The value of a key as it is now.
    pub fn get(&self, key: &str) -> Option<&str> {
        let users = || self.users.as_ref()?.get(key).map(Text::as_str);
        self.added.get(key).map(String::as_str).or_else(users)
    }

    /// Sets a key; a value that is there already changes nothing.
    pub fn set(&mut self, key: &str, value: String) {
        if self.get(key) != Some(value.as_str()) {
            self.added.insert(key.to_owned(), value);
        }
    }

    /// Bytes of keys and values together, as they are now.
    pub fn size(&self) -> usize {
        self.all()
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }

    /// The keys and values as they are now.
    pub fn all(&self) -> BTreeMap<&str, &str> {
        let users = self.users.iter().flatten();
        let users = users.map(|(key, value)| (key.as_str(), value.as_str()));
        let added = self.added.iter();
        let added = added.map(|(key, value)| (key.as_str(), value.as_str()));
        users.chain(added).collect()
    }

    /// Writes what was added.
    fn write(self, path: &str, patch: &mut Patch) {
        if self.added.is_empty() {
            return;
        }
        if self.users.is_none() {
            let (path, value) = (path.to_owned(), json!(self.added));
            patch.0.push(Operation::Add { path, value });
            return;
        }
        for (key, value) in self.added {
            let path = format!("{path}/{}", escape(&key));
            patch.0.push(Operation::Add {
                path,
                value: json!(value),
            });
        }
    }
}

/// The elements of one list.
#[derive(Debug)]
struct Elements<'p> {
    /// Whether the pod has the field.
    present: bool,
    list: Vec<Element<'p>>,
    /// How many templates put at the front.
    front: usize,
}

impl<'p> Elements<'p> {
    fn new(objects: Option<Vec<Object<'p>>>) -> Self {
        let present = objects.is_some();
        let users = |object: Object<'p>| Element::Users {
            name: object.text("name").unwrap_or_default(),
            object,
            edits: Vec::new(),
            current: OnceLock::new(),
            env_in_front: 0,
        };
        let list = objects.into_iter().flatten().map(users).collect();
        Self {
            present,
            list,
            front: 0,
        }
    }

    /// Whether nothing was added.
    fn is_unchanged(&self) -> bool {
        self.list.iter().all(|element| match element {
            Element::Users { edits, .. } => edits.is_empty(),
            Element::Added { .. } => false,
        })
    }

    /// Writes what was added: the whole list where the pod has none, else each element where it
    /// stands among the others.
    fn write(self, path: &str, patch: &mut Patch) {
        let added = |element| match element {
            Element::Added { value, .. } => Some(value),
            Element::Users { .. } => None,
        };
        if !self.present {
            let value: Vec<_> = self.list.into_iter().filter_map(added).collect();
            if !value.is_empty() {
                let (path, value) = (path.to_owned(), Value::Array(value));
                patch.0.push(Operation::Add { path, value });
            }
            return;
        }
        for (index, element) in self.list.into_iter().enumerate() {
            let path = format!("{path}/{index}");
            match element {
                Element::Added { value, .. } => patch.0.push(Operation::Add { path, value }),
                Element::Users { edits, .. } => patch.0.extend(Patch(edits).below(&path).0),
            }
        }
    }

    fn add(&mut self, element: Element<'p>, in_front: bool) {
        if in_front {
            self.list.insert(self.front, element);
            self.front += 1;
        } else {
            self.list.push(element);
        }
    }
}

/// A pod that templates are applied to.
#[derive(Debug)]
pub struct WorkingPod<'p> {
    /// `metadata.labels`.
    pub labels: Texts<'p>,
    /// `metadata.annotations`.
    pub annotations: Texts<'p>,
    has_metadata: bool,
    metadata: Metadata<'p>,
    init_containers: Elements<'p>,
    containers: Elements<'p>,
    volumes: Elements<'p>,
    others: Object<'p>,
    edits: Vec<Operation>,
    changed: BTreeMap<String, Value>,
}

impl<'p> WorkingPod<'p> {
    /// The pod of a review, or of a manifest.
    pub fn new(pod: &Pod<'p>) -> Result<Self, serde_json::Error> {
        let spec = pod.spec.map(Spec::read).transpose()?.unwrap_or_default();
        let mut metadata = pod.metadata.clone().unwrap_or_default();
        Ok(Self {
            labels: Texts::new(metadata.labels.take()),
            annotations: Texts::new(metadata.annotations.take()),
            has_metadata: pod.metadata.is_some(),
            init_containers: Elements::new(spec.init_containers),
            containers: Elements::new(spec.containers),
            volumes: Elements::new(spec.volumes),
            metadata,
            others: spec.others,
            edits: Vec::new(),
            changed: BTreeMap::new(),
        })
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
    pub fn list(&self, list: List) -> &[Element<'p>] {
        &self.elements(list).list
    }

    /// `metadata`, as it came.
    pub fn metadata(&self) -> &Metadata<'p> {
        &self.metadata
    }

    /// The element of a list with this name.
    pub fn find(&self, list: List, name: &str) -> Option<(usize, &Element<'p>)> {
        self.list(list)
            .iter()
            .enumerate()
            .find(|(_, element)| element.name() == name)
    }

    /// A field of the spec other than the lists, as it is now.
    pub fn field(&self, name: &str) -> Option<Value> {
        match self.changed.get(name) {
            Some(value) => Some(value.clone()),
            None => self
                .others
                .get(name)
                .and_then(|raw| serde_json::from_str(raw.get()).ok()),
        }
    }

    /// Whether the spec has a field other than the lists.
    pub fn has_field(&self, name: &str) -> bool {
        self.changed.contains_key(name) || self.others.get(name).is_some()
    }

    /// The names of the other fields of the spec.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let users = self.others.0.iter().map(|(name, _)| name.as_str());
        let added = self.changed.keys().map(String::as_str);
        users.chain(added.filter(|name| self.others.get(name).is_none()))
    }

    /// Whether the pod must end: it is not restarted always, or a Job owns it.
    pub fn must_end(&self) -> bool {
        let policy = self.others.text("restartPolicy");
        policy.is_some_and(|policy| policy != "Always")
            || self
                .metadata
                .owner_references
                .iter()
                .flatten()
                .filter_map(|owner| owner.kind.as_ref())
                .any(|kind| kind.as_str() == "Job")
    }

    /// The spec's other fields, to fill wanted ones in.
    pub fn fields_view(&self) -> Value {
        let field = |name: &str| self.field(name).map(|value| (name.to_owned(), value));
        Value::Object(self.field_names().filter_map(field).collect::<Map<_, _>>())
    }

    /// Adds an element: at the front, behind what templates put there before, or at the end.
    pub fn add(&mut self, list: List, template: &str, value: Value, in_front: bool) {
        let element = Element::Added {
            template: template.to_owned(),
            value,
        };
        let in_front = in_front && list != List::Volumes;
        self.elements_mut(list).add(element, in_front);
    }

    /// The name of the element at this index.
    pub fn name_of(&self, list: List, index: usize) -> String {
        let element = self.list(list).get(index);
        element.map_or_else(String::new, |element| element.name().to_owned())
    }

    /// Adds to the user's element at this index.
    pub fn edit(&mut self, list: List, index: usize, fill: Fill) {
        if let Some(element) = self.elements_mut(list).list.get_mut(index) {
            element.edit(fill.operations);
        }
    }

    /// Adds to the spec's other fields.
    pub fn edit_fields(&mut self, fill: Fill) {
        // Most templates add no field of the pod, and its view reads every field there is.
        if fill.operations.is_empty() {
            return;
        }
        let mut fields = self.fields_view();
        for operation in fill.operations {
            if operation.apply(&mut fields) {
                let name = operation
                    .path()
                    .split('/')
                    .nth(1)
                    .unwrap_or_default()
                    .to_owned();
                self.changed
                    .insert(name.clone(), fields.get(&name).cloned().unwrap_or_default());
                self.edits.push(operation);
            }
        }
    }

    /// Whether nothing was added.
    pub fn is_unchanged(&self) -> bool {
        let lists = [&self.init_containers, &self.containers, &self.volumes];
        self.labels.added.is_empty()
            && self.annotations.added.is_empty()
            && self.edits.is_empty()
            && lists.iter().all(|elements| elements.is_unchanged())
    }

    /// The patch that makes the pod of the review into the pod as it is now.
    pub fn into_patch(self) -> Patch {
        let mut patch = Patch::default();
        let adds_metadata = !(self.labels.added.is_empty() && self.annotations.added.is_empty());
        if adds_metadata && !self.has_metadata {
            patch.0.push(Operation::Add {
                path: "/metadata".to_owned(),
                value: json!({}),
            });
        }
        self.labels.write("/metadata/labels", &mut patch);
        self.annotations.write("/metadata/annotations", &mut patch);
        patch.0.extend(Patch(self.edits).below("/spec").0);
        self.volumes.write("/spec/volumes", &mut patch);
        self.init_containers
            .write("/spec/initContainers", &mut patch);
        self.containers.write("/spec/containers", &mut patch);
        patch
    }
}
