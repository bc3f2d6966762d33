//! Labels and annotations of namespaces that mean nothing, or not what was meant.

use super::super::facts::Facts;
use super::{Check, Line, examples, found, text};
use crate::cluster::Read;
use crate::inject::Namespace;
use crate::inject::namespace_keys::of_keys;

pub(super) fn namespaces(facts: &Facts) -> Vec<Line> {
    let check = Check::Namespaces;
    let read = found(check, "the namespaces", &facts.namespaces, || {
        check.ok("there are no namespaces")
    });
    let listed = match read {
        Ok(listed) => listed,
        Err(line) => return vec![line],
    };
    let mut lines = Vec::new();
    let mut enabled = Vec::new();
    for namespace in &listed.items {
        let name = text(namespace, "/metadata/name");
        let namespace = Namespace::of_object(namespace);
        let problems = of_keys(&namespace, facts.excluded.iter().any(|one| one == name));
        lines.extend(problems.into_iter().map(|problem| {
            let message = format!("namespace `{name}`: {}", problem.message);
            check.warning(message, problem.remedy)
        }));
        if namespace.injection() == Some("enabled") {
            enabled.push(name.to_owned());
        }
    }
    let nobody = matches!(facts.configurations.first(), Some((_, Read::Missing)));
    if nobody && !enabled.is_empty() {
        lines.push(check.failure(
            format!(
                "nobody listens, but namespaces are enabled: {}",
                examples(&enabled)
            ),
            "install the webhook configurations, or take the labels away",
        ));
    }
    if lines.is_empty() {
        let enabled = match enabled.len() {
            0 => "none is enabled: pods ask by themselves".to_owned(),
            count => format!("{count} enabled: {}", examples(&enabled)),
        };
        lines.push(check.ok(format!("what namespaces say means something; {enabled}")));
    }
    lines
}
