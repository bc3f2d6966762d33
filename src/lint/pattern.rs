//! A pattern is a promise.
//!
//! An Ambassador listens on localhost and tells the app through its environment; an Adapter offers
//! what the app says on a named port or on standard output; a Sidecar runs for the pod's life; an
//! Init has only steps that end. Whether a step does end is known to the checks.

use super::LintCode;
use super::subject::{Helper, LintContext, has, items};
use crate::template::compiled::Pattern;
use crate::template::node::Place;

pub(super) fn lint(subject: &mut LintContext<'_>) {
    let helpers = subject.helpers();
    for (place, field, message) in broken(subject, &helpers) {
        subject.add(LintCode::PatternNotKept, place, &field, message);
    }
}

type Broken = (Place, String, String);

/// What of its promise a template breaks.
fn broken(subject: &LintContext<'_>, helpers: &[Helper<'_>]) -> Vec<Broken> {
    let at = subject
        .spec
        .get("pattern")
        .map_or(subject.spec.place, |node| node.place);
    let by_pattern = |message: &str| (at, "spec.pattern".to_owned(), message.to_owned());
    let mut sidecars = helpers.iter().filter(|helper| helper.is_sidecar);
    let has_sidecar = sidecars.clone().next().is_some();
    let mut broken = Vec::new();
    match subject.template.pattern {
        Pattern::Ambassador => {
            if !sidecars.any(|helper| has(helper.node, "ports")) {
                broken.push(by_pattern(
                    "an Ambassador listens for the app: name the port in a sidecar's `ports`",
                ));
            }
            let app = subject.spec.get("app");
            let tells = app.is_some_and(|app| has(app, "env") || has(app, "envFrom"));
            if !tells {
                broken.push(by_pattern(
                    "an Ambassador tells the app where it listens: give `app.env`",
                ));
            }
        }
        Pattern::Adapter => {
            if !has_sidecar {
                broken.push(by_pattern(
                    "an Adapter has a sidecar that offers what the app says",
                ));
            }
            broken.extend(sidecars.flat_map(unnamed_ports));
        }
        Pattern::Sidecar => {
            if !has_sidecar && helpers.iter().any(|helper| !helper.is_sidecar) {
                broken.push(by_pattern(
                    "a Sidecar runs for the pod's life, but this has only steps that end: that \
                     is an Init",
                ));
            }
        }
        Pattern::Init => {
            for helper in sidecars {
                let message = format!(
                    "an Init has only steps that end, but `{}` stays",
                    helper.name
                );
                broken.push((helper.node.place, helper.path.clone(), message));
            }
            if helpers.iter().all(|helper| helper.is_sidecar) && !has_sidecar {
                broken.push(by_pattern("an Init has steps in `initContainers`"));
            }
        }
    }
    broken
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
