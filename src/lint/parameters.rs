//! Parameters: said, used, and kept from becoming syntax or a leak.

use std::collections::BTreeSet;

use super::LintCode;
use super::subject::{LintContext, Text, items};
use crate::expression::{Carried, Expression, Type};
use crate::template::parameter::{Parameter, ParameterType};

/// Last words of names that call a secret value.
const SECRET_WORDS: [&str; 12] = [
    "apikey",
    "credential",
    "credentials",
    "key",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "secret",
    "secrets",
    "token",
    "tokens",
];

/// Ends of field paths that take the name of a Secret.
const SECRET_NAMES: [&str; 6] = [
    ".secretName",
    ".secretKeyRef.name",
    ".secretRef.name",
    ".secret.name",
    ".nodePublishSecretRef.name",
    ".imagePullSecrets[0].name",
];

/// Programs that read the argument behind `-c` as a script.
const SHELLS: [&str; 5] = ["ash", "bash", "dash", "sh", "zsh"];

pub(super) fn lint(subject: &mut LintContext<'_>) {
    lint_declarations(subject);
    lint_texts(subject);
    lint_secrets(subject);
}

fn lint_declarations(subject: &mut LintContext<'_>) {
    let template = subject.template;
    for parameter in &template.parameters {
        let Some(declared) = subject.declaration(parameter) else {
            continue;
        };
        let (place, name) = (declared.place, &parameter.name);
        let field = format!("spec.parameters.{name}");
        if !template
            .reads
            .parameters
            .contains(&parameter.expression_name)
        {
            let message =
                format!("no expression reads the parameter `{name}`: use it or remove it");
            subject.add(LintCode::ParameterUnused, place, &field, message);
        }
        if parameter.description.trim().is_empty() {
            let message = format!("the parameter `{name}` has no `description` of what to set");
            subject.add(LintCode::ParameterUndescribed, place, &field, message);
        }
    }
}

/// Whether a value can be any text.
fn is_free(parameter: &Parameter) -> bool {
    let ty = match parameter.ty {
        ParameterType::List | ParameterType::Map => parameter.items,
        ty => ty,
    };
    let rules = &parameter.constraints;
    ty == ParameterType::String && rules.pattern.is_none() && rules.one_of.is_empty()
}

fn lint_texts(subject: &mut LintContext<'_>) {
    let scripts = scripts(subject);
    let mut found = Vec::new();
    for text in &subject.texts {
        let is_script = scripts.contains(&text.path);
        for (offset, expression) in &text.expressions {
            if text.is_whole && !is_script && !is_file_of_text(text, expression) {
                continue;
            }
            let parameters = carried(subject, expression);
            for parameter in parameters
                .into_iter()
                .filter(|parameter| is_free(parameter))
            {
                let what = if is_script { "a script" } else { "text" };
                let message = format!(
                    "the parameter `{}` has no `pattern` and no `enum`, and its value becomes part \
                     of {what}, where it can be syntax",
                    parameter.name
                );
                found.push((text.node, *offset, text.path.clone(), message));
            }
        }
    }
    for (node, offset, path, message) in found {
        let at = (node, offset);
        subject.add_within(LintCode::ParameterUnconstrained, at, &path, message);
    }
}

/// Whether a text is the whole content of a generated file, and not a value in its tree.
fn is_file_of_text(text: &Text<'_>, expression: &Expression) -> bool {
    let Some((_, file)) = text.path.split_once(".files") else {
        return false;
    };
    let file = file.strip_prefix("['").map_or_else(
        || {
            file.strip_prefix('.')
                .is_some_and(|name| !name.contains(['.', '[']))
        },
        |quoted| quoted.find("']").is_some_and(|end| end + 2 == quoted.len()),
    );
    file && text.path.starts_with("spec.volumes[")
        && !matches!(expression.result(), Type::List(_) | Type::Map(_))
}

/// The paths of the scripts that shells are given.
fn scripts(subject: &LintContext<'_>) -> BTreeSet<String> {
    let mut scripts = BTreeSet::new();
    for helper in subject.helpers() {
        let words: Vec<_> = ["command", "args"]
            .iter()
            .flat_map(|field| {
                let list = helper.node.get(field).map(items).unwrap_or_default();
                let path = format!("{}.{field}", helper.path);
                list.iter()
                    .enumerate()
                    .map(move |(index, node)| (node, format!("{path}[{index}]")))
            })
            .collect();
        let program = words
            .first()
            .and_then(|(node, _)| node.text()?.rsplit('/').next());
        if !program.is_some_and(|program| SHELLS.contains(&program)) {
            continue;
        }
        let option = words.iter().position(|(node, _)| {
            let text = node.text().unwrap_or_default();
            text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        });
        let script = option.and_then(|option| words.get(option + 1));
        scripts.extend(script.map(|(_, path)| path.clone()));
    }
    scripts
}

/// The parameters whose text an expression's value can hold, through variables too.
pub(super) fn carried<'s>(
    subject: &LintContext<'s>,
    expression: &Expression,
) -> Vec<&'s Parameter> {
    let mut seen = Carried::default();
    let mut open = vec![expression.carried()];
    while let Some(next) = open.pop() {
        seen.parameters.extend(next.parameters);
        for name in next.variables {
            let variables = &subject.template.variables;
            let variable = variables.iter().find(|(known, _)| *known == name);
            if let (Some((_, expression)), true) = (variable, seen.variables.insert(name)) {
                open.push(expression.carried());
            }
        }
    }
    let names = seen.parameters.iter();
    names.filter_map(|name| subject.parameter(name)).collect()
}

/// Whether a parameter's name says that it is a secret.
fn sounds_secret(parameter: &Parameter) -> bool {
    let ty = match parameter.ty {
        ParameterType::List | ParameterType::Map => parameter.items,
        ty => ty,
    };
    let last = parameter.name.rsplit('-').next().unwrap_or_default();
    ty == ParameterType::String && SECRET_WORDS.contains(&last)
}

fn lint_secrets(subject: &mut LintContext<'_>) {
    let mut names = BTreeSet::new();
    let mut plain = Vec::new();
    for text in &subject.texts {
        let path = text.path.as_str();
        let is_name = SECRET_NAMES.iter().any(|end| path.ends_with(end));
        let Some(place) = plain_place(path) else {
            if is_name {
                let expressions = text.expressions.iter();
                let parameters =
                    expressions.flat_map(|(_, expression)| carried(subject, expression));
                names.extend(parameters.map(|parameter| parameter.name.clone()));
            }
            continue;
        };
        for (offset, expression) in &text.expressions {
            let parameters = carried(subject, expression).into_iter();
            for parameter in parameters.filter(|parameter| sounds_secret(parameter)) {
                let name = parameter.name.clone();
                plain.push((name, text.node, *offset, text.path.clone(), place));
            }
        }
    }
    for (name, node, offset, path, place) in plain {
        if !names.contains(&name) {
            let message = format!(
                "the parameter `{name}` looks like a secret, and everybody who may read the pod \
                 reads it in {place}: take the name of a Secret instead"
            );
            subject.add_within(LintCode::SecretExposed, (node, offset), &path, message);
        }
    }
}

/// Where everybody who may read the pod reads a value.
fn plain_place(path: &str) -> Option<&'static str> {
    let field = path.rsplit_once('.').map(|(_, field)| field);
    if path.contains(".env[") && field == Some("value") {
        return Some("an environment variable");
    }
    if path.starts_with("spec.volumes[") && path.contains(".files") {
        return Some("a generated file");
    }
    if path.contains(".args") || path.contains(".command") {
        return Some("an argument");
    }
    path.starts_with("spec.metadata.")
        .then_some("the pod's metadata")
}
