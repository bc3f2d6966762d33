//! What the checks find in the pods that a template makes, told where the template says it.
//!
//! The checks and their lists are those of the webhook ([`crate::check`]); here they look at sample
//! pods, so that what an expression decides is seen too. A finding of theirs is told at the node of the
//! template that the field comes from, else at the nearest around it, and where that is nothing but a
//! parameter, at its default. What only a made-up value of a parameter brings about is not told.
//!
//! A container that no sample has, and a template that no sample can be made of, is said to be such: by a
//! [`LintCode::NotRendered`], which is a note and fails nothing, as the template may be right.

use std::collections::BTreeSet;

use super::LintCode;
use super::listeners;
use super::origin::{containers, is_made_up, origin};
use super::ports::{self, Taken};
use super::sample::{self, Sample};
use super::subject::LintContext;
use crate::finding::Code;
use crate::inject::EnforcedFinding;
use crate::inject::trace::AddedTo;
use crate::template::Template;

pub(super) fn lint(context: &mut LintContext<'_>, taken: &mut Taken) {
    let samples = match sample::render(context.template) {
        Ok(samples) => samples,
        Err(problem) => {
            let place = context.spec.place;
            let message = format!("no sample pod can be made of the template: {problem}");
            return context.add(LintCode::NotRendered, place, "spec", message);
        }
    };
    let mut told = BTreeSet::new();
    for sample in &samples {
        for (code, pointer, message) in found(context.template, sample) {
            let (node, field) = origin(context, sample, &pointer);
            // The same may stand elsewhere in the lists of another sample.
            let steps = pointer
                .split('/')
                .filter(|step| step.parse::<usize>().is_err());
            let what = (code, field.clone(), steps.collect::<String>());
            if !is_made_up(context, sample, node) && told.insert(what) {
                context.add(code, node.place, &field, message);
            }
        }
    }
    if let Some(first) = samples.first() {
        ports::lint(context, first, taken);
    }
    tell_unseen(context, &samples);
}

/// What is found on a sample: the code, the JSON pointer in the pod, and the sentence.
fn found(template: &Template, sample: &Sample<'_>) -> Vec<(LintCode, String, String)> {
    let told = sample.findings.iter().filter(|judged| judged.is_told());
    let helpers: Vec<_> = containers(template, &sample.additions).collect();
    let mut found = listeners::found(template, sample);
    found.extend(told.filter_map(|EnforcedFinding { finding, .. }| {
        let path = finding.path.replace(['.', '['], "/").replace(']', "");
        let pointer = format!("/{path}");
        let is_of_helper = helpers
            .iter()
            .filter_map(|(of, _)| pointer.strip_prefix(of.as_str()))
            .any(|below| below.starts_with('/'));
        if is_assumed(finding.code) && !is_of_helper {
            return None;
        }
        Some((
            LintCode::of_check(finding.code)?,
            pointer,
            finding.message.clone(),
        ))
    }));
    for (pointer, container) in helpers {
        if container.pointer("/resources/limits/memory").is_none() {
            let name = container["name"].as_str().unwrap_or_default();
            let message = format!(
                "`{name}` has no memory limit: give `limits.memory`, so that its leak is its own end"
            );
            let pointer = format!("{pointer}/resources/limits/memory");
            found.push((LintCode::LimitMissing, pointer, message));
        }
    }
    found
}

/// Whether a template may rely on what its pods have: an app that names its port, or a container.
fn is_assumed(code: Code) -> bool {
    matches!(code, Code::ProbePortNotFound | Code::ResourceFieldBroken)
}

/// Notes the containers that no sample has.
fn tell_unseen(context: &mut LintContext<'_>, samples: &[Sample<'_>]) {
    let additions = samples.iter().flat_map(|sample| &sample.additions);
    let seen: BTreeSet<_> = additions
        .filter_map(|addition| match &addition.to {
            AddedTo::List(_, name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let unseen = context.helpers().into_iter();
    for helper in unseen.filter(|helper| !seen.contains(helper.name)) {
        let name = helper.name;
        let message = format!("no sample pod has `{name}`, so that the checks do not see it");
        let place = helper.node.place;
        context.add(LintCode::NotRendered, place, &helper.path, message);
    }
}
