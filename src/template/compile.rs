//! From a template's document to a template that runs.
//!
//! Everything that can be wrong with a template is found here, at load, with the place for its
//! author to mend: a template that compiles gives valid pods or refuses with a reason. All errors
//! of a document are collected, not only the first.

mod condition;
mod container;
mod documents;
mod fragment;
mod metadata;
mod parameter;
mod place;
mod pod;
mod reader;
mod settings;
mod spec;
mod trust;
mod validity;
mod volume;

use serde_json::{Value, json};

use super::TemplateError;
use super::compiled::Template;
use super::node::{Node, NodeValue, Place, YamlError};
use super::source::Source;
use crate::expression::{MAX_ITEMS, PatternAllowance};
use crate::kubernetes::selector::Selector;
use documents::{Document, Header};

pub(crate) use fragment::WHEN;
pub(crate) use place::within;
pub(crate) use reader::join;
pub(super) use settings::SPEC;
pub(super) use spec::{API_VERSION, LONGEST_NAME};

/// How many errors of a document are noted. A list of wrong items has one for each, and nobody reads
/// so many.
const MOST_ERRORS: usize = 1000;

/// The pods that a document says its template is mandatory for, of those in mandatory namespaces. It is read
/// also where the rest of the document is wrong; where that is no YAML, it is `All` by a line that says so.
#[derive(Debug, Clone, Default)]
pub(crate) enum MandatoryFor {
    #[default]
    Nobody,
    /// All: it has no selector, or one that cannot be read.
    All,
    Selected(Selector),
}

/// What became of one document of a template file.
#[derive(Debug)]
pub struct Compiled {
    /// `metadata.name`, where it can be read.
    pub(crate) name: Option<String>,
    /// `metadata.namespace`, where the document is an `InjectionTemplate`.
    pub(crate) namespace: Option<String>,
    /// For which pods the document says that the template is mandatory.
    pub(crate) mandatory: MandatoryFor,
    /// Where the name stands, else the document.
    pub(crate) place: Place,
    /// The template, or what is wrong with it.
    pub result: Result<Box<Template>, Vec<TemplateError>>,
}

/// Compiles every document of a file, each alone: one that is broken takes no other with it.
pub fn compile(source: &Source) -> Vec<Compiled> {
    let compiled = documents_of(source).into_iter();
    compiled.map(|(_, compiled)| compiled).collect()
}

/// Compiles an object of the API: `namespace` is empty for a `ClusterInjectionTemplate`. Of its
/// metadata nothing but the name counts, and errors name the object where those of a file name a line.
pub fn compile_object(namespace: &str, name: &str, spec: Option<&Value>) -> Compiled {
    let mut metadata = json!({"name": name});
    let kind = if namespace.is_empty() {
        "ClusterInjectionTemplate"
    } else {
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        "InjectionTemplate"
    };
    let mut document = json!({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata});
    if let (Some(spec), Some(document)) = (spec, document.as_object_mut()) {
        document.insert("spec".to_owned(), spec.clone());
    }
    let source = Source {
        path: object_path(namespace, name),
        text: String::new(),
    };
    compile_document(&source, &Node::from_json(&document))
}

/// How errors name an object of the API: `ClusterInjectionTemplate/NAME` or
/// `InjectionTemplate/NAMESPACE/NAME`.
pub(crate) fn object_path(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("ClusterInjectionTemplate/{name}")
    } else {
        format!("InjectionTemplate/{namespace}/{name}")
    }
}

/// The same, each with the document, where that could be read.
pub(crate) fn documents_of(source: &Source) -> Vec<(Option<Node>, Compiled)> {
    documents::read(&source.text)
        .into_iter()
        .map(|document| match document {
            Document::Read(document) => {
                let compiled = compile_document(source, &document);
                (Some(document), compiled)
            }
            Document::Broken { error, header } => (None, broken(source, &error, header)),
        })
        .collect()
}

/// A document that is no YAML.
fn broken(source: &Source, error: &YamlError, header: Header) -> Compiled {
    Compiled {
        mandatory: if header.is_mandatory {
            MandatoryFor::All
        } else {
            MandatoryFor::Nobody
        },
        place: error.place,
        result: Err(vec![TemplateError {
            file: source.path.clone(),
            template: header.name.clone().unwrap_or_default(),
            line: error.place.line,
            column: error.place.column,
            field: String::new(),
            message: error.to_string(),
        }]),
        name: header.name,
        namespace: header.namespace,
    }
}

fn compile_document(source: &Source, document: &Node) -> Compiled {
    let mut errors = Errors::of(source);
    let template = if has_long_list(&mut errors, document, "") {
        None
    } else {
        spec::template(&mut errors, document)
    };
    let metadata = document.get("metadata");
    let text = |key| {
        metadata
            .and_then(|m| m.get(key))
            .and_then(Node::text)
            .map(str::to_owned)
    };
    let place = metadata
        .and_then(|m| m.get("name"))
        .map_or(document.place, |node| node.place);
    Compiled {
        name: text("name"),
        namespace: text("namespace"),
        mandatory: mandatory_for(source, document),
        place,
        result: match template {
            Some(template) if errors.list.is_empty() => Ok(Box::new(template)),
            _ => Err(errors.in_order()),
        },
    }
}

/// For which pods a document says that its template is mandatory.
fn mandatory_for(source: &Source, document: &Node) -> MandatoryFor {
    let spec = document.get("spec");
    let requirement = spec.and_then(|spec| spec.get("requirement"));
    // A word that is none is a mistake that must not take a mandatory template away.
    if requirement.is_none_or(|node| node.text() == Some("Optional")) {
        return MandatoryFor::Nobody;
    }
    let mut errors = Errors::of(source);
    let selector = spec
        .and_then(|spec| spec.get("selector"))
        .and_then(|node| metadata::selector(&mut errors, node, "spec.selector"));
    match selector {
        Some(selector) if errors.list.is_empty() => MandatoryFor::Selected(selector),
        _ => MandatoryFor::All,
    }
}

/// Notes the first list that is longer than those that expressions go over, and says whether there is one:
/// nothing else of such a template is looked at.
fn has_long_list(errors: &mut Errors<'_>, node: &Node, path: &str) -> bool {
    match &node.value {
        NodeValue::List(items) if items.len() > MAX_ITEMS => {
            let message = format!(
                "the list has {} elements, and at most {MAX_ITEMS} may be",
                items.len()
            );
            errors.add(node.place, path, message);
            true
        }
        NodeValue::List(items) => (0..)
            .zip(items)
            .any(|(index, item)| has_long_list(errors, item, &format!("{path}[{index}]"))),
        NodeValue::Map(entries) => entries
            .iter()
            .any(|entry| has_long_list(errors, &entry.value, &join(path, &entry.key))),
        _ => false,
    }
}

/// The errors of one document, as they are found.
pub(super) struct Errors<'s> {
    source: &'s Source,
    template: String,
    list: Vec<TemplateError>,
    /// What the template's patterns may still take.
    patterns: PatternAllowance,
}

impl<'s> Errors<'s> {
    fn of(source: &'s Source) -> Self {
        Self {
            source,
            template: String::new(),
            list: Vec::new(),
            patterns: PatternAllowance::default(),
        }
    }
}

impl Errors<'_> {
    /// Notes an error at a place.
    fn add(&mut self, place: Place, field: &str, message: impl Into<String>) {
        if self.list.len() >= MOST_ERRORS {
            return;
        }
        self.list.push(TemplateError {
            file: self.source.path.clone(),
            template: self.template.clone(),
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// All errors in the order of the file; of two about a value's type the first.
    fn in_order(mut self) -> Vec<TemplateError> {
        self.list.sort_by_key(|error| (error.line, error.column));
        self.list.dedup_by(|next, first| {
            let are_of_types = [&*next, &*first]
                .iter()
                .all(|error| error.message.starts_with("expected "));
            next == first || (next.field == first.field && are_of_types)
        });
        self.list
    }

    /// Notes an error some bytes into a scalar's text.
    fn add_within(&mut self, node: &Node, offset: usize, field: &str, message: impl Into<String>) {
        let place = place::within(&self.source.text, node, offset);
        self.add(place, field, message);
    }
}
