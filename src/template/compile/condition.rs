//! Named expressions, and conditions to apply and to accept.

use super::Errors;
use super::fragment::{self, CompileScope};
use super::reader::{entries, items, join, text};
use crate::expression::{Expression, Scope};
use crate::kubernetes::validity::names;
use crate::template::compiled::{MatchCondition, Validation};
use crate::template::fragment::{Condition, Fragment, Slot};
use crate::template::node::Node;

/// Compiles `variables`: each may read those before it. The scope comes back with them.
pub(super) fn variables(
    errors: &mut Errors<'_>,
    spec: &Node,
    mut scope: Scope,
    variables: &mut Vec<(String, Expression)>,
) -> Scope {
    let Some(list) = spec.get("variables") else {
        return scope;
    };
    for (index, item) in items(errors, list, "spec.variables").iter().enumerate() {
        let path = format!("spec.variables[{index}]");
        entries(errors, item, &path, &["name", "expression"]);
        let name = item.get("name").and_then(Node::text);
        let Some(name) = name.filter(|name| is_identifier(name)) else {
            let message = "a variable needs a `name` of letters, digits and `_`";
            errors.add(item.place, &path, message);
            continue;
        };
        if variables.iter().any(|(known, _)| known == name) {
            errors.add(
                item.place,
                &path,
                format!("the variable `{name}` stands twice"),
            );
            continue;
        }
        let expression = expression_field(errors, item, &path, &scope);
        if let Some(expression) = expression {
            scope = scope.variable(name, expression.result().clone(), expression.max_items());
            variables.push((name.to_owned(), expression));
        }
    }
    scope
}

fn is_identifier(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn expression_field(
    errors: &mut Errors<'_>,
    item: &Node,
    path: &str,
    scope: &Scope,
) -> Option<Expression> {
    let Some(node) = item.get("expression") else {
        errors.add(item.place, path, "the field `expression` is required");
        return None;
    };
    let path = join(path, "expression");
    let source = text(errors, node, &path)?;
    fragment::expression(errors, node, source, 0, &path, scope)
}

fn condition_field(
    errors: &mut Errors<'_>,
    item: &Node,
    path: &str,
    scope: &Scope,
) -> Option<Condition> {
    let Some(node) = item.get("expression") else {
        errors.add(item.place, path, "the field `expression` is required");
        return None;
    };
    fragment::condition(errors, node, &join(path, "expression"), scope)
}

/// Compiles `matchConditions`.
pub(super) fn match_conditions(
    errors: &mut Errors<'_>,
    spec: &Node,
    scope: &Scope,
) -> Vec<MatchCondition> {
    let Some(list) = spec.get("matchConditions") else {
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for (index, item) in items(errors, list, "spec.matchConditions")
        .iter()
        .enumerate()
    {
        let path = format!("spec.matchConditions[{index}]");
        entries(errors, item, &path, &["name", "expression"]);
        let name = item
            .get("name")
            .and_then(|node| text(errors, node, &join(&path, "name")));
        match (name, item.get("name")) {
            (Some(name), Some(node)) => {
                let twice = conditions.iter().any(|c: &MatchCondition| c.name == name);
                let twice = twice.then(|| format!("the condition `{name}` stands twice"));
                if let Some(problem) = twice.or_else(|| names::not_a_key(name)) {
                    errors.add(node.place, &join(&path, "name"), problem);
                }
            }
            (_, None) => errors.add(
                item.place,
                &path,
                "the field `name` is required: it is the reason to skip",
            ),
            (None, Some(_)) => {}
        }
        if let Some(condition) = condition_field(errors, item, &path, scope) {
            let name = name.unwrap_or_default().to_owned();
            conditions.push(MatchCondition { name, condition });
        }
    }
    conditions
}

/// Compiles `validations`.
pub(super) fn validations(
    errors: &mut Errors<'_>,
    spec: &Node,
    meaning: CompileScope<'_>,
) -> Vec<Validation> {
    let Some(list) = spec.get("validations") else {
        return Vec::new();
    };
    let mut validations = Vec::new();
    for (index, item) in items(errors, list, "spec.validations").iter().enumerate() {
        let path = format!("spec.validations[{index}]");
        entries(errors, item, &path, &["expression", "message"]);
        let condition = condition_field(errors, item, &path, meaning.scope);
        let message = match item.get("message") {
            Some(node) => {
                let path = join(&path, "message");
                fragment::compile(errors, node, &path, &Slot::free_text(), meaning)
            }
            None => condition.as_ref().map(|condition| {
                let source = condition.expression.source();
                Fragment::constant(format!("not true: {source}"))
            }),
        };
        if let (Some(condition), Some(message)) = (condition, message) {
            validations.push(Validation { condition, message });
        }
    }
    validations
}
