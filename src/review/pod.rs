//! A borrowed view of a pod: metadata, and where the spec's lists are.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::Value;

use super::json::Json;
use super::object::Text;
use crate::kubernetes::keys::DOMAIN;

/// Labels or annotations.
pub type Dictionary<'a> = BTreeMap<Text<'a>, Text<'a>>;

/// Whether a key of an annotation or label that asks something of Pillion, or tells of it, stands in
/// this JSON as API servers write it, looked for without reading it.
pub(crate) fn names_our_key(json: &[u8]) -> bool {
    static KEY: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new(&format!("\"{DOMAIN}")).into_owned());
    KEY.find(json).is_some()
}

/// A pod, or a workload's pod template.
#[derive(Debug, Clone)]
pub struct Pod<'a> {
    /// The pod as it came.
    pub(crate) json: Json<'a>,
    pub(crate) metadata: Option<Metadata<'a>>,
}

impl<'a> Pod<'a> {
    /// Reads a pod.
    pub fn read(json: Json<'a>) -> Result<Self, serde_json::Error> {
        expect_object(json)?;
        let metadata = json.get("metadata").map(Json::read_as).transpose()?;
        Ok(Self { json, metadata })
    }

    /// Whether there is a spec.
    pub(crate) fn has_spec(&self) -> bool {
        self.json.get("spec").is_some()
    }

    /// The spec; empty where there is none.
    pub(crate) fn spec(&self) -> Result<Spec<'a>, serde_json::Error> {
        let spec = self.json.get("spec").map(Spec::read).transpose()?;
        Ok(spec.unwrap_or_default())
    }

    /// The pod as data, without `managedFields`: they are nobody's who changes pods, and often half of one.
    pub fn to_value(&self) -> Value {
        let fields = self.json.fields().map(|(name, value)| {
            let value = if name == "metadata" && value.is_object() {
                let kept = value.fields().filter(|(name, _)| name != "managedFields");
                Value::Object(kept.map(to_entry).collect())
            } else {
                value.to_value()
            };
            (name.into_owned(), value)
        });
        Value::Object(fields.collect())
    }

    /// How many values and keys it has, without `managedFields`.
    pub(crate) fn size(&self) -> usize {
        let managed = self
            .json
            .get("metadata")
            .and_then(|it| it.get("managedFields"));
        self.json.size() - managed.map_or(0, Json::size)
    }

    /// `metadata.labels`.
    pub(crate) fn labels(&self) -> Option<&Dictionary<'a>> {
        self.metadata.as_ref()?.labels.as_ref()
    }

    pub(crate) fn annotations(&self) -> Option<&Dictionary<'a>> {
        self.metadata.as_ref()?.annotations.as_ref()
    }
}

/// What decisions need of `metadata`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata<'a> {
    /// The pod's name, absent where `generateName` makes one.
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    /// The start of a generated name.
    #[serde(borrow, default)]
    pub(crate) generate_name: Option<Text<'a>>,
    /// Labels; `None` where the pod has no such field.
    #[serde(borrow, default)]
    pub(crate) labels: Option<Dictionary<'a>>,
    /// Annotations; `None` where the pod has no such field.
    #[serde(borrow, default)]
    pub(crate) annotations: Option<Dictionary<'a>>,
    /// Whose pod it is.
    #[serde(borrow, default)]
    pub(crate) owner_references: Option<Vec<Owner<'a>>>,
}

/// What decisions need of an owner reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Owner<'a> {
    #[serde(borrow, default)]
    pub(crate) api_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) uid: Option<Text<'a>>,
    /// Whether it is the one that manages the pod.
    #[serde(default)]
    pub(crate) controller: Option<bool>,
}

/// The fields of a spec that are lists of objects.
const LISTS: [&str; 4] = [
    "containers",
    "initContainers",
    "volumes",
    "ephemeralContainers",
];

/// The fields of a pod's spec.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spec<'a> {
    /// `containers`; `None` where the spec has no such field.
    pub(crate) containers: Option<Json<'a>>,
    /// `initContainers`; `None` where the spec has no such field.
    pub(crate) init_containers: Option<Json<'a>>,
    /// `volumes`; `None` where the spec has no such field.
    pub(crate) volumes: Option<Json<'a>>,
    pub(crate) others: SpecFields<'a>,
}

/// The fields of a spec but its lists of containers and volumes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpecFields<'a>(Option<Json<'a>>);

impl<'a> SpecFields<'a> {
    /// A field's value; null counts as absent.
    pub(crate) fn get(self, name: &str) -> Option<Json<'a>> {
        self.0?.get(name).filter(|_| !LISTS.contains(&name))
    }

    /// The whole spec, with its lists.
    pub(crate) fn json(self) -> Option<Json<'a>> {
        self.0
    }

    /// The fields, in their order.
    pub(crate) fn fields(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        let fields = self.0.into_iter().flat_map(Json::fields);
        fields.filter(|(name, _)| !LISTS.contains(&name.as_ref()))
    }
}

/// An object with any fields. `serde_json::Map` would take null for one.
type AnyObject = HashMap<String, Value>;

/// The shape of a spec. A spec with another one is read as this for the error, which names the place.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what is read is thrown away")]
struct Shape {
    #[serde(default)]
    containers: Option<Vec<AnyObject>>,
    #[serde(default)]
    init_containers: Option<Vec<AnyObject>>,
    #[serde(default)]
    volumes: Option<Vec<AnyObject>>,
}

impl<'a> Spec<'a> {
    /// Reads a spec, whose lists hold objects alone.
    pub(crate) fn read(json: Json<'a>) -> Result<Self, serde_json::Error> {
        expect_object(json)?;
        let spec = Self {
            containers: json.get("containers"),
            init_containers: json.get("initContainers"),
            volumes: json.get("volumes"),
            others: SpecFields(Some(json)),
        };
        let lists = [spec.containers, spec.init_containers, spec.volumes];
        let is_list = |list: Json<'_>| list.is_list() && list.elements().all(Json::is_object);
        if !lists.into_iter().flatten().all(is_list) {
            json.read_as::<Shape>()?;
        }
        Ok(spec)
    }
}

fn to_entry((name, value): (Cow<'_, str>, Json<'_>)) -> (String, Value) {
    (name.into_owned(), value.to_value())
}

fn expect_object(json: Json<'_>) -> Result<(), serde_json::Error> {
    if json.is_object() {
        return Ok(());
    }
    json.read_as::<AnyObject>().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::Document;

    #[test]
    fn a_list_is_no_pod() {
        let document = Document::read("[null, null]").unwrap();
        assert!(Pod::read(document.root()).is_err());
        assert!(Spec::read(document.root()).is_err());
        for spec in [r#"{"volumes": 5}"#, r#"{"containers": [{}, null]}"#] {
            let document = Document::read(spec).unwrap();
            assert!(Spec::read(document.root()).is_err(), "{spec}");
        }
    }

    #[test]
    fn a_pod_is_seen_without_what_nobody_asks_for() {
        let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-",
            "labels":{"app":"web"},"managedFields":[{"x":{"y":[1,2]}}],
            "ownerReferences":[{"kind":"Job","name":"j"}]},
            "spec":{"containers":[{"name":"a","image":"i","brandNew":{"deep":[1]}}],
            "initContainers":null,"hostNetwork":true,"brandNewField":{"x":1}}}"#;
        let document = Document::read(json).unwrap();
        let pod = Pod::read(document.root()).unwrap();
        assert!(pod.annotations().is_none());
        assert_eq!(pod.labels().unwrap().len(), 1);
        let spec = pod.spec().unwrap();
        let container = spec.containers.unwrap().elements().next().unwrap();
        assert_eq!(container.get("brandNew").unwrap().raw(), r#"{"deep":[1]}"#);
        assert!(spec.init_containers.is_none());
        let names: Vec<_> = spec.others.fields().map(|(name, _)| name).collect();
        assert_eq!(names, ["hostNetwork", "brandNewField"]);
        assert_eq!(
            spec.others.get("brandNewField").unwrap().raw(),
            r#"{"x":1}"#
        );
        assert!(spec.others.get("containers").is_none());
    }
}
