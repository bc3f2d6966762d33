//! Reading a pod: as much of it as the question needs, in one pass.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Metadata, Pod, Spec, names_our_key};
use crate::review::{Text, is_written_plainly};

/// Room for the fields of a spec as the API server sends it, lists excepted.
const FIELDS: usize = 24;

/// A pod of which the names alone are read, for where nothing can come of the rest.
#[derive(Debug, Clone, Default)]
pub struct NamedPod<'a> {
    /// The pod with the names.
    pub pod: Pod<'a>,
    /// Labels and annotations, unread.
    texts: [Option<&'a RawValue>; 2],
}

impl NamedPod<'_> {
    /// Whether a label or annotation may ask something of Pillion after all; `false` is sure.
    pub fn may_ask(&self) -> bool {
        let mut texts = self.texts.iter().flatten();
        texts.any(|raw| {
            let json = raw.get().as_bytes();
            names_our_key(json) || !is_written_plainly(json)
        })
    }
}

/// The fields of a pod that are read.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) metadata: Option<Metadata<'a>>,
    pub(super) spec: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Pod<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Self::read(raw.get()).map_err(D::Error::custom)
    }
}

// By hand: a derived implementation would take a list for an object.
impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for NamedPod<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for NamedVisitor<'a> {
    type Value = NamedPod<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pod")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamedPod<'a>, A::Error> {
        let mut named = NamedPod::default();
        while let Some(key) = map.next_key::<Text<'a>>()? {
            if key.as_str() == "metadata" {
                let names: Option<Names<'a>> = map.next_value()?;
                named.take(names.unwrap_or_default());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(named)
    }
}

/// The names in a pod's metadata, and what may ask.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    generate_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    labels: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
}

impl<'a> NamedPod<'a> {
    fn take(&mut self, names: Names<'a>) {
        self.texts = [names.labels, names.annotations];
        self.pod.metadata = Some(Metadata {
            name: names.name,
            generate_name: names.generate_name,
            ..Metadata::default()
        });
    }
}

struct FieldsVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
    type Value = Fields<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pod")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Text<'a>>()? {
            match key.as_str() {
                "metadata" => fields.metadata = map.next_value()?,
                "spec" => fields.spec = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Spec<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpecVisitor;
        impl<'de> Visitor<'de> for SpecVisitor {
            type Value = Spec<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pod's spec")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Spec<'de>, A::Error> {
                let mut spec = Spec::default();
                spec.others.0.reserve(FIELDS);
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match key.as_str() {
                        "containers" => spec.containers = map.next_value()?,
                        "initContainers" => spec.init_containers = map.next_value()?,
                        "volumes" => spec.volumes = map.next_value()?,
                        "ephemeralContainers" => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        _ => spec.others.0.push((key, map.next_value()?)),
                    }
                }
                Ok(spec)
            }
        }
        deserializer.deserialize_map(SpecVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_no_pod() {
        assert!(Pod::read("[null, null]").is_err());
        assert!(Spec::read(serde_json::from_str("[]").unwrap()).is_err());
    }

    #[test]
    fn what_may_ask_is_seen_however_it_is_written() {
        let may_ask = |texts: &str| {
            let json = format!(r#"{{"metadata":{{"annotations":{texts}}}}}"#);
            let named: NamedPod<'_> = serde_json::from_str(&json).unwrap();
            named.may_ask()
        };
        for texts in [
            r#"{"pillion.dev/inject":"x"}"#,
            r#"{"pillion.dev\/inject":"x"}"#,
            r#"{"\u0070illion.dev/inject":"x"}"#,
        ] {
            assert!(may_ask(texts), "{texts}");
        }
        for texts in [
            "null",
            r#"{"pillion.devices":"\"/"}"#,
            r#"{"a":"x \u0026\u0026 y \u003c z \u003e \u00e9 \ud83d\udeb2"}"#,
            // A backslash, and then what stands there.
            r#"{"a":"s/a\\/b/c/ C:\\users\\app"}"#,
        ] {
            assert!(!may_ask(texts), "{texts}");
        }
    }

    #[test]
    fn the_names_of_a_pod_are_read_alone() {
        let json =
            r#"{"metadata":{"name":"a","generateName":"b-","labels":[1],"uid":2},"spec":{}}"#;
        let NamedPod { pod, .. } = serde_json::from_str(json).unwrap();
        let metadata = pod.metadata.as_ref().unwrap();
        let names = [&metadata.name, &metadata.generate_name];
        let names = names.map(|name| name.as_ref().map(Text::as_str));
        assert_eq!(names, [Some("a"), Some("b-")]);
        assert!(!pod.has_spec() && metadata.labels.is_none());
        assert!(serde_json::from_str::<NamedPod<'_>>("[]").is_err());
    }

    #[test]
    fn a_pod_is_seen_without_reading_what_nobody_asks_for() {
        let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-",
            "labels":{"app":"web"},"managedFields":[{"x":{"y":[1,2]}}],
            "ownerReferences":[{"kind":"Job","name":"j"}]},
            "spec":{"containers":[{"name":"a","image":"i","brandNew":{"deep":[1]}}],
            "initContainers":null,"hostNetwork":true,"brandNewField":{"x":1}}}"#;
        let pod = Pod::read(json).unwrap();
        let metadata = pod.metadata.as_ref().unwrap();
        assert!(metadata.annotations.is_none());
        assert_eq!(metadata.labels.as_ref().unwrap().len(), 1);
        let spec = pod.spec().unwrap();
        assert_eq!(
            spec.containers.as_ref().unwrap()[0]
                .get("brandNew")
                .unwrap()
                .get(),
            r#"{"deep":[1]}"#
        );
        assert!(spec.init_containers.is_none());
        assert_eq!(spec.others.get_as::<bool>("hostNetwork"), Some(true));
        assert_eq!(
            spec.others.get("brandNewField").unwrap().get(),
            r#"{"x":1}"#
        );
    }
}
