//! What the fields of a container ask of each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Problems, Step, certain, field, names, probe, resources, text};
use crate::kubernetes::object::ReadObject;

pub(super) fn check(problems: &mut Problems, container: &dyn ReadObject) {
    if text(container, "image").is_some_and(|image| image.trim() != image) {
        problems.at([field("image")], "an image has no spaces around it");
    }
    probe::of_container(problems, container);
    unique(problems, container, "volumeMounts", "mountPath");
    unique(problems, container, "volumeDevices", "devicePath");
    unique(problems, container, "volumeDevices", "name");
    unique(problems, container, "resizePolicy", "resourceName");
    unique(problems, container, "ports", "name");
    // What a template gives an app's container is completed by what is there.
    if container.contains_key("image") {
        resources::whole(problems, container);
    }
}

/// Notes the elements of a list that share what must be each one's own.
pub(super) fn unique(problems: &mut Problems, of: &dyn ReadObject, list: &str, key: &str) {
    let mut seen = BTreeMap::new();
    for (index, item) in certain(of, list) {
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

pub(super) fn port(problems: &mut Problems, port: &dyn ReadObject) {
    let name = text(port, "name").filter(|name| !name.is_empty());
    if let Some(problem) = name.and_then(names::not_a_port_name) {
        problems.at([field("name")], problem);
    }
}

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
        "spec.host",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let of_files = ["metadata.labels", "metadata.annotations"];
    // As `SplitMaybeSubscriptedPath` of k8s:pkg/fieldpath takes it apart.
    let subscript = path
        .strip_suffix("']")
        .and_then(|path| path.split_once("['"));
    if let Some((map, key)) = subscript {
        return match map {
            "metadata.labels" => names::not_a_key(key).is_none(),
            "metadata.annotations" => names::not_a_key(&key.to_lowercase()).is_none(),
            _ => false,
        };
    }
    let special: &[&str] = if for_variable {
        &of_variables
    } else {
        &of_files
    };
    of_both.contains(&path) || special.contains(&path)
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
