//! Named expressions, and conditions to apply and to accept.

use super::Errors;
use super::fragment::{self, CompileScope};
use super::reader::{entries, items, join, text};
use crate::expression::{Expression, Scope, Type};
use crate::kubernetes::names;
use crate::template::compiled::{MatchCondition, Validation};
use crate::template::fragment::{Condition, Fragment, Slot};
use crate::template::node::{Node, NodeValue};
use crate::template::shape::{MATCH_CONDITION, VALIDATION, VARIABLE};

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
        entries(errors, item, &path, VARIABLE);
        let Some(node) = item.get("name") else {
            continue;
        };
        let Some(name) = text(errors, node, &join(&path, "name")) else {
            continue;
        };
        if !is_identifier(name) {
            let message = format!("`{name}` is not a name of letters, digits and `_`");
            errors.add(node.place, &join(&path, "name"), message);
            continue;
        }
        if variables.iter().any(|(known, _)| known == name) {
            errors.add(item.place, &path, format!("duplicate variable `{name}`"));
            continue;
        }
        match expression_field(errors, item, &path, &scope) {
            Some(expression) => {
                scope = scope.variable(name, expression.result().clone());
                variables.push((name.to_owned(), expression));
            }
            // Its own error is told; what uses it is not wrong for that.
            None => scope = scope.variable(name, Type::Any),
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
    let node = item.get("expression")?;
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
    let node = item.get("expression")?;
    fragment::condition(errors, node, &join(path, "expression"), scope)
}

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
        entries(errors, item, &path, MATCH_CONDITION);
        let name_path = join(&path, "name");
        let name = item
            .get("name")
            .and_then(|node| Some((node.place, text(errors, node, &name_path)?)));
        if let Some((place, name)) = name {
            let problem = if conditions.iter().any(|c: &MatchCondition| c.name == name) {
                Some(format!("duplicate condition name `{name}`"))
            } else {
                names::not_a_key(name)
            };
            if let Some(problem) = problem {
                errors.add(place, &name_path, problem);
            }
        }
        if let Some(condition) = condition_field(errors, item, &path, scope) {
            let name = name.map_or("", |(_, name)| name).to_owned();
            conditions.push(MatchCondition { name, condition });
        }
    }
    conditions
}

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
        entries(errors, item, &path, VALIDATION);
        let condition = condition_field(errors, item, &path, meaning.scope);
        let said = item.get("message");
        let message = match said.filter(|node| node.value != NodeValue::Null) {
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
