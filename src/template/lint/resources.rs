//! What a helper takes of its node.

use super::LintCode;
use super::subject::{Helper, LintContext, has, is_dynamic};

pub(super) fn lint(subject: &mut LintContext<'_>) {
    for helper in subject.helpers() {
        lint_helper(subject, &helper);
    }
}

fn lint_helper(subject: &mut LintContext<'_>, helper: &Helper<'_>) {
    let resources = helper.node.get("resources");
    if resources.is_some_and(is_dynamic) {
        return;
    }
    let part = |name: &str| resources.and_then(|resources| resources.get(name));
    let (requests, limits) = (part("requests"), part("limits"));
    if requests.is_some_and(is_dynamic) || limits.is_some_and(is_dynamic) {
        return;
    }
    let place = resources.unwrap_or(helper.node).place;
    let field = format!("{}.resources", helper.path);
    // The API server copies a limit to a request that is absent.
    let requested = |name: &str| {
        [requests, limits]
            .iter()
            .flatten()
            .any(|part| has(part, name))
    };
    let missing: Vec<_> = ["cpu", "memory"]
        .into_iter()
        .filter(|name| !requested(name))
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "`{}` has no request for {}, so the scheduler does not count it",
            helper.name,
            missing.join(" and ")
        );
        subject.add(LintCode::RequestsMissing, place, &field, message);
    }
    if !limits.is_some_and(|limits| has(limits, "memory")) {
        let message = format!(
            "`{}` has no memory limit: give `limits.memory`, so that its leak is its own end",
            helper.name
        );
        subject.add(LintCode::LimitMissing, place, &field, message);
    }
}
