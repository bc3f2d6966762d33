//! `$(NAME)` in the variables and paths that templates add.
//!
//! The kubelet replaces it in `env.value` only by what is defined before it in the same list, in
//! `envFrom`, or for the namespace's services (kubelet, `makeEnvironmentVariables`); otherwise the text
//! stays. Templates' variables stand before the user's, so that one that reads the user's reads
//! nothing. In `subPathExpr` a name that nobody defines keeps the container from starting.
//!
//! `$(date)` is text for a shell, and not ours to judge: of names that nobody defines only those
//! count that look like a variable's.

use std::collections::HashMap;

use super::super::pod::{Container, text};
use super::variables::name;
use crate::finding::{Code, Finding};

pub(super) fn check(container: &Container<'_>, findings: &mut Vec<Finding>) {
    // What `envFrom` defines is not known here, and stands before all of `env`.
    let may_be_from = !container.env_from.is_empty();
    let mut defined = None;
    for (index, env) in container.env.iter().enumerate() {
        let value = text(env.value.as_ref());
        if env.by.is_none() || !value.contains("$(") {
            continue;
        }
        let defined = defined.get_or_insert_with(|| definitions(container));
        for read in names(value) {
            let title = container.title();
            let own = name(env);
            let shown = shown(read);
            let message = match defined.get(read) {
                Some(at) if *at < index => continue,
                Some(_) if is_of_service(read) => continue,
                None if may_be_from => continue,
                Some(at) if *at == index && may_be_from => continue,
                Some(at) if *at == index => {
                    format!("{own} of {title} refers to itself by {shown}: the text stays as it is")
                }
                Some(_) if may_be_from => format!(
                    "{own} of {title} refers to {shown}, which is defined behind it: unless envFrom defines it too, the text stays as it is"
                ),
                Some(_) => format!(
                    "{own} of {title} refers to {shown}, which is defined behind it: the text stays as it is"
                ),
                None if !is_variable(read) || may_be_of_service(read) => continue,
                None => format!(
                    "{own} of {title} refers to {shown}, which nobody defines: the text stays as it is"
                ),
            };
            let path = format!("{}.env[{index}].value", container.place);
            findings.push(broken(container, path, message).of(env.by));
        }
    }
    if !may_be_from {
        paths(container, &mut defined, findings);
    }
}

fn paths<'c>(
    container: &'c Container<'_>,
    defined: &mut Option<HashMap<&'c str, usize>>,
    findings: &mut Vec<Finding>,
) {
    for (index, mount) in container.mounts.iter().enumerate() {
        let (Some(by), Some(expression)) = (mount.by, &mount.sub_path_expr) else {
            continue;
        };
        let defined = defined.get_or_insert_with(|| definitions(container));
        for read in names(expression.as_str()) {
            if defined.contains_key(read) || may_be_of_service(read) {
                continue;
            }
            let (title, shown) = (container.title(), shown(read));
            let message = format!(
                "a mount of {title} refers to {shown} in subPathExpr, which nobody defines: the container does not start"
            );
            let path = format!("{}.volumeMounts[{index}].subPathExpr", container.place);
            findings.push(broken(container, path, message).of(Some(by)));
        }
    }
}

/// The finding; the log has not what stands in a value, which may be a secret that looks like a name.
fn broken(container: &Container<'_>, path: String, message: String) -> Finding {
    let logged = format!(
        "{path} of `{}` refers to a variable that is not defined before it",
        container.name
    );
    Finding::new(Code::EnvReferenceBroken, path, message).logged_as(logged)
}

/// A reference as the person reads it: by its name where it is a variable's, and not any other text
/// that happens to stand in brackets.
fn shown(read: &str) -> String {
    let mut bytes = read.bytes();
    let is_name = read.len() <= 64
        && bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name {
        format!("$({read})")
    } else {
        "a variable".to_owned()
    }
}

/// Where each name is defined first.
fn definitions<'c>(container: &'c Container<'_>) -> HashMap<&'c str, usize> {
    let mut first = HashMap::with_capacity(container.env.len());
    for (index, env) in container.env.iter().enumerate() {
        first.entry(name(env)).or_insert(index);
    }
    first
}

/// The names that a text refers to; `$$` is a plain `$` (`third_party/forked/golang/expansion`).
fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, behind) = rest.split_once('$')?;
            rest = behind;
            if let Some(behind) = rest.strip_prefix('$') {
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix('(') {
                // Where no bracket closes here, none closes further behind.
                let (name, behind) = behind.split_once(')')?;
                rest = behind;
                return Some(name);
            }
        }
    })
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether it is a variable that the kubelet defines for a service, and for hardly anything else.
fn is_of_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

/// Whether it may be one of those: for a service `db` there is `DB_PORT` as well.
fn may_be_of_service(name: &str) -> bool {
    is_of_service(name) || name.ends_with("_PORT") || name.contains("_PORT_")
}
