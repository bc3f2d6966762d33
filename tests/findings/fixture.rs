//! The fixtures of a code.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pillion::finding::Code;
use serde_json::Value;
use tempfile::TempDir;

use crate::corpus::pods::{self, Found};

/// One file of a code's folder, taken apart.
pub(crate) struct Fixture {
    /// The code.
    pub(crate) code: Code,
    /// The file's name without its extension.
    pub(crate) kind: &'static str,
    /// The templates.
    #[allow(dead_code, reason = "only the tests with an API server read them")]
    pub(crate) templates: Vec<Value>,
    /// The Namespace and what constrains it.
    #[allow(dead_code, reason = "only the tests with an API server read them")]
    pub(crate) surroundings: Vec<Value>,
    /// The pod, as its controller would make it.
    pub(crate) pod: Found,
    folder: PathBuf,
    /// Holds `templates/templates.yaml`, `namespaces.yaml` and `input.yaml`.
    scratch: TempDir,
    flags: Vec<String>,
}

/// The folder of a code.
pub(crate) fn folder(code: Code) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/findings");
    root.join(code.as_str())
}

/// The fixtures of this kind, `fail` or `pass`, of every code that has a folder.
pub(crate) fn all(kind: &'static str) -> Vec<Fixture> {
    let codes = Code::ALL.iter().copied();
    let codes = codes.filter(|code| folder(*code).is_dir());
    codes.map(|code| Fixture::read(code, kind)).collect()
}

impl Fixture {
    fn read(code: Code, kind: &'static str) -> Self {
        let folder = folder(code);
        let text = fs::read_to_string(folder.join(kind).with_extension("yaml"))
            .unwrap_or_else(|error| panic!("{code}: {kind}.yaml: {error}"));
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("templates")).unwrap();
        let (mut templates, mut surroundings, mut pods) = (Vec::new(), Vec::new(), Vec::new());
        for document in text.split("---\n") {
            let value: Value = serde_saphyr::from_str(document)
                .unwrap_or_else(|error| panic!("{code}: {kind}.yaml: {error}"));
            let file = match value["kind"].as_str().unwrap() {
                "ClusterInjectionTemplate" | "InjectionTemplate" => {
                    templates.push(value);
                    "templates/templates.yaml"
                }
                "Namespace" | "LimitRange" | "ResourceQuota" => {
                    surroundings.push(value);
                    "namespaces.yaml"
                }
                _ => {
                    pods.extend(pods::find(&value, "default"));
                    "input.yaml"
                }
            };
            let file = scratch.path().join(file);
            let mut file = fs::File::options()
                .create(true)
                .append(true)
                .open(file)
                .unwrap();
            writeln!(file, "---\n{document}").unwrap();
        }
        assert_eq!(pods.len(), 1, "{code}: {kind}.yaml has one pod");
        let flags = fs::read_to_string(folder.join("flags.txt")).unwrap_or_default();
        Self {
            code,
            kind,
            templates,
            surroundings,
            pod: pods.remove(0),
            folder,
            scratch,
            flags: flags.lines().map(str::to_owned).collect(),
        }
    }

    /// The expected lines.
    pub(crate) fn expected(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("fail.txt")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes the expected lines.
    pub(crate) fn write(&self, lines: &[String]) {
        fs::write(self.folder.join("fail.txt"), lines.join("\n") + "\n").unwrap();
    }

    /// The flags that make the engine.
    pub(crate) fn flags(&self) -> Vec<String> {
        let path = |name: &str| self.scratch.path().join(name).display().to_string();
        let mut flags = vec![format!("--templates={}", path("templates"))];
        if self.scratch.path().join("namespaces.yaml").is_file() {
            flags.push(format!("--namespace-manifest={}", path("namespaces.yaml")));
        }
        flags.extend(self.flags.iter().cloned());
        flags
    }

    fn run(&self, command: &str, extra: &[String], stdin: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pillion"))
            .arg(command)
            .args(self.flags())
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        child.wait_with_output().unwrap()
    }

    /// `pillion inject` on the manifest, with a report in JSON.
    pub(crate) fn inject(&self) -> Output {
        let input = self.scratch.path().join("input.yaml");
        let input = format!("-f={}", input.display());
        self.run("inject", &[input, "--report=json".to_owned()], b"")
    }

    /// `pillion review` on the review of the pod.
    pub(crate) fn review(&self, review: &[u8]) -> Output {
        self.run("review", &["-".to_owned()], review)
    }
}
