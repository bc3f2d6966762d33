//! A case of the corpus: its files, and the engine that they make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use pillion::inject::{Engine, Namespace, Settings};
use pillion::template::{Catalog, Source, built_in};
use serde::Deserialize;
use serde_json::Value;

use crate::corpus::pods::texts;

/// What `options.yaml` holds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Options {
    /// The cluster's version, such as `"1.28"`.
    pub(crate) kubernetes_version: Option<String>,
    /// The namespace of objects that name none.
    pub(crate) namespace: Option<String>,
    /// Templates for every pod.
    pub(crate) inject: Vec<String>,
    /// Parameters for every pod, `template.parameter` to value.
    pub(crate) set: BTreeMap<String, String>,
}

/// One folder of the corpus.
#[derive(Debug)]
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    folder: PathBuf,
    /// What the options say.
    pub(crate) options: Options,
}

/// The cases, sorted by name; those that `CASE` begins, where it is set.
pub(crate) fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut cases: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(Case::load)
        .filter(|case| case.name.starts_with(&wanted))
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty(), "no case begins with {wanted:?}");
    cases
}

/// Reads a YAML document as `kubectl` does: `0644` is octal. Words such as `no` stand in quotes in all.
pub(crate) fn yaml(text: &str) -> Value {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|error| panic!("{error}"))
}

/// The documents of a YAML stream whose documents are separated by lines of `---`.
pub(crate) fn documents(text: &str) -> Vec<&str> {
    text.split("\n---\n").collect()
}

impl Case {
    fn load(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let options = fs::read_to_string(folder.join("options.yaml"));
        let options = options.map_or_else(
            |_| Options::default(),
            |text| serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}")),
        );
        Self {
            name,
            folder,
            options,
        }
    }

    /// The text of a file, where it is there.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    /// The manifests.
    pub(crate) fn input(&self) -> String {
        self.file("input.yaml")
            .unwrap_or_else(|| panic!("{}: no input.yaml", self.name))
    }

    /// Writes a file, or removes it.
    pub(crate) fn write(&self, name: &str, text: Option<&str>) {
        let path = self.folder.join(name);
        match text {
            Some(text) => fs::write(path, text).unwrap(),
            None if path.exists() => fs::remove_file(path).unwrap(),
            None => {}
        }
    }

    /// The namespace of objects that name none.
    pub(crate) fn default_namespace(&self) -> &str {
        self.options.namespace.as_deref().unwrap_or("default")
    }

    /// The annotations that the options stand for.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        let set = self.options.set.iter().map(|(key, value)| {
            let (template, parameter) = key.split_once('.').unwrap();
            (
                format!("{template}.pillion.dev/{parameter}"),
                value.to_owned(),
            )
        });
        let mut annotations: BTreeMap<_, _> = set.collect();
        if !self.options.inject.is_empty() {
            let list = self.options.inject.join(",");
            annotations.insert("pillion.dev/inject".to_owned(), list);
        }
        annotations
    }

    /// Runs the program in the case's folder, so that messages name files by their short paths.
    fn run(&self, arguments: &[String], stdin: Option<&[u8]>) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pillion"))
            .args(arguments)
            .current_dir(&self.folder)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let bytes = stdin.unwrap_or_default().to_owned();
        let writer = std::thread::spawn(move || {
            use std::io::Write as _;
            // A program that ends early does not read on; its answer says why.
            let _ = input.write_all(&bytes);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// The flags that make the engine.
    fn engine_flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if self.folder.join("templates").is_dir() {
            flags.push("--templates=templates".to_owned());
        }
        if self.folder.join("namespace.yaml").is_file() {
            flags.push("--namespace-manifest=namespace.yaml".to_owned());
        }
        if let Some(version) = &self.options.kubernetes_version {
            flags.push(format!("--kubernetes-version={version}"));
        }
        flags
    }

    /// `pillion inject` on the case's manifests.
    pub(crate) fn inject(&self, extra: &[&str]) -> Output {
        let mut arguments = vec!["inject".to_owned(), "-f=input.yaml".to_owned()];
        arguments.push(format!("--namespace={}", self.default_namespace()));
        arguments.extend(self.engine_flags());
        if !self.options.inject.is_empty() {
            arguments.push(format!("--inject={}", self.options.inject.join(",")));
        }
        let set = self.options.set.iter();
        arguments.extend(set.map(|(key, value)| format!("--set={key}={value}")));
        arguments.extend(extra.iter().map(|&flag| flag.to_owned()));
        self.run(&arguments, None)
    }

    /// `pillion uninject` on manifests.
    pub(crate) fn uninject(&self, manifests: &[u8]) -> Output {
        self.run(&["uninject".to_owned()], Some(manifests))
    }

    /// `pillion review` on a review.
    pub(crate) fn review(&self, review: &[u8]) -> Output {
        self.about(&["review", "-"], review)
    }

    /// `pillion explain -o json` on a review.
    pub(crate) fn explain(&self, review: &[u8]) -> Output {
        self.about(&["explain", "-", "--output=json"], review)
    }

    fn about(&self, command: &[&str], review: &[u8]) -> Output {
        let mut arguments: Vec<_> = command.iter().map(|&word| word.to_owned()).collect();
        arguments.extend(self.engine_flags());
        if self.input().contains("kind: Namespace\n") {
            arguments.push("--namespace-manifest=input.yaml".to_owned());
        }
        self.run(&arguments, Some(review))
    }

    /// The engine with the case's templates and namespaces, without the command line.
    pub(crate) fn engine(&self) -> Engine {
        let catalog = Catalog::load(&self.sources(), None).0;
        Engine::new(Arc::new(catalog), Arc::new(self.settings()))
    }

    /// The files of the case's templates.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let Ok(entries) = fs::read_dir(self.folder.join("templates")) else {
            return built_in::sources();
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let source = |path: &PathBuf| Source {
            path: format!("templates/{}", path.file_name().unwrap().to_string_lossy()),
            text: fs::read_to_string(path).unwrap(),
        };
        paths.iter().map(source).collect()
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        if let Some(version) = &self.options.kubernetes_version {
            let minor = version.rsplit('.').next().unwrap();
            settings.kubernetes_minor = minor.parse().unwrap();
        }
        let namespaces = [self.file("namespace.yaml"), self.file("input.yaml")];
        for text in namespaces.into_iter().flatten() {
            for document in documents(&text).into_iter().map(yaml) {
                if document["kind"] == "Namespace" {
                    let name = document["metadata"]["name"].as_str().unwrap();
                    let namespace = Namespace {
                        labels: texts(&document["metadata"]["labels"]),
                        annotations: texts(&document["metadata"]["annotations"]),
                        ..Namespace::default()
                    };
                    settings.namespaces.insert(name, namespace);
                }
            }
        }
        settings
    }
}
