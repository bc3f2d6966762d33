//! Filling a catalog: from files, from templates that were compiled elsewhere, from other catalogs
//! and from what is built into the program.

use std::sync::Arc;

use super::{Catalog, CatalogEntry, Entry, Serving, UnreadableFile};
use crate::template::compile::{Compiled, MandatoryFor, compile};
use crate::template::node::Place;
use crate::template::{Source, TemplateError, built_in};

impl Catalog {
    /// Compiles templates. A broken one is served in its last good revision of `previous`, else it
    /// is known as broken; its errors print as `file:line:column: field.path: what is wrong`.
    pub fn load(sources: &[Source], previous: Option<&Self>) -> (Self, Vec<TemplateError>) {
        let mut catalog = Self::default();
        let mut errors = Vec::new();
        let mut nameless = Vec::new();
        for source in sources {
            let documents = compile(source);
            if documents.is_empty() {
                errors.push(empty(source));
            }
            for compiled in documents {
                if let (None, Err(errors)) = (&compiled.name, &compiled.result) {
                    let file = UnreadableFile {
                        file: file_name(&source.path).to_owned(),
                        error: one_line(errors),
                        mandatory: compiled.mandatory.clone(),
                    };
                    nameless.push((&source.path, file));
                }
                catalog.take(source, compiled, previous, &mut errors);
            }
        }
        for (path, file) in nameless {
            if !previous.is_some_and(|old| catalog.keep_file(old, path, &file.error)) {
                catalog.unreadable.push(file);
            }
        }
        catalog.find_unasked();
        (catalog, errors)
    }

    /// A catalog of templates that were compiled elsewhere, each name once in each namespace.
    pub(crate) fn of_entries(entries: impl IntoIterator<Item = CatalogEntry>) -> Self {
        let mut catalog = Self::default();
        for entry in entries {
            let CatalogEntry {
                namespace,
                name,
                template,
                mandatory,
                error,
                path,
                earlier,
            } = entry;
            let entry = Entry {
                serving: template.map_or(Serving::Nothing, Serving::Template),
                mandatory,
                error,
                path,
                earlier,
            };
            catalog.insert(namespace, name, entry);
        }
        catalog.find_unasked();
        catalog
    }

    /// Several catalogs as one. Of two templates of one name, in one namespace or for the whole
    /// cluster, the one of the first catalog counts, even where it is broken.
    pub(crate) fn layered<'c>(layers: impl IntoIterator<Item = &'c Self>) -> Self {
        let mut catalog = Self::default();
        for layer in layers {
            catalog.unread = catalog.unread.or_else(|| layer.unread.clone());
            catalog.unreadable.extend_from_slice(&layer.unreadable);
            for (namespace, name, entry) in layer.entries() {
                catalog.insert(namespace.to_owned(), name.to_owned(), entry.clone());
            }
        }
        catalog.find_unasked();
        catalog
    }

    /// Takes what became of one document.
    fn take(
        &mut self,
        source: &Source,
        compiled: Compiled,
        previous: Option<&Self>,
        errors: &mut Vec<TemplateError>,
    ) {
        let name = compiled.name.unwrap_or_default();
        let namespace = compiled.namespace.unwrap_or_default();
        if let Some(first) = self.entry(&namespace, &name)
            && !name.is_empty()
        {
            errors.push(duplicate(source, compiled.place, &name, &first.path));
            return;
        }
        let (serving, error) = match compiled.result {
            Ok(template) => (Serving::Template(Arc::from(template)), None),
            Err(found) => {
                let error = one_line(&found);
                errors.extend(found);
                let last_good = previous.and_then(|old| old.entry(&namespace, &name));
                let serving = last_good.map_or(Serving::Nothing, |entry| entry.serving.clone());
                (serving, Some(error))
            }
        };
        let entry = Entry {
            serving,
            error,
            mandatory: compiled.mandatory,
            path: source.path.clone(),
            earlier: None,
        };
        self.insert(namespace, name, entry);
    }

    /// Keeps what served from a file in which a document can no longer be told by its name: nobody
    /// knows which template that was. Whether anything did.
    fn keep_file(&mut self, previous: &Self, path: &str, error: &str) -> bool {
        let kept = previous
            .entries()
            .filter(|(_, _, entry)| entry.path == path);
        let mut is_any = false;
        for (namespace, name, entry) in kept {
            let entry = Entry {
                error: Some(error.to_owned()),
                ..entry.clone()
            };
            self.insert(namespace.to_owned(), name.to_owned(), entry);
            is_any = true;
        }
        is_any
    }

    /// The catalog that is built into the program. A template is compiled when it is first asked
    /// for; none of them applies without being asked for.
    pub fn built_in() -> Self {
        let mut catalog = Self::default();
        for template in &built_in::TEMPLATES {
            let entry = Entry {
                serving: Serving::BuiltIn(template),
                mandatory: MandatoryFor::Nobody,
                error: None,
                path: template.path.to_owned(),
                earlier: None,
            };
            catalog.insert(String::new(), template.name().to_owned(), entry);
        }
        catalog
    }

    /// The first of several documents with one name serves.
    fn insert(&mut self, namespace: String, name: String, entry: Entry) {
        if name.is_empty() {
            return;
        }
        if namespace.is_empty() {
            self.cluster.entry(name).or_insert(entry);
        } else {
            self.namespaced
                .entry(name)
                .or_default()
                .entry(namespace)
                .or_insert(entry);
        }
    }

    fn find_unasked(&mut self) {
        self.unasked = self
            .entries()
            .filter_map(|(_, _, entry)| match &entry.serving {
                Serving::Template(template) => Some(template),
                Serving::BuiltIn(_) | Serving::Nothing => None,
            })
            .filter(|template| template.mandatory || template.selector.is_some())
            .cloned()
            .collect();
        let is_any = self.broken_mandatory().next().is_some();
        self.has_broken_mandatory = is_any;
    }
}

/// The first error, for whoever creates a pod: without the directory, which is the server's.
fn one_line(errors: &[TemplateError]) -> String {
    let Some(first) = errors.first() else {
        return String::new();
    };
    let error = TemplateError {
        file: file_name(&first.file).to_owned(),
        ..first.clone()
    };
    error.to_string()
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn empty(source: &Source) -> TemplateError {
    TemplateError {
        file: source.path.clone(),
        template: String::new(),
        line: 1,
        column: 1,
        field: String::new(),
        message: "the file has no template in it".to_owned(),
    }
}

fn duplicate(source: &Source, place: Place, name: &str, first: &str) -> TemplateError {
    TemplateError {
        file: source.path.clone(),
        template: name.to_owned(),
        line: place.line,
        column: place.column,
        field: "metadata.name".to_owned(),
        message: format!("duplicate template `{name}`: the one in {first} is used"),
    }
}
