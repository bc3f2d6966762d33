//! What the fields of a container ask of each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Problems, Step, certain, field, names, probe, text};
use crate::kubernetes::object::ReadObject;
use crate::kubernetes::quantity::Quantity;

/// Resources whose requests may be smaller than their limits.
const OVERCOMMITTED: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Checks a container.
pub(super) fn check(problems: &mut Problems, container: &dyn ReadObject) {
    if text(container, "image").is_some_and(|image| image.trim() != image) {
        problems.at([field("image")], "an image has no spaces around it");
    }
    probe::of_container(problems, container);
    unique(problems, container, "volumeMounts", "mountPath");
    unique(problems, container, "volumeDevices", "devicePath");
    unique(problems, container, "resizePolicy", "resourceName");
    unique(problems, container, "ports", "name");
}

/// Notes the elements of a list that share what must be each one's own.
fn unique(problems: &mut Problems, container: &dyn ReadObject, list: &str, key: &str) {
    let mut seen = BTreeMap::new();
    for (index, item) in certain(container, list) {
        let Some(value) = text(item, key).filter(|value| !value.is_empty()) else {
            continue;
        };
        if let Some(first) = seen.insert(value, index) {
            problems.at(
                [field(list), Step::Index(index), field(key)],
                format!("`{value}` is the {key} of {list}[{first}] already"),
            );
        }
    }
}

/// Checks a port.
pub(super) fn port(problems: &mut Problems, port: &dyn ReadObject) {
    let name = text(port, "name").filter(|name| !name.is_empty());
    if let Some(problem) = name.and_then(names::not_a_port_name) {
        problems.at([field("name")], problem);
    }
}

/// Checks a mount.
pub(super) fn mount(problems: &mut Problems, mount: &dyn ReadObject) {
    if let Some(path) = text(mount, "mountPath").filter(|path| !path.is_empty()) {
        let bytes = path.as_bytes();
        let drive =
            bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':');
        if !path.starts_with('/') && !drive {
            problems.at(
                [field("mountPath")],
                format!("`{path}` must begin with `/`"),
            );
        } else if path.contains(':') && !drive {
            problems.at([field("mountPath")], "a mountPath has no `:`");
        }
    }
    for name in ["subPath", "subPathExpr"] {
        if let Some(problem) = text(mount, name).and_then(names::not_inside) {
            problems.at([field(name)], problem);
        }
    }
    let set = |name: &str| text(mount, name).is_some_and(|path| !path.is_empty());
    if set("subPath") && set("subPathExpr") {
        problems.here("`subPath` and `subPathExpr` exclude each other");
    }
    let recursive = text(mount, "recursiveReadOnly").is_some_and(|word| word != "Disabled");
    let read_only = mount.get("readOnly");
    if recursive && read_only.is_none_or(|value| *value == Value::Bool(false)) {
        problems.at(
            [field("recursiveReadOnly")],
            "a mount that is read-only below needs `readOnly: true`",
        );
    }
}

/// Checks an environment variable.
pub(super) fn variable(problems: &mut Problems, variable: &dyn ReadObject) {
    if let Some(problem) = text(variable, "name").and_then(names::not_an_env_name) {
        problems.at([field("name")], problem);
    }
    let value = text(variable, "value").is_some_and(|value| !value.is_empty());
    if value && variable.get("valueFrom").is_some_and(super::is_certain) {
        problems.here("`value` and `valueFrom` exclude each other");
    }
    let path = variable
        .get("valueFrom")
        .and_then(|from| from.get("fieldRef"))
        .and_then(|reference| reference.get("fieldPath"))
        .and_then(Value::as_str);
    if let Some(path) = path.filter(|path| !is_field_path(path, true)) {
        problems.at(
            [field("valueFrom"), field("fieldRef"), field("fieldPath")],
            format!(
                "`{path}` cannot be read into a variable; metadata.name, metadata.namespace, \
                 metadata.uid, metadata.labels['…'], metadata.annotations['…'], spec.nodeName, \
                 spec.serviceAccountName, status.hostIP(s) and status.podIP(s) can"
            ),
        );
    }
}

/// Whether the downward API has a field, for a variable or for a file.
pub(super) fn is_field_path(path: &str, for_variable: bool) -> bool {
    let of_both = ["metadata.name", "metadata.namespace", "metadata.uid"];
    let of_variables = [
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let of_files = ["metadata.labels", "metadata.annotations"];
    let keyed = of_files.iter().any(|map| {
        path.strip_prefix(map)
            .is_some_and(|rest| rest.starts_with("['") && rest.ends_with("']"))
    });
    let special: &[&str] = if for_variable {
        &of_variables
    } else {
        &of_files
    };
    keyed || of_both.contains(&path) || special.contains(&path)
}

/// Checks requests against limits.
pub(super) fn resources(problems: &mut Problems, resources: &dyn ReadObject) {
    let amounts = |name: &str| resources.get(name).and_then(Value::as_object);
    for list in ["requests", "limits"] {
        let all = amounts(list).into_iter().flatten();
        for (name, amount) in all.filter(|(name, _)| *name != super::WHEN) {
            let path = || [field(list), field(name)];
            if !is_resource(name) {
                let message = format!(
                    "a container has no resource `{name}`; it has cpu, memory, ephemeral-storage, \
                     hugepages-<size>, and those of devices as `domain/name`"
                );
                problems.at(path(), message);
            }
            if quantity(amount).is_some_and(|amount| amount.sign() < 0) {
                problems.at(path(), "a quantity must not be negative");
            }
        }
    }
    for (name, request) in amounts("requests").into_iter().flatten() {
        let limit = amounts("limits").and_then(|limits| limits.get(name));
        let (Some(request), Some(limit)) = (quantity(request), limit) else {
            continue;
        };
        let Some(limit) = quantity(limit) else {
            continue;
        };
        let path = [field("requests"), field(name)];
        if request.nanos() > limit.nanos() {
            problems.at(path, format!("the request for {name} is above its limit"));
        } else if request.nanos() != limit.nanos() && !OVERCOMMITTED.contains(&name.as_str()) {
            let message =
                format!("{name} cannot be overcommitted: request and limit must be equal");
            problems.at(path, message);
        }
    }
}

fn is_resource(name: &str) -> bool {
    OVERCOMMITTED.contains(&name)
        || name.starts_with("hugepages-")
        || (name.contains('/') && names::not_a_key(name).is_none())
}

/// A quantity, where it is known.
pub(super) fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Checks a container's security context.
pub(super) fn security(problems: &mut Problems, context: &dyn ReadObject) {
    let is = |name: &str, wanted: bool| context.get(name) == Some(&Value::Bool(wanted));
    if is("runAsNonRoot", true) && context.get("runAsUser").and_then(Value::as_i64) == Some(0) {
        problems.at(
            [field("runAsUser")],
            "`runAsNonRoot: true` excludes the user 0: the kubelet never starts such a container",
        );
    }
    let escalates = is("allowPrivilegeEscalation", false);
    let adds = context.get("capabilities").and_then(|c| c.get("add"));
    let all = adds.and_then(Value::as_array).into_iter().flatten();
    let administers = all
        .filter_map(Value::as_str)
        .any(|name| matches!(name, "SYS_ADMIN" | "CAP_SYS_ADMIN"));
    let refused = if is("privileged", true) {
        "`privileged: true`"
    } else if administers {
        "the capability SYS_ADMIN"
    } else {
        return;
    };
    if escalates {
        problems.at(
            [field("allowPrivilegeEscalation")],
            format!("`allowPrivilegeEscalation: false` excludes {refused}"),
        );
    }
}
