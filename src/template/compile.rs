//! From a template's document to a template that runs.
//!
//! Everything that can be wrong with a template is found here, at load, with the place for its
//! author to mend: a template that compiles gives valid pods or refuses with a reason. All errors
//! of a document are collected, not only the first.

mod container;
mod fragment;
mod metadata;
mod parameter;
mod place;
mod pod;
mod reader;
mod spec;
mod trust;
mod volume;

use super::TemplateError;
use super::compiled::Template;
use super::node::{self, Node, Place};
use super::source::Source;

/// What became of one document of a template file.
#[derive(Debug)]
pub struct Compiled {
    /// `metadata.name`, where it can be read.
    pub name: Option<String>,
    /// `metadata.namespace`, where the document is an `InjectionTemplate`.
    pub namespace: Option<String>,
    /// The template, or what is wrong with it.
    pub result: Result<Box<Template>, Vec<TemplateError>>,
}

/// Compiles every document of a file.
pub fn compile(source: &Source) -> Vec<Compiled> {
    match node::read(&source.text) {
        Ok(documents) => documents
            .iter()
            .map(|document| compile_document(source, document))
            .collect(),
        Err(error) => vec![Compiled {
            name: None,
            namespace: None,
            result: Err(vec![TemplateError {
                file: source.path.clone(),
                template: String::new(),
                line: error.place.line,
                column: error.place.column,
                field: String::new(),
                message: error.to_string(),
            }]),
        }],
    }
}

fn compile_document(source: &Source, document: &Node) -> Compiled {
    let mut errors = Errors {
        source,
        template: String::new(),
        list: Vec::new(),
    };
    let template = spec::template(&mut errors, document);
    let metadata = document.get("metadata");
    let text = |key| {
        metadata
            .and_then(|m| m.get(key))
            .and_then(Node::text)
            .map(str::to_owned)
    };
    Compiled {
        name: text("name"),
        namespace: text("namespace"),
        result: match template {
            Some(template) if errors.list.is_empty() => Ok(Box::new(template)),
            _ => Err(errors.list),
        },
    }
}

/// The errors of one document, as they are found.
pub(super) struct Errors<'s> {
    source: &'s Source,
    template: String,
    list: Vec<TemplateError>,
}

impl Errors<'_> {
    /// Notes an error at a place.
    fn add(&mut self, place: Place, field: &str, message: impl Into<String>) {
        self.list.push(TemplateError {
            file: self.source.path.clone(),
            template: self.template.clone(),
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// Notes an error some bytes into a scalar's text.
    fn add_within(&mut self, node: &Node, offset: usize, field: &str, message: impl Into<String>) {
        let place = place::within(&self.source.text, node, offset);
        self.add(place, field, message);
    }
}

/// `; did you mean …?` for the nearest known name, or nothing where none is near.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= name.len().max(3) / 2)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}
