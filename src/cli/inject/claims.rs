//! The volumes of claims beside a pod template, which its pods have and it does not list.

use serde_json::{Value, json};

use crate::cli::manifest::kinds::Identity;
use crate::kubernetes::object::list_at;
use crate::kubernetes::workload::{claim_volumes, claims_pointer};

/// Adds a volume for each claim beside the pod template at `pointer`, as the controllers of a
/// `StatefulSet`, a `CloneSet` and others add them to their pods. Returns the names of those that were
/// not there.
pub(in crate::cli) fn add(identity: &Identity, object: &mut Value, pointer: &str) -> Vec<String> {
    let Some(claims) = claims_pointer(identity.group(), &identity.kind, pointer) else {
        return Vec::new();
    };
    let claimed = claim_volumes(&identity.name, list_at(object, &claims));
    let spec = object.pointer_mut(&format!("{pointer}/spec"));
    let Some(spec) = spec
        .and_then(Value::as_object_mut)
        .filter(|_| !claimed.is_empty())
    else {
        return Vec::new();
    };
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    let Some(volumes) = volumes.as_array_mut() else {
        return Vec::new();
    };
    let mut added = Vec::new();
    for claim in claimed {
        if let Some(name) = claim.get("name").and_then(Value::as_str)
            && volumes.iter().all(|volume| volume["name"] != name)
        {
            added.push(name.to_owned());
            volumes.push(claim);
        }
    }
    added
}

/// Takes the volumes of claims out again: a pod template does not list them.
pub(in crate::cli) fn remove(object: &mut Value, pointer: &str, added: &[String]) {
    let spec = object.pointer_mut(&format!("{pointer}/spec"));
    let Some(spec) = spec
        .and_then(Value::as_object_mut)
        .filter(|_| !added.is_empty())
    else {
        return;
    };
    if let Some(Value::Array(volumes)) = spec.get_mut("volumes") {
        volumes.retain(|volume| !added.iter().any(|name| volume["name"] == name.as_str()));
        if volumes.is_empty() {
            spec.remove("volumes");
        }
    }
}
