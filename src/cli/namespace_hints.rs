//! Labels of namespaces that mean nothing, in the places where one that does is expected.

use serde_json::Value;

use crate::kubernetes::keys::{INJECT, INJECTION};

/// What the labels of a Namespace seem to mean and do not.
pub(crate) fn hints(namespace: &Value) -> Vec<String> {
    let label = |key: &str| namespace.pointer("/metadata/labels")?.get(key)?.as_str();
    let mut hints = Vec::new();
    if label(INJECT).is_some() {
        hints.push(format!(
            "the label `{INJECT}` of a Namespace means nothing; `{INJECTION}: enabled` lets its pods have \
             helpers"
        ));
    }
    if let Some(value) = label(INJECTION)
        && !["enabled", "disabled"].contains(&value)
    {
        hints.push(format!(
            "the label `{INJECTION}` of a Namespace is `enabled` or `disabled`; `{value}` means nothing"
        ));
    }
    hints
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_that_mean_nothing_are_told() {
        let of = |labels: Value| hints(&json!({"metadata": {"labels": labels}}));
        assert!(of(json!({INJECTION: "enabled", "a": "b"})).is_empty());
        assert!(of(json!({INJECTION: "disabled"})).is_empty());
        assert!(hints(&json!({})).is_empty());
        let told = of(json!({INJECT: "enabled", INJECTION: "enable"}));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("`pillion.dev/injection: enabled`"),
            "{told:?}"
        );
        assert!(told[1].ends_with("`enable` means nothing"), "{told:?}");
    }
}
