//! What fields ask of each other that choose nodes and pods by labels.

use serde_json::Value;

use super::{Problems, Step, certain, field, names, text};
use crate::kubernetes::object::ReadObject;

/// Checks what an object's fields ask of each other.
pub(super) fn check(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    match definition {
        "Toleration" => toleration(problems, fields),
        "LabelSelector" => labels(problems, fields, "matchLabels"),
        "LabelSelectorRequirement" | "NodeSelectorRequirement" => requirement(problems, fields),
        "NodeSelector" => node_selector(problems, fields),
        "NodeSelectorTerm" => match_fields(problems, fields),
        "PodAffinityTerm" => label_keys(problems, fields, false),
        "TopologySpreadConstraint" => {
            label_keys(problems, fields, true);
            spread(problems, fields);
        }
        _ => {}
    }
}

/// Checks the keys and values of a map of labels.
pub(super) fn labels(problems: &mut Problems, fields: &dyn ReadObject, name: &str) {
    let Some(labels) = fields.get(name).and_then(Value::as_object) else {
        return;
    };
    for (key, value) in labels.iter().filter(|(key, _)| *key != super::WHEN) {
        let wrong_value = value.as_str().and_then(names::not_a_label_value);
        if let Some(problem) = names::not_a_key(key).or(wrong_value) {
            problems.at([field(name), field(key)], problem);
        }
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
    let wrong = text(fields, "value").filter(|_| !exists);
    if let Some(problem) = wrong.and_then(names::not_a_label_value) {
        problems.at([field("value")], problem);
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

/// What a node must meet has values that a node's labels can have; a preference may have any.
fn node_selector(problems: &mut Problems, fields: &dyn ReadObject) {
    let terms = fields.get("nodeSelectorTerms").and_then(Value::as_array);
    if terms.is_some_and(Vec::is_empty) {
        problems.at([field("nodeSelectorTerms")], "one term at least is needed");
    }
    for (index, term) in certain(fields, "nodeSelectorTerms") {
        for (number, requirement) in certain(term, "matchExpressions") {
            let values = requirement.get("values").and_then(Value::as_array);
            for (place, value) in values.into_iter().flatten().enumerate() {
                if let Some(problem) = value.as_str().and_then(names::not_a_label_value) {
                    let path = [
                        field("nodeSelectorTerms"),
                        Step::Index(index),
                        field("matchExpressions"),
                        Step::Index(number),
                        field("values"),
                        Step::Index(place),
                    ];
                    problems.at(path, problem);
                }
            }
        }
    }
}

/// By its fields a node is chosen by its name alone.
fn match_fields(problems: &mut Problems, fields: &dyn ReadObject) {
    for (index, requirement) in certain(fields, "matchFields") {
        let mut wrong = |name: &str, message: String| {
            problems.at(
                [field("matchFields"), Step::Index(index), field(name)],
                message,
            );
        };
        if text(requirement, "key").is_some_and(|key| key != "metadata.name") {
            wrong(
                "key",
                "a node has no field for this but metadata.name".to_owned(),
            );
        }
        if text(requirement, "operator").is_some_and(|word| !matches!(word, "In" | "NotIn")) {
            wrong(
                "operator",
                "fields of a node are compared by In and NotIn".to_owned(),
            );
        }
        let values = requirement.get("values").and_then(Value::as_array);
        if let Some(values) = values.filter(|values| values.len() != 1) {
            let count = values.len();
            wrong(
                "values",
                format!("a field of a node takes one value, not {count}"),
            );
        }
        let mut names = values.into_iter().flatten().filter_map(Value::as_str);
        if let Some(name) = names.find(|name| !names::is_subdomain(name)) {
            wrong("values", format!("`{name}` is not the name of a node"));
        }
    }
}

/// Keys whose values are taken from the pod go with a selector, that of a spread with one that does not
/// name them itself.
fn label_keys(problems: &mut Problems, fields: &dyn ReadObject, is_spread: bool) {
    let selector = fields.get("labelSelector");
    for name in ["matchLabelKeys", "mismatchLabelKeys"] {
        let listed = fields.get(name).and_then(Value::as_array);
        let Some(keys) = listed.filter(|keys| !keys.is_empty()) else {
            continue;
        };
        if selector.is_none() {
            problems.at([field(name)], format!("`{name}` needs a `labelSelector`"));
        }
        let labels = selector.and_then(|selector| selector.get("matchLabels"));
        let mut texts = keys.iter().filter_map(Value::as_str);
        let twice = texts.find(|key| labels.is_some_and(|labels| labels.get(key).is_some()));
        // An affinity's keys are merged from the pod's labels, and only where it has them.
        if let Some(key) = twice.filter(|_| name == "matchLabelKeys" && is_spread) {
            problems.at([field(name)], format!("`{key}` is in matchLabels too"));
        }
    }
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
