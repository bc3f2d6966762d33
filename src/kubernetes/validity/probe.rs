//! Probes and lifecycle handlers.

use serde_json::Value;

use super::{Problems, Step, field, names, text};
use crate::kubernetes::object::ReadObject;

/// What each of a container's probes may say.
pub(super) fn of_container(problems: &mut Problems, container: &dyn ReadObject) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(Value::Object(probe)) = container.get(name) else {
            continue;
        };
        let threshold = probe.get("successThreshold").and_then(Value::as_i64);
        if name != "readinessProbe" && threshold.is_some_and(|count| count > 1) {
            problems.at(
                [field(name), field("successThreshold")],
                format!("the successThreshold of a {name} must be 1"),
            );
        }
        let grace = "terminationGracePeriodSeconds";
        if name == "readinessProbe" && probe.get(grace).is_some_and(|grace| !grace.is_null()) {
            problems.at(
                [field(name), field(grace)],
                "a readinessProbe ends no container and has no terminationGracePeriodSeconds",
            );
        }
    }
}

/// What a handler may say.
pub(super) fn handler(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    match definition {
        "ExecAction" => {
            let command = fields.get("command");
            let empty = command.and_then(Value::as_array).is_some_and(Vec::is_empty);
            if command.is_none() || empty {
                problems.here("the field `command` is required");
            }
        }
        "HTTPGetAction" => {
            port(problems, fields);
            if text(fields, "path").is_some_and(str::is_empty) {
                problems.at(
                    [field("path")],
                    "the path must not be empty; `/` is the default",
                );
            }
            headers(problems, fields);
        }
        "TCPSocketAction" => port(problems, fields),
        _ => {}
    }
}

fn port(problems: &mut Problems, fields: &dyn ReadObject) {
    if let Some(problem) = text(fields, "port").and_then(names::not_a_port_name) {
        problems.at([field("port")], problem);
    }
}

fn headers(problems: &mut Problems, fields: &dyn ReadObject) {
    for (index, header) in super::certain(fields, "httpHeaders") {
        let Some(name) = text(header, "name") else {
            continue;
        };
        let mut characters = name.chars();
        if name.is_empty() || !characters.all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let path = [field("httpHeaders"), Step::Index(index), field("name")];
            let message = format!("`{name}` is not a header's name of letters, digits and `-`");
            problems.at(path, message);
        }
    }
}
