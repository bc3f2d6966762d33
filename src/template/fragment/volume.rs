//! Volumes that a template names: mounts, devices and files have the name that the volume has in the
//! pod.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Failure, Origin, Volumes};
use crate::kubernetes::schema::{self, FieldType};

/// What an expression gave, with the names that the volumes in it have in the pod.
pub(super) fn place_all(
    value: Value,
    ty: &FieldType,
    volumes: &dyn Volumes,
    origin: &Arc<Origin>,
) -> Result<Value, Failure> {
    match (ty, value) {
        (FieldType::List(element), Value::Array(items)) => {
            let placed = items
                .into_iter()
                .map(|item| place_all(item, element, volumes, origin));
            Ok(Value::Array(placed.collect::<Result<_, _>>()?))
        }
        (FieldType::Object(name), Value::Object(mount)) if volume_field(name).is_some() => {
            place_computed(mount, volumes, origin)
        }
        (FieldType::Object(name), Value::Object(mut fields)) => {
            for (key, value) in &mut fields {
                if let Some(field) = schema::field(name, key) {
                    *value = place_all(value.take(), &field.ty, volumes, origin)?;
                }
            }
            Ok(Value::Object(fields))
        }
        (_, value) => Ok(value),
    }
}

/// The field in which an API type names a volume of the pod; `None` where it names none.
pub(crate) fn volume_field(definition: &str) -> Option<&'static str> {
    match definition {
        "VolumeMount" | "VolumeDevice" => Some("name"),
        "FileKeySelector" => Some(FILE_VOLUME),
        _ => None,
    }
}

/// The field in which a file's key names the volume; no mount or device has it.
const FILE_VOLUME: &str = "volumeName";

/// The fields of what names a volume: that of its name, and that of the path inside the volume.
fn names_of(mount: &Map<String, Value>) -> (&'static str, &'static str) {
    if mount.contains_key(FILE_VOLUME) {
        (FILE_VOLUME, "path")
    } else {
        ("name", "subPath")
    }
}

/// A mount of a volume of the template, which is `None` where an expression names it.
pub(super) fn place(
    volume: Option<&str>,
    mount: Map<String, Value>,
    volumes: &dyn Volumes,
    origin: &Arc<Origin>,
) -> Result<Value, Failure> {
    let Some(volume) = volume else {
        return place_computed(mount, volumes, origin);
    };
    let resolved = volumes.resolve(volume).ok_or_else(|| {
        let problem = format!(
            "the volume `{volume}` is left out by its `$when`; give its mounts the same `$when`"
        );
        Failure::at(origin, problem)
    })?;
    place_mount(mount, resolved, origin)
}

/// A mount whose volume an expression names: the pod's of that name, else the template's.
fn place_computed(
    mount: Map<String, Value>,
    volumes: &dyn Volumes,
    origin: &Arc<Origin>,
) -> Result<Value, Failure> {
    let (name, _) = names_of(&mount);
    let name = mount.get(name).and_then(Value::as_str);
    match name.and_then(|name| volumes.resolve_computed(name)) {
        Some(resolved) => place_mount(mount, resolved, origin),
        None => Ok(Value::Object(mount)),
    }
}

/// A mount with its volume's name in the pod; below an adopted volume's `subPath`, as the app's is.
fn place_mount(
    mut mount: Map<String, Value>,
    (name, sub_path): (&str, Option<&str>),
    origin: &Arc<Origin>,
) -> Result<Value, Failure> {
    let (name_field, path_field) = names_of(&mount);
    if let Some(base) = sub_path {
        if mount.contains_key("subPathExpr") {
            let problem = "`subPathExpr` cannot be put below the `subPath` of an adopted volume";
            return Err(Failure::at(origin, problem));
        }
        let below = mount
            .get(path_field)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let joined = if below.is_empty() {
            base.to_owned()
        } else {
            format!("{base}/{below}")
        };
        mount.insert(path_field.to_owned(), Value::String(joined));
    }
    mount.insert(name_field.to_owned(), name.into());
    Ok(Value::Object(mount))
}
