//! Variables that are defined twice.
//!
//! Kubernetes takes the last. A user's own duplicates are the user's business; a template's are not
//! expected by whoever reads the pod. Nothing is allocated for a container without variables of a
//! template's, and one with many is read once.

use std::collections::BTreeMap;

use super::super::pod::{Container, Env, text};
use crate::finding::{Code, Finding};

pub(super) fn duplicates(container: &Container<'_>, findings: &mut Vec<Finding>) {
    // Where neither of two is a template's, nothing is said: only templates' names matter.
    let ours = container.env.iter().filter(|env| env.by.is_some());
    let mut firsts: BTreeMap<&str, Option<&Env<'_>>> = ours.map(|env| (name(env), None)).collect();
    if firsts.is_empty() {
        return;
    }
    for (index, env) in container.env.iter().enumerate() {
        let Some(first) = firsts.get_mut(name(env)) else {
            continue;
        };
        let Some(first) = *first else {
            *first = Some(env);
            continue;
        };
        let Some(by) = env.by.or(first.by) else {
            continue;
        };
        let title = container.title();
        let name = name(env);
        let message = match (first.by, env.by) {
            (Some(_), None) => format!(
                "{title} defines {name} itself after template {by} defined it; its own value counts"
            ),
            (None, Some(_)) => format!(
                "template {by} defines {name} again in {title}; the template's value counts"
            ),
            _ => format!("template {by} defines {name} twice in {title}; the last one counts"),
        };
        let path = format!("{}.env[{index}]", container.place);
        findings.push(Finding::new(Code::EnvDuplicate, path, message).of(Some(by)));
    }
}

pub(super) fn name<'e>(env: &'e Env<'_>) -> &'e str {
    text(env.name.as_ref())
}
