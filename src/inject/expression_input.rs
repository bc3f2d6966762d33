//! The data that expressions read, given only where they read it.
//!
//! Expressions see the pod as earlier templates left it, with the API server's defaults filled in
//! and without what its admission plugins add, so that a file and a review give the same result.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::parameters::Values;
use super::pod::{List, WorkingPod};
use super::settings::Namespace;
use crate::expression::{Paths, Source};
use crate::kubernetes::defaults;
use crate::kubernetes::schema;
use crate::review::pod::Owner;

/// The pod's account by its name and by the alias of that, which the API server keeps alike.
const ACCOUNT: [&str; 2] = ["serviceAccountName", "serviceAccount"];

/// The app containers that templates may edit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Apps {
    /// List and index of each, in the order of the pod or of `pillion.dev/containers`.
    pub(crate) places: Vec<(List, usize)>,
    /// Which of them is the main one.
    pub(crate) main: usize,
}

/// Gives expressions the data of one pod.
#[derive(Debug)]
pub(crate) struct ExpressionInput<'d> {
    /// The pod as it is now.
    pub(crate) pod: &'d WorkingPod<'d>,
    /// The namespace that it is in.
    pub(crate) namespace: &'d Namespace,
    pub(crate) namespace_name: &'d str,
    /// The values of the template's parameters.
    pub(crate) values: &'d Values<'d>,
    /// The app containers.
    pub(crate) apps: &'d Apps,
    /// The app container that is being edited.
    pub(crate) own: Option<usize>,
    /// Minor version of Kubernetes.
    pub(crate) kubernetes_minor: u32,
    /// What was asked for already.
    pub(crate) made: MadeData,
}

/// The data that was made for expressions, which borrow it.
#[derive(Debug, Default)]
pub(crate) struct MadeData {
    pod: OnceCell<Value>,
    apps: OnceCell<Value>,
    app: OnceCell<Value>,
    own: OnceCell<Value>,
    namespace: OnceCell<Value>,
}

impl<'d> ExpressionInput<'d> {
    /// The same data with these values of parameters.
    pub(crate) fn with_values<'v>(&self, values: &'v Values<'v>) -> ExpressionInput<'v>
    where
        'd: 'v,
    {
        ExpressionInput {
            pod: self.pod,
            namespace: self.namespace,
            namespace_name: self.namespace_name,
            values,
            apps: self.apps,
            own: self.own,
            kubernetes_minor: self.kubernetes_minor,
            made: MadeData::default(),
        }
    }

    /// The same data for the edit of an app container.
    pub(crate) fn for_app(&self, index: usize) -> Self {
        Self {
            own: Some(index),
            ..self.with_values(self.values)
        }
    }

    fn container(&self, index: usize, paths: &Paths) -> Value {
        let Some((list, at)) = self.apps.places.get(index) else {
            return Value::Object(Map::new());
        };
        let element = self.pod.list(*list).get(*at);
        let mut value = element.map_or(Value::Null, |element| {
            // The pull policy is defaulted from the image.
            let view = element.view();
            view.with_fields(|name| paths.begins_with(name) || name == "image")
        });
        defaults::fill("Container", &mut value);
        if self.is_on_node_network() {
            defaults::fill_host_ports(&mut value);
        }
        keep(&mut value, paths);
        value
    }

    /// The fields of the pod's metadata that are read.
    fn metadata(&self, paths: &Paths) -> Value {
        let mut metadata = Map::new();
        for (key, of_pod) in [
            ("labels", &self.pod.labels),
            ("annotations", &self.pod.annotations),
        ] {
            let is_read = paths.iter().any(|path| {
                let (root, rest) = (path.first(), path.get(1));
                root.is_some_and(|root| root == "metadata") && rest.is_none_or(|field| field == key)
            });
            if is_read {
                let mut texts = Map::new();
                for (key, value) in of_pod.all() {
                    texts.insert(key.to_owned(), value.into());
                }
                metadata.insert(key.to_owned(), texts.into());
            }
        }
        metadata.insert("namespace".to_owned(), self.namespace_name.into());
        let read = self.pod.metadata();
        let plain = [
            ("name", read.and_then(|read| read.name.as_ref())),
            (
                "generateName",
                read.and_then(|read| read.generate_name.as_ref()),
            ),
        ];
        for (key, value) in plain {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), value.as_str().into());
            }
        }
        if let Some(owners) = read.and_then(|read| read.owner_references.as_ref()) {
            let owners = owners.iter().map(owner).collect();
            metadata.insert("ownerReferences".to_owned(), owners);
        }
        Value::Object(metadata)
    }

    /// The pod, with the fields that are read.
    fn pod_fields(&self, paths: &Paths) -> Value {
        let mut pod = Map::new();
        let mut spec = Map::new();
        for path in paths.iter() {
            match path {
                [root, ..] if root == "metadata" => {
                    pod.entry("metadata")
                        .or_insert_with(|| self.metadata(paths));
                }
                [root, field, ..] if root == "spec" => {
                    if let Some(value) = self.spec_field(field) {
                        spec.insert(field.clone(), value);
                    }
                }
                _ => {}
            }
        }
        pod.insert("spec".to_owned(), Value::Object(spec));
        for (name, word) in [("apiVersion", "v1"), ("kind", "Pod")] {
            if paths.begins_with(name) {
                pod.insert(name.to_owned(), word.into());
            }
        }
        Value::Object(pod)
    }

    fn is_on_node_network(&self) -> bool {
        self.pod.field("hostNetwork") == Some(Value::Bool(true))
    }

    /// One field of the spec, with defaults.
    fn spec_field(&self, name: &str) -> Option<Value> {
        let lists = [List::InitContainers, List::Containers, List::Volumes];
        let list = lists.into_iter().find(|list| list.field() == name);
        let own = match list {
            Some(list) => {
                let elements = self.pod.list(list);
                let values = elements.iter().map(|element| element.view().to_value());
                (!elements.is_empty()).then(|| Value::Array(values.collect()))
            }
            // One is the other's alias.
            None if ACCOUNT.contains(&name) => ACCOUNT.iter().find_map(|name| self.pod.field(name)),
            None => self.pod.field(name),
        };
        let field = schema::field("PodSpec", name);
        let own = own.filter(|own| !field.is_some_and(|field| defaults::absence_says(field, own)));
        let value = own.or_else(|| defaults::default_of("PodSpec", name))?;
        let mut spec = Value::Object(Map::from_iter([(name.to_owned(), value)]));
        if let (Value::Object(map), Some(field)) = (&mut spec, field) {
            if let Some(inner) = map.get_mut(name) {
                defaults::fill_typed(&field.ty, inner);
                if matches!(list, Some(List::Containers | List::InitContainers))
                    && self.is_on_node_network()
                {
                    let containers = inner.as_array_mut().into_iter().flatten();
                    containers.for_each(defaults::fill_host_ports);
                }
            }
            defaults::without_plugins("PodSpec", map);
        }
        spec.as_object_mut().and_then(|map| map.shift_remove(name))
    }
}

/// What expressions see of an owner reference.
fn owner(owner: &Owner<'_>) -> Value {
    let fields = [
        ("apiVersion", &owner.api_version),
        ("kind", &owner.kind),
        ("name", &owner.name),
        ("uid", &owner.uid),
    ];
    let present = fields.into_iter().filter_map(|(key, text)| {
        let text = text.as_ref()?;
        Some((key.to_owned(), Value::from(text.as_str())))
    });
    let controller = owner
        .controller
        .map(|is| ("controller".to_owned(), is.into()));
    Value::Object(present.chain(controller).collect())
}

/// Keeps the top-level fields that are read.
fn keep(value: &mut Value, paths: &Paths) {
    if let (Value::Object(fields), false) = (value, paths.is_everything()) {
        fields.retain(|name, _| paths.begins_with(name));
    }
}

impl Source for ExpressionInput<'_> {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    fn pod(&self, paths: &Paths) -> &Value {
        self.made.pod.get_or_init(|| self.pod_fields(paths))
    }

    fn apps(&self, paths: &Paths) -> &Value {
        self.made.apps.get_or_init(|| {
            let apps = 0..self.apps.places.len();
            apps.map(|index| self.container(index, paths)).collect()
        })
    }

    fn app(&self, paths: &Paths) -> &Value {
        let made = &self.made.app;
        made.get_or_init(|| self.container(self.apps.main, paths))
    }

    fn own(&self, paths: &Paths) -> &Value {
        self.made.own.get_or_init(|| {
            self.own
                .map_or(Value::Null, |index| self.container(index, paths))
        })
    }

    fn namespace(&self, _paths: &Paths) -> &Value {
        self.made.namespace.get_or_init(|| {
            serde_json::json!({"metadata": {
                "name": self.namespace_name,
                "labels": self.namespace.labels,
                "annotations": self.namespace.annotations,
            }})
        })
    }

    fn kubernetes_minor(&self) -> u32 {
        self.kubernetes_minor
    }
}

#[cfg(test)]
mod tests;
