//! Labels and annotations of namespaces that mean nothing, or not what was meant.

use super::super::facts::Facts;
use super::{Check, Line, examples, found, text};
use crate::cli::explain::cluster_templates::catalog;
use crate::cluster::{CLUSTER_TEMPLATES, NAMESPACED_TEMPLATES, ObjectPage, Read};
use crate::inject::namespace_keys::{UnknownTemplates, problems};
use crate::inject::{Namespace, Settings};
use crate::kubernetes::object::list_at;
use crate::template::Catalog;

/// Where the chart mounts what is no template.
const NO_TEMPLATES: [&str; 2] = ["/etc/pillion/configuration", "/etc/pillion/tls"];

pub(super) fn namespaces(facts: &Facts) -> Vec<Line> {
    let check = Check::Namespaces;
    let read = found(check, "the namespaces", &facts.namespaces, || {
        check.ok("there are no namespaces")
    });
    let listed = match read {
        Ok(listed) => listed,
        Err(line) => return vec![line],
    };
    let (catalog, unknown) = templates(facts);
    let settings = Settings {
        excluded_namespaces: facts.excluded.iter().cloned().collect(),
        ..Settings::default()
    };
    let mut lines = Vec::new();
    let mut enabled = Vec::new();
    for namespace in &listed.items {
        let name = text(namespace, "/metadata/name");
        let namespace = Namespace::of_object(namespace);
        let problems = problems((&catalog, &settings), name, &namespace, unknown);
        lines.extend(problems.into_iter().map(|problem| {
            let message = format!("namespace `{name}`: {}", problem.message);
            let remedy = if problem.remedy.is_empty() {
                "correct the annotation, or make the template; `pillion template list` has the built-in ones"
            } else {
                problem.remedy.as_str()
            };
            check.warning(message, remedy)
        }));
        if namespace.injection() == Some("enabled") {
            enabled.push(name.to_owned());
        }
    }
    let nobody = matches!(facts.configurations.first(), Some((_, Read::Missing)));
    if nobody && !enabled.is_empty() {
        lines.push(check.failure(
            format!(
                "namespaces are enabled for injection, but there is no webhook configuration: {}",
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
        lines.push(check.ok(format!(
            "the labels and annotations of all namespaces are valid; {enabled}"
        )));
    }
    lines
}

/// The templates that pods can ask for, and what is known of others.
fn templates(facts: &Facts) -> (Catalog, UnknownTemplates) {
    let kinds = [CLUSTER_TEMPLATES, NAMESPACED_TEMPLATES].map(|kind| kind.plural);
    let (stored, _) = catalog(kinds.into_iter().zip(&facts.templates));
    let are_all_read = facts.templates.iter().all(|read| match read {
        Read::Found(ObjectPage { more, .. }) => !more,
        Read::Missing => true,
        Read::Unknown(_) => false,
    });
    let unknown = if are_all_read && serves_no_files(facts) {
        UnknownTemplates::Absent
    } else {
        UnknownTemplates::MayExist
    };
    // What could not be read is told by the check of templates.
    let stored = stored.with_unread(None);
    let built_in = facts
        .setting("PILLION_BUILT_IN_CATALOG", "--built-in-catalog")
        .is_none_or(|value| value != "false")
        .then(Catalog::built_in);
    let layers = std::iter::once(&stored).chain(&built_in);
    (Catalog::layered(layers), unknown)
}

/// Whether the Deployment is known, and serves no templates but those of the cluster and of the program.
fn serves_no_files(facts: &Facts) -> bool {
    let Read::Found(deployment) = &facts.deployment else {
        return false;
    };
    let mounts = list_at(deployment, "/spec/template/spec/containers/0/volumeMounts");
    let mut paths = mounts.iter().map(|mount| text(mount, "/mountPath"));
    facts.setting("PILLION_TEMPLATES", "--templates").is_none()
        && paths.all(|path| NO_TEMPLATES.contains(&path))
}
