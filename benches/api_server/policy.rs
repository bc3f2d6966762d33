//! The other way that clusters have: a `MutatingAdmissionPolicy`, which the API server evaluates in
//! its own process.

use serde_json::{Value, json};

use crate::registration::Asked;

/// Of a policy that adds one annotation to pods that ask by annotation.
pub(crate) fn one_annotation() -> Asked {
    let mark = "example.dev/policy";
    let expression =
        format!(r#"Object{{metadata: Object.metadata{{annotations: {{"{mark}": "applied"}}}}}}"#);
    let mutation = json!({
        "patchType": "ApplyConfiguration",
        "applyConfiguration": {"expression": expression},
    });
    Asked::Policy {
        policy: policy("one-annotation", &mutation, &[]),
        mark: mark.to_owned(),
    }
}

/// Of a policy that applies these operations to pods that ask, once.
pub(crate) fn same_patch(operations: &[Value]) -> Asked {
    let operations: Vec<String> = operations
        .iter()
        .map(|operation| {
            let text = |field: &str| cel(operation.get(field).unwrap_or(&Value::Null));
            let value = text("value");
            let (op, path) = (text("op"), text("path"));
            format!("JSONPatch{{op: {op}, path: {path}, value: {value}}}")
        })
        .collect();
    let expression = format!("[{}]", operations.join(", "));
    let mutation = json!({
        "patchType": "JSONPatch",
        "jsonPatch": {"expression": expression},
    });
    let has_no_helper = json!({
        "name": "has-no-helper",
        "expression": "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'pgbouncer')",
    });
    Asked::Policy {
        policy: policy("same-patch", &mutation, &[has_no_helper]),
        mark: r#""name":"pgbouncer""#.to_owned(),
    }
}

fn policy(name: &str, mutation: &Value, conditions: &[Value]) -> Value {
    let asks = json!({
        "name": "asks-by-annotation",
        "expression": "object.metadata.?annotations['pillion.dev/inject'].hasValue()",
    });
    let mut all = vec![asks];
    all.extend_from_slice(conditions);
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }]},
            "matchConditions": all,
            "failurePolicy": "Fail",
            "reinvocationPolicy": "IfNeeded",
            "mutations": [mutation],
        },
    })
}

/// A JSON value as a CEL literal. Lists and maps of several types need `dyn`, as Kubernetes wants
/// aggregates of one type.
fn cel(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(dynamic).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", json!(key), dynamic(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        // CEL has JSON's spelling of texts, numbers and booleans.
        plain => plain.to_string(),
    }
}

fn dynamic(value: &Value) -> String {
    format!("dyn({})", cel(value))
}
