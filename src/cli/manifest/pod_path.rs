//! Where objects of kinds that are not known have their pod templates, as the configuration says it.

use std::str::FromStr;

use serde_json::Value;

use crate::inject::patch::escape;

/// The step that stands for each entry of a map or list.
const EACH: &str = "*";

/// A path such as `spec.driver.template` or `spec.replicaSpecs.*.template`, from the object to the map
/// that holds a pod's `metadata` and `spec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodPath(Vec<String>);

impl FromStr for PodPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let steps: Vec<_> = text.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(format!(
                "expected field names with dots between them, such as spec.driver.template or \
                 spec.replicaSpecs.*.template, but got {text:?}"
            ));
        }
        Ok(Self(steps))
    }
}

impl PodPath {
    /// The pointers of an object that the path means.
    pub(super) fn pointers(&self, object: &Value) -> Vec<String> {
        let mut reached = vec![(String::new(), object)];
        for step in &self.0 {
            let further = reached.into_iter().flat_map(|(pointer, value)| {
                let next = entries(value).filter(move |(key, _)| step == EACH || key == step);
                next.map(move |(key, value)| (format!("{pointer}/{}", escape(&key)), value))
            });
            reached = further.collect();
        }
        reached.into_iter().map(|(pointer, _)| pointer).collect()
    }
}

/// The entries of a map by their keys, and those of a list by their places.
fn entries(value: &Value) -> Box<dyn Iterator<Item = (String, &Value)> + '_> {
    match value {
        Value::Object(map) => Box::new(map.iter().map(|(key, value)| (key.clone(), value))),
        Value::Array(list) => {
            let places = list.iter().enumerate();
            Box::new(places.map(|(place, value)| (place.to_string(), value)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_means_what_is_there() {
        let object =
            json!({"spec": {"groups": [{"pod": 1}, {"no": 2}, {"pod": 3}], "a/b": {"pod": 4}}});
        for (path, pointers) in [
            (
                "spec.groups.*.pod",
                vec!["/spec/groups/0/pod", "/spec/groups/2/pod"],
            ),
            ("spec.groups.1.no", vec!["/spec/groups/1/no"]),
            ("spec.a/b.pod", vec!["/spec/a~1b/pod"]),
            ("spec.none.pod", vec![]),
        ] {
            let path: PodPath = path.parse().unwrap();
            assert_eq!(path.pointers(&object), pointers);
        }
        for wrong in ["", "spec..pod", ".spec", "spec."] {
            assert!(wrong.parse::<PodPath>().is_err(), "{wrong}");
        }
    }
}
