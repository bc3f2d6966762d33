//! What a pod has otherwise than a template wants it, and whose that is.
//!
//! What the user wrote stays, and a finding says so. What another template added is a contradiction
//! of two templates, of which the pod's user has written neither: the pod is refused, and both are
//! named.

use serde_json::Value;

use crate::finding::{Code, Finding};
use crate::inject::merge::{Fill, Namesake, spelled};
use crate::inject::patch::{Operation, unescape};
use crate::inject::pod::Element;
use crate::inject::verdict::{Reason, Refusal};
use crate::template::Template;

use super::same_name::COMMAND;

/// Refuses the pod where another template wants what this one wants otherwise: it added it, or found it
/// as a default. `described` says in words what a key path names.
pub(super) fn check_owners<'o, 'k>(
    template: &Template,
    contested: impl Iterator<Item = &'k String>,
    owner: impl Fn(&str) -> Option<&'o str>,
    described: impl FnOnce(&str) -> String,
) -> Result<(), Refusal> {
    let mut of_others = contested.filter_map(|key| Some((key, owner(key)?)));
    let Some((key, owner)) = of_others.next() else {
        return Ok(());
    };
    let message = format!(
        "the templates `{owner}` and `{}` want {} differently; leave one of the two out, or \
         set it in the pod itself, which wins over both",
        template.name,
        described(key),
    );
    Err(Refusal::new(Reason::Conflict, message))
}

/// The finding that a container keeps what its user wrote, and what follows from it for the helper, unless
/// it is the helper.
pub(super) fn finding(
    path: impl FnOnce() -> String,
    (container, is_helper): (&str, bool),
    fill: &Fill,
) -> Option<Finding> {
    let kept = fill.keeps();
    let left_out = left_out(fill);
    let message = match (kept.is_empty(), left_out.is_empty()) {
        (true, true) => return None,
        (true, false) => format!("container `{container}`: {}", left_out.join("; ")),
        (false, _) => {
            let mut keys: Vec<_> = kept.iter().map(|key| spelled(key)).collect();
            keys.sort();
            keys.dedup();
            let mut message = format!("container `{container}` keeps its own {}", keys.join(", "));
            for consequence in consequences(&kept, is_helper).into_iter().chain(left_out) {
                message.push_str("; ");
                message.push_str(&consequence);
            }
            message
        }
    };
    Some(Finding::new(Code::FieldKept, path(), message))
}

/// What follows for the helper from what its user keeps.
fn consequences(kept: &[&str], is_helper: bool) -> Vec<String> {
    let of_app = [
        (
            "volumeMounts/",
            "the helper and this container do not share the files there",
        ),
        (
            "env/",
            "the container does not hear of the helper by these variables",
        ),
    ];
    let mut follows: Vec<String> = of_app
        .iter()
        .filter(|(start, _)| !is_helper && kept.iter().any(|key| key.starts_with(start)))
        .map(|(_, consequence)| (*consequence).to_owned())
        .collect();
    if is_helper && kept.iter().any(|key| COMMAND.contains(key)) {
        follows.push("the helper runs that in place of what the template would run".to_owned());
    }
    follows
}

/// What of the template's is left out although the container has nothing in its place.
fn left_out(fill: &Fill) -> Vec<String> {
    let resources = |keys: &[String]| -> String {
        let names = keys.iter().filter_map(|key| key.rsplit('/').next());
        let names: Vec<_> = names.map(unescape).collect();
        names.join(", ")
    };
    let mut told = Vec::new();
    if !fill.bounding.is_empty() {
        told.push(format!(
            "the template's request of {} is left out, as a limit alone is the request too",
            resources(&fill.bounding)
        ));
    }
    if !fill.exceeded.is_empty() {
        told.push(format!(
            "the template's limit of {} is left out, as it would be below the request that the \
             container has",
            resources(&fill.exceeded)
        ));
    }
    told.extend(fill.namesakes.iter().map(|port| {
        let Namesake {
            name,
            wanted,
            there,
        } = port;
        format!(
            "the template's port {wanted} is left out, as {there} has its name: what asks for the port \
             `{name}`, such as a probe of the template's, asks {there}"
        )
    }));
    told
}

/// The finding that variables of the template hide what the user's `envFrom` may set: `env` wins.
pub(super) fn hidden(
    path: impl FnOnce() -> String,
    element: &Element<'_>,
    fill: &Fill,
) -> Option<Finding> {
    let sources = element.users_env_from();
    if sources.is_empty() {
        return None;
    }
    let values: Vec<_> = fill.operations.iter().filter_map(added_env).collect();
    let names: Vec<&str> = values
        .iter()
        .flat_map(|value| match value.as_ref() {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        })
        .filter_map(|variable| variable.get("name")?.as_str())
        .collect();
    let hidden: Vec<_> = sources
        .iter()
        .filter_map(|source| hidden_of(source, &names))
        .collect();
    if hidden.is_empty() {
        return None;
    }
    let message = format!(
        "in container `{}` env of the template wins over what envFrom may set: {}; to keep a value, \
         write the variable into env of the container",
        element.name(),
        hidden.join("; "),
    );
    Some(Finding::new(
        Code::EnvFromHidden,
        path() + ".envFrom",
        message,
    ))
}

/// The variables that an operation adds: one, or a list.
fn added_env(operation: &Operation) -> Option<std::borrow::Cow<'_, Value>> {
    let path = operation.path();
    (path == "/env" || path.starts_with("/env/")).then(|| operation.value())
}

/// A source of variables, in words.
/// Which of these variables may hide some of a source.
fn hidden_of(source: &Value, names: &[&str]) -> Option<String> {
    let prefix = source.get("prefix").and_then(Value::as_str);
    let hidden: Vec<_> = names
        .iter()
        .copied()
        .filter(|name| name.starts_with(prefix.unwrap_or_default()))
        .collect();
    (!hidden.is_empty()).then(|| {
        let names = hidden.join(", ");
        format!("{names} over that of {}", spelled_source(source))
    })
}

fn spelled_source(source: &Value) -> String {
    let named = |field: &str| source.get(field)?.get("name")?.as_str();
    match (named("configMapRef"), named("secretRef")) {
        (Some(name), _) => format!("the ConfigMap `{name}`"),
        (None, Some(name)) => format!("the Secret `{name}`"),
        (None, None) => "a source of another kind".to_owned(),
    }
}
