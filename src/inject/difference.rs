//! The difference of a pod as received and as it is to be, as operations of a patch.
//!
//! Lists are compared by the API's map keys, and where it has none by what their elements say, so that what
//! stands elsewhere is moved and never rewritten; what means the same to the API server is no difference.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::merge::is_empty;
use super::ownership::called;
use super::patch::{Operation, Patch, escape};
use crate::kubernetes::defaults::is_default;
use crate::kubernetes::element_digest::{differs_by_gate, element_digest, is_silent};
use crate::kubernetes::merge_keys::{ListMerge, is_whole, list_merge};
use crate::kubernetes::object::digest;
use crate::kubernetes::schema::{self, FieldType};

/// What is changed, as it is found.
struct Changes {
    patch: Patch,
    /// Whether what depends on a feature gate may be missing: the API server has left it out since it was added.
    is_second_call: bool,
}

/// The operations that make the one pod of the other.
pub(crate) fn difference(before: &Value, after: &Value, is_second_call: bool) -> Patch {
    let mut changes = Changes {
        patch: Patch::default(),
        is_second_call,
    };
    if let (Some(Value::Object(before)), Some(Value::Object(after))) =
        (before.get("metadata"), after.get("metadata"))
    {
        for name in ["labels", "annotations"] {
            let ty = FieldType::Map(Box::new(FieldType::Text));
            field(&ty, ("", name), (before, after), "/metadata", &mut changes);
        }
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after))) =
        (before.get("spec"), after.get("spec"))
    {
        object("PodSpec", (before, after), "/spec", &mut changes);
    }
    changes.patch
}

type Objects<'v> = (&'v Map<String, Value>, &'v Map<String, Value>);

fn object(definition: &str, (before, after): Objects<'_>, path: &str, changes: &mut Changes) {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let known = schema::field(definition, name).map(|field| &field.ty);
        // A field that is newer than this program is the user's.
        if let Some(ty) = known {
            field(ty, (definition, name), (before, after), path, changes);
        }
    }
}

fn said<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn field(
    ty: &FieldType,
    (definition, name): (&str, &str),
    (before, after): Objects<'_>,
    path: &str,
    changes: &mut Changes,
) {
    if before.get(name) == after.get(name) {
        return;
    }
    let path = format!("{path}/{}", escape(name));
    match (said(before, name), said(after, name)) {
        (None, None) => {}
        (None, Some(value)) if is_empty(value) && matches!(ty, FieldType::List(_)) => {}
        // The API server would leave it out again.
        (None, Some(value)) if changes.is_second_call && is_silent(definition, name, value) => {}
        (None, Some(value)) => changes.patch.0.push(Operation::Add {
            path,
            value: value.clone().into(),
        }),
        (Some(value), None) if is_empty(value) || is_default(definition, name, value) => {}
        (Some(_), None) => changes.patch.0.push(Operation::Remove { path }),
        (Some(one), Some(other)) => {
            value(ty, (definition, name), (one, other), path, changes);
        }
    }
}

fn value(
    ty: &FieldType,
    (definition, name): (&str, &str),
    (before, after): (&Value, &Value),
    path: String,
    changes: &mut Changes,
) {
    let is_same = element_digest(ty, before) == element_digest(ty, after);
    let differs = differs_by_gate(ty, before, after)
        || (!changes.is_second_call && differs_by_gate(ty, after, before));
    if before == after || (is_same && !differs) {
        return;
    }
    match (ty, before, after) {
        (FieldType::Object(inner), Value::Object(one), Value::Object(other))
            if !is_whole(inner) =>
        {
            object(inner, (one, other), &path, changes);
        }
        (FieldType::Map(inner), Value::Object(one), Value::Object(other)) => {
            let keys = one
                .keys()
                .chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys {
                field(inner, ("", key), (one, other), &path, changes);
            }
        }
        (FieldType::List(element), Value::Array(one), Value::Array(other)) => {
            if list_merge(definition, name) == ListMerge::Atomic {
                replace(after, path, changes);
            } else {
                let keyed = |items| keyed(definition, name, items);
                list(element, (&keyed(one), &keyed(other)), &path, changes);
            }
        }
        _ => replace(after, path, changes),
    }
}

fn replace(after: &Value, path: String, changes: &mut Changes) {
    let value = after.clone().into();
    changes.patch.0.push(Operation::Replace { path, value });
}

/// Elements with what identifies them.
type Keyed<'v> = Vec<(String, &'v Value)>;

/// The elements of a list by what identifies them; of several alike each by its number among them too.
fn keyed<'v>(definition: &str, list: &str, items: &'v [Value]) -> Keyed<'v> {
    let mut alike: HashMap<String, usize> = HashMap::new();
    let mut keyed = Keyed::with_capacity(items.len());
    for item in items {
        let key = called(definition, list, item).map(Cow::into_owned);
        let key = key.unwrap_or_else(|| digest(item));
        let before = alike.entry(key.clone()).or_default();
        let named = match *before {
            0 => key,
            before => format!("{key}\n{before}"),
        };
        *before += 1;
        keyed.push((named, item));
    }
    keyed
}

/// Removes, moves, adds and changes elements, in places as they are then.
fn list(
    element: &FieldType,
    (before, after): (&Keyed<'_>, &Keyed<'_>),
    path: &str,
    changes: &mut Changes,
) {
    let wanted: HashSet<&String> = after.iter().map(|(key, _)| key).collect();
    let mut now: Vec<&(String, &Value)> = before.iter().collect();
    for index in (0..now.len()).rev() {
        if now.get(index).is_some_and(|(key, _)| !wanted.contains(key)) {
            now.remove(index);
            let path = format!("{path}/{index}");
            changes.patch.0.push(Operation::Remove { path });
        }
    }
    for (index, wanted) in after.iter().enumerate() {
        let at = format!("{path}/{index}");
        let (key, value) = wanted;
        if now.get(index).is_some_and(|(known, _)| known == key) {
            if let Some((_, known)) = now.get(index) {
                self::value(element, ("", ""), (known, value), at, changes);
            }
            continue;
        }
        if let Some(from) = now.iter().position(|(known, _)| known == key) {
            now.remove(from);
            let path = format!("{path}/{from}");
            changes.patch.0.push(Operation::Remove { path });
        }
        now.insert(index, wanted);
        changes.patch.0.push(Operation::Add {
            path: at,
            value: (*value).clone().into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_difference_makes_the_one_pod_of_the_other() {
        let before = json!({"metadata": {"annotations": {"a": "1", "b/c": "2"}}, "spec": {
            "dnsPolicy": "ClusterFirst", "initContainers": [{"name": "x"}, {"name": "y"}, {"name": "z"}],
            "containers": [{"name": "app", "image": "app:1", "imagePullPolicy": "IfNotPresent",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "resources": {"limits": {"cpu": "1000m"}}}], "own": {"kept": [1]}}});
        let after = json!({"metadata": {"annotations": {"a": "1", "d": "4"}}, "spec": {
            "initContainers": [{"name": "z"}, {"name": "w", "image": "w:1"}, {"name": "x", "image": "x:1"}],
            "dnsPolicy": "ClusterFirst",
            "containers": [{"name": "app", "image": "app:1",
                "env": [{"name": "C", "value": "3"}, {"name": "A", "value": "1"}],
                "resources": {"limits": {"cpu": "1"}}}], "own": {"kept": [1]},
            "volumes": [{"name": "v", "emptyDir": {}}]}});
        let patch = difference(&before, &after, true);
        let mut patched = before.clone();
        for operation in &patch.0 {
            assert!(operation.apply(&mut patched), "{operation:?}");
        }
        assert!(difference(&patched, &after, true).is_empty(), "{patched:#}");
        let containers = patched["spec"]["initContainers"].as_array().unwrap();
        let names: Vec<_> = containers.iter().map(|item| &item["name"]).collect();
        assert_eq!(names, ["z", "w", "x"]);
        assert_eq!(
            patched["spec"]["containers"][0]["resources"]["limits"]["cpu"],
            "1000m"
        );
        assert_eq!(
            patched["metadata"]["annotations"],
            json!({"a": "1", "d": "4"})
        );
    }

    #[test]
    fn elements_without_keys_of_their_own_are_not_written_anew() {
        let before = json!({"spec": {"tolerations": [{"key": "a"}, {"key": "b"}, {"key": "a"}],
            "containers": [{"name": "app", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
                "envFrom": [{"prefix": "X"}]}]}});
        let mut after = before.clone();
        after["spec"]["tolerations"][1] = json!({"key": "c"});
        after["spec"]["containers"][0]["env"][1]["value"] = "3".into();
        let sources = after["spec"]["containers"][0]["envFrom"]
            .as_array_mut()
            .unwrap();
        sources.insert(0, json!({"prefix": "Y"}));
        let patch = difference(&before, &after, true);
        let paths: Vec<_> = patch.0.iter().map(Operation::path).collect();
        assert_eq!(
            paths,
            [
                "/spec/tolerations/1",
                "/spec/tolerations/1",
                "/spec/containers/0/env/1",
                "/spec/containers/0/envFrom/0"
            ]
        );
        let mut patched = before;
        for operation in &patch.0 {
            assert!(operation.apply(&mut patched), "{operation:?}");
        }
        assert_eq!(patched, after);
    }
}
