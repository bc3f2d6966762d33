//! Amounts that a manifest writes as numbers, `cpu: 1`, as the texts that the API server makes of them:
//! expressions of templates see those in the webhook, and so they do of a file.

use serde_json::Value;

use crate::kubernetes::schema::{self, FieldType};

/// Gives the amounts of a pod's spec as texts.
pub(crate) fn as_texts(spec: &mut Value) {
    in_object("PodSpec", spec);
}

fn in_object(definition: &str, object: &mut Value) {
    for (name, value) in object.as_object_mut().into_iter().flatten() {
        if let Some(field) = schema::field(definition, name) {
            in_value(&field.ty, value);
        }
    }
}

fn in_value(ty: &FieldType, value: &mut Value) {
    match (ty, &mut *value) {
        (FieldType::Quantity, Value::Number(number)) => *value = number.to_string().into(),
        (FieldType::Object(definition), _) => in_object(definition, value),
        (FieldType::List(element), Value::Array(items)) => {
            for item in items {
                in_value(element, item);
            }
        }
        (FieldType::Map(inner), Value::Object(map)) => {
            for value in map.values_mut() {
                in_value(inner, value);
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
    fn amounts_become_texts_and_other_numbers_stay() {
        let mut spec = json!({"terminationGracePeriodSeconds": 5, "overhead": {"cpu": 1},
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": 1000}}],
            "containers": [{"name": "a", "ports": [{"containerPort": 80}], "resources": {
                "limits": {"cpu": 0.5, "memory": "1Gi"}, "requests": {"cpu": 1}}}]});
        as_texts(&mut spec);
        let expected = json!({"terminationGracePeriodSeconds": 5, "overhead": {"cpu": "1"},
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1000"}}],
            "containers": [{"name": "a", "ports": [{"containerPort": 80}], "resources": {
                "limits": {"cpu": "0.5", "memory": "1Gi"}, "requests": {"cpu": "1"}}}]});
        assert_eq!(spec, expected);
    }
}
