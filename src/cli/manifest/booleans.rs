//! What the API server reads otherwise than YAML says it: `yes` and `no` where a boolean belongs, and
//! `null`, which is absent.
//!
//! To `kubectl`, which reads YAML 1.1, a plain `yes` is a boolean everywhere. Here it is text, so
//! that `value: no` is not turned into something that the API server refuses. But then
//! `hostNetwork: yes`, which works today, would leave a changed document as `"yes"` and be refused
//! itself. So in the fields that are booleans in Kubernetes' API these words become what they mean;
//! text there would be refused in any case, so nothing that could be meant otherwise is lost.

use serde_json::Value;

use crate::kubernetes::schema;

/// Boolean fields of workloads (`apps/v1`, `batch/v1`); those of `PodSpec` and all below it come from
/// the schema.
const WORKLOAD_FIELDS: [&str; 3] = ["manualSelector", "paused", "suspend"];

/// Maps whose keys are the user's own and whose values are text.
const TEXT_MAPS: [&str; 7] = [
    "annotations",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "requests",
    "volumeAttributes",
];

/// Takes `null` out of maps, as a field of the API that is null is absent; one of a map of texts is an
/// empty text.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            for (key, value) in map {
                if !TEXT_MAPS.contains(&key.as_str()) {
                    drop_nulls(value);
                }
            }
        }
        _ => {}
    }
}

/// Gives boolean fields of an object their boolean, where a word of YAML 1.1 stands for it.
pub(crate) fn settle(object: &mut Value) {
    match object {
        Value::Array(elements) => elements.iter_mut().for_each(settle),
        Value::Object(map) => {
            for (key, value) in map {
                if (WORKLOAD_FIELDS.contains(&key.as_str()) || schema::is_boolean(key))
                    && let Some(meant) = value.as_str().and_then(meaning)
                {
                    *value = Value::Bool(meant);
                } else if !TEXT_MAPS.contains(&key.as_str()) {
                    settle(value);
                }
            }
        }
        _ => {}
    }
}

/// The words that go-yaml v2, which `kubectl` uses, takes for booleans besides `true` and `false`.
fn meaning(word: &str) -> Option<bool> {
    match word {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_is_absent_but_in_maps_of_texts() {
        let mut object = json!({
            "metadata": {"annotations": {"a": null}, "labels": null},
            "spec": {"initContainers": null, "containers": [{"name": "a", "env": null}]},
        });
        drop_nulls(&mut object);
        assert_eq!(
            object,
            json!({
                "metadata": {"annotations": {"a": null}},
                "spec": {"containers": [{"name": "a"}]},
            })
        );
    }

    #[test]
    fn words_become_booleans_in_boolean_fields_only() {
        let mut object = json!({
            "metadata": {"labels": {"paused": "on"}, "annotations": {"privileged": "yes"}},
            "spec": {
                "hostNetwork": "yes",
                "hostPID": "maybe",
                "nodeSelector": {"optional": "no"},
                "containers": [{
                    "env": [{"name": "tty", "value": "no"}],
                    "tty": "off",
                    "volumeMounts": [{"readOnly": "Y"}],
                }],
            },
        });
        settle(&mut object);
        assert_eq!(
            object,
            json!({
                "metadata": {"labels": {"paused": "on"}, "annotations": {"privileged": "yes"}},
                "spec": {
                    "hostNetwork": true,
                    "hostPID": "maybe",
                    "nodeSelector": {"optional": "no"},
                    "containers": [{
                        "env": [{"name": "tty", "value": "no"}],
                        "tty": false,
                        "volumeMounts": [{"readOnly": true}],
                    }],
                },
            })
        );
    }
}
