//! A case: what is given, and what must come of it.
//!
//! A file of its own has two YAML documents. The first is the author's and is never written; the
//! second is the expectation, which `--update` writes anew. A row of a [table](super::table) becomes
//! the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::expectation::{Expectation, Pointer, unsound};
use crate::cli::engine_options::KubernetesVersion;
use crate::cli::manifest::{Document, Manifest, ManifestError};
use crate::inject::{Namespace, Settings};

/// Values of parameters by template and parameter.
pub(super) type Parameters = BTreeMap<String, BTreeMap<String, String>>;

/// The first document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseDocument {
    #[serde(default)]
    description: String,
    kubernetes: Option<KubernetesVersion>,
    namespace: Option<CaseNamespace>,
    #[serde(default)]
    parameters: Parameters,
    // Its value is taken from the document, where numbers are those that kubectl reads.
    #[serde(rename = "manifest")]
    _manifest: IgnoredAny,
}

/// The namespace of the pod.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseNamespace {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// What is given: an object with a pod, and the cluster that it comes to.
#[derive(Debug, Clone, Default)]
pub(super) struct CaseInput {
    /// The minor version of Kubernetes.
    pub(super) kubernetes: Option<u32>,
    pub(super) namespace: Option<CaseNamespace>,
    pub(super) parameters: Parameters,
    pub(super) manifest: Value,
}

impl CaseInput {
    /// The namespace of a manifest that names none.
    pub(super) fn namespace_name(&self) -> &str {
        let named = self.namespace.as_ref().and_then(|own| own.name.as_deref());
        named.unwrap_or("default")
    }

    /// The installation and its namespaces.
    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        if let Some(minor) = self.kubernetes {
            settings.kubernetes_minor = minor;
        }
        for (template, values) in &self.parameters {
            for (name, value) in values {
                let key = (template.clone(), name.clone());
                settings.parameters.insert(key, value.clone());
            }
        }
        if let Some(own) = &self.namespace {
            let known = Namespace {
                labels: own.labels.clone(),
                annotations: own.annotations.clone(),
                ..Namespace::default()
            };
            settings.namespaces.insert(self.namespace_name(), known);
        }
        settings
    }

    /// As the report shows it: what was not given is left out.
    pub(super) fn json(&self) -> Value {
        let parameters = (!self.parameters.is_empty()).then(|| json!(self.parameters));
        let fields = [
            ("manifest", Some(json!(self.manifest))),
            (
                "kubernetes",
                self.kubernetes.map(|minor| format!("1.{minor}").into()),
            ),
            (
                "namespace",
                self.namespace.as_ref().map(|namespace| json!(namespace)),
            ),
            ("parameters", parameters),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect())
    }
}

#[derive(Debug, Clone)]
pub(super) struct CasePlace {
    pub(super) file: String,
    /// The line, from 1.
    pub(super) line: u64,
}

impl CasePlace {
    /// An error about the case as a whole.
    pub(super) fn wrong(&self, message: String) -> ManifestError {
        ManifestError::Syntax {
            name: self.file.clone(),
            document: 1,
            line: self.line,
            column: 1,
            message,
        }
    }
}

#[derive(Debug)]
pub(super) struct Case {
    /// What the case is for.
    pub(super) description: String,
    pub(super) given: CaseInput,
    /// What must come of it; `None` where the file does not say it yet.
    pub(super) expected: Option<Expectation>,
    pub(super) place: CasePlace,
}

impl Case {
    /// Reads a case that has a file of its own. Where its expectation is to be written anew, a wrong
    /// one is none.
    pub(super) fn parse(path: &Path, text: &str, update: bool) -> Result<Self, ManifestError> {
        let text = manifest(path, text)?;
        let input: CaseDocument = text.typed(0)?;
        let expected = match expectation(&text) {
            Err(_) if update => None,
            found => found?,
        };
        Ok(Self {
            description: input.description,
            given: CaseInput {
                kubernetes: input.kubernetes.map(|KubernetesVersion(minor)| minor),
                namespace: input.namespace,
                parameters: input.parameters,
                manifest: value(&text, 0, "manifest"),
            },
            expected,
            place: CasePlace {
                file: text.name.clone(),
                line: text.first_line(0),
            },
        })
    }
}

/// The documents of a file of cases.
pub(super) fn manifest(path: &Path, text: &str) -> Result<Manifest, ManifestError> {
    let name = path.display().to_string();
    Manifest::parse(name, Some(PathBuf::from(path)), text)
}

/// The text of a case's own file with this expectation.
pub(super) fn with_expectation(
    path: &Path,
    text: &str,
    expectation: Value,
) -> Result<String, ManifestError> {
    manifest(path, text)?.with_document(1, expectation)
}

/// The second document, where there is one.
fn expectation(text: &Manifest) -> Result<Option<Expectation>, ManifestError> {
    let contents = text.documents.iter().filter(|found| !found.is_empty());
    if contents.count() > 2 {
        let message = "a case has two documents: what is given, and what must come of it";
        return Err(text.wrong(2, message.to_owned()));
    }
    if text.documents.get(1).is_none_or(Document::is_empty) {
        return Ok(None);
    }
    let mut expected: Expectation = text.typed(1)?;
    expected.pod = value(text, 1, "pod").as_object().cloned();
    if let Some(paths) = &mut expected.paths {
        let values = value(text, 1, "paths");
        for (Pointer(pointer), place) in paths {
            *place = values.get(pointer.as_str()).cloned().unwrap_or_default();
        }
    }
    match unsound(&expected) {
        Some(message) => Err(text.wrong(1, message.to_owned())),
        None => Ok(Some(expected)),
    }
}

fn value(text: &Manifest, index: usize, key: &str) -> Value {
    let document = text.documents.get(index);
    let value = document.and_then(|found| found.value.get(key));
    value.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "# About it.\ndescription: d\nkubernetes: \"1.28\"\nnamespace: {name: shop, \
        labels: {a: b}}\nparameters:\n  pgbouncer: {port: 5433}\nmanifest: {kind: Pod, mode: 0644}\n";

    fn parse(text: &str) -> Result<Case, String> {
        Case::parse(Path::new("c.yaml"), text, false).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_given_becomes_settings() {
        let case = parse(GIVEN).unwrap();
        assert_eq!(case.given.settings().kubernetes_minor, 28);
        let key = ("pgbouncer".to_owned(), "port".to_owned());
        assert_eq!(case.given.settings().parameters[&key], "5433");
        assert_eq!(case.given.namespace_name(), "shop");
        assert_eq!(
            case.given.settings().namespaces.get("shop").labels["a"],
            "b"
        );
        assert_eq!(case.given.manifest["mode"], 0o644);
        assert!(case.expected.is_none());
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let table = [
            (
                "description: d\nmanifst: {}\nmanifest: {}\n",
                ":2:1:",
                "unknown field `manifst`",
            ),
            ("description: d\n", ":1:", "missing field `manifest`"),
            (
                "kubernetes: \"2.0\"\nmanifest: {}\n",
                ":1:",
                "a version of Kubernetes",
            ),
            ("manifest: {}\nmanifest: {}\n", ":2:1:", "duplicate"),
        ];
        for (text, place, message) in table {
            let told = parse(text).unwrap_err();
            assert!(told.contains(place) && told.contains(message), "{told}");
        }
        let table = [
            ("verdict: Injcted\nreason: Applied\n", ":9:", "Injcted"),
            (
                "verdict: Injected\nreason: Applied\n",
                ":9:1:",
                "`pod`, or `paths`",
            ),
            (
                "verdict: Denied\nreason: Conflict\npod: {}\n",
                ":9:1:",
                "no pod where",
            ),
            (
                "verdict: Skipped\nreason: Conflict\npaths: {/a: 1}\npod: {}\n",
                ":9:1:",
                "one of them",
            ),
            (
                "verdict: Injected\nreason: Applied\npaths:\n  spec: 1\n",
                ":12:",
                "JSON pointer",
            ),
            (
                "verdict: Injected\nreason: Applied\npaths:\n  /a~b: 1\n",
                ":12:",
                "JSON pointer",
            ),
            (
                "verdict: Denied\nreason: Conflct\n",
                ":10:",
                "did you mean `Conflict`?",
            ),
            (
                "verdict: Denied\nreason: Conflict\nfindings: [FieldKeept]\n",
                ":11:",
                "did you mean `FieldKept`?",
            ),
            (
                "verdict: Denied\nreason: Conflict\nfinding: []\n",
                ":11:1:",
                "unknown field",
            ),
        ];
        for (text, place, message) in table {
            let told = parse(&[GIVEN, "---\n", text].concat()).unwrap_err();
            assert!(
                told.contains(place) && told.contains(message),
                "{place} {told}"
            );
        }
        let told = parse(&[GIVEN, "---\nverdict: Denied\nreason: Conflict\n---\na: 1\n"].concat());
        assert!(told.unwrap_err().contains("two documents"));
    }

    #[test]
    fn only_the_expectation_is_written() {
        let text = [GIVEN, "---\n# Why.\nverdict: Denied\nreason: Conflict\n"].concat();
        let wanted = serde_json::json!({"verdict": "Unchanged"});
        let write =
            |text: &str| with_expectation(Path::new("c.yaml"), text, wanted.clone()).unwrap();
        let written = write(&text);
        assert_eq!(
            written,
            [GIVEN, "---\n# Why.\nverdict: Unchanged\n"].concat()
        );
        for ending in ["", "---\n"] {
            let written = write(&[GIVEN, ending].concat());
            assert_eq!(written, [GIVEN, "---\nverdict: Unchanged\n"].concat());
        }
    }

    #[test]
    fn a_wrong_expectation_can_be_written_anew() {
        let text = [GIVEN, "---\nnothing: right\n"].concat();
        assert!(parse(&text).is_err());
        let case = Case::parse(Path::new("c.yaml"), &text, true).unwrap();
        assert!(case.expected.is_none());
    }
}
