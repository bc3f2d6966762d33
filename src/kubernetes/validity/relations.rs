//! What the fields of the pod ask of each other, and where those of its parts are checked.

use core::net::IpAddr;

use serde_json::Value;

use super::{Problems, Step, container, field, probe, resources, scheduling, text, volumes};
use crate::kubernetes::object::ReadObject;

/// Checks what an object's fields ask of each other.
pub(super) fn check(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    match definition {
        "Container" => container::check(problems, fields),
        "ContainerPort" => container::port(problems, fields),
        "VolumeMount" => container::mount(problems, fields),
        "EnvVar" => container::variable(problems, fields),
        "ResourceRequirements" => resources::check(problems, fields),
        "ResourceFieldSelector" => resources::divisor(problems, fields),
        "SecurityContext" => container::security(problems, fields),
        "ExecAction" | "HTTPGetAction" | "TCPSocketAction" => {
            probe::handler(problems, definition, fields);
        }
        "SeccompProfile" | "AppArmorProfile" => profile(problems, fields),
        "PodSecurityContext" => container::unique(problems, fields, "sysctls", "name"),
        "HostAlias" => {
            if let Some(problem) = text(fields, "ip").and_then(not_an_address) {
                problems.at([field("ip")], problem);
            }
        }
        "PodDNSConfig" => name_servers(problems, fields),
        "PodSpec" => pod(problems, fields),
        _ => {
            volumes::check(problems, definition, fields);
            scheduling::check(problems, definition, fields);
        }
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

fn not_an_address(text: &str) -> Option<String> {
    text.parse::<IpAddr>()
        .is_err()
        .then(|| format!("`{text}` is not an IP address"))
}

/// The most DNS names to search in, and their most characters with a space between them.
const MOST_SEARCHES: usize = 32;
const LONGEST_SEARCHES: usize = 2048;

fn name_servers(problems: &mut Problems, fields: &dyn ReadObject) {
    let searches: Vec<_> = fields
        .get("searches")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if searches.len() > MOST_SEARCHES || searches.join(" ").len() > LONGEST_SEARCHES {
        let message = format!(
            "a pod has at most {MOST_SEARCHES} searches with {LONGEST_SEARCHES} characters together"
        );
        problems.at([field("searches")], message);
    }
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
    scheduling::labels(problems, fields, "nodeSelector");
    if text(fields, "dnsPolicy") == Some("None") && !fields.contains_key("dnsConfig") {
        problems.at(
            [field("dnsPolicy")],
            "`dnsPolicy: None` needs `dnsConfig` with nameservers",
        );
    }
}
