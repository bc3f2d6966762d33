//! Templates of the cluster, as the leader judged them.

use serde_json::Value;

use super::super::facts::Facts;
use super::{Check, Line, condition, text};
use crate::cluster::Read;
use crate::template::compile::compile_object;

/// What to do about a template that is well and yet not taken.
const LIMITS_REMEDY: &str = "delete templates of the namespace, or make them shorter; \
     whoever runs Pillion can raise --namespace-templates, --namespace-templates-mib and \
     --all-namespaces-templates-mib (`tenants` of the chart)";

pub(super) fn templates(facts: &Facts) -> Vec<Line> {
    let check = Check::Templates;
    let mut lines = Vec::new();
    let mut count = 0;
    for read in &facts.templates {
        match read {
            // Told by the definitions.
            Read::Missing => {}
            Read::Unknown(why) => lines.push(check.unknown("the templates", why)),
            Read::Found(listed) => {
                count += listed.items.len();
                lines.extend(listed.items.iter().filter_map(template));
            }
        }
    }
    let is_served = !matches!(facts.deployment, Read::Missing);
    if lines.is_empty() && count > 0 && !is_served {
        let message = format!(
            "not known: {count} templates of the cluster were compiled, and there is no Deployment that \
             serves them now"
        );
        lines.push(check.warning(message, "see the lines above about the Deployment"));
    }
    if lines.is_empty() {
        lines.push(check.ok(match count {
            0 => "the cluster has no templates; the built-in catalog needs none".to_owned(),
            count => format!("{count} templates of the cluster are compiled and served"),
        }));
    }
    lines
}

fn is_true(condition: &Value) -> bool {
    condition["status"] == "True"
}

/// Whether a template of a namespace is well and yet not taken, as its namespace, or all, have too much.
fn is_over_limits(template: &Value) -> bool {
    let (namespace, name) = (
        text(template, "/metadata/namespace"),
        text(template, "/metadata/name"),
    );
    let compiles = || {
        compile_object(namespace, name, template.get("spec"))
            .result
            .is_ok()
    };
    !namespace.is_empty() && !is_changed(template) && compiles()
}

/// Whether there is a newer generation than the one that the status is about.
fn is_changed(template: &Value) -> bool {
    let number = |pointer| template.pointer(pointer).and_then(Value::as_i64);
    number("/metadata/generation") > number("/status/observedGeneration")
}

fn template(template: &Value) -> Option<Line> {
    let check = Check::Templates;
    let kind = text(template, "/kind");
    let names: Vec<_> = ["/metadata/namespace", "/metadata/name"]
        .into_iter()
        .map(|pointer| text(template, pointer))
        .filter(|name| !name.is_empty())
        .collect();
    let what = format!("the {kind} `{}`", names.join("/"));
    let Some(compiled) = condition(template, "Compiled") else {
        let message = format!("{what} has no status: no replica has looked at it yet");
        return Some(check.warning(message, "see that a replica runs with --watch-cluster"));
    };
    let served = condition(template, "Served").is_some_and(is_true);
    if !is_true(compiled) {
        return Some(not_compiled(
            template,
            &what,
            served,
            text(compiled, "/message"),
        ));
    }
    if !served {
        let why = condition(template, "Served").map_or("", |one| text(one, "/message"));
        let message = format!("{what} is not served: {why}");
        return Some(check.failure(message, "see the log of the replica that holds the Lease"));
    }
    is_changed(template).then(|| {
        let message = format!("{what} was changed, and nobody has looked at it since");
        check.warning(message, "see that a replica holds the Lease, and its log")
    })
}

fn not_compiled(template: &Value, what: &str, served: bool, why: &str) -> Line {
    let check = Check::Templates;
    if is_over_limits(template) {
        let message = format!("{what} is not taken, pods that ask for it are refused: {why}");
        return check.failure(message, LIMITS_REMEDY);
    }
    let remedy = "correct the template; `pillion template check` says the same of a file";
    if served {
        let message = format!("{what} does not compile, an earlier revision is served: {why}");
        return check.warning(message, remedy);
    }
    let message = format!("{what} does not compile, pods that ask for it are refused: {why}");
    check.failure(message, remedy)
}
