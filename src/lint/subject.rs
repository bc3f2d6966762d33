//! What lint looks at: a template's document beside what was compiled of it.
//!
//! The document has the places, the compiled template the types. Expressions are compiled once
//! more, each with its place; they are known to be right.

use super::{LintCode, LintFinding};
use crate::expression::{Expression, Scope};
use crate::template::Source;
use crate::template::compile::{WHEN, join, within};
use crate::template::compiled::Template;
use crate::template::node::{Entry, Node, NodeValue, Place};
use crate::template::parameter::Parameter;
use crate::template::text::{self, TextSegment};

/// The parts of a spec that become parts of a pod.
const PARTS: [&str; 6] = [
    "initContainers",
    "sidecars",
    "volumes",
    "app",
    "metadata",
    "pod",
];

pub(super) struct LintContext<'s> {
    pub(super) source: &'s Source,
    pub(super) spec: &'s Node,
    pub(super) template: &'s Template,
    /// Every text with expressions that becomes part of a pod.
    pub(super) texts: Vec<Text<'s>>,
    found: Vec<LintFinding>,
}

/// A text with expressions in it.
pub(super) struct Text<'s> {
    pub(super) node: &'s Node,
    pub(super) path: String,
    /// The expressions, each with the bytes before it.
    pub(super) expressions: Vec<(usize, Expression)>,
    /// Whether it is one expression and nothing else, so that the value stays a value.
    pub(super) is_whole: bool,
}

/// A container that the template adds.
#[derive(Clone)]
pub(super) struct Helper<'s> {
    pub(super) node: &'s Node,
    pub(super) path: String,
    pub(super) name: &'s str,
    pub(super) is_sidecar: bool,
}

impl<'s> LintContext<'s> {
    pub(super) fn new(source: &'s Source, document: &'s Node, template: &'s Template) -> Self {
        let spec = document.get("spec").unwrap_or(document);
        let scope = scope(template);
        let mut texts = Vec::new();
        for part in PARTS {
            if let Some(node) = spec.get(part) {
                find_texts(node, join("spec", part), &scope, &mut texts);
            }
        }
        Self {
            source,
            spec,
            template,
            texts,
            found: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        code: LintCode,
        place: Place,
        field: &str,
        message: impl Into<String>,
    ) {
        self.found.push(LintFinding {
            code,
            file: self.source.path.clone(),
            template: self.template.name.clone(),
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// Notes a finding some bytes into a text.
    pub(super) fn add_within(
        &mut self,
        code: LintCode,
        (node, offset): (&Node, usize),
        field: &str,
        message: impl Into<String>,
    ) {
        let place = within(&self.source.text, node, offset);
        self.add(code, place, field, message);
    }

    /// What was found, in the order of the file.
    pub(super) fn into_findings(mut self) -> Vec<LintFinding> {
        self.found
            .sort_by_key(|found| (found.line, found.column, found.code));
        self.found.dedup();
        self.found
    }

    /// Sidecars and init containers.
    pub(super) fn helpers(&self) -> Vec<Helper<'s>> {
        let lists = [("initContainers", false), ("sidecars", true)].into_iter();
        let helpers = lists.flat_map(|(list, is_sidecar)| {
            let nodes = self.spec.get(list).map(items).unwrap_or_default();
            nodes.iter().enumerate().map(move |(index, node)| Helper {
                node,
                path: format!("spec.{list}[{index}]"),
                name: node.get("name").and_then(Node::text).unwrap_or_default(),
                is_sidecar,
            })
        });
        helpers.collect()
    }

    /// The parameter that expressions call by this name.
    pub(super) fn parameter(&self, expression_name: &str) -> Option<&'s Parameter> {
        let mut parameters = self.template.parameters.iter();
        parameters.find(|parameter| parameter.expression_name == expression_name)
    }

    /// The declaration of a parameter.
    pub(super) fn declaration(&self, parameter: &Parameter) -> Option<&'s Entry> {
        entries(self.spec.get("parameters")?)
            .iter()
            .find(|entry| entry.key == parameter.name)
    }
}

/// The names of the template's expressions; `self` too, which only those inside `app` use.
fn scope(template: &Template) -> Scope {
    let mut scope = Scope::new().with_self();
    for parameter in &template.parameters {
        let name = &parameter.expression_name;
        scope = scope.parameter(name, parameter.expression_type());
    }
    for (name, expression) in &template.variables {
        scope = scope.variable(name, expression.result().clone());
    }
    scope
}

fn find_texts<'s>(node: &'s Node, path: String, scope: &Scope, texts: &mut Vec<Text<'s>>) {
    match &node.value {
        NodeValue::Text(text) if text.contains("${") => {
            let pieces = text::split(text).unwrap_or_default();
            let is_whole = pieces.len() == 1;
            let expressions = pieces.iter().filter_map(|piece| match piece {
                TextSegment::Expression { source, offset } => {
                    Some((*offset, Expression::compile(source, scope).ok()?))
                }
                TextSegment::Literal(_) => None,
            });
            texts.push(Text {
                node,
                path,
                expressions: expressions.collect(),
                is_whole,
            });
        }
        NodeValue::List(items) => {
            for (index, item) in items.iter().enumerate() {
                find_texts(item, format!("{path}[{index}]"), scope, texts);
            }
        }
        NodeValue::Map(entries) => {
            for entry in entries.iter().filter(|entry| entry.key != WHEN) {
                find_texts(&entry.value, join(&path, &entry.key), scope, texts);
            }
        }
        _ => {}
    }
}

/// The elements of a list; none where it is no literal list.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.value {
        NodeValue::List(items) => items,
        _ => &[],
    }
}

/// The entries of a map; none where it is no literal map.
pub(super) fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        NodeValue::Map(entries) => entries,
        _ => &[],
    }
}

/// Whether an expression decides what stands here.
pub(super) fn is_dynamic(node: &Node) -> bool {
    node.text().is_some_and(|text| text.contains("${"))
}

/// Whether a field is there: with a value that is not null.
pub(super) fn has(node: &Node, field: &str) -> bool {
    node.get(field)
        .is_some_and(|node| node.value != NodeValue::Null)
}
