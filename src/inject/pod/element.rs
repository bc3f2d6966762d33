//! Containers and volumes while a pod is being decided about: the user's, and what templates added.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::inject::merge::{Fill, InFront, View};
use crate::inject::patch::{AddedElement, Content, Operation, Patch};
use crate::review::Json;
use crate::template::value::{ReadObject, TemplateObject};

/// What a template added to something of the user's.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) template: Arc<str>,
    pub(crate) operation: Operation,
}

impl Edit {
    /// Whether it adds an element to one of these lists, or such a list as a whole: which, and at
    /// which index.
    pub(crate) fn new_element<'l>(&self, lists: &[&'l str]) -> Option<(&'l str, Option<usize>)> {
        let Operation::Add { path, .. } = &self.operation else {
            return None;
        };
        let path = path.strip_prefix('/')?;
        let (field, index) = match path.split_once('/') {
            None => (path, None),
            Some((field, "-")) => (field, None),
            Some((field, index)) => (field, Some(index.parse().ok()?)),
        };
        let list = lists.iter().find(|list| **list == field)?;
        Some((list, index))
    }

    pub(crate) fn value(&self) -> &Value {
        match self.operation.content() {
            Some(Content::TemplateValue(value)) => value,
            // A container or volume is no part of an element.
            Some(Content::Element(_) | Content::List(_)) | None => &Value::Null,
        }
    }

    /// The field of the element that it changes.
    pub(crate) fn field(&self) -> &str {
        self.operation.path().split('/').nth(1).unwrap_or_default()
    }
}

/// An element of a list: a container or a volume.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most elements are the user's, the larger ones"
)]
pub(crate) enum Element<'p> {
    /// The user's, with what was added to it.
    Users {
        /// Where it stood in the list.
        index: usize,
        name: Cow<'p, str>,
        /// As the review has it.
        object: Json<'p>,
        /// What was added, with pointers below the element.
        edits: Vec<Edit>,
        /// Current values of the edited fields; made when first asked for.
        current: OnceLock<Map<String, Value>>,
        /// Current values of the edited fields, except fields that only gained list items; made when first
        /// asked for.
        changed: OnceLock<Map<String, Value>>,
        /// What templates put at the front of the container's lists.
        in_front: InFront,
        /// Templates, each with the key paths of what is its own.
        owners: Vec<(Arc<str>, Vec<String>)>,
    },
    /// Added by a template of this name.
    Added {
        template: String,
        value: TemplateObject,
    },
}

impl Element<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Users { name, .. } => name,
            Self::Added { value, .. } => value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        }
    }

    /// The image of a container.
    pub(crate) fn image(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Users { object, .. } => object.text("image"),
            Self::Added { value, .. } => Some(value.get("image")?.as_str()?.into()),
        }
    }

    /// The element as it is now.
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::Users { object, edits, .. } if edits.is_empty() => View::Json(*object),
            Self::Users {
                object,
                edits,
                current,
                ..
            } => {
                let current = current.get_or_init(|| changed_fields(*object, edits, &[]));
                View::Changed(*object, current)
            }
            Self::Added { value, .. } => View::Added(value),
        }
    }

    /// Current values of the edited fields, except fields that only gained items of these lists.
    pub(crate) fn changed(&self, lists: &[&str]) -> Option<&Map<String, Value>> {
        match self {
            Self::Users {
                object,
                edits,
                changed,
                ..
            } if !edits.is_empty() => {
                Some(changed.get_or_init(|| changed_fields(*object, edits, lists)))
            }
            _ => None,
        }
    }

    /// The sources of variables that the user wrote into a container.
    pub(crate) fn users_env_from(&self) -> Vec<Value> {
        match self {
            Self::Users { object, .. } => object.get_as("envFrom").unwrap_or_default(),
            Self::Added { .. } => Vec::new(),
        }
    }

    /// Whether the element is an init container that runs beside the app.
    pub(crate) fn is_sidecar(&self) -> bool {
        match self {
            Self::Users { object, .. } => object.text("restartPolicy").as_deref() == Some("Always"),
            Self::Added { value, .. } => {
                value.get("restartPolicy").and_then(Value::as_str) == Some("Always")
            }
        }
    }

    /// What templates put at the front of the container's lists.
    pub(crate) fn in_front(&self) -> InFront {
        match self {
            Self::Users { in_front, .. } => *in_front,
            Self::Added { .. } => InFront::default(),
        }
    }

    /// The template that added what a key path of the user's element names.
    pub(crate) fn owner(&self, key: &str) -> Option<&str> {
        match self {
            Self::Users { owners, .. } => {
                let mut latest = owners.iter().rev();
                let owner = latest.find(|(_, keys)| keys.iter().any(|known| known == key));
                owner.map(|(template, _)| template.as_ref())
            }
            Self::Added { template, .. } => Some(template),
        }
    }

    /// Adds to the user's element.
    pub(super) fn edit(&mut self, template: &str, mut fill: Fill) {
        if let Self::Users {
            edits,
            current,
            changed,
            in_front,
            owners,
            ..
        } = self
        {
            current.take();
            changed.take();
            in_front.env = front_of("/env", &fill.operations, in_front.env);
            in_front.env_from = front_of("/envFrom", &fill.operations, in_front.env_from);
            let template: Arc<str> = template.into();
            let operations = std::mem::take(&mut fill.operations);
            edits.extend(operations.into_iter().map(|operation| Edit {
                template: Arc::clone(&template),
                operation,
            }));
            owners.push((template, fill.owned().collect()));
        }
    }
}

/// How many elements of templates stand at the front of a list, behind which nothing is the user's, once
/// operations have added to the `front` that were there.
fn front_of(list: &str, operations: &[Operation], front: usize) -> usize {
    let places = operations
        .iter()
        .filter_map(|operation| Some((operation.path().strip_prefix(list)?, operation)));
    places.fold(front, |front, (place, operation)| {
        match place.strip_prefix('/').map(str::parse) {
            None if place.is_empty() => front + operation.value().as_array().map_or(0, Vec::len),
            Some(Ok(index)) if front >= index => front + 1,
            _ => front,
        }
    })
}

/// The fields that edits other than new elements of lists change, as they are then.
fn changed_fields(object: Json<'_>, edits: &[Edit], lists: &[&str]) -> Map<String, Value> {
    let others = edits
        .iter()
        .filter(|edit| edit.new_element(lists).is_none());
    let fields: BTreeSet<&str> = others.map(Edit::field).collect();
    if fields.is_empty() {
        return Map::new();
    }
    let present = fields
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), object.get(field)?.to_value())));
    let mut whole = Value::Object(present.collect());
    for edit in edits.iter().filter(|edit| fields.contains(edit.field())) {
        edit.operation.apply(&mut whole);
    }
    match whole {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The elements of one list.
#[derive(Debug)]
pub(super) struct Elements<'p> {
    /// Whether the pod has the field.
    pub(super) present: bool,
    pub(super) list: Vec<Element<'p>>,
    /// How many templates put at the front.
    front: usize,
    /// Where the user's elements stood that were moved.
    removed: Vec<usize>,
}

impl<'p> Elements<'p> {
    pub(super) fn new(objects: Option<Json<'p>>) -> Self {
        let present = objects.is_some();
        let list = objects
            .into_iter()
            .flat_map(Json::elements)
            .enumerate()
            .map(|(index, object)| Element::Users {
                index,
                name: object.text("name").unwrap_or_default(),
                object,
                edits: Vec::new(),
                current: OnceLock::new(),
                changed: OnceLock::new(),
                in_front: InFront::default(),
                owners: Vec::new(),
            })
            .collect();
        Self {
            present,
            list,
            front: 0,
            removed: Vec::new(),
        }
    }

    /// Writes what was added: the whole list where the pod has none, else each element where it
    /// stands among the others. Containers get the mount of this volume with the ServiceAccount's token.
    pub(super) fn write(self, path: &str, token_volume: Option<&Arc<str>>, patch: &mut Patch) {
        let with_token = |fields: TemplateObject| AddedElement::new(fields, token_volume);
        if !self.present {
            let added: Vec<_> = self
                .list
                .into_iter()
                .filter_map(|element| match element {
                    Element::Added { value, .. } => Some(with_token(value)),
                    Element::Users { .. } => None,
                })
                .collect();
            if !added.is_empty() {
                let (path, value) = (path.to_owned(), Content::List(added));
                patch.0.push(Operation::Add { path, value });
            }
            return;
        }
        let mut removed = self.removed;
        removed.sort_unstable();
        let removals = removed.iter().rev().map(|index| Operation::Remove {
            path: format!("{path}/{index}"),
        });
        patch.0.extend(removals);
        for (index, element) in self.list.into_iter().enumerate() {
            match element {
                Element::Added { value, .. } => patch.0.push(Operation::Add {
                    path: format!("{path}/{index}"),
                    value: Content::Element(with_token(value)),
                }),
                Element::Users { edits, .. } if edits.is_empty() => {}
                Element::Users { edits, .. } => {
                    let operations = edits.into_iter().map(|edit| edit.operation).collect();
                    let below = Patch(operations).below(&format!("{path}/{index}"));
                    patch.0.extend(below.0);
                }
            }
        }
    }

    /// Moves the user's element to where a template's would stand, as it is now; where it stands there, those
    /// of later templates stand behind it.
    pub(super) fn move_to_front(&mut self, at: usize, template: &str) {
        if at == self.front {
            self.front += 1;
            return;
        }
        let Some(Element::Users { index, .. }) = self.list.get(at) else {
            return;
        };
        self.removed.push(*index);
        let element = self.list.remove(at);
        if let Value::Object(fields) = element.view().to_value() {
            let value = TemplateObject::from(fields);
            let template = template.to_owned();
            self.add(Element::Added { template, value }, true);
        }
    }

    pub(super) fn add(&mut self, element: Element<'p>, in_front: bool) {
        if in_front {
            self.list.insert(self.front, element);
            self.front += 1;
        } else {
            self.list.push(element);
        }
    }
}
