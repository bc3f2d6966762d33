//! Requests, limits and claims of a container that only the whole pod shows
//! (`validateResourceRequirements`).

use super::{invalid, what_is_there};
use crate::check::pod::{Container, Pod, text};
use crate::finding::Finding;
use crate::kubernetes::validity::resources::{above_limit, huge_pages_alone, without_limit};

pub(super) fn check(pod: &Pod<'_>, container: &Container<'_>, findings: &mut Vec<Finding>) {
    let Some(by) = container.field_by("resources") else {
        return;
    };
    let resources = &container.resources;
    let mut problems = Vec::new();
    for name in resources.requested() {
        let limit = resources.limit(name);
        let problem = match resources.own_request(name).zip(limit) {
            Some((request, limit)) => above_limit(name, request, limit),
            None => without_limit(name).filter(|_| limit.is_none()),
        };
        problems.extend(problem);
    }
    problems.extend(huge_pages_alone(resources.names()));
    findings.extend(problems.into_iter().filter_map(|problem| {
        let path = format!("{}.resources", container.place);
        let message = format!("resources of {}: {problem}", container.title());
        invalid(path, message, Some(by))
    }));
    missing_claims(pod, container, by, findings);
}

/// Claims of devices that the pod does not have.
fn missing_claims(pod: &Pod<'_>, container: &Container<'_>, by: &str, findings: &mut Vec<Finding>) {
    let claims = pod.spec.resource_claims.iter();
    let names: Vec<&str> = claims.map(|claim| text(claim.name.as_ref())).collect();
    let wanted = container.resources.claims.iter().flatten().enumerate();
    for (index, claim) in wanted {
        let name = text(claim.name.as_ref());
        if names.contains(&name) {
            continue;
        }
        let known = what_is_there("resourceClaims", &names, name);
        let title = container.title();
        let message = format!(
            "{title} uses the claim `{name}`, and the pod has none of that name in its \
             resourceClaims: {known}"
        );
        let path = format!("{}.resources.claims[{index}].name", container.place);
        let finding = invalid(path, message, Some(by));
        let logged = format!("{title} uses a claim that the pod does not have");
        findings.extend(finding.map(|finding| finding.logged_as(logged)));
    }
}
