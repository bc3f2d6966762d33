//! What Pillion's ServiceAccount may do.

use std::fmt::Write as _;

use super::super::facts::Facts;
use super::{Check, Line, examples};
use crate::cluster::{Access, Read};

pub(super) fn permissions(facts: &Facts) -> Vec<Line> {
    let check = Check::Permissions;
    let unknown = facts.rights.iter().find_map(|(_, _, read)| match read {
        Read::Unknown(why) => Some(why),
        _ => None,
    });
    if let Some(why) = unknown {
        return vec![check.unknown("what the ServiceAccount may do", why)];
    }
    if facts.rights.is_empty() {
        let message = "not known: without the Deployment its ServiceAccount is not known";
        return vec![check.warning(message, "see the lines above")];
    }
    let (mut lacking, mut too_much) = (Vec::new(), Vec::new());
    for (access, needed, read) in &facts.rights {
        match (needed, read) {
            (true, Read::Found(false)) => lacking.push(in_words(access)),
            (false, Read::Found(true)) => too_much.push(in_words(access)),
            _ => {}
        }
    }
    let mut lines = Vec::new();
    if !lacking.is_empty() {
        lines.push(check.failure(
            format!("the ServiceAccount may not {}", examples(&lacking)),
            "apply the chart's roles and bindings again",
        ));
    }
    if !too_much.is_empty() {
        lines.push(check.failure(
            format!(
                "the ServiceAccount may {}: it needs no Secret but its own",
                examples(&too_much)
            ),
            "take the binding away that gives this right",
        ));
    }
    if lines.is_empty() {
        let needed = facts.rights.iter().filter(|(_, needed, _)| *needed).count();
        lines.push(check.ok(format!(
            "the ServiceAccount has the {needed} rights that it needs, and reads no other Secret"
        )));
    }
    lines
}

fn in_words(access: &Access) -> String {
    let mut text = format!("{} {}", access.verb, access.resource);
    if !access.group.is_empty() {
        let _ = write!(text, " of {}", access.group);
    }
    if let Some(name) = &access.name {
        let _ = write!(text, " `{name}`");
    }
    if let Some(namespace) = &access.namespace {
        let _ = write!(text, " in `{namespace}`");
    } else if access.name.is_none() {
        text.push_str(" everywhere");
    }
    text
}
