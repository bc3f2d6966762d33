//! Labels and annotations of namespaces that mean nothing, or not what was meant.

use serde_json::{Map, Value};

use super::super::facts::Facts;
use super::{Check, Line, examples, found, text};
use crate::cluster::Read;
use crate::kubernetes::keys::{DOMAIN, FINDINGS, INJECT, INJECTION, MANDATORY};

pub(super) fn namespaces(facts: &Facts) -> Vec<Line> {
    let check = Check::Namespaces;
    let none = || check.ok("there are no namespaces");
    let listed = match found(check, "the namespaces", &facts.namespaces, none) {
        Ok(listed) => listed,
        Err(line) => return vec![line],
    };
    let mut lines = Vec::new();
    let mut enabled = Vec::new();
    for namespace in &listed.items {
        let name = text(namespace, "/metadata/name");
        let problems = of_namespace(namespace, facts.excluded.iter().any(|one| one == name));
        lines.extend(problems.into_iter().map(|(message, remedy)| {
            check.warning(format!("namespace `{name}`: {message}"), remedy)
        }));
        if labels(namespace)
            .get(INJECTION)
            .is_some_and(|one| one == "enabled")
        {
            enabled.push(name.to_owned());
        }
    }
    let nobody = matches!(facts.configurations.first(), Some((_, Read::Missing)));
    if nobody && !enabled.is_empty() {
        lines.push(check.failure(
            format!(
                "nobody listens, but namespaces are enabled: {}",
                examples(&enabled)
            ),
            "install the webhook configurations, or take the labels away",
        ));
    }
    if lines.is_empty() {
        let enabled = match enabled.len() {
            0 => "none is enabled: pods ask by themselves".to_owned(),
            count => format!("{count} enabled: {}", examples(&enabled)),
        };
        lines.push(check.ok(format!("what namespaces say means something; {enabled}")));
    }
    lines
}

fn map<'v>(object: &'v Value, pointer: &str) -> &'v Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    object
        .pointer(pointer)
        .and_then(Value::as_object)
        .unwrap_or(&EMPTY)
}

fn labels(namespace: &Value) -> &Map<String, Value> {
    map(namespace, "/metadata/labels")
}

/// What is wrong, each with what would be right.
fn of_namespace(namespace: &Value, is_excluded: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let labels = labels(namespace);
    let ours = |key: &&String| key.starts_with(DOMAIN);
    for key in labels.keys().filter(ours) {
        let value = labels.get(key).and_then(Value::as_str).unwrap_or_default();
        match key.as_str() {
            INJECTION if !matches!(value, "enabled" | "disabled") => found.push((
                format!("the label {key} is `{value}`, which means nothing"),
                "set it to `enabled` or `disabled`".to_owned(),
            )),
            INJECTION | MANDATORY => {}
            INJECT => found.push((
                format!("the label {key} is for pods, and means nothing on a namespace"),
                format!("label the namespace {INJECTION}=enabled, and list templates in the annotation {INJECT}"),
            )),
            _ => found.push(unknown("label", key, &[INJECTION, MANDATORY])),
        }
    }
    for key in map(namespace, "/metadata/annotations").keys().filter(ours) {
        match key.as_str() {
            INJECT | FINDINGS => {}
            INJECTION | MANDATORY => found.push((
                format!("{key} is an annotation here, which means nothing"),
                format!("set the label {key} instead"),
            )),
            _ => found.push(unknown("annotation", key, &[INJECT, FINDINGS])),
        }
    }
    let asks = labels.get(MANDATORY).is_some()
        || labels.get(INJECTION).is_some_and(|one| one == "enabled");
    if is_excluded && asks {
        found.push((
            "it is labelled, but its pods are never touched".to_owned(),
            "take the label away".to_owned(),
        ));
    }
    found
}

fn unknown(what: &str, key: &str, known: &[&str]) -> (String, String) {
    (
        format!("the {what} {key} means nothing"),
        format!("the {what}s of a namespace are {}", known.join(" and ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_means_nothing_is_told() {
        let table = [
            ("shop", json!({}), json!({}), ""),
            (
                "shop",
                json!({"pillion.dev/injection": "enabled", "pillion.dev/mandatory": ""}),
                json!({"pillion.dev/inject": "a", "pgbouncer.pillion.dev/host": "b", "pillion.dev/findings": "A=Warn"}),
                "",
            ),
            (
                "shop",
                json!({"pillion.dev/injection": "enable"}),
                json!({}),
                "is `enable`",
            ),
            (
                "shop",
                json!({"pillion.dev/inject": "true"}),
                json!({}),
                "is for pods",
            ),
            (
                "shop",
                json!({"pillion.dev/enabled": "true"}),
                json!({}),
                "means nothing",
            ),
            (
                "shop",
                json!({}),
                json!({"pillion.dev/injection": "enabled"}),
                "is an annotation",
            ),
            (
                "shop",
                json!({}),
                json!({"pillion.dev/injects": "a"}),
                "pillion.dev/injects",
            ),
            (
                "kube-system",
                json!({"pillion.dev/injection": "enabled"}),
                json!({}),
                "never touched",
            ),
            (
                "kube-system",
                json!({"pillion.dev/injection": "disabled"}),
                json!({}),
                "",
            ),
            (
                "own",
                json!({"pillion.dev/mandatory": ""}),
                json!({}),
                "never touched",
            ),
        ];
        for (name, labels, annotations, expected) in table {
            let namespace = json!({"metadata": {"labels": labels, "annotations": annotations}});
            let found = of_namespace(&namespace, matches!(name, "kube-system" | "own"));
            let told: Vec<_> = found.iter().map(|(message, _)| message.as_str()).collect();
            assert_eq!(
                told.is_empty(),
                expected.is_empty(),
                "{namespace}: {told:?}"
            );
            assert!(
                told.iter().all(|one| one.contains(expected)),
                "{namespace}: {told:?}"
            );
        }
    }
}
