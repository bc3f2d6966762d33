//! Labels and annotations that YAML made something else than text.
//!
//! The API server takes nothing but text there, and the engine reads what the API server sends. Who
//! wrote `port: 5432` in a file has to learn which line is meant, and that quotes are missing.

use serde_json::Value;

/// What is wrong with the labels and annotations of a pod, in one sentence.
pub(crate) fn fault(pod: &Value) -> Option<String> {
    ["annotations", "labels"].into_iter().find_map(|field| {
        let entries = pod.pointer(&format!("/metadata/{field}"))?.as_object()?;
        let (key, found) = entries.iter().find_map(|(key, value)| {
            let found = words(value)?;
            Some((key, found))
        })?;
        Some(format!(
            "metadata.{field}[\"{key}\"]: expected text, found {found}"
        ))
    })
}

/// What a value is instead of text, and what would be right.
fn words(value: &Value) -> Option<String> {
    match value {
        // Kubernetes reads null as an empty text.
        Value::String(_) | Value::Null => None,
        Value::Bool(value) => Some(format!("the boolean {value}: write \"{value}\" in quotes")),
        Value::Number(value) => Some(format!("the number {value}: write \"{value}\" in quotes")),
        Value::Array(_) => Some("a list: write its elements as one text".to_owned()),
        Value::Object(_) => Some("a map: write it as one text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_text_is_named_with_what_to_write() {
        let told = |metadata: Value| fault(&json!({"metadata": metadata}));
        assert_eq!(told(json!({"annotations": {"a": "1", "b": null}})), None);
        assert_eq!(told(json!({})), None);
        let table = [
            (
                json!({"annotations": {"a": "", "x.pillion.dev/port": 5432}}),
                "metadata.annotations[\"x.pillion.dev/port\"]: expected text, found the number 5432: \
                 write \"5432\" in quotes",
            ),
            (
                json!({"labels": {"pillion.dev/inject": true}}),
                "metadata.labels[\"pillion.dev/inject\"]: expected text, found the boolean true: write \
                 \"true\" in quotes",
            ),
            (
                json!({"annotations": {"a": ["b"]}}),
                "metadata.annotations[\"a\"]: expected text, found a list: write its elements as one text",
            ),
        ];
        for (metadata, expected) in table {
            assert_eq!(told(metadata).as_deref(), Some(expected));
        }
    }
}
