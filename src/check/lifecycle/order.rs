//! Init containers that are told of an Ambassador which starts after them.
//!
//! A classic helper starts with the app, when every init container has ended: one that waits for it
//! never ends.

use super::super::CheckContext;
use super::super::pod::{Container, Env, Place, Pod, text};
use crate::finding::{Code, Finding};
use crate::template::compiled::{Pattern, Template};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let ambassadors = with
        .templates
        .iter()
        .filter(|template| template.pattern == Pattern::Ambassador);
    for template in ambassadors {
        let name = template.name.as_str();
        let Some(helper) = first_sidecar(pod, template) else {
            continue;
        };
        let told: Vec<&Env<'_>> = pod
            .containers
            .iter()
            .flat_map(|container| &container.env)
            .filter(|env| env.by == Some(name))
            .collect();
        let step = pod.init_containers.iter().find(|step| {
            step.is_step()
                && step.added_by != Some(name)
                && step.place < helper.place
                && step
                    .env
                    .iter()
                    .any(|env| env.by == Some(name) || told.iter().any(|told| is_same(told, env)))
        });
        findings.extend(step.map(|step| finding(step, helper, name)));
    }
}

/// The first of a template's containers that run beside the app, in the order of their start.
fn first_sidecar<'p, 'a>(pod: &'p Pod<'a>, template: &Template) -> Option<&'p Container<'a>> {
    pod.running()
        .filter(|container| container.added_by == Some(template.name.as_str()))
        .min_by_key(|container| container.place)
}

/// Whether a container was given an app's variable, which says where the Ambassador listens.
fn is_same(told: &Env<'_>, env: &Env<'_>) -> bool {
    let value = text(told.value.as_ref());
    told.name == env.name
        && told.value == env.value
        && (value.contains("localhost") || value.contains("127.0.0.1"))
}

fn finding(step: &Container<'_>, helper: &Container<'_>, template: &str) -> Finding {
    let what = match helper.place {
        Place::Init(_) => "which starts after it",
        Place::Regular(_) => "a classic sidecar, which starts after it, with the app",
    };
    let message = format!(
        "the init container {} is told to use {}, {what}: if it waits for that, the app never starts",
        step.title(),
        helper.title()
    );
    let path = format!("{}.env", step.place);
    Finding::new(Code::InitBeforeAmbassador, path, message).of(Some(template))
}
