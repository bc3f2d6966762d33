//! The reviews and templates that benches work on, each made from the pod of `review.json`: one that
//! the API server has defaulted, with `managedFields`, 5 KB on one line.

#![allow(dead_code, reason = "each bench uses its own part")]

use serde_json::{Value, json};

/// An AdmissionReview as the API server sends it, of a pod that asks for `pgbouncer`.
const REVIEW: &str = include_str!("../engine/review.json");

/// The template that the pod asks for.
pub(crate) const TEMPLATE: &str = include_str!("../../templates/pgbouncer/template.yaml");

const ANNOTATIONS: &str = "/request/object/metadata/annotations";
const VARIABLES: &str = "/request/object/spec/containers/0/env";

/// The review as it is.
pub(crate) fn review() -> Value {
    serde_json::from_str(REVIEW).unwrap()
}

/// A review of a pod with these annotations and no others.
pub(crate) fn annotated(review: &Value, annotations: Value) -> Value {
    let mut review = review.clone();
    *review.pointer_mut(ANNOTATIONS).unwrap() = annotations;
    review
}

/// The review of the pod that asks for `log-shipper` alone.
pub(crate) fn log_shipper() -> Value {
    annotated(&review(), json!({"pillion.dev/inject": "log-shipper"}))
}

/// The review of the pod that asks for five templates.
pub(crate) fn five_templates() -> Value {
    annotated(
        &review(),
        json!({
            "pillion.dev/inject": "log-shipper,pgbouncer,otel-collector,vault-agent,wait-for",
            "pgbouncer.pillion.dev/host": "db.example.com",
            "vault-agent.pillion.dev/address": "https://vault.example.com:8200",
            "vault-agent.pillion.dev/role": "orders",
            "vault-agent.pillion.dev/secret.db-password": "secret/data/orders/db#password",
            "wait-for.pillion.dev/targets": "db.example.com:5432,cache.example.com:6379",
        }),
    )
}

/// The pod with so many environment variables, each with a value of so many bytes.
pub(crate) fn with_variables(count: usize, length: usize) -> Value {
    let mut review = review();
    let value = "v".repeat(length);
    let env = (0..count).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": value}));
    *review.pointer_mut(VARIABLES).unwrap() = env.collect();
    review
}

/// A template that nobody asks for; each index has one of its own.
pub(crate) fn other_template(index: usize) -> String {
    let port = 20_000 + index;
    format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: \
         other-{index}}}\nspec:\n  sidecars:\n    - {{name: other-{index}, image: \"other:1\", \
         ports: [{{containerPort: {port}}}], resources: {{requests: {{cpu: 1m, memory: 1Mi}}}}}}\n"
    )
}
