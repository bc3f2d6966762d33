//! What is sent: whole requests, made once.

use std::sync::Arc;

use serde_json::{Value, json};

use super::inputs::{annotated, review, with_variables};

/// A review that is sent again and again.
pub struct Request {
    /// What it is called in the names of measures.
    pub name: &'static str,
    /// Head and body, as the API server sends them over HTTP/1.1.
    pub text: String,
    /// The same.
    pub bytes: Arc<[u8]>,
}

impl Request {
    /// The name of the review that budgets are about.
    pub const BUDGET: &str = "one template";

    fn new(name: &'static str, review: &Value) -> Self {
        let body = review.to_string();
        let length = body.len();
        let text = format!(
            "POST /mutate?timeout=10s HTTP/1.1\r\nHost: pillion.pillion-system.svc:443\r\n\
             User-Agent: kube-apiserver-admission\r\nContent-Length: {length}\r\nAccept: \
             application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: \
             gzip\r\n\r\n{body}"
        );
        let bytes = text.clone().into_bytes().into();
        Self { name, text, bytes }
    }

    /// The pod of the budgets: 5 KB, and it asks for `pgbouncer`.
    pub fn one_template() -> Self {
        Self::new(Self::BUDGET, &review())
    }

    /// A pod that asks for nothing.
    pub fn untouched() -> Self {
        Self::new("untouched", &annotated(&review(), json!({})))
    }

    /// A pod with 1500 environment variables, which asks for `pgbouncer`.
    pub fn many_variables() -> Self {
        Self::new("1500 variables", &with_variables(1500, 7))
    }

    /// Pods of 1 MiB and of 2 MiB.
    pub fn large() -> [Self; 2] {
        let of = |name, count| Self::new(name, &with_variables(count, 90));
        [of("1 MiB", 9500), of("2 MiB", 18_500)]
    }
}
