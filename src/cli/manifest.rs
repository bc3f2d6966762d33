//! Manifests: files in, files out.
//!
//! A manifest is kept as its exact text beside its value, so that whoever changes nothing gives
//! back the same bytes, comments and separators included. Only a document whose value was changed
//! is written anew: what stands before its content and the comments after it stay, the content is
//! written in block style with its keys in their order. Comments between its lines are lost, as a
//! value has no place for them.

mod emit;
mod error;
pub(crate) mod kinds;
pub(crate) mod knative;
pub(crate) mod nulls;
mod parse;
pub(crate) mod pod_path;
mod source;
mod split;
pub(crate) mod types;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::streams::Streams;
use crate::kubernetes::kubectl_yaml;
use crate::template::Source;
use crate::template::node::{self, Node, Place};
use emit::Style;
pub(crate) use error::ManifestError;
use source::Wanted;
pub(crate) use source::{CASE_TABLE, TEMPLATE, is_case_table, visible_entries};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One file of manifests, or what came from standard input.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    /// Where it can be written back to; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    pub(crate) documents: Vec<Document>,
}

/// The language of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Yaml,
    Json,
}

/// One document: its text and its value.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its value; `null` for a document without content.
    pub(crate) value: Value,
    /// Whether the value is no longer that of the text.
    pub(crate) changed: bool,
    /// The language that it is written in.
    pub(crate) syntax: Syntax,
    text: String,
    head: usize,
    tail: usize,
    /// How many lines of the file stand before it.
    lines_before: usize,
    /// What the text says and where, read when a place is first asked for; `None`: it cannot be read so.
    places: OnceCell<Option<Node>>,
}

impl Manifest {
    /// Reads manifests: files, directories and everything below them (`*.yaml`, `*.yml`, `*.json`
    /// in the order of their names), and `-` for standard input.
    pub(crate) fn read(
        arguments: &[PathBuf],
        streams: &mut Streams<'_>,
    ) -> Result<Vec<Self>, ManifestError> {
        let mut manifests = Vec::new();
        for argument in arguments {
            for text in source::texts(argument, Wanted::Manifests, streams)? {
                manifests.push(Self::parse(text.name, text.path, &text.content)?);
            }
        }
        Ok(manifests)
    }

    /// Reads a text that comes from `path`.
    pub(crate) fn parse(
        name: String,
        path: Option<PathBuf>,
        text: &str,
    ) -> Result<Self, ManifestError> {
        let documents = documents(&name, text)?;
        Ok(Self {
            name,
            path,
            documents,
        })
    }

    /// A document, by its index, as a type; an error has its line in the file.
    pub(crate) fn typed<T: DeserializeOwned>(&self, index: usize) -> Result<T, ManifestError> {
        let text = self.documents.get(index).map_or("", |found| &found.text);
        parse::typed(text).map_err(|mut fault| {
            fault.line += self.lines_before(index) as u64;
            syntax(&self.name, index + 1, fault)
        })
    }

    /// An error about a document as a whole, by its index.
    pub(crate) fn wrong(&self, index: usize, message: String) -> ManifestError {
        let fault = parse::Fault {
            line: self.first_line(index),
            column: 1,
            message,
        };
        syntax(&self.name, index + 1, fault)
    }

    /// The line in the file, from 1, on which the content of a document begins.
    pub(crate) fn first_line(&self, index: usize) -> u64 {
        let head = self
            .documents
            .get(index)
            .map_or("", |found| found.part(0, found.head));
        (self.lines_before(index) + head.matches('\n').count() + 1) as u64
    }

    fn lines_before(&self, index: usize) -> usize {
        let found = self.documents.get(index);
        found.map_or_else(
            || self.original().matches('\n').count(),
            |found| found.lines_before,
        )
    }

    /// The text with this value as the document of this index, which is added where it is the next
    /// one: comments around its content stay.
    pub(crate) fn with_document(
        &mut self,
        index: usize,
        value: Value,
    ) -> Result<String, ManifestError> {
        if let Some(document) = self.documents.get_mut(index) {
            document.value = value;
            document.changed = true;
            return self.render();
        }
        let mut text = self.original();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let written = yaml(&value).map_err(|source| self.emit(index + 1, source.into()))?;
        Ok([text.as_str(), "---\n", &written].concat())
    }

    /// The text that was read.
    pub(crate) fn original(&self) -> String {
        self.documents
            .iter()
            .map(|document| document.text.as_str())
            .collect()
    }

    /// The text with every changed document written anew, all others byte for byte.
    pub(crate) fn render(&self) -> Result<String, ManifestError> {
        self.render_documents().map(|texts| texts.concat())
    }

    /// The same, document by document.
    pub(crate) fn render_documents(&self) -> Result<Vec<String>, ManifestError> {
        (1..)
            .zip(&self.documents)
            .map(|(number, document)| {
                document
                    .render()
                    .map_err(|source| self.emit(number, source))
            })
            .collect()
    }

    /// Refuses words that kubectl reads otherwise, where every document is written anew.
    pub(crate) fn check_words(&self) -> Result<(), ManifestError> {
        (1..=self.documents.len()).try_for_each(|number| self.check_words_of(number))
    }

    /// The same for one document, by its number from 1.
    pub(crate) fn check_words_of(&self, number: usize) -> Result<(), ManifestError> {
        let document = self.documents.get(number.saturating_sub(1));
        let check = document.map_or(Ok(()), Document::check_words);
        check.map_err(|source| self.emit(number, source))
    }

    fn emit(&self, document: usize, source: BoxError) -> ManifestError {
        ManifestError::Emit {
            name: self.name.clone(),
            document,
            source,
        }
    }

    /// Whether any document was changed.
    pub(crate) fn is_changed(&self) -> bool {
        self.documents.iter().any(|document| document.changed)
    }
}

impl Document {
    /// Whether the text has no content: nothing but comments and markers.
    pub(crate) fn is_empty(&self) -> bool {
        self.value.is_null()
    }

    fn part(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// A sentence about the value at a JSON pointer of the document, with the file, line and column where
    /// that stands before it.
    pub(crate) fn say_where(&self, file: &str, pointer: &str, sentence: &str) -> String {
        // Too large a document is not read again for a place.
        let root = self
            .places
            .get_or_init(|| node::read(&self.text).ok()?.into_iter().next());
        let found = root.as_ref().and_then(|root| root.pointer(pointer));
        match found.map(|found| found.place) {
            Some(Place { line, column }) => {
                let line = self.lines_before + line as usize;
                format!("{file}:{line}:{column}: {sentence}")
            }
            None => sentence.to_owned(),
        }
    }

    /// Refuses a word that kubectl reads otherwise, where the document is written anew.
    fn check_words(&self) -> Result<(), BoxError> {
        if self.syntax == Syntax::Yaml
            && let Some((line, problem)) = kubectl_yaml::find(self.part(self.head, self.tail))
        {
            let line = line + self.part(0, self.head).matches('\n').count();
            return Err(format!("line {line} of the document: {problem}").into());
        }
        Ok(())
    }

    fn render(&self) -> Result<String, BoxError> {
        if !self.changed {
            return Ok(self.text.clone());
        }
        let body = self.part(self.head, self.tail);
        let head = self.part(0, self.head);
        let tail = self.part(self.tail, self.text.len());
        match self.syntax {
            Syntax::Json => {
                let written = if body.contains('\n') {
                    serde_json::to_string_pretty(&self.value)?
                } else {
                    serde_json::to_string(&self.value)?
                };
                Ok([head, &written, tail].concat())
            }
            Syntax::Yaml => {
                self.check_words()?;
                let written = emit::emit(&self.value, &Style::of(body))?;
                // Content that began on the line of its `---` starts a line of its own.
                let starts_line = head.is_empty() || head.ends_with(['\n', '\u{feff}']);
                let head = if starts_line {
                    head.to_owned()
                } else {
                    format!("{}\n", head.trim_end())
                };
                Ok([&head, &written, tail].concat())
            }
        }
    }
}

/// A value as YAML, as `kubectl` writes it.
pub(crate) fn yaml(value: &Value) -> Result<String, serde_saphyr::SerializeError> {
    emit::emit(value, &Style::of(""))
}

/// The texts of files, directories and standard input, as sources of templates.
pub(crate) fn sources(
    arguments: &[PathBuf],
    streams: &mut Streams<'_>,
) -> Result<Vec<Source>, ManifestError> {
    let mut sources = Vec::new();
    for argument in arguments {
        let texts = source::texts(argument, Wanted::Templates, streams)?.into_iter();
        sources.extend(texts.map(|text| Source {
            path: text.name,
            text: text.content,
        }));
    }
    Ok(sources)
}

/// A text as documents. One that begins with `{` is a stream of JSON documents unless only YAML
/// can read it; a file that calls itself `.json` is never YAML.
fn documents(name: &str, text: &str) -> Result<Vec<Document>, ManifestError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let named_json = Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if named_json || body.trim_start().starts_with('{') {
        match parse::json(body) {
            Ok(parsed) => return Ok(json_documents(text, text.len() - body.len(), parsed)),
            Err((read, fault)) if named_json => return Err(syntax(name, read + 1, fault)),
            Err(_) => {}
        }
    }
    let pieces = split::split(text).into_iter().enumerate();
    pieces
        .map(|(index, piece)| yaml_document(name, index + 1, &piece))
        .collect()
}

fn yaml_document(
    name: &str,
    number: usize,
    piece: &split::YamlDocument<'_>,
) -> Result<Document, ManifestError> {
    let value = parse::yaml(piece.text).map_err(|mut fault| {
        fault.line += piece.lines_before as u64;
        if piece.text.contains("{{") {
            fault.message.push_str(
                "; this may be the source of a Helm chart: render it first, with `helm template`",
            );
        }
        syntax(name, number, fault)
    })?;
    Ok(Document {
        value,
        changed: false,
        syntax: Syntax::Yaml,
        text: piece.text.to_owned(),
        head: piece.head,
        tail: piece.tail,
        lines_before: piece.lines_before,
        places: OnceCell::new(),
    })
}

/// Cuts a stream behind each of its values; white space goes to the value that follows, at the end
/// to the last one.
fn json_documents(text: &str, skipped: usize, parsed: Vec<(Value, usize)>) -> Vec<Document> {
    let mut documents = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let count = parsed.len();
    for (index, (value, end)) in parsed.into_iter().enumerate() {
        let end = end + skipped;
        let stop = if index + 1 == count { text.len() } else { end };
        let part = text.get(start..stop).unwrap_or_default();
        let unmarked = part.trim_start_matches('\u{feff}').trim_start();
        documents.push(Document {
            value,
            changed: false,
            syntax: Syntax::Json,
            head: part.len() - unmarked.len(),
            tail: end - start,
            text: part.to_owned(),
            lines_before,
            places: OnceCell::new(),
        });
        lines_before += part.matches('\n').count();
        start = stop;
    }
    documents
}

fn syntax(name: &str, document: usize, fault: parse::Fault) -> ManifestError {
    ManifestError::Syntax {
        name: name.to_owned(),
        document,
        line: fault.line,
        column: fault.column,
        message: fault.message,
    }
}

#[cfg(test)]
mod tests;
