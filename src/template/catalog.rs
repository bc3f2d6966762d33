//! The templates that an engine serves, and those that it refuses.
//!
//! A template that does not compile is refused alone: the others serve, and its own last good
//! revision stays where there is one. Looking a template up costs the same in a catalog of ten
//! thousand as in one of ten.

mod loading;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::built_in::BuiltIn;
use super::compile::MandatoryFor;
use super::compiled::Template;

/// What a person is told about a template that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The template's name.
    pub name: String,
    /// Its pattern: `Sidecar`, `Ambassador`, `Adapter` or `Init`.
    pub(crate) pattern: String,
    /// Its description, empty where it has none.
    pub description: String,
    pub(crate) revision: String,
    /// Whether a newer text was refused and the last good revision serves.
    pub stale: bool,
}

/// What serves under a name.
#[derive(Debug, Clone)]
enum Serving {
    Template(Arc<Template>),
    /// Compiled when it is first asked for.
    BuiltIn(&'static BuiltIn),
    /// The template is broken, and has no good revision.
    Nothing,
}

/// A template's place in the catalog.
#[derive(Debug, Clone)]
struct Entry {
    serving: Serving,
    /// For which pods its newest text says that it is mandatory.
    mandatory: MandatoryFor,
    /// What is wrong with the newest text, in one line.
    error: Option<String>,
    /// The file that it comes from.
    path: String,
    /// The revision that serves elsewhere, where the newest text is broken and only this name is known.
    earlier: Option<String>,
}

impl Entry {
    fn is_served(&self) -> bool {
        !matches!(self.serving, Serving::Nothing)
    }

    fn template(&self) -> Option<&Arc<Template>> {
        match &self.serving {
            Serving::Template(template) => Some(template),
            Serving::BuiltIn(template) => template.compiled(),
            Serving::Nothing => None,
        }
    }

    fn is_shadowable(&self) -> bool {
        self.template()
            .is_some_and(|template| template.shadowable && !template.mandatory)
    }
}

/// A file with a document of which no name can be read, and of which nothing served before.
#[derive(Debug, Clone)]
struct UnreadableFile {
    /// Its name without the directory.
    file: String,
    /// What is wrong with it, in one line.
    error: String,
    /// For which pods the document seems to say that its template is mandatory.
    mandatory: MandatoryFor,
}

/// A template that was compiled elsewhere, for a catalog.
#[derive(Debug, Clone)]
pub struct CatalogEntry {
    /// The namespace that it is for, empty for the whole cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// What serves; `None`: broken, and without a good revision.
    pub(crate) template: Option<Arc<Template>>,
    /// For which pods its newest text says that it is mandatory.
    pub(crate) mandatory: MandatoryFor,
    /// What is wrong with the newest text, in one line.
    pub(crate) error: Option<String>,
    /// Where it comes from, as errors name it.
    pub(crate) path: String,
    /// The revision that serves where nothing does here, of which only the name is known.
    pub(crate) earlier: Option<String>,
}

/// How many templates there are, by what serves of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TemplateCounts {
    /// Those that are served in their newest revision.
    pub served: usize,
    /// Those that are served in an older one, as the newest does not compile.
    pub stale: usize,
    /// Those of which nothing is served, as no revision compiles; a file that cannot be read is one.
    pub broken: usize,
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

impl<'c> CatalogLookup<'c> {
    /// The template, where one serves.
    pub(crate) fn template(self) -> Option<&'c Arc<Template>> {
        match self {
            Self::Template(template) => Some(template),
            Self::Broken(_) | Self::Nothing => None,
        }
    }
}

/// Why nobody here knows what a name stands for that nothing serves under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownContent<'c> {
    /// An earlier revision of this name serves, whose text is not at hand.
    Earlier(&'c str),
    /// Not all templates could be read, for this reason.
    Unread(&'c str),
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
    /// Files that may hold templates of any name.
    unreadable: Vec<UnreadableFile>,
    /// Why there may be templates that are not here, where some could not be read.
    unread: Option<String>,
}

impl Catalog {
    /// Whether there are templates that may concern pods which ask for none, in any namespace: those
    /// that apply without being asked for, and a mandatory one that is broken, which refuses them.
    pub(crate) fn has_unasked(&self) -> bool {
        !self.unasked.is_empty() || self.has_broken_mandatory
    }

    /// Every entry with its namespace, which is empty for the whole cluster, and its name.
    fn entries(&self) -> impl Iterator<Item = (&str, &str, &Entry)> {
        let cluster = self.cluster.iter();
        let namespaced = self.namespaced.iter().flat_map(|(name, entries)| {
            entries
                .iter()
                .map(move |(namespace, entry)| (namespace.as_str(), name.as_str(), entry))
        });
        cluster
            .map(|(name, entry)| ("", name.as_str(), entry))
            .chain(namespaced)
    }

    fn entry(&self, namespace: &str, name: &str) -> Option<&Entry> {
        if namespace.is_empty() {
            self.cluster.get(name)
        } else {
            self.namespaced.get(name)?.get(namespace)
        }
    }

    /// The file that a template comes from.
    pub(crate) fn file(&self, template: &Template) -> Option<&str> {
        let namespace = template.namespace.as_deref().unwrap_or_default();
        let entry = self.entry(namespace, &template.name)?;
        Some(&entry.path)
    }

    /// What a name stands for in a namespace. A namespace's own template comes before the
    /// cluster's only where that says `shadowable: true`.
    pub fn find(&self, namespace: &str, name: &str) -> CatalogLookup<'_> {
        let Some(entry) = self.effective_entry(namespace, name) else {
            return CatalogLookup::Nothing;
        };
        match entry.template() {
            Some(template) => CatalogLookup::Template(template),
            None => CatalogLookup::Broken(entry.error.as_deref().unwrap_or_default()),
        }
    }

    /// The entry that a name stands for in a namespace.
    fn effective_entry(&self, namespace: &str, name: &str) -> Option<&Entry> {
        let cluster = self.cluster.get(name);
        let own = self
            .namespaced
            .get(name)
            .and_then(|entries| entries.get(namespace));
        match (cluster, own) {
            (Some(cluster), Some(own)) if cluster.is_shadowable() => Some(own),
            (Some(cluster), _) => Some(cluster),
            (None, own) => own,
        }
    }

    /// Why it is not known what a name stands for, where nothing serves under it here and something may
    /// elsewhere.
    pub(crate) fn unknown(&self, namespace: &str, name: &str) -> Option<UnknownContent<'_>> {
        let entry = self.effective_entry(namespace, name);
        if entry.is_some_and(Entry::is_served) {
            return None;
        }
        let earlier = entry.and_then(|entry| entry.earlier.as_deref());
        let unread = self.unread.as_deref().map(UnknownContent::Unread);
        earlier.map(UnknownContent::Earlier).or(unread)
    }

    /// The same templates, beside which there may be others that could not be read, for this reason.
    pub(crate) fn with_unread(mut self, why: Option<String>) -> Self {
        self.unread = why;
        self
    }

    /// The templates that apply in a namespace without being asked for.
    pub(crate) fn unasked(&self, namespace: &str) -> impl Iterator<Item = &Arc<Template>> {
        self.unasked.iter().filter(move |template| {
            matches!(self.find(namespace, &template.name), CatalogLookup::Template(found)
                if Arc::ptr_eq(found, template))
        })
    }

    /// The mandatory templates that do not compile and have no good revision, each with its error and the pods
    /// that it is for: it cannot be got around by breaking it. A file that may hold one goes by its own name.
    pub(crate) fn broken_mandatory(&self) -> impl Iterator<Item = (&str, &str, &MandatoryFor)> {
        let broken = self.cluster.iter().filter(|(_, entry)| {
            !matches!(entry.mandatory, MandatoryFor::Nobody) && !entry.is_served()
        });
        let broken = broken.map(|(name, entry)| {
            let error = entry.error.as_deref().unwrap_or_default();
            (name.as_str(), error, &entry.mandatory)
        });
        let unreadable = self.unreadable.iter().filter_map(|file| {
            let is_mandatory = !matches!(file.mandatory, MandatoryFor::Nobody);
            is_mandatory.then_some((file.file.as_str(), file.error.as_str(), &file.mandatory))
        });
        broken.chain(unreadable)
    }

    /// The files that may hold templates of any name.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = &str> {
        self.unreadable.iter().map(|file| file.file.as_str())
    }

    /// The names that a namespace can ask for.
    pub(crate) fn names(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let own = self
            .namespaced
            .iter()
            .filter(move |(_, entries)| entries.contains_key(namespace))
            .map(|(name, _)| name.as_str());
        self.cluster.keys().map(String::as_str).chain(own)
    }

    /// The names that any namespace can ask for.
    pub(crate) fn all_names(&self) -> impl Iterator<Item = &str> {
        self.cluster
            .keys()
            .chain(self.namespaced.keys())
            .map(String::as_str)
    }

    /// Whether a template of this name is served in any namespace.
    pub(crate) fn serves(&self, name: &str) -> bool {
        let mut own = self.namespaced.get(name).into_iter().flatten();
        self.serves_all(name) || own.any(|(_, entry)| entry.is_served())
    }

    /// Whether a template of this name is served in every namespace: tenants come up with any number of names.
    pub(crate) fn serves_all(&self, name: &str) -> bool {
        self.cluster.get(name).is_some_and(Entry::is_served)
    }

    /// How many templates there are, by what serves of them.
    pub(crate) fn counts(&self) -> TemplateCounts {
        let mut counts = TemplateCounts::default();
        for (_, _, entry) in self.entries() {
            let count = match (entry.is_served(), &entry.error) {
                (true, None) => &mut counts.served,
                (true, Some(_)) => &mut counts.stale,
                (false, _) => &mut counts.broken,
            };
            *count += 1;
        }
        counts.broken += self.unreadable.len();
        counts
    }

    /// The served templates, by name.
    pub fn summaries(&self) -> Vec<Summary> {
        self.entries()
            .filter_map(|(_, _, entry)| {
                let template = entry.template()?;
                Some(Summary {
                    name: template.name.clone(),
                    pattern: template.pattern.name().to_owned(),
                    description: template.description.clone(),
                    revision: template.revision.clone(),
                    stale: entry.error.is_some(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Source;

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
            mandatory: MandatoryFor::Nobody,
            error: Some("spec.app: wrong".to_owned()),
            path: "ClusterInjectionTemplate/b".to_owned(),
            earlier: None,
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
        let counts = TemplateCounts {
            served: 2,
            stale: 0,
            broken: 2,
        };
        assert_eq!(whole.counts(), counts);
        assert!(whole.serves("a") && !whole.serves("b") && !whole.serves("d"));
    }

    /// A restart forgets what served from a file, and what must not be missing is not left out for a typing
    /// mistake in it.
    #[test]
    fn a_file_that_is_no_yaml_may_hold_a_mandatory_template() {
        let file = |text: &str| Source {
            path: "templates/audit.yaml".to_owned(),
            text: text.to_owned(),
        };
        let broken = file("spec:\n  requirement: Mandatory\n  app: [\n");
        let (started, errors) = Catalog::load(std::slice::from_ref(&broken), None);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(started.counts().broken, 1);
        assert!(started.has_unasked());
        let (name, error, _) = started.broken_mandatory().next().unwrap();
        assert_eq!(name, "audit.yaml");
        assert!(error.starts_with("audit.yaml:"), "{error}");

        let optional = file("spec:\n  app: [\n");
        let (started, _) = Catalog::load(&[optional], None);
        assert_eq!(started.broken_mandatory().count(), 0);
        assert_eq!(started.unreadable().count(), 1);

        let good = catalog(&["a"]);
        let same_file = Source {
            path: "a.yaml".to_owned(),
            ..broken
        };
        let (kept, _) = Catalog::load(&[same_file], Some(&good));
        assert_eq!(kept.broken_mandatory().count(), 0);
        assert_eq!((kept.counts().stale, kept.counts().broken), (1, 0));
    }
}
