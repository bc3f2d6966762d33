//! Compiling the declarations of parameters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Errors;
use super::fragment::{self, CompileScope};
use super::reader::{any_entries, boolean, choice, choice_of, entries, integer, items, join, text};
use crate::expression::{Budget, RegularExpressionError, Scope, Type};
use crate::kubernetes::names::is_label;
use crate::template::compiled::CONTAINERS_PARAMETER;
use crate::template::fragment::{Fragment, Slot};
use crate::template::node::{Entry, Node, NodeValue};
use crate::template::parameter::constraint::Pattern;
use crate::template::parameter::{
    Bound, Constraints, DEFAULT_MAX_ITEMS, Parameter, ParameterType, Setter,
};
use crate::template::shape::{ITEMS, PARAMETER};
use crate::template::word::Word;

/// Compiles the declarations, and the names that expressions may use.
///
/// Parameters come back in the order of evaluation: each after those that its computed default
/// reads.
pub(super) fn parameters(errors: &mut Errors<'_>, node: Option<&Node>) -> (Vec<Parameter>, Scope) {
    let mut scope = Scope::in_template(errors.patterns.clone());
    let Some(node) = node else {
        return (Vec::new(), scope);
    };
    let mut declared = Vec::new();
    for entry in any_entries(errors, node, "spec.parameters") {
        match declaration(errors, entry) {
            Some(parameter) => {
                let ty = parameter.expression_type();
                scope = scope.parameter(&parameter.expression_name, ty);
                declared.push((entry, parameter));
            }
            // Its own error says what is wrong; that it is unknown would be a second one, and false.
            None => scope = scope.parameter(&entry.key.replace('-', "_"), Type::Any),
        }
    }
    let for_defaults = scope.clone().only_parameters_and_app();
    let parameters = declared
        .into_iter()
        .map(|(entry, mut parameter)| {
            parameter.default = default(errors, entry, &parameter, &for_defaults);
            check_presence(errors, entry, &parameter);
            parameter
        })
        .collect();
    (in_order(errors, node, parameters), scope)
}

fn declaration(errors: &mut Errors<'_>, entry: &Entry) -> Option<Parameter> {
    let path = join("spec.parameters", &entry.key);
    let node = &entry.value;
    if let Some(message) = not_a_name(&entry.key) {
        errors.add(entry.place, &path, message);
        return None;
    }
    entries(errors, node, &path, PARAMETER);
    let ty: ParameterType = choice(errors, node.get("type")?, &join(&path, "type"))?;
    let (items, constraints) = element(errors, node, &path, ty)?;
    Some(Parameter {
        name: entry.key.clone(),
        expression_name: entry.key.replace('-', "_"),
        description: node
            .get("description")
            .and_then(|node| text(errors, node, &join(&path, "description")))
            .unwrap_or_default()
            .to_owned(),
        ty,
        items,
        constraints,
        max_items: max_items(errors, node, &path, ty),
        required: node
            .get("required")
            .and_then(|node| boolean(errors, node, &join(&path, "required")))
            .unwrap_or(false),
        default: None,
        set_by: set_by(errors, node, &path),
    })
}

fn not_a_name(name: &str) -> Option<String> {
    if !is_label(name) {
        Some(format!(
            "`{name}` cannot be part of an annotation: a parameter's name is lower-case letters, \
             digits and `-`"
        ))
    } else if name == CONTAINERS_PARAMETER {
        let message = "the name is reserved: by the annotation of this name a pod chooses the app \
                       containers of one template";
        Some(message.to_owned())
    } else {
        None
    }
}

/// The type of a parameter's elements and what constrains them, for a scalar its own.
fn element(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    ty: ParameterType,
) -> Option<(ParameterType, Constraints)> {
    let scalar = if ty.is_scalar() {
        ty
    } else {
        ParameterType::String
    };
    let Some(items) = node.get("items") else {
        return Some((scalar, constraints(errors, node, path, scalar)));
    };
    let items_path = join(path, "items");
    if ty.is_scalar() {
        let message = format!("{} has no `items`", ty.with_article());
        errors.add(items.place, &items_path, message);
        return None;
    }
    entries(errors, items, &items_path, ITEMS);
    for field in ["enum", "pattern", "patternHint", "minimum", "maximum"] {
        if let Some(node) = node.get(field) {
            let message = format!("for a list or map, write `{field}` below `items`");
            errors.add(node.place, &join(path, field), message);
        }
    }
    let ty = element_type(errors, items, &items_path);
    Some((ty, constraints(errors, items, &items_path, ty)))
}

fn element_type(errors: &mut Errors<'_>, items: &Node, path: &str) -> ParameterType {
    let Some(node) = items.get("type") else {
        return ParameterType::String;
    };
    let scalars = ParameterType::WORDS.iter().filter(|(_, ty)| ty.is_scalar());
    choice_of(errors, node, &join(path, "type"), scalars.copied()).unwrap_or(ParameterType::String)
}

fn constraints(errors: &mut Errors<'_>, node: &Node, path: &str, ty: ParameterType) -> Constraints {
    let mut constraints = Constraints::default();
    if let Some(list) = node.get("enum") {
        let path = join(path, "enum");
        let values = items(errors, list, &path);
        if values.is_empty() && matches!(list.value, NodeValue::List(_)) {
            errors.add(list.place, &path, "an `enum` needs a value");
        }
        constraints.one_of = values
            .iter()
            .filter_map(|i| typed(errors, i, &path, ty))
            .collect();
    }
    constraints.pattern = pattern(errors, node, path, ty);
    let mut bound = |field: &str| {
        let node = node.get(field)?;
        let bound = Bound::new(ty, &node.to_json());
        if bound.is_none() {
            let message = if ty.is_ordered() {
                format!("expected {}, found {}", ty.with_article(), node.words())
            } else {
                format!("{} has no `{field}`", ty.with_article())
            };
            errors.add(node.place, &join(path, field), message);
        }
        bound
    };
    constraints.minimum = bound("minimum");
    constraints.maximum = bound("maximum");
    check_enum(errors, node, path, ty, &constraints);
    constraints
}

fn pattern(
    errors: &mut Errors<'_>,
    declared: &Node,
    path: &str,
    ty: ParameterType,
) -> Option<Pattern> {
    let hint_path = join(path, "patternHint");
    let hint_node = declared.get("patternHint");
    let hint = hint_node.and_then(|node| text(errors, node, &hint_path));
    let Some(node) = declared.get("pattern") else {
        if let Some(node) = hint_node {
            errors.add(
                node.place,
                &hint_path,
                "there is no `pattern` to put in words",
            );
        }
        return None;
    };
    let path = join(path, "pattern");
    if ty != ParameterType::String {
        let message = format!("{} has no `pattern`", ty.with_article());
        errors.add(node.place, &path, message);
    }
    let source = text(errors, node, &path)?;
    Pattern::new(source, hint, &errors.patterns)
        .map_err(|error| {
            let message = match error {
                RegularExpressionError::Syntax(_) => format!("not a regular expression: {error}"),
                _ => error.to_string(),
            };
            errors.add(node.place, &path, message);
        })
        .ok()
}

/// Notes values that can never be: of an `enum`, or of a range that is empty.
fn check_enum(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    ty: ParameterType,
    constraints: &Constraints,
) {
    if constraints.is_empty_range()
        && let Some(minimum) = node.get("minimum")
    {
        let message = "`minimum` is above `maximum`, so that no value is allowed";
        errors.add(minimum.place, &join(path, "minimum"), message);
    }
    for value in &constraints.one_of {
        if let (Err(error), Some(list)) = (
            constraints.check_typed(ty, value, &Budget::new()),
            node.get("enum"),
        ) {
            let message = format!("{value} is not a value of this parameter: {error}");
            errors.add(list.place, &join(path, "enum"), message);
        }
    }
}

/// A constant of a declared type.
fn typed(errors: &mut Errors<'_>, node: &Node, path: &str, ty: ParameterType) -> Option<Value> {
    let value = ty.constant(node.to_json());
    if value.is_none() {
        let message = format!("expected {}, found {}", ty.with_article(), node.words());
        errors.add(node.place, path, message);
    }
    value
}

fn max_items(errors: &mut Errors<'_>, node: &Node, path: &str, ty: ParameterType) -> u64 {
    let Some(node) = node.get("maxItems") else {
        return DEFAULT_MAX_ITEMS;
    };
    let path = join(path, "maxItems");
    if !matches!(ty, ParameterType::List | ParameterType::Map) {
        let message = format!("{} has no `maxItems`", ty.with_article());
        errors.add(node.place, &path, message);
    }
    let most = integer(errors, node, &path);
    match most.map(u64::try_from) {
        Some(Ok(most @ 1..)) => return most,
        Some(_) => errors.add(node.place, &path, "expected at least 1"),
        None => {}
    }
    DEFAULT_MAX_ITEMS
}

fn set_by(errors: &mut Errors<'_>, node: &Node, path: &str) -> BTreeSet<Setter> {
    let Some(node) = node.get("setBy") else {
        return Setter::WORDS.iter().map(|(_, setter)| *setter).collect();
    };
    let path = join(path, "setBy");
    items(errors, node, &path)
        .iter()
        .filter_map(|item| choice(errors, item, &path))
        .collect()
}

fn default(
    errors: &mut Errors<'_>,
    entry: &Entry,
    parameter: &Parameter,
    scope: &Scope,
) -> Option<Fragment> {
    let node = entry.value.get("default")?;
    let path = join(&join("spec.parameters", &entry.key), "default");
    let meaning = CompileScope {
        scope,
        volumes: &[],
    };
    let slot = Slot::of(parameter.ty.field_type(parameter.items));
    let fragment = fragment::compile(errors, node, &path, &slot, meaning)?;
    if let Fragment::Constant(constant) = &fragment
        && !Parameter::is_empty(constant.value())
        && let Err(error) = parameter.check(constant.value(), &Budget::new())
    {
        errors.add(
            node.place,
            &path,
            format!("the default breaks the declaration: {error}"),
        );
    }
    Some(fragment)
}

/// Nothing is ever null: a type without an empty value needs a default or is required.
fn check_presence(errors: &mut Errors<'_>, entry: &Entry, parameter: &Parameter) {
    let given = entry.value.get("default");
    let has_default = given.is_some_and(|node| node.value != NodeValue::Null);
    let path = join("spec.parameters", &entry.key);
    if let (true, true, Some(node)) = (parameter.required, has_default, given) {
        let message = "a parameter with `required: true` has no `default`: without a value the pod \
                       is refused; remove one of the two";
        errors.add(node.place, &join(&path, "default"), message);
    }
    if parameter.ty.has_empty() || parameter.required || has_default {
        return;
    }
    let message = format!(
        "{} is never absent: give it a `default` or say `required: true`",
        parameter.ty.with_article()
    );
    errors.add(entry.place, &path, message);
}

/// Sorts parameters so that each stands after those that its computed default reads; a cycle is
/// noted.
fn in_order(errors: &mut Errors<'_>, node: &Node, parameters: Vec<Parameter>) -> Vec<Parameter> {
    let mut open: BTreeMap<usize, Parameter> = parameters.into_iter().enumerate().collect();
    let mut sorted: Vec<Parameter> = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waiting: BTreeSet<String> = open
            .values()
            .map(|parameter| parameter.expression_name.clone())
            .collect();
        let ready = open
            .iter()
            .find(|(_, p)| read_by_default(p).is_disjoint(&waiting));
        let Some(next) = ready.map(|(index, _)| *index) else {
            let names: Vec<_> = open.values().map(|p| format!("`{}`", p.name)).collect();
            let message = format!(
                "the defaults of {} need each other in a circle",
                names.join(", ")
            );
            errors.add(node.place, "spec.parameters", message);
            sorted.extend(open.into_values());
            return sorted;
        };
        sorted.extend(open.remove(&next));
    }
    sorted
}

fn read_by_default(parameter: &Parameter) -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    if let Some(default) = &parameter.default {
        default.expressions(&mut |expression| {
            read.extend(expression.reads().parameters.iter().cloned());
        });
    }
    read
}
