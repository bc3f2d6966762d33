//! Reading a pod: as much of it as the question needs, in one pass.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Metadata, Pod, Spec, names_our_key};
use crate::review::{Text, is_written_plainly};

/// Room for the fields of a spec as the API server sends it, lists excepted.
const FIELDS: usize = 24;

/// A pod whose spec is read on the way where an annotation shows that it will be needed: then one
/// pass over the bytes is enough. A spec that cannot be read is an error of the whole.
#[derive(Debug, Clone, Default)]
pub struct AskingPod<'a>(pub Pod<'a>);

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

// By hand: a derived implementation would take a list for an object.
impl<'de: 'a, 'a> Deserialize<'de> for Pod<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PodVisitor::new(false))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for AskingPod<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(PodVisitor::new(true))
            .map(Self)
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

struct PodVisitor<'a> {
    /// Whether the spec of a pod that asks is read on the way.
    reads_asking: bool,
    borrows: PhantomData<&'a ()>,
}

impl PodVisitor<'_> {
    fn new(reads_asking: bool) -> Self {
        Self {
            reads_asking,
            borrows: PhantomData,
        }
    }
}

impl<'de: 'a, 'a> Visitor<'de> for PodVisitor<'a> {
    type Value = Pod<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pod")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pod<'a>, A::Error> {
        let mut pod = Pod::default();
        while let Some(key) = map.next_key::<Text<'a>>()? {
            match key.as_str() {
                "metadata" => pod.metadata = map.next_value()?,
                // Of two fields of one name the last counts, whichever way each was read.
                "spec" if self.reads_asking && pod.asks() => {
                    let spec: Option<Spec<'a>> = map.next_value()?;
                    pod.spec = spec.map(OnceLock::from).unwrap_or_default();
                    pod.unread = None;
                }
                "spec" => {
                    pod.unread = map.next_value()?;
                    pod.spec = OnceLock::new();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(pod)
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
        assert!(serde_json::from_str::<Pod<'_>>("[null, null]").is_err());
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
    fn a_pod_that_asks_is_read_on_the_way_and_is_the_same_pod() {
        let asks = r#""metadata":{"annotations":{"pillion.dev/inject":"x"}}"#;
        let (one, two) = (
            r#""spec":{"containers":[{"name":"a"}]}"#,
            r#""spec":{"containers":[]}"#,
        );
        let table = [
            format!("{{{asks},{one}}}"),
            format!("{{{one},{asks}}}"),
            format!("{{{asks},\"spec\":null}}"),
            format!("{{{one},{asks},\"spec\":null}}"),
            format!("{{{asks},{one},{two}}}"),
            format!("{{{asks},{one},\"metadata\":{{}},{two}}}"),
            format!("{{{two},{asks},{one}}}"),
            format!("{{{asks}}}"),
            format!("{{{one}}}"),
        ];
        for json in table {
            let plain: Pod<'_> = serde_json::from_str(&json).unwrap();
            let AskingPod(asking) = serde_json::from_str(&json).unwrap();
            assert_eq!(plain.has_spec(), asking.has_spec(), "{json}");
            let names = |pod: &Pod<'_>| {
                let spec = pod.spec().unwrap();
                let containers = spec.containers.iter().flatten();
                let names =
                    containers.map(|container| container.text("name").unwrap().into_owned());
                names.collect::<Vec<_>>()
            };
            assert_eq!(names(&plain), names(&asking), "{json}");
        }
        let broken = format!("{{{asks},\"spec\":[]}}");
        assert!(serde_json::from_str::<AskingPod<'_>>(&broken).is_err());
        let plain: Pod<'_> = serde_json::from_str(&broken).unwrap();
        assert!(plain.spec().is_err());
    }

    #[test]
    fn a_pod_is_seen_without_reading_what_nobody_asks_for() {
        let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-",
            "labels":{"app":"web"},"managedFields":[{"x":{"y":[1,2]}}],
            "ownerReferences":[{"kind":"Job","name":"j"}]},
            "spec":{"containers":[{"name":"a","image":"i","brandNew":{"deep":[1]}}],
            "initContainers":null,"hostNetwork":true,"brandNewField":{"x":1}}}"#;
        let pod: Pod<'_> = serde_json::from_str(json).unwrap();
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
