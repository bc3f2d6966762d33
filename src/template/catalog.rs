//! The templates that an engine serves, and those that it refuses.
//!
//! A template that does not compile is refused alone: the others serve, and its own last good
//! revision stays where there is one. Looking a template up costs the same in a catalog of ten
//! thousand as in one of ten.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compile::{Compiled, compile};
use super::compiled::Template;
use super::node::Place;
use super::source::Source;
use super::{TemplateError, built_in};
use crate::expression::with_much_stack;

/// What a person is told about a template that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The template's name.
    pub name: String,
    /// Its pattern: `Sidecar`, `Ambassador`, `Adapter` or `Init`.
    pub pattern: String,
    /// Its description, empty where it has none.
    pub description: String,
    /// Its revision.
    pub revision: String,
    /// Whether a newer text was refused and the last good revision serves.
    pub stale: bool,
}

/// A template's place in the catalog.
#[derive(Debug, Clone)]
struct Entry {
    /// What serves; `None`: broken, and without a good revision.
    template: Option<Arc<Template>>,
    /// Whether its newest text says that it is mandatory.
    mandatory: bool,
    /// What is wrong with the newest text, in one line.
    error: Option<String>,
    /// The file that it comes from.
    path: String,
}

impl Entry {
    fn is_served(&self) -> bool {
        self.template.is_some()
    }
}

/// A template that was compiled elsewhere, for a catalog.
#[derive(Debug, Clone)]
pub struct CatalogEntry {
    /// The namespace that it is for, empty for the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What serves; `None`: broken, and without a good revision.
    pub template: Option<Arc<Template>>,
    /// Whether its newest text says that it is mandatory.
    pub mandatory: bool,
    /// What is wrong with the newest text, in one line.
    pub error: Option<String>,
    /// Where it comes from, as errors name it.
    pub path: String,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum CatalogLookup<'c> {
    /// A template that serves.
    Template(&'c Arc<Template>),
    /// A template that does not compile and has no good revision; why, in one line.
    Broken(&'c str),
    /// No template has this name.
    Nothing,
}

/// The templates, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    cluster: BTreeMap<String, Entry>,
    /// By name, then by namespace.
    namespaced: BTreeMap<String, BTreeMap<String, Entry>>,
    /// Those that apply without being asked for: mandatory ones and those with a selector.
    unasked: Vec<Arc<Template>>,
    /// Whether a mandatory one has no revision that compiles.
    has_broken_mandatory: bool,
}

impl Catalog {
    /// Whether there are templates that may concern pods which ask for none, in any namespace: those
    /// that apply without being asked for, and a mandatory one that is broken, which refuses them.
    pub fn has_unasked(&self) -> bool {
        !self.unasked.is_empty() || self.has_broken_mandatory
    }

    /// Compiles templates. A broken one is served in its last good revision of `previous`, else it
    /// is known as broken; its errors print as `file:line:column: field.path: what is wrong`.
    pub fn load(sources: &[Source], previous: Option<&Self>) -> (Self, Vec<TemplateError>) {
        // One thread for all documents, each of which would start its own.
        let load = || Self::load_here(sources, previous);
        with_much_stack(load).unwrap_or_else(load)
    }

    fn load_here(sources: &[Source], previous: Option<&Self>) -> (Self, Vec<TemplateError>) {
        let mut catalog = Self::default();
        let mut errors = Vec::new();
        let mut nameless = Vec::new();
        for source in sources {
            for compiled in compile(source) {
                if compiled.name.is_none() {
                    nameless.extend(
                        compiled
                            .result
                            .as_ref()
                            .err()
                            .map(|e| (source, one_line(e))),
                    );
                }
                catalog.take(source, compiled, previous, &mut errors);
            }
        }
        for (source, error) in nameless {
            if let Some(previous) = previous {
                catalog.keep_file(previous, &source.path, &error);
            }
        }
        catalog.find_unasked();
        (catalog, errors)
    }

    /// A catalog of templates that were compiled elsewhere, each name once in each namespace.
    pub fn of_entries(entries: impl IntoIterator<Item = CatalogEntry>) -> Self {
        let mut catalog = Self::default();
        for entry in entries {
            let CatalogEntry {
                namespace,
                name,
                template,
                mandatory,
                error,
                path,
            } = entry;
            let entry = Entry {
                template,
                mandatory,
                error,
                path,
            };
            catalog.insert(namespace, name, entry);
        }
        catalog.find_unasked();
        catalog
    }

    /// Several catalogs as one. Of two templates of one name, in one namespace or for the whole
    /// cluster, the one of the first catalog counts, even where it is broken.
    pub fn layered<'c>(layers: impl IntoIterator<Item = &'c Self>) -> Self {
        let mut catalog = Self::default();
        for layer in layers {
            for (name, entry) in &layer.cluster {
                catalog.insert(String::new(), name.clone(), entry.clone());
            }
            for (name, entries) in &layer.namespaced {
                for (namespace, entry) in entries {
                    catalog.insert(namespace.clone(), name.clone(), entry.clone());
                }
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
            errors.push(stands_twice(source, compiled.place, &name, &first.path));
            return;
        }
        let (template, error) = match compiled.result {
            Ok(template) => (Some(Arc::from(template)), None),
            Err(found) => {
                let error = one_line(&found);
                errors.extend(found);
                let last_good = previous.and_then(|old| old.entry(&namespace, &name));
                let template = last_good.and_then(|entry| entry.template.clone());
                (template, Some(error))
            }
        };
        let path = source.path.clone();
        let entry = Entry {
            template,
            error,
            mandatory: compiled.mandatory,
            path,
        };
        self.insert(namespace, name, entry);
    }

    /// Keeps what served from a file in which a document can no longer be told by its name: nobody
    /// knows which template that was.
    fn keep_file(&mut self, previous: &Self, path: &str, error: &str) {
        let keep = |entry: &Entry| Entry {
            error: Some(error.to_owned()),
            ..entry.clone()
        };
        let cluster = previous.cluster.iter();
        for (name, entry) in cluster.filter(|(_, entry)| entry.path == path) {
            self.insert(String::new(), name.clone(), keep(entry));
        }
        for (name, entries) in &previous.namespaced {
            for (namespace, entry) in entries.iter().filter(|(_, entry)| entry.path == path) {
                self.insert(namespace.clone(), name.clone(), keep(entry));
            }
        }
    }

    /// The catalog that is built into the program.
    pub fn built_in() -> Self {
        Self::load(&built_in::sources(), None).0
    }

    fn entry(&self, namespace: &str, name: &str) -> Option<&Entry> {
        if namespace.is_empty() {
            self.cluster.get(name)
        } else {
            self.namespaced.get(name)?.get(namespace)
        }
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
        let namespaced = self.namespaced.values().flat_map(BTreeMap::values);
        let templates = self.cluster.values().chain(namespaced);
        self.unasked = templates
            .filter_map(|entry| entry.template.clone())
            .filter(|template| template.mandatory || template.selector.is_some())
            .collect();
        self.has_broken_mandatory = self.broken_mandatory().is_some();
    }

    /// The file that a template comes from.
    pub fn file(&self, template: &Template) -> Option<&str> {
        let namespace = template.namespace.as_deref().unwrap_or_default();
        let entry = self.entry(namespace, &template.name)?;
        Some(&entry.path)
    }

    /// What a name stands for in a namespace. A namespace's own template comes before the
    /// cluster's only where that says `shadowable: true`.
    pub fn find(&self, namespace: &str, name: &str) -> CatalogLookup<'_> {
        let cluster = self.cluster.get(name);
        let own = self
            .namespaced
            .get(name)
            .and_then(|entries| entries.get(namespace));
        let shadowable = |entry: &Entry| {
            let template = entry.template.as_ref();
            template.is_some_and(|template| template.shadowable && !template.mandatory)
        };
        let entry = match (cluster, own) {
            (Some(cluster), Some(own)) if shadowable(cluster) => own,
            (Some(cluster), _) => cluster,
            (None, Some(own)) => own,
            (None, None) => return CatalogLookup::Nothing,
        };
        match &entry.template {
            Some(template) => CatalogLookup::Template(template),
            None => CatalogLookup::Broken(entry.error.as_deref().unwrap_or_default()),
        }
    }

    /// The templates that apply in a namespace without being asked for.
    pub fn unasked(&self, namespace: &str) -> impl Iterator<Item = &Arc<Template>> {
        self.unasked.iter().filter(move |template| {
            matches!(self.find(namespace, &template.name), CatalogLookup::Template(found)
                if Arc::ptr_eq(found, template))
        })
    }

    /// A mandatory template that does not compile and has no good revision, with its error: it
    /// cannot be got around by breaking it.
    pub fn broken_mandatory(&self) -> Option<(&str, &str)> {
        let broken = |entry: &Entry| entry.mandatory && entry.template.is_none();
        let (name, entry) = self.cluster.iter().find(|(_, entry)| broken(entry))?;
        Some((name, entry.error.as_deref().unwrap_or_default()))
    }

    /// The names that a namespace can ask for.
    pub fn names(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let own = self
            .namespaced
            .iter()
            .filter(move |(_, entries)| entries.contains_key(namespace))
            .map(|(name, _)| name.as_str());
        self.cluster.keys().map(String::as_str).chain(own)
    }

    /// The names that any namespace can ask for.
    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        self.cluster
            .keys()
            .chain(self.namespaced.keys())
            .map(String::as_str)
    }

    /// Whether a template of this name is served in any namespace.
    pub fn serves(&self, name: &str) -> bool {
        let mut own = self.namespaced.get(name).into_iter().flatten();
        self.cluster.get(name).is_some_and(Entry::is_served)
            || own.any(|(_, entry)| entry.is_served())
    }

    /// How many templates are served in their newest revision, and how many in an older one.
    pub fn counts(&self) -> (usize, usize) {
        let namespaced = self.namespaced.values().flat_map(BTreeMap::values);
        let entries = self.cluster.values().chain(namespaced);
        let (stale, newest): (Vec<_>, Vec<_>) = entries
            .filter(|entry| entry.is_served())
            .partition(|entry| entry.error.is_some());
        (newest.len(), stale.len())
    }

    /// The served templates, by name.
    pub fn summaries(&self) -> Vec<Summary> {
        let namespaced = self.namespaced.values().flat_map(BTreeMap::values);
        let summary = |entry: &Entry| {
            let template = entry.template.as_ref()?;
            Some(Summary {
                name: template.name.clone(),
                pattern: template.pattern.name().to_owned(),
                description: template.description.clone(),
                revision: template.revision.clone(),
                stale: entry.error.is_some(),
            })
        };
        self.cluster
            .values()
            .chain(namespaced)
            .filter_map(summary)
            .collect()
    }
}

/// The first error, as a person is told who asks for the template.
fn one_line(errors: &[TemplateError]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}

fn stands_twice(source: &Source, place: Place, name: &str, first: &str) -> TemplateError {
    TemplateError {
        file: source.path.clone(),
        template: name.to_owned(),
        line: place.line,
        column: place.column,
        field: "metadata.name".to_owned(),
        message: format!("the template `{name}` stands in {first} already; that one counts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(names: &[&str]) -> Catalog {
        let text = |name: &&str| {
            format!(
                "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
                 metadata: {{name: {name}}}\nspec: {{metadata: {{labels: {{a: b}}}}}}\n"
            )
        };
        let texts: Vec<_> = names.iter().map(text).collect();
        let source = Source {
            path: format!("{}.yaml", names.join("-")),
            text: texts.join("---\n"),
        };
        let (catalog, errors) = Catalog::load(&[source], None);
        assert!(errors.is_empty(), "{errors:?}");
        catalog
    }

    #[test]
    fn of_layers_the_first_that_has_a_name_counts() {
        let broken = CatalogEntry {
            namespace: String::new(),
            name: "b".to_owned(),
            template: None,
            mandatory: false,
            error: Some("spec.app: wrong".to_owned()),
            path: "ClusterInjectionTemplate/b".to_owned(),
        };
        let in_shop = CatalogEntry {
            namespace: "shop".to_owned(),
            name: "d".to_owned(),
            ..broken.clone()
        };
        let first = Catalog::of_entries([broken, in_shop]);
        let whole = Catalog::layered([&first, &catalog(&["a", "b"]), &catalog(&["a", "c"])]);
        let file = |name: &str| match whole.find("shop", name) {
            CatalogLookup::Template(template) => whole.file(template).unwrap().to_owned(),
            CatalogLookup::Broken(why) => why.to_owned(),
            CatalogLookup::Nothing => "nothing".to_owned(),
        };
        assert_eq!(file("a"), "a-b.yaml");
        assert_eq!(file("b"), "spec.app: wrong");
        assert_eq!(file("c"), "a-c.yaml");
        assert_eq!(file("d"), "spec.app: wrong");
        assert!(matches!(whole.find("bank", "d"), CatalogLookup::Nothing));
        assert_eq!(whole.counts(), (2, 0));
        assert!(whole.serves("a") && !whole.serves("b") && !whole.serves("d"));
    }
}
