//! From a field of a sample pod back to the node of the template that gave it.

use serde_json::Value;

use super::parameters::carried;
use super::sample::Sample;
use super::subject::{LintContext, Text};
use crate::explain::lines::{TemplatePlace, place_in};
use crate::inject::trace::{AddedTo, Addition, List};
use crate::template::Template;
use crate::template::compile::join;
use crate::template::node::{Node, NodeValue};

/// The containers that a template adds, each with its JSON pointer in the resulting pod.
pub(super) fn containers<'a>(
    template: &Template,
    additions: &'a [Addition],
) -> impl Iterator<Item = (String, &'a Value)> {
    let placed = placed(template, additions).into_iter();
    placed.filter_map(|(pointer, addition)| match &addition.to {
        AddedTo::List(List::InitContainers | List::Containers, _) => {
            Some((pointer, &addition.value))
        }
        _ => None,
    })
}

/// The additions, each with its JSON pointer in the resulting pod: the sample has one container, one
/// volume and no init containers.
fn placed<'a>(template: &Template, additions: &'a [Addition]) -> Vec<(String, &'a Addition)> {
    let beside = additions
        .iter()
        .filter(|addition| matches!(addition.to, AddedTo::List(List::Containers, _)))
        .count();
    let (app, mut next_beside) = if template.order <= 0 {
        (beside, 0)
    } else {
        (0, 1)
    };
    let (mut next_init, mut next_volume) = (0, 1);
    additions
        .iter()
        .map(|addition| {
            let pointer = match &addition.to {
                AddedTo::List(list, _) => {
                    let next = match list {
                        List::InitContainers => &mut next_init,
                        List::Containers => &mut next_beside,
                        List::Volumes => &mut next_volume,
                    };
                    *next += 1;
                    format!("/spec/{}/{}", list.field(), *next - 1)
                }
                AddedTo::Container(list, _, below) => {
                    format!("/spec/{}/{app}{below}", list.field())
                }
                AddedTo::Spec(below) => format!("/spec{below}"),
                AddedTo::Label(key) => format!("/metadata/labels/{key}"),
                AddedTo::Annotation(key) => format!("/metadata/annotations/{key}"),
            };
            (pointer, addition)
        })
        .collect()
}

/// The node that gave a field of the pod, or the nearest around it, and its path in the template.
pub(super) fn origin<'s>(
    context: &LintContext<'s>,
    sample: &Sample<'_>,
    pointer: &str,
) -> (&'s Node, String) {
    let placed = placed(context.template, &sample.additions).into_iter();
    let around = placed.filter_map(|(of, addition)| {
        let below = pointer.strip_prefix(&of)?;
        (below.is_empty() || below.starts_with('/')).then_some((of.len(), below, addition))
    });
    let spec = TemplatePlace::of(Some(context.spec));
    let place = match around.max_by_key(|(length, ..)| *length) {
        Some((_, below, addition)) => {
            let place = place_in(spec, context.template, addition);
            within(place, below, &addition.value)
        }
        None if pointer.starts_with("/spec/containers/") => spec.field("app"),
        None if pointer.starts_with("/spec") => spec.field("pod"),
        None => spec.field("metadata"),
    };
    let node = place.node().unwrap_or(context.spec);
    default_of(context, sample, node).unwrap_or_else(|| {
        let field = path_to(context.spec, node, "spec");
        (node, field.unwrap_or_default())
    })
}

/// The place of what stands at a JSON pointer below a value, as far as the template has it.
fn within<'n>(mut place: TemplatePlace<'n>, pointer: &str, value: &Value) -> TemplatePlace<'n> {
    let mut value = Some(value);
    for step in pointer.split('/').skip(1) {
        let (next, below) = match value {
            Some(Value::Array(items)) => {
                let index = step.parse().unwrap_or(usize::MAX);
                (
                    place.elements(items).into_iter().nth(index),
                    items.get(index),
                )
            }
            value => (
                Some(place.field(step)),
                value.and_then(|value| value.get(step)),
            ),
        };
        match next.filter(|next| next.node().is_some()) {
            Some(next) => (place, value) = (next, below),
            None => break,
        }
    }
    place
}

/// Where a node is one parameter and nothing else, and has its default: that default.
fn default_of<'s>(
    context: &LintContext<'s>,
    sample: &Sample<'_>,
    node: &Node,
) -> Option<(&'s Node, String)> {
    let text = text_at(context, node).filter(|text| text.is_whole)?;
    let (_, expression) = text.expressions.first()?;
    let parameter = context.parameter(expression.plain_parameter()?)?;
    let mut settings = sample.settings.iter();
    if settings.any(|setting| std::ptr::eq(setting.parameter, parameter)) {
        return None;
    }
    let default = context.declaration(parameter)?.value.get("default")?;
    Some((
        default,
        format!("spec.parameters.{}.default", parameter.name),
    ))
}

/// The text with expressions that a node is.
fn text_at<'c, 's>(context: &'c LintContext<'s>, node: &Node) -> Option<&'c Text<'s>> {
    let mut texts = context.texts.iter();
    texts.find(|text| std::ptr::eq(text.node, node))
}

/// The path of a node that stands below another.
fn path_to(of: &Node, wanted: &Node, path: &str) -> Option<String> {
    if std::ptr::eq(of, wanted) {
        return Some(path.to_owned());
    }
    match &of.value {
        NodeValue::List(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| path_to(item, wanted, &format!("{path}[{index}]")))
        }
        NodeValue::Map(entries) => {
            let mut entries = entries.iter();
            entries.find_map(|entry| path_to(&entry.value, wanted, &join(path, &entry.key)))
        }
        _ => None,
    }
}

/// Whether what stands at a node reads a parameter whose value is made up.
pub(super) fn is_made_up(context: &LintContext<'_>, sample: &Sample<'_>, node: &Node) -> bool {
    let mut expressions = text_at(context, node)
        .into_iter()
        .flat_map(|text| &text.expressions);
    expressions.any(|(_, expression)| {
        let read = carried(context, expression);
        let mut made_up = sample.settings.iter().filter(|setting| setting.is_made_up);
        made_up.any(|setting| read.iter().any(|it| std::ptr::eq(*it, setting.parameter)))
    })
}
