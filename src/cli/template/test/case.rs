//! A case: what is given, and what must come of it.
//!
//! Two YAML documents in one file. The first is the author's and is never written; the second is
//! the expectation, which `--update` writes anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::cli::engine_options::KubernetesVersion;
use crate::cli::manifest::{Document, Manifest, ManifestError};
use crate::finding::Code;
use crate::inject::{Namespace, Reason, Settings, Verdict};
use crate::wording::did_you_mean;

/// The first document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseInput {
    #[serde(default)]
    description: String,
    kubernetes: Option<KubernetesVersion>,
    namespace: Option<GivenNamespace>,
    #[serde(default)]
    parameters: BTreeMap<String, BTreeMap<String, String>>,
    // Its value is taken from the document, where numbers are those that kubectl reads.
    #[serde(rename = "manifest")]
    _manifest: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenNamespace {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The second document: what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    /// The pod's verdict.
    pub(super) verdict: ExpectedVerdict,
    /// The code of its reason.
    pub(super) reason: ExpectedReason,
    /// The whole message of a verdict that [tells one](super::compare::tells).
    pub(super) message: Option<String>,
    /// Codes of findings.
    #[serde(default)]
    pub(super) findings: Vec<ExpectedCode>,
    /// The whole pod.
    pub(super) pod: Option<Map<String, Value>>,
    /// Single places of the pod; `null`: absent.
    pub(super) paths: Option<BTreeMap<Pointer, Value>>,
}

/// One of the verdicts, as a case spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum ExpectedVerdict {
    Denied,
    Injected,
    Shadowed,
    Skipped,
    Unchanged,
}

impl From<ExpectedVerdict> for Verdict {
    fn from(expected: ExpectedVerdict) -> Self {
        match expected {
            ExpectedVerdict::Denied => Self::Denied,
            ExpectedVerdict::Injected => Self::Injected,
            ExpectedVerdict::Shadowed => Self::Shadowed,
            ExpectedVerdict::Skipped => Self::Skipped,
            ExpectedVerdict::Unchanged => Self::Unchanged,
        }
    }
}

/// The code of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ExpectedReason(pub(super) String);

impl TryFrom<String> for ExpectedReason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let own = Reason::OWN.iter().map(|reason| reason.code());
        let codes: Vec<_> = own
            .chain(Code::ALL.iter().map(|code| code.as_str()))
            .collect();
        let known = codes.iter().find(|code| **code == text);
        let hint = || did_you_mean(&text, codes.iter().copied());
        known
            .map(|code| Self((*code).to_owned()))
            .ok_or_else(|| format!("there is no reason `{text}`{}", hint()))
    }
}

/// The code of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ExpectedCode(pub(super) Code);

impl TryFrom<String> for ExpectedCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hint = || did_you_mean(&text, Code::ALL.iter().map(|code| code.as_str()));
        Code::parse(&text)
            .map(Self)
            .ok_or_else(|| format!("there is no code of a finding `{text}`{}", hint()))
    }
}

/// A JSON pointer (RFC 6901) to a place of the pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pointer(pub(super) String);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let escaped = text.split('~').skip(1);
        let mut escapes = escaped.map(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escapes.all(|is_right| is_right) {
            return Ok(Self(text));
        }
        Err(format!(
            "expected a JSON pointer such as /spec/containers/0/env, with ~1 for a / in a key and \
             ~0 for a ~, but got `{text}`"
        ))
    }
}

/// One case, read.
#[derive(Debug)]
pub(super) struct Case {
    /// What the case is for.
    pub(super) description: String,
    /// The installation and its namespaces.
    pub(super) settings: Settings,
    /// The namespace of a manifest that names none.
    pub(super) namespace: String,
    /// The manifest.
    pub(super) manifest: Value,
    /// What must come of it; `None` where the file does not say it yet.
    pub(super) expected: Option<Expectation>,
    text: Manifest,
}

impl Case {
    /// Reads a case. Where its expectation is to be written anew, a wrong one is none.
    pub(super) fn parse(path: &Path, text: &str, update: bool) -> Result<Self, ManifestError> {
        let name = path.display().to_string();
        let text = Manifest::parse(name, Some(PathBuf::from(path)), text)?;
        let given: CaseInput = text.typed(0)?;
        let manifest = value(&text, 0, "manifest");
        let expected = match expectation(&text) {
            Err(_) if update => None,
            found => found?,
        };
        let mut settings = Settings::default();
        if let Some(KubernetesVersion(minor)) = given.kubernetes {
            settings.kubernetes_minor = minor;
        }
        for (template, values) in given.parameters {
            let keyed = |(name, value)| ((template.clone(), name), value);
            settings.parameters.extend(values.into_iter().map(keyed));
        }
        let named = given.namespace.as_ref().and_then(|own| own.name.clone());
        let namespace = named.unwrap_or_else(|| "default".to_owned());
        if let Some(own) = given.namespace {
            let known = Namespace {
                labels: own.labels,
                annotations: own.annotations,
                ..Namespace::default()
            };
            settings.namespaces.insert(&namespace, known);
        }
        Ok(Self {
            description: given.description,
            settings,
            namespace,
            manifest,
            expected,
            text,
        })
    }

    /// An error about what is given.
    pub(super) fn wrong(&self, message: String) -> ManifestError {
        self.text.wrong(0, message)
    }

    /// The file's text with this expectation.
    pub(super) fn with_expectation(&mut self, expectation: Value) -> Result<String, ManifestError> {
        self.text.with_document(1, expectation)
    }
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

/// What an expectation cannot say.
fn unsound(expected: &Expectation) -> Option<&'static str> {
    let told = (expected.pod.is_some(), expected.paths.is_some());
    match (expected.verdict, told) {
        (_, (true, true)) => {
            Some("`pod` is the whole pod, `paths` single places of it: one of them")
        }
        (ExpectedVerdict::Denied, (false, false)) => None,
        (ExpectedVerdict::Denied, _) => Some("there is no pod where the verdict is Denied"),
        (ExpectedVerdict::Injected, (false, false)) => {
            Some("where the verdict is Injected, say what the pod must be: `pod`, or `paths`")
        }
        _ => None,
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
        assert_eq!(case.settings.kubernetes_minor, 28);
        let key = ("pgbouncer".to_owned(), "port".to_owned());
        assert_eq!(case.settings.parameters[&key], "5433");
        assert_eq!(case.namespace, "shop");
        assert_eq!(case.settings.namespaces.get("shop").labels["a"], "b");
        assert_eq!(case.manifest["mode"], 0o644);
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
        let mut case = parse(&text).unwrap();
        let written = case.with_expectation(wanted.clone()).unwrap();
        assert_eq!(
            written,
            [GIVEN, "---\n# Why.\nverdict: Unchanged\n"].concat()
        );
        for ending in ["", "---\n"] {
            let mut case = parse(&[GIVEN, ending].concat()).unwrap();
            let written = case.with_expectation(wanted.clone()).unwrap();
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
