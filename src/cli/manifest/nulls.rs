//! `null`, which the API server reads as absent.

use serde_json::Value;

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
}
