//! The checks. Each is a function of what was read, so that a table of JSON tests it.

mod api_server;
mod namespaces;
mod permissions;
mod pods;
mod policies;
mod probe;
mod registration;
mod templates;
mod trust;
mod workload;

use std::fmt::Write as _;
use std::time::SystemTime;

use serde_json::Value;

use super::check::{Check, Line};
use super::facts::Facts;
use crate::cluster::Read;

/// How many examples a line names.
const MOST_EXAMPLES: usize = 5;

/// Every line of every check, in the order of [`Check::ALL`].
pub(super) fn all(facts: &Facts) -> Vec<Line> {
    let now = SystemTime::now();
    let checks = Check::ALL.into_iter();
    checks.flat_map(|check| of(check, facts, now)).collect()
}

fn of(check: Check, facts: &Facts, now: SystemTime) -> Vec<Line> {
    match check {
        Check::ApiServer => api_server::version(facts),
        Check::Definitions => api_server::definitions(facts),
        Check::Deployment => workload::deployment(facts),
        Check::Service => workload::service(facts),
        Check::Configurations => registration::configurations(facts),
        Check::Hazards => registration::hazards_of(facts),
        Check::CaBundle => trust::bundles(facts, now),
        Check::Certificate => trust::served(facts, now),
        Check::CertManager => trust::cert_manager(facts),
        Check::Permissions => permissions::permissions(facts),
        Check::Templates => templates::templates(facts),
        Check::Policies => policies::policies(facts),
        Check::Namespaces => namespaces::namespaces(facts),
        Check::Pods => pods::pods(facts),
        Check::Probe => probe::probe(facts),
    }
}

/// What certificates give at another time.
#[cfg(test)]
pub(super) fn trust_at(facts: &Facts, now: SystemTime) -> Vec<Line> {
    let mut lines = trust::bundles(facts, now);
    lines.extend(trust::served(facts, now));
    lines
}

/// What was read; `Err` is the line that says why it is not known, or what is missing.
fn found<'r, T>(
    check: Check,
    what: &str,
    read: &'r Read<T>,
    missing: impl FnOnce() -> Line,
) -> Result<&'r T, Line> {
    match read {
        Read::Found(found) => Ok(found),
        Read::Missing => Err(missing()),
        Read::Unknown(why) => Err(check.unknown(what, why)),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The condition of this type.
fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    let mut conditions = list(object, "/status/conditions").iter();
    conditions.find(|condition| condition["type"] == kind)
}

/// Some of many, and how many more there are.
fn examples(all: &[String]) -> String {
    let mut text = all
        .iter()
        .take(MOST_EXAMPLES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if all.len() > MOST_EXAMPLES {
        let _ = write!(text, " and {} more", all.len() - MOST_EXAMPLES);
    }
    text
}
