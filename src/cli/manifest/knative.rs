//! The names that Knative gives to containers without one, as most of its Services have it.
//!
//! A pod's containers have names, by which a template edits them and a status says what was added. So a
//! name that Knative would give is written before the pod is decided about
//! (`knative/serving:pkg/apis/serving/v1/revision_defaults.go`, `applyDefaultContainerNames`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::kinds::Identity;

/// The group of the objects.
const GROUP: &str = "serving.knative.dev/";

/// The lists of a pod's containers, each with the name that Knative gives.
const LISTS: [(&str, &str); 2] = [
    ("initContainers", "init-container"),
    ("containers", "user-container"),
];

/// Names the containers that have no name, where the object is one of Knative's. Returns whether there
/// was one.
pub(crate) fn name_containers(identity: &Identity, object: &mut Value, pointer: &str) -> bool {
    let spec = object.pointer_mut(&format!("{pointer}/spec"));
    let Some(spec) = spec.filter(|_| identity.api_version.starts_with(GROUP)) else {
        return false;
    };
    let mut names: BTreeSet<String> = LISTS
        .iter()
        .filter_map(|(list, _)| spec.get(list)?.as_array())
        .flatten()
        .filter_map(name)
        .map(str::to_owned)
        .collect();
    let mut is_any = false;
    for (list, default) in LISTS {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        let Some(containers) = containers else {
            continue;
        };
        let is_alone = containers.len() == 1 && !names.contains(default);
        let nameless = containers
            .iter_mut()
            .filter(|container| name(container).is_none());
        let mut numbered = (0..).map(|number| format!("{default}-{number}"));
        for container in nameless.filter_map(Value::as_object_mut) {
            let given = if is_alone {
                Some(default.to_owned())
            } else {
                numbered.find(|given| !names.contains(given))
            };
            if let Some(given) = given {
                names.insert(given.clone());
                put_first(container, given);
                is_any = true;
            }
        }
    }
    is_any
}

fn name(container: &Value) -> Option<&str> {
    let name = container.get("name").and_then(Value::as_str);
    name.filter(|name| !name.is_empty())
}

/// A name stands before everything else.
fn put_first(container: &mut Map<String, Value>, name: String) {
    let rest = std::mem::take(container);
    container.insert("name".to_owned(), name.into());
    container.extend(rest.into_iter().filter(|(key, _)| key != "name"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(api_version: &str, spec: &Value) -> (bool, Value) {
        let identity = Identity {
            api_version: api_version.to_owned(),
            kind: "Service".to_owned(),
            namespace: String::new(),
            name: "web".to_owned(),
            pod: Some("/spec/template".to_owned()),
            other_pods: Vec::new(),
            place: String::new(),
        };
        let mut object = json!({"spec": {"template": {"spec": spec}}});
        let is_any = name_containers(&identity, &mut object, "/spec/template");
        let spec = &object["spec"]["template"]["spec"];
        let names = LISTS.iter().flat_map(|(list, _)| {
            let containers = spec[list].as_array().cloned().unwrap_or_default();
            containers
                .into_iter()
                .map(|container| container["name"].clone())
        });
        (is_any, names.collect())
    }

    #[test]
    fn containers_without_a_name_get_the_one_that_knative_gives() {
        const KNATIVE: &str = "serving.knative.dev/v1";
        let cases = [
            (
                json!({"containers": [{"image": "a"}]}),
                json!(["user-container"]),
            ),
            (
                json!({"containers": [{"image": "a", "name": ""}]}),
                json!(["user-container"]),
            ),
            (
                json!({"containers": [{}, {"name": "b"}, {}]}),
                json!(["user-container-0", "b", "user-container-1"]),
            ),
            (
                json!({"containers": [{}, {"name": "user-container-0"}]}),
                json!(["user-container-1", "user-container-0"]),
            ),
            (
                json!({"initContainers": [{}], "containers": [{}]}),
                json!(["init-container", "user-container"]),
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(named(KNATIVE, &spec), (true, expected), "{spec}");
        }
        let own = json!({"containers": [{"name": "a"}]});
        assert_eq!(named(KNATIVE, &own), (false, json!(["a"])));
        let other = json!({"containers": [{"image": "a"}]});
        assert_eq!(named("v1", &other), (false, json!([null])));
    }
}
