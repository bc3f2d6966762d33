//! What is sent: whole requests, made once, of which a few bytes are written anew each time.
//!
//! No review comes twice: as from the API server, each has a uid and the second of its making, and a
//! made-up name for the ServiceAccount's volume. Pods of different workloads differ in the hash
//! of their template too, so that a server which remembers its decisions has to decide; replicas of
//! one workload do not.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::inputs::{annotated, five_templates, log_shipper, review, with_variables};

/// The end of the review's uid.
const UID: &str = "3d0d6c1c5a10";

/// When the pod's fields were set: the minute and the second.
const TIME: &str = "12:44Z";

/// What is made up for the name of the ServiceAccount's volume.
const TOKEN: &str = "x7k2p";

/// The hash of the pod's template, which is in its names and labels.
const TEMPLATE_HASH: &str = "7c9d8b6f4d";

/// The characters of made-up names.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// How many requests were made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Something that is written anew in each review.
#[derive(Debug, Clone, Copy)]
enum Fill {
    Digits,
    Name,
    Time,
}

/// A review that is sent again and again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What it is called in the names of measures.
    pub(crate) name: &'static str,
    /// Head and body, as the API server sends them over HTTP/1.1.
    bytes: Vec<u8>,
    /// What is written anew, and where it is.
    fills: Vec<(Fill, Range<usize>)>,
}

impl Request {
    /// The name of the review that budgets are about.
    pub(crate) const BUDGET: &str = "one template";
    /// The name of the same pod as replicas of one workload, which budgets are about too.
    pub(crate) const REPLICAS: &str = "replicas";

    /// A request as another replica's each time; where it says so, of another workload.
    fn new(name: &'static str, review: &Value, is_of_workloads: bool) -> Self {
        let body = review.to_string();
        let text = format!(
            "POST /mutate?timeout=10s HTTP/1.1\r\nHost: pillion.pillion-system.svc:443\r\n\
             User-Agent: kube-apiserver-admission\r\nContent-Length: {}\r\nAccept: \
             application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: \
             gzip\r\n\r\n{body}",
            body.len()
        );
        let hash = is_of_workloads.then_some((Fill::Digits, TEMPLATE_HASH));
        let own = [(Fill::Digits, UID), (Fill::Name, TOKEN), (Fill::Time, TIME)];
        let mut fills = Vec::new();
        for (fill, part) in own.into_iter().chain(hash) {
            assert!(text.contains(part), "{part} is not in the review");
            let places = text.match_indices(part);
            fills.extend(places.map(|(start, _)| (fill, start..start + part.len())));
        }
        Self {
            name,
            bytes: text.into_bytes(),
            fills,
        }
    }

    /// The pod of the budgets: 5 KB, and it asks for `pgbouncer`.
    pub(crate) fn one_template() -> Self {
        Self::new(Self::BUDGET, &review(), true)
    }

    /// The same pod as replicas of one workload.
    pub(crate) fn replicas() -> Self {
        Self::new(Self::REPLICAS, &review(), false)
    }

    /// Pods of workloads that ask for `log-shipper`, and replicas of one.
    pub(crate) fn log_shipper() -> [Self; 2] {
        let review = log_shipper();
        [
            Self::new("log-shipper", &review, true),
            Self::new("log-shipper, replicas", &review, false),
        ]
    }

    /// Pods of workloads that ask for five templates, and replicas of one.
    pub(crate) fn five_templates() -> [Self; 2] {
        let review = five_templates();
        [
            Self::new("five templates", &review, true),
            Self::new("five templates, replicas", &review, false),
        ]
    }

    /// A pod that asks for nothing.
    pub(crate) fn untouched() -> Self {
        Self::new("untouched", &annotated(&review(), json!({})), true)
    }

    /// A pod with 1500 environment variables, which asks for `pgbouncer`.
    pub(crate) fn many_variables() -> Self {
        Self::new("1500 variables", &with_variables(1500, 7), true)
    }

    /// Pods of 1 MiB and of 2 MiB.
    pub(crate) fn large() -> [Self; 2] {
        let of = |name, count| Self::new(name, &with_variables(count, 90), true);
        [of("1 MiB", 9500), of("2 MiB", 18_500)]
    }

    /// The bytes of one more request.
    pub(crate) fn next(&mut self) -> &[u8] {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        for (fill, place) in &self.fills {
            for (index, byte) in self.bytes[place.clone()].iter_mut().rev().enumerate() {
                *byte = fill.byte(number, index).unwrap_or(*byte);
            }
        }
        &self.bytes
    }
}

impl Fill {
    /// The byte at this place, counted from the end, of what is written for this number.
    fn byte(self, number: u64, place: usize) -> Option<u8> {
        let digit = |base: u64, place: usize| (number / base.pow(place as u32) % base) as usize;
        match (self, place) {
            (Self::Digits, _) => Some(b"0123456789abcdef"[digit(16, place)]),
            (Self::Name, _) => Some(ALPHABET[digit(27, place)]),
            // One of ten seconds, as a Deployment's replicas are made within some.
            (Self::Time, 1) => Some(b'0' + digit(10, 3) as u8),
            (Self::Time, _) => None,
        }
    }
}
