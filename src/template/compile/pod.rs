//! Other fields of the pod's spec: only those that were proven on a real API server.
//!
//! Some fields that look harmless are refused in the second round of admission: a
//! `priorityClassName`, for one, after the priority was resolved to 0. Others come too late: with
//! `automountServiceAccountToken: false` the pod would say that it has no token, and the user's
//! containers would have it, because its mount is added before webhooks are called. So `pod:` takes
//! the fields of a list, each of which `tests/end_to_end/pod_fields.rs` adds to a pod with
//! reinvocation.

use super::fragment::{self, CompileScope};
use super::reader::{any_entries, join};
use super::{Errors, validity};
use crate::kubernetes::fields;
use crate::template::fragment::{Fragment, Slot};
use crate::template::node::Node;

pub(super) fn fields(
    errors: &mut Errors<'_>,
    node: &Node,
    meaning: CompileScope<'_>,
) -> Option<Fragment> {
    let proven = fields::for_pod();
    for entry in any_entries(errors, node, "spec.pod") {
        let known = proven.contains(&entry.key.as_str()) || entry.key == fragment::WHEN;
        if !known {
            let message = format!(
                "`{}` cannot be set by a template; the fields that can are {}",
                entry.key,
                proven.join(", ")
            );
            errors.add(entry.place, &join("spec.pod", &entry.key), message);
            return None;
        }
    }
    validity::check(errors, "PodSpec", node, "spec.pod", &[]);
    // Required fields of a PodSpec are the user's; only those that stand here are checked.
    let mut parts = Vec::new();
    let slot = Slot::object("PodSpec");
    let condition = fragment::when(errors, node, "spec.pod", meaning.scope);
    for entry in any_entries(errors, node, "spec.pod") {
        let path = join("spec.pod", &entry.key);
        if let Some(slot) = slot.field(&entry.key) {
            let part = fragment::compile(errors, &entry.value, &path, &slot, meaning);
            parts.extend(part.map(|part| (entry.key.as_str().into(), part)));
        }
    }
    Some(fragment::guarded(Fragment::Object(parts), condition))
}
