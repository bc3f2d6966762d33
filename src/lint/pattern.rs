//! A pattern is a promise.
//!
//! An Ambassador listens on localhost and tells the app through its environment, or listens on a socket in a
//! volume that both mount; an Adapter offers
//! what the app says on a named port or on standard output; a Sidecar runs for the pod's life; an
//! Init has only steps that end. Whether a step does end is known to the checks.

use super::LintCode;
use super::subject::{Helper, LintContext, has, items};
use crate::template::compiled::Pattern;
use crate::template::node::{Node, Place};

pub(super) fn lint(subject: &mut LintContext<'_>) {
    let helpers = subject.helpers();
    for (place, field, message) in broken(subject, &helpers) {
        subject.add(LintCode::PatternNotKept, place, &field, message);
    }
}

type Broken = (Place, String, String);

/// What of its promise a template breaks.
fn broken(subject: &LintContext<'_>, helpers: &[Helper<'_>]) -> Vec<Broken> {
    let pattern = subject.spec.get("pattern");
    let at = pattern.map_or(subject.spec.place, |node| node.place);
    let sidecars = helpers.iter().filter(|helper| helper.is_sidecar);
    let of_helpers: Vec<Broken> = match subject.template.pattern {
        Pattern::Adapter => sidecars.flat_map(unnamed_ports).collect(),
        Pattern::Init => sidecars.map(staying).collect(),
        Pattern::Ambassador | Pattern::Sidecar => Vec::new(),
    };
    lacking(subject, helpers)
        .into_iter()
        .map(|message| (at, "spec.pattern".to_owned(), message.to_owned()))
        .chain(of_helpers)
        .collect()
}

/// What a template as a whole lacks of its pattern.
fn lacking(subject: &LintContext<'_>, helpers: &[Helper<'_>]) -> Vec<&'static str> {
    let mut sidecars = helpers.iter().filter(|helper| helper.is_sidecar);
    let mut lacking = Vec::new();
    match subject.template.pattern {
        Pattern::Ambassador if shares_volume(subject, helpers) => {}
        Pattern::Ambassador => {
            if !sidecars.any(|helper| has(helper.node, "ports")) {
                lacking.push(
                    "an Ambassador listens for the app: name the port in a sidecar's `ports`",
                );
            }
            let app = subject.spec.get("app");
            if !app.is_some_and(|app| has(app, "env") || has(app, "envFrom")) {
                lacking.push("an Ambassador tells the app where it listens: give `app.env`");
            }
        }
        Pattern::Adapter if sidecars.next().is_none() => {
            lacking.push("an Adapter has a sidecar that offers what the app says");
        }
        Pattern::Sidecar if sidecars.next().is_none() && !helpers.is_empty() => lacking.push(
            "a Sidecar runs for the pod's life, but this has only steps that end: that is an Init",
        ),
        Pattern::Init if helpers.is_empty() => {
            lacking.push("an Init has steps in `initContainers`");
        }
        Pattern::Adapter | Pattern::Sidecar | Pattern::Init => {}
    }
    lacking
}

/// Whether the app mounts a volume that a sidecar mounts too: a socket may be in it.
fn shares_volume(subject: &LintContext<'_>, helpers: &[Helper<'_>]) -> bool {
    let of_app = subject.spec.get("app").map(mounted).unwrap_or_default();
    let mut sidecars = helpers.iter().filter(|helper| helper.is_sidecar);
    sidecars.any(|helper| {
        mounted(helper.node)
            .iter()
            .any(|name| of_app.contains(name))
    })
}

/// The volumes that a container mounts.
fn mounted(container: &Node) -> Vec<&str> {
    let mounts = container.get("volumeMounts").map(items).unwrap_or_default();
    let names = mounts.iter().filter_map(|mount| mount.get("name")?.text());
    names.collect()
}

fn staying(helper: &Helper<'_>) -> Broken {
    let message = format!(
        "an Init has only steps that end, but `{}` stays",
        helper.name
    );
    (helper.node.place, helper.path.clone(), message)
}

/// The ports of an adapter that nobody can find by name.
fn unnamed_ports(helper: &Helper<'_>) -> Vec<Broken> {
    let ports = helper.node.get("ports").map(items).unwrap_or_default();
    let unnamed = ports
        .iter()
        .enumerate()
        .filter(|(_, port)| !has(port, "name"));
    let told = unnamed.map(|(index, port)| {
        let message = "an Adapter's port has a name, by which it is scraped: give it a `name`";
        (
            port.place,
            format!("{}.ports[{index}]", helper.path),
            message.to_owned(),
        )
    });
    told.collect()
}
