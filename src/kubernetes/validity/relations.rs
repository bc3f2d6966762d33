//! What the fields of volumes and of the pod ask of each other, and where the rest is checked.

use core::net::IpAddr;

use serde_json::Value;

use super::{Problems, Step, container, field, names, probe, text};
use crate::kubernetes::object::ReadObject;

/// Checks what an object's fields ask of each other.
pub(super) fn check(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    match definition {
        "Container" => container::check(problems, fields),
        "ContainerPort" => container::port(problems, fields),
        "VolumeMount" => container::mount(problems, fields),
        "EnvVar" => container::variable(problems, fields),
        "ResourceRequirements" => container::resources(problems, fields),
        "SecurityContext" => container::security(problems, fields),
        "ExecAction" | "HTTPGetAction" | "TCPSocketAction" => {
            probe::handler(problems, definition, fields);
        }
        "SeccompProfile" | "AppArmorProfile" => profile(problems, fields),
        "ConfigMapKeySelector" | "SecretKeySelector" => key(problems, fields),
        "KeyToPath" => inside(problems, fields),
        "DownwardAPIVolumeFile" => {
            inside(problems, fields);
            downward_file(problems, fields);
        }
        "EmptyDirVolumeSource" => empty_directory(problems, fields),
        "PersistentVolumeClaimVolumeSource" => claim(problems, fields),
        "Toleration" => toleration(problems, fields),
        "LabelSelectorRequirement" | "NodeSelectorRequirement" => requirement(problems, fields),
        "HostAlias" => {
            if let Some(problem) = text(fields, "ip").and_then(not_an_address) {
                problems.at([field("ip")], problem);
            }
        }
        "PodDNSConfig" => name_servers(problems, fields),
        "TopologySpreadConstraint" => spread(problems, fields),
        "PodSpec" => pod(problems, fields),
        _ => {}
    }
}

fn profile(problems: &mut Problems, fields: &dyn ReadObject) {
    let local = text(fields, "type").map(|ty| ty == "Localhost");
    let named = fields.get("localhostProfile");
    match (local, named) {
        (Some(true), None) => problems.here("a `Localhost` profile needs `localhostProfile`"),
        (Some(false), Some(Value::String(_))) => problems.at(
            [field("localhostProfile")],
            "only a profile of type `Localhost` has a `localhostProfile`",
        ),
        _ => {}
    }
}

fn key(problems: &mut Problems, fields: &dyn ReadObject) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if let Some(key) = text(fields, "key")
        && (key.is_empty() || !key.chars().all(allowed))
    {
        let message = format!("`{key}` is not a key of letters, digits, `-`, `_` and `.`");
        problems.at([field("key")], message);
    }
}

fn inside(problems: &mut Problems, fields: &dyn ReadObject) {
    if let Some(problem) = text(fields, "path").and_then(names::not_inside) {
        problems.at([field("path")], problem);
    }
}

fn downward_file(problems: &mut Problems, fields: &dyn ReadObject) {
    let path = fields
        .get("fieldRef")
        .and_then(|reference| reference.get("fieldPath"))
        .and_then(Value::as_str);
    if let Some(path) = path.filter(|path| !container::is_field_path(path, false)) {
        problems.at(
            [field("fieldRef"), field("fieldPath")],
            format!(
                "`{path}` cannot be read into a file; metadata.name, metadata.namespace, \
                 metadata.uid, metadata.labels and metadata.annotations can"
            ),
        );
    }
}

fn empty_directory(problems: &mut Problems, fields: &dyn ReadObject) {
    if let Some(medium) = text(fields, "medium") {
        let known = matches!(medium, "" | "Memory" | "HugePages");
        if !known && !medium.starts_with("HugePages-") {
            let message =
                format!("expected Memory, HugePages or HugePages-<size>, found `{medium}`");
            problems.at([field("medium")], message);
        }
    }
    let limit = fields.get("sizeLimit").and_then(container::quantity);
    if limit.is_some_and(|limit| limit.sign() < 0) {
        problems.at([field("sizeLimit")], "a quantity must not be negative");
    }
}

fn claim(problems: &mut Problems, fields: &dyn ReadObject) {
    if let Some(name) = text(fields, "claimName").filter(|name| !names::is_subdomain(name)) {
        let message = format!("`{name}` is not the name of a PersistentVolumeClaim");
        problems.at([field("claimName")], message);
    }
}

fn toleration(problems: &mut Problems, fields: &dyn ReadObject) {
    let exists = match fields.get("operator") {
        Some(Value::String(operator)) => operator == "Exists",
        None => false,
        Some(_) => return,
    };
    let key = text(fields, "key").filter(|key| !key.is_empty());
    if let Some(problem) = key.and_then(names::not_a_key) {
        problems.at([field("key")], problem);
    }
    let has_key = fields.get("key").is_some_and(Value::is_null) || key.is_some();
    if !has_key && !exists {
        problems.here("a toleration without `key` needs `operator: Exists`");
    }
    if exists && text(fields, "value").is_some_and(|value| !value.is_empty()) {
        problems.at([field("value")], "`operator: Exists` takes no value");
    }
    let seconds = fields
        .get("tolerationSeconds")
        .is_some_and(Value::is_number);
    let effect = fields.get("effect");
    let executes = effect.is_some_and(|effect| effect.is_null() || effect == "NoExecute");
    if seconds && !executes {
        problems.at(
            [field("tolerationSeconds")],
            "only `effect: NoExecute` has tolerationSeconds",
        );
    }
}

fn requirement(problems: &mut Problems, fields: &dyn ReadObject) {
    let key = text(fields, "key").and_then(names::not_a_key);
    if let Some(problem) = key {
        problems.at([field("key")], problem);
    }
    let count = match fields.get("values") {
        None => 0,
        Some(Value::Array(values)) => values.len(),
        Some(_) => return,
    };
    let problem = match text(fields, "operator") {
        Some("In" | "NotIn") if count == 0 => "`In` and `NotIn` need `values`",
        Some("Exists" | "DoesNotExist") if count > 0 => {
            "`Exists` and `DoesNotExist` take no `values`"
        }
        Some("Gt" | "Lt") if count != 1 => "`Gt` and `Lt` take one value",
        _ => return,
    };
    problems.here(problem);
}

/// A spread over at least so many domains needs pods that wait for them.
fn spread(problems: &mut Problems, fields: &dyn ReadObject) {
    let may_ignore = text(fields, "whenUnsatisfiable") == Some("ScheduleAnyway");
    if may_ignore && fields.get("minDomains").is_some_and(Value::is_number) {
        problems.at(
            [field("minDomains")],
            "`minDomains` needs `whenUnsatisfiable: DoNotSchedule`",
        );
    }
}

fn not_an_address(text: &str) -> Option<String> {
    text.parse::<IpAddr>()
        .is_err()
        .then(|| format!("`{text}` is not an IP address"))
}

fn name_servers(problems: &mut Problems, fields: &dyn ReadObject) {
    let Some(Value::Array(servers)) = fields.get("nameservers") else {
        return;
    };
    if servers.len() > 3 {
        problems.at([field("nameservers")], "a pod has at most 3 nameservers");
    }
    for (index, server) in servers.iter().enumerate() {
        if let Some(problem) = server.as_str().and_then(not_an_address) {
            problems.at([field("nameservers"), Step::Index(index)], problem);
        }
    }
}

fn pod(problems: &mut Problems, fields: &dyn ReadObject) {
    let labels = fields.get("nodeSelector").and_then(Value::as_object);
    for (key, value) in labels
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != super::WHEN)
    {
        let wrong_value = value.as_str().and_then(names::not_a_label_value);
        if let Some(problem) = names::not_a_key(key).or(wrong_value) {
            problems.at([field("nodeSelector"), field(key)], problem);
        }
    }
    if text(fields, "dnsPolicy") == Some("None") && !fields.contains_key("dnsConfig") {
        problems.at(
            [field("dnsPolicy")],
            "`dnsPolicy: None` needs `dnsConfig` with nameservers",
        );
    }
}
