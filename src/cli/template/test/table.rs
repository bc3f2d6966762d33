//! `cases.yaml`: many cases in one table, for what differs in little from one pod.
//!
//! Every row begins with the `manifest` that the table has for all, or with another case (`like`),
//! and says what it changes there. A row with a `reason` says what must come of it; one without
//! expects what the case that it is like expects, but for the places in `differs`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::case::{Case, CaseInput, CaseNamespace, CasePlace, Parameters, manifest};
use super::change;
use super::expectation::{
    Expectation, ExpectedCode, ExpectedReason, ExpectedVerdict, Pointer, unsound,
};
use crate::cli::engine_options::KubernetesVersion;
use crate::cli::manifest::ManifestError;
use crate::cli::manifest::kinds::try_each_object;
use crate::inject::patch::escape;
use crate::kubernetes::keys::PARAMETER_INFIX;
use crate::template::node::{self, NodeValue};

/// The file, as it stands beside `template.yaml`.
#[derive(Debug)]
pub(super) struct Table {
    file: String,
    /// The template that the cases are for.
    template: String,
    manifest: Value,
    /// The rows with their names and lines, in the order of the file.
    rows: Vec<(String, u64, Value)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "manifest")]
    _manifest: Option<IgnoredAny>,
    #[serde(rename = "cases")]
    _cases: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    description: String,
    like: Option<String>,
    kind: Option<RowKind>,
    /// Annotations of the pod.
    #[serde(default)]
    set: BTreeMap<String, Option<String>>,
    /// Places of the pod.
    #[serde(default)]
    change: Map<String, Value>,
    kubernetes: Option<KubernetesVersion>,
    namespace: Option<CaseNamespace>,
    #[serde(default)]
    parameters: Parameters,

    verdict: Option<ExpectedVerdict>,
    reason: Option<ExpectedReason>,
    message: Option<String>,
    findings: Option<Vec<ExpectedCode>>,
    pod: Option<Map<String, Value>>,
    paths: Option<BTreeMap<Pointer, Value>>,
    #[serde(default)]
    differs: Map<String, Value>,
}

/// What the pod is made into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum RowKind {
    /// A Job that has the pod as its template, with `restartPolicy: Never`.
    Job,
}

impl Table {
    /// Reads the table of a template. An error is about the whole file; a row that is wrong says so
    /// when it is [resolved](Self::case).
    pub(super) fn parse(path: &Path, template: &str, text: &str) -> Result<Self, ManifestError> {
        let document = manifest(path, text)?;
        if document.documents.len() > 1 {
            let message = "a table of cases is one document, with `manifest` and `cases`";
            return Err(document.wrong(1, message.to_owned()));
        }
        let _: Head = document.typed(0)?;
        // The values are those of the document, where numbers are those that kubectl reads.
        let value = document.documents.first().map(|found| &found.value);
        let part = |key: &str| value.and_then(|value| value.get(key)).cloned();
        let lines = row_lines(text);
        let rows = part("cases").unwrap_or_default();
        Ok(Self {
            file: document.name.clone(),
            template: template.to_owned(),
            manifest: part("manifest").unwrap_or_default(),
            rows: rows
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, row)| {
                    let line = lines.iter().find(|(own, _)| own == name);
                    (name.clone(), line.map_or(1, |(_, line)| *line), row.clone())
                })
                .collect(),
        })
    }

    /// The names of the rows, in the order of the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|(name, ..)| name.as_str())
    }

    /// The case that a row amounts to. `others` are the cases that have files of their own. Where
    /// expectations are to be written anew, a wrong one is none.
    pub(super) fn case(
        &self,
        name: &str,
        others: &BTreeMap<String, Case>,
        update: bool,
    ) -> Result<Case, ManifestError> {
        let line = self.rows.iter().find(|(own, ..)| own == name);
        let place = CasePlace {
            file: self.file.clone(),
            line: line.map_or(1, |(_, line, _)| *line),
        };
        let resolved = self.resolve(name, others, &mut Vec::new(), update);
        let (description, given, expected) =
            resolved.map_err(|message| place.wrong(format!("case `{name}`: {message}")))?;
        Ok(Case {
            description,
            given,
            expected,
            place,
        })
    }

    /// A row as it was written.
    pub(super) fn row(&self, name: &str) -> Option<&Map<String, Value>> {
        let row = self.rows.iter().find(|(own, ..)| own == name);
        row.and_then(|(_, _, row)| row.as_object())
    }

    /// What a row that is like another expects before it says what differs.
    pub(super) fn inherited(
        &self,
        name: &str,
        others: &BTreeMap<String, Case>,
    ) -> Option<Expectation> {
        let mut written = self.row(name)?.clone();
        written.shift_remove("differs");
        written.shift_remove("findings");
        let row = serde_json::from_value(Value::Object(written)).ok()?;
        let resolved = self.apply(row, others, &mut vec![name.to_owned()], false);
        resolved.ok()?.2
    }

    fn resolve(
        &self,
        name: &str,
        others: &BTreeMap<String, Case>,
        seen: &mut Vec<String>,
        update: bool,
    ) -> Result<(String, CaseInput, Option<Expectation>), String> {
        // A name that is taken by a file too is that file's: the row is an error of its own.
        let other = others.get(name).filter(|_| !seen.is_empty());
        if other.is_none() && seen.iter().any(|own| own == name) {
            return Err(format!("it is like itself: {}", seen.join(" → ")));
        }
        seen.push(name.to_owned());
        let mut rows = self.rows.iter();
        let found = rows.find(|(own, ..)| own == name && other.is_none());
        let Some((_, _, own)) = found else {
            let other = other.ok_or_else(|| format!("there is no case `{name}` to be like"))?;
            return Ok((
                other.description.clone(),
                other.given.clone(),
                other.expected.clone(),
            ));
        };
        let row: Row = serde_json::from_value(own.clone()).map_err(|error| error.to_string())?;
        self.apply(row, others, seen, update)
    }

    fn apply(
        &self,
        row: Row,
        others: &BTreeMap<String, Case>,
        seen: &mut Vec<String>,
        update: bool,
    ) -> Result<(String, CaseInput, Option<Expectation>), String> {
        let (mut given, inherited) = match &row.like {
            Some(like) => {
                let (_, given, expected) = self.resolve(like, others, seen, update)?;
                (given, expected)
            }
            None if self.manifest.is_null() => {
                return Err("it is like no other case, and the table has no `manifest`".to_owned());
            }
            None => {
                let given = CaseInput {
                    manifest: self.manifest.clone(),
                    ..CaseInput::default()
                };
                (given, None)
            }
        };
        self.change_given(&row, &mut given)?;
        let description = row.description.clone();
        let expected = match self.expectation(row, inherited) {
            Err(_) if update => None,
            found => found?,
        };
        Ok((description, given, expected))
    }

    fn change_given(&self, row: &Row, given: &mut CaseInput) -> Result<(), String> {
        if row.kind == Some(RowKind::Job) {
            given.manifest = job(given.manifest.take())?;
        }
        try_each_object(&mut given.manifest, "", |identity, object| {
            let pod = identity.pod_pointer().and_then(|at| object.pointer_mut(at));
            pod.map_or(Ok(()), |pod| {
                self.set(row, pod)?;
                write_all(pod, &row.change)
            })
        })?;
        if let Some(KubernetesVersion(minor)) = row.kubernetes {
            given.kubernetes = Some(minor);
        }
        if row.namespace.is_some() {
            given.namespace.clone_from(&row.namespace);
        }
        given.parameters.extend(row.parameters.clone());
        Ok(())
    }

    /// Sets the row's annotations on a pod.
    fn set(&self, row: &Row, pod: &mut Value) -> Result<(), String> {
        for (key, value) in &row.set {
            let key = if key.contains('/') {
                key.clone()
            } else {
                format!("{}{PARAMETER_INFIX}{key}", self.template)
            };
            let pointer = Pointer(format!("/metadata/annotations/{}", escape(&key)));
            change::write(pod, &pointer, json!(value))?;
        }
        Ok(())
    }

    /// What must come of a row.
    fn expectation(
        &self,
        row: Row,
        inherited: Option<Expectation>,
    ) -> Result<Option<Expectation>, String> {
        let Some(reason) = row.reason.clone() else {
            return self.like_the_other(&row, inherited).map(Some);
        };
        if !row.differs.is_empty() {
            return Err("`differs` is for a row without a `reason`".to_owned());
        }
        let is_injected = row.pod.is_some() || row.paths.is_some();
        let verdict = row.verdict.unwrap_or(if is_injected {
            ExpectedVerdict::Injected
        } else {
            ExpectedVerdict::Denied
        });
        let expected = Expectation {
            verdict,
            reason,
            message: row.message,
            findings: row.findings.unwrap_or_default(),
            pod: row.pod,
            paths: row.paths,
        };
        match unsound(&expected) {
            Some(message) => Err(message.to_owned()),
            None => Ok(Some(expected)),
        }
    }

    fn like_the_other(
        &self,
        row: &Row,
        inherited: Option<Expectation>,
    ) -> Result<Expectation, String> {
        if row.verdict.is_some()
            || row.message.is_some()
            || row.pod.is_some()
            || row.paths.is_some()
        {
            return Err("it says what must come of it, but no `reason`".to_owned());
        }
        let missing = "says nothing of what must come of it: add a `reason` and what belongs to it, \
                       be `like` another case, or let --update write it";
        let mut expected = inherited.ok_or(missing)?;
        if let Some(pod) = expected.pod.take() {
            let mut pod = Value::Object(pod);
            if row.kind == Some(RowKind::Job) {
                as_template(&mut pod)?;
            }
            self.set(row, &mut pod)?;
            write_all(&mut pod, &row.differs)?;
            expected.pod = pod.as_object().cloned();
        } else if !row.differs.is_empty() {
            return Err("`differs` needs a case with a whole `pod` to be like".to_owned());
        }
        if let Some(findings) = &row.findings {
            expected.findings.clone_from(findings);
        }
        Ok(expected)
    }
}

fn write_all(pod: &mut Value, places: &Map<String, Value>) -> Result<(), String> {
    for (pointer, value) in places {
        change::write(pod, &Pointer::try_from(pointer.clone())?, value.clone())?;
    }
    Ok(())
}

/// A pod as the Job that makes it.
fn job(mut pod: Value) -> Result<Value, String> {
    if pod.get("kind") != Some(&Value::from("Pod")) {
        return Err("only a Pod can be made into a Job".to_owned());
    }
    let name = pod.pointer("/metadata/name").cloned();
    as_template(&mut pod)?;
    if let Some(fields) = pod.as_object_mut() {
        fields.retain(|key, _| key != "apiVersion" && key != "kind");
    }
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": pod},
    }))
}

/// Makes a pod the template of a Job: without a name, and not restarted.
fn as_template(pod: &mut Value) -> Result<(), String> {
    change::write(pod, &Pointer("/metadata/name".to_owned()), Value::Null)?;
    change::write(
        pod,
        &Pointer("/spec/restartPolicy".to_owned()),
        "Never".into(),
    )
}

/// The keys of `cases` with their lines, from 1.
pub(super) fn row_lines(text: &str) -> Vec<(String, u64)> {
    let documents = node::read(text).unwrap_or_default();
    let rows = documents.first().and_then(|document| document.get("cases"));
    match rows.map(|rows| &rows.value) {
        Some(NodeValue::Map(entries)) => entries
            .iter()
            .map(|entry| (entry.key.clone(), u64::from(entry.place.line)))
            .collect(),
        _ => Vec::new(),
    }
}
