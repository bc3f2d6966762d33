//! Compiling texts: literals, one expression alone, and expressions inside of text.

use std::sync::Arc;

use crate::expression::{Expression, Scope, Type};
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::FieldType;
use crate::template::compile::Errors;
use crate::template::fragment::{Dynamic, Fragment, Interpolation, Origin, Slot, TextPart, holds};
use crate::template::node::{Node, Place};
use crate::template::text::{self, TextSegment};

/// Objects that only Helm's templates have.
const HELM: [&str; 3] = [".Values.", ".Release.", ".Chart."];

/// What only an expression can mean, also between Helm's braces.
const NAMES: [&str; 2] = ["params.", "variables."];

/// The place of a node, for errors at admission.
pub(in crate::template::compile) fn origin(place: Place, path: &str) -> Arc<Origin> {
    Arc::new(Origin {
        field: path.to_owned(),
        line: place.line,
    })
}

pub(super) fn compile_text(
    errors: &mut Errors<'_>,
    node: &Node,
    text: &str,
    path: &str,
    slot: &Slot,
    scope: &Scope,
) -> Option<Fragment> {
    let pieces = match text::split(text) {
        Ok(pieces) => pieces,
        Err(error) => {
            errors.add_within(node, error.offset, path, error.to_string());
            return None;
        }
    };
    match pieces.as_slice() {
        [] | [TextSegment::Literal(_)] => literal(errors, node, &pieces, path, slot),
        [TextSegment::Expression { source, offset }] => {
            dynamic(errors, node, source, *offset, path, slot, scope)
        }
        _ => interpolation(errors, node, &pieces, path, slot, scope),
    }
}

fn literal(
    errors: &mut Errors<'_>,
    node: &Node,
    pieces: &[TextSegment],
    path: &str,
    slot: &Slot,
) -> Option<Fragment> {
    let text = match pieces {
        [TextSegment::Literal(text)] => text.as_str(),
        _ => "",
    };
    if slot.ty == FieldType::Quantity
        && let Err(error) = text.parse::<Quantity>()
    {
        errors.add(node.place, path, format!("`{text}`: {error}"));
        return None;
    }
    if is_helm(text) {
        let message = "`{{ … }}` is plain text here, as Helm alone reads it: declare a parameter, and \
                       write `${params.NAME}`";
        errors.add(node.place, path, message);
        return None;
    }
    if takes_text(&slot.ty) {
        return Some(Fragment::constant(text));
    }
    errors.add(
        node.place,
        path,
        format!("expected {}, found text", slot.ty.words()),
    );
    None
}

/// Whether a text has Helm's braces around what can be meant as an expression.
fn is_helm(text: &str) -> bool {
    let mut inside = text
        .split("{{")
        .skip(1)
        .map(|rest| rest.trim_start_matches('-').trim_start());
    let has_braces = text.contains("{{");
    (has_braces && HELM.iter().any(|object| text.contains(object)))
        || inside.any(|rest| NAMES.iter().any(|name| rest.starts_with(name)))
}

fn takes_text(ty: &FieldType) -> bool {
    matches!(
        ty,
        FieldType::Text | FieldType::Any | FieldType::IntegerOrText | FieldType::Quantity
    )
}

/// Compiles an expression that stands some bytes into a node's text.
pub(in crate::template::compile) fn expression(
    errors: &mut Errors<'_>,
    node: &Node,
    source: &str,
    offset: usize,
    path: &str,
    scope: &Scope,
) -> Option<Expression> {
    match Expression::compile(source, scope) {
        Ok(expression) => Some(expression),
        Err(error) => {
            let hint = if offset > 0 && is_of_the_shell(source) {
                format!(
                    "; `${{…}}` is an expression here: for a literal `${{{source}}}` write `$${{{source}}}`"
                )
            } else {
                String::new()
            };
            errors.add_within(node, offset + error.offset, path, format!("{error}{hint}"));
            None
        }
    }
}

/// Whether a source looks like an expansion of the shell rather than an expression.
fn is_of_the_shell(source: &str) -> bool {
    let operators = [":-", ":=", ":+", ":?", "##", "%%", "%*", "#*"];
    let mut characters = source.chars();
    (!source.is_empty()
        && characters.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        || source.starts_with('#')
        || operators.iter().any(|operator| source.contains(operator))
}

fn dynamic(
    errors: &mut Errors<'_>,
    node: &Node,
    source: &str,
    offset: usize,
    path: &str,
    slot: &Slot,
    scope: &Scope,
) -> Option<Fragment> {
    let expression = expression(errors, node, source, offset, path, scope)?;
    if !holds(slot, expression.result()) {
        let message = format!(
            "expected {}, but `${{{source}}}` gives {}{}",
            slot.ty.words(),
            expression.result(),
            conversion(slot, expression.result())
        );
        errors.add_within(node, offset, path, message);
        return None;
    }
    refuse_references(errors, node, source, offset, path, slot)?;
    let verbatim = expression.copies_from_app();
    let is_of_app = expression.reads().only_app_or_self();
    let origin = origin(node.place, path);
    let slot = slot.clone();
    Some(Fragment::Dynamic(Box::new(Dynamic {
        expression,
        slot: if is_of_app { slot.copied() } else { slot },
        verbatim,
        origin,
    })))
}

/// Refuses a reference of the author's own inside an expression, where its `$` would be doubled.
fn refuse_references(
    errors: &mut Errors<'_>,
    node: &Node,
    source: &str,
    offset: usize,
    path: &str,
    slot: &Slot,
) -> Option<()> {
    if !slot.doubles_dollars || !source.contains("$(") {
        return Some(());
    }
    let message = "a `$` that an expression gives is doubled here, so that `$(NAME)` stays text: \
                   write the reference outside of `${…}`";
    errors.add_within(node, offset, path, message);
    None
}

/// How to write it so that the types agree.
fn conversion(slot: &Slot, ty: &Type) -> &'static str {
    match (&slot.ty, ty) {
        (FieldType::Text, Type::Integer | Type::Number | Type::Boolean) => {
            "; write `string(…)` around it"
        }
        (FieldType::Integer32 | FieldType::Integer64, Type::Text) => "; write `int(…)` around it",
        (FieldType::Text, Type::List(_)) => "; write `.join(…)` behind it",
        (_, Type::Quantity) => "; write `.asInteger()` behind it",
        _ => "",
    }
}

fn interpolation(
    errors: &mut Errors<'_>,
    node: &Node,
    pieces: &[TextSegment],
    path: &str,
    slot: &Slot,
    scope: &Scope,
) -> Option<Fragment> {
    if !takes_text(&slot.ty) {
        let message = format!(
            "expected {}, but text with an expression in it is always text: write the whole value \
             as one `${{…}}`",
            slot.ty.words()
        );
        errors.add(node.place, path, message);
        return None;
    }
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        parts.push(match piece {
            TextSegment::Literal(text) => TextPart::Literal(text.clone()),
            TextSegment::Expression { source, offset } => {
                let expression = expression(errors, node, source, *offset, path, scope)?;
                refuse_references(errors, node, source, *offset, path, slot)?;
                if matches!(
                    expression.result(),
                    Type::List(_) | Type::Map(_) | Type::Quantity
                ) {
                    let message =
                        format!("`${{{source}}}` gives {}, not text", expression.result());
                    errors.add_within(node, *offset, path, message);
                    return None;
                }
                TextPart::Expression(expression)
            }
        });
    }
    let origin = origin(node.place, path);
    Some(Fragment::Text(Box::new(Interpolation {
        parts,
        slot: slot.clone(),
        origin,
    })))
}
