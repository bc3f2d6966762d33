//! `pillion check`: the multi-container mistakes of manifests, whatever templates would add.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use serde_json::{Value, json};

use super::Status;
use super::flag_values::{FilenameFlag, PodPathFlag, TextOrJson};
use super::manifest::Manifest;
use super::manifest::kinds::{self, Identity};
use super::manifest::types::TypeFault;
use super::streams::Streams;
use super::terminal::{Colour, Paint, printable};
use crate::check::{Settings, of_pod};
use crate::finding::Finding;
use crate::inject;

/// Check the pods of manifests for what goes wrong between containers, without templates.
///
/// Ports and paths that clash, servers that keep a Job from ending, memory volumes above limits, and
/// more of docs/findings.md; and values of another type than the API gives them, with their line. The exit
/// status is 1 where something is found.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion check manifests/\n\
    \x20 kustomize build . | pillion check")]
pub(crate) struct CheckManifests {
    /// Manifests to read: files, directories with everything below them, or - for standard input
    #[arg(value_name = "FILE|DIR|-", default_value = "-")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    filename: FilenameFlag,

    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,

    #[command(flatten)]
    pod_paths: PodPathFlag,

    /// How to write what is found; the JSON is a list with one entry for each object that holds a pod
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: TextOrJson,
}

/// An object that holds a pod, and what is wrong with the pod.
struct Checked {
    file: String,
    identity: Identity,
    findings: Vec<Finding>,
    /// What of the pod has another type than the API gives it.
    fault: Option<TypeFault>,
}

impl Checked {
    fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.fault.is_none()
    }
}

impl CheckManifests {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let files = self.filename.or(&self.files);
        let is_stdin = files.iter().any(|file| file.as_os_str() == "-");
        if is_stdin && streams.is_typed() {
            bail!("no manifests: name files or directories, or send manifests to standard input");
        }
        let mut checked = Vec::new();
        for manifest in Manifest::read(files, streams)? {
            self.check(manifest, &mut checked);
        }
        let text = match self.output {
            TextOrJson::Text => text(&checked, streams.out()),
            TextOrJson::Json => json(&checked),
        };
        streams.print(text)?;
        let is_clean = checked.iter().all(Checked::is_clean);
        Ok(Status::refused_if(!is_clean))
    }

    fn check(&self, mut manifest: Manifest, checked: &mut Vec<Checked>) {
        let file = manifest.name.clone();
        let scope = self.pod_paths.scope(&self.namespace);
        for document in &mut manifest.documents {
            let mut found = Vec::new();
            kinds::each_object(&mut document.value, scope, |identity, object| {
                found.extend(check_object(&file, identity, object));
            });
            for fault in found.iter_mut().filter_map(|one| one.fault.as_mut()) {
                fault.say_where(document, &file);
            }
            checked.extend(found);
        }
    }
}

/// What is wrong with the pod of an object; `None` where it holds none.
fn check_object(file: &str, identity: &Identity, object: &mut Value) -> Option<Checked> {
    let pointer = identity.pod_pointer()?;
    let pod = object.pointer(pointer)?;
    Some(Checked {
        file: file.to_owned(),
        identity: identity.clone(),
        findings: findings(pod),
        fault: TypeFault::find(object, pointer).map(|fault| fault.below(&identity.place)),
    })
}

fn findings(pod: &Value) -> Vec<Finding> {
    let minor = inject::Settings::default().kubernetes_minor;
    of_pod(pod, &Settings::default(), minor)
}

fn text(checked: &[Checked], paint: Paint) -> String {
    let mut text = String::new();
    for checked in checked.iter().filter(|one| !one.is_clean()) {
        let title = format!("{} ({})", checked.identity, checked.file);
        let _ = writeln!(text, "{}", paint.text(Colour::Bold, &printable(&title)));
        if let Some(TypeFault { sentence, .. }) = &checked.fault {
            let _ = writeln!(text, "  {}", printable(sentence));
        }
        for finding in &checked.findings {
            let (code, path) = (finding.code, printable(&finding.path));
            let _ = writeln!(text, "  {code}: {}", printable(&finding.message));
            let _ = writeln!(text, "    at {path}; {}", code.help());
        }
    }
    let count: usize = checked.iter().map(|one| one.findings.len()).sum();
    let _ = write!(text, "pods checked: {}, findings: {count}", checked.len());
    let faults = checked.iter().filter(|one| one.fault.is_some()).count();
    if faults > 0 {
        let _ = write!(text, ", with a value of a wrong type: {faults}");
    }
    text.push('\n');
    text
}

fn json(checked: &[Checked]) -> String {
    let list: Value = checked.iter().map(object_json).collect();
    format!("{list:#}\n")
}

fn object_json(checked: &Checked) -> Value {
    let identity = &checked.identity;
    json!({
        "file": checked.file,
        "apiVersion": identity.api_version,
        "kind": identity.kind,
        "namespace": identity.namespace,
        "name": identity.name,
        "problem": checked.fault.as_ref().map(|fault| &fault.sentence),
        "findings": checked.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "code": finding.code.as_str(),
        "severity": finding.code.severity().as_str(),
        "path": finding.path,
        "message": finding.message,
        "help": finding.code.help(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_checked_without_templates() {
        let port = |name: &str| json!({"name": name, "ports": [{"containerPort": 80}]});
        let pod = json!({"spec": {"containers": [port("web"), port("admin")]}});
        let codes: Vec<_> = findings(&pod)
            .iter()
            .map(|finding| finding.code.as_str())
            .collect();
        assert_eq!(codes, ["PortConflict"]);
        let alone = json!({"spec": {"containers": [port("web")]}});
        assert!(findings(&alone).is_empty());
    }
}
