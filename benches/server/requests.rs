//! What is sent: whole requests, made once, of which a few bytes are written anew each time.
//!
//! No review comes twice: each has a uid of its own. Pods of different workloads differ in the hash
//! of their template too, so that a server which remembers its decisions has to decide; replicas of
//! one workload do not.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::inputs::{annotated, review, with_variables};

/// What stands in a request where a number is written.
const MARK: &str = "000000000000";

/// The end of the review's uid.
const UID: &str = "3d0d6c1c5a10";

/// The hash of the pod's template, which is in its names and labels.
const TEMPLATE_HASH: &str = "7c9d8b6f4d";

/// How many requests were made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A review that is sent again and again.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it is called in the names of measures.
    pub name: &'static str,
    /// Head and body, as the API server sends them over HTTP/1.1.
    bytes: Vec<u8>,
    /// Where the number is.
    marks: Vec<usize>,
}

impl Request {
    /// The name of the review that budgets are about.
    pub const BUDGET: &str = "one template";
    /// The name of the same pod as replicas of one workload, which budgets are about too.
    pub const REPLICAS: &str = "replicas";

    /// A request whose marks are these parts of the review.
    fn new(name: &'static str, review: &Value, marked: &[&str]) -> Self {
        let mut body = review.to_string();
        assert!(!body.contains(MARK), "the mark stands for something else");
        for part in marked {
            assert!(body.contains(part), "{part} is not in the review");
            body = body.replace(part, MARK);
        }
        let length = body.len();
        let text = format!(
            "POST /mutate?timeout=10s HTTP/1.1\r\nHost: pillion.pillion-system.svc:443\r\n\
             User-Agent: kube-apiserver-admission\r\nContent-Length: {length}\r\nAccept: \
             application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: \
             gzip\r\n\r\n{body}"
        );
        let marks = text.match_indices(MARK).map(|(place, _)| place).collect();
        Self {
            name,
            bytes: text.into_bytes(),
            marks,
        }
    }

    /// Pods of one kind, each of another workload.
    fn of_workloads(name: &'static str, review: &Value) -> Self {
        Self::new(name, review, &[UID, TEMPLATE_HASH])
    }

    /// The pod of the budgets: 5 KB, and it asks for `pgbouncer`.
    pub fn one_template() -> Self {
        Self::of_workloads(Self::BUDGET, &review())
    }

    /// The same pod as replicas of one workload.
    pub fn replicas() -> Self {
        Self::new(Self::REPLICAS, &review(), &[UID])
    }

    /// A pod that asks for nothing.
    pub fn untouched() -> Self {
        Self::of_workloads("untouched", &annotated(&review(), json!({})))
    }

    /// A pod with 1500 environment variables, which asks for `pgbouncer`.
    pub fn many_variables() -> Self {
        Self::of_workloads("1500 variables", &with_variables(1500, 7))
    }

    /// Pods of 1 MiB and of 2 MiB.
    pub fn large() -> [Self; 2] {
        let of = |name, count| Self::of_workloads(name, &with_variables(count, 90));
        [of("1 MiB", 9500), of("2 MiB", 18_500)]
    }

    /// The bytes of one more request.
    pub fn next(&mut self) -> &[u8] {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        for place in &self.marks {
            let mut mark = &mut self.bytes[*place..place + MARK.len()];
            // Twelve digits are enough for any run, so that the mark is always filled.
            let written = write!(mark, "{number:012x}");
            debug_assert!(written.is_ok());
        }
        &self.bytes
    }
}
