//! helm, kubectl and kubeconform, each with a folder of its own for what it keeps.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::failure::{During, Failure, Outcome};
use crate::support::launch;

/// The variable that names the folder of helm and kubeconform.
const TOOLS: &str = "PILLION_CHART_TOOLS";

/// Where the chart is.
pub(crate) const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart/pillion");

/// The name of every object, and the namespace that they are installed into.
pub(crate) const NAME: &str = "pillion";
pub(crate) const NAMESPACE: &str = "pillion-system";

/// The programs, as the administrator of one cluster where a kubeconfig is given.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Whether it did what it was asked.
    pub(crate) success: bool,
    /// Standard output.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) errors: String,
}

impl Programs {
    /// Programs that reach no cluster.
    pub(crate) fn offline() -> Outcome<Self> {
        Self::of("/nonexistent".into())
    }

    /// Programs of the cluster that a kubeconfig names.
    pub(crate) fn of(kubeconfig: PathBuf) -> Outcome<Self> {
        let folder = tempfile::tempdir().during("make a folder for helm and kubectl")?;
        Ok(Self { folder, kubeconfig })
    }

    /// `helm`; an error where it fails.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Outcome<String> {
        let ended = self.try_helm(arguments)?;
        granted("helm", arguments, ended)
    }

    /// `helm`, however it ends.
    pub(crate) fn try_helm(&self, arguments: &[&str]) -> Outcome<Ended> {
        self.run(&tools()?.join("helm"), arguments)
    }

    /// The kubectl of the control plane's version; an error where it fails.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Outcome<String> {
        let ended = self.try_kubectl(arguments)?;
        granted("kubectl", arguments, ended)
    }

    /// `kubectl`, however it ends.
    pub(crate) fn try_kubectl(&self, arguments: &[&str]) -> Outcome<Ended> {
        self.run(&launch::programs()?.join("kubectl"), arguments)
    }

    /// The object that `kubectl get` answers.
    pub(crate) fn get(&self, arguments: &[&str]) -> Outcome<Value> {
        let arguments = [&["get", "-o", "json", "--namespace", NAMESPACE], arguments].concat();
        let text = self.kubectl(&arguments)?;
        serde_json::from_str(&text).during("read what kubectl got")
    }

    /// `kubeconform`, however it ends.
    pub(crate) fn kubeconform(&self, arguments: &[&str]) -> Outcome<Ended> {
        self.run(&tools()?.join("kubeconform"), arguments)
    }

    /// What the chart renders for values files and further arguments, as Helm prints it.
    pub(crate) fn render(&self, arguments: &[&str]) -> Outcome<String> {
        let all = [
            &["template", NAME, CHART, "--namespace", NAMESPACE],
            arguments,
        ];
        self.helm(&all.concat())
    }

    /// A file of this value's own folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> Outcome<String> {
        let path = self.folder.path().join(name);
        fs::write(&path, content).during("write a file")?;
        Ok(path.display().to_string())
    }

    /// A program that finds helm and kubectl where these do.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str]) -> Outcome<Ended> {
        let folder = self.folder.path();
        let output = Command::new(program)
            .args(arguments.iter().map(OsStr::new))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", folder)
            .env("HOME", folder)
            .env("HELM_CACHE_HOME", folder.join("cache"))
            .env("HELM_CONFIG_HOME", folder.join("config"))
            .env("HELM_DATA_HOME", folder.join("data"))
            .output()
            .during(&format!("run {}", program.display()))?;
        Ok(ended(&output))
    }
}

fn ended(output: &Output) -> Ended {
    Ended {
        success: output.status.success(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn granted(program: &str, arguments: &[&str], ended: Ended) -> Outcome<String> {
    if ended.success {
        return Ok(ended.output);
    }
    let Ended { output, errors, .. } = ended;
    let arguments = arguments.join(" ");
    Err(Failure::new(format!(
        "{program} {arguments} failed:\n{errors}\n{output}"
    )))
}

/// The folder of helm, kubeconform and cert-manager's definitions. Without it nothing is skipped:
/// the test fails and says what to do.
pub(crate) fn tools() -> Outcome<PathBuf> {
    let folder = std::env::var_os(TOOLS).map(PathBuf::from);
    let folder = folder.filter(|folder| folder.join("helm").is_file());
    folder.ok_or_else(|| {
        Failure::new(format!(
            "{TOOLS} names no folder with helm in it: run `make test`, or `export \
             {TOOLS}=\"$(tests/chart/tools/build.sh)\"` before `cargo test`"
        ))
    })
}

/// The objects of a manifest.
pub(crate) fn objects(manifest: &str) -> Outcome<Vec<Value>> {
    let documents = manifest
        .split("\n---\n")
        .map(|one| one.trim_start_matches("---\n"));
    let documents = documents.map(serde_saphyr::from_str::<Option<Value>>);
    let objects: Result<Vec<_>, _> = documents.collect();
    let objects = objects.during("read a rendered manifest")?;
    Ok(objects.into_iter().flatten().collect())
}

/// The one object of a kind.
pub(crate) fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut of_kind = objects.iter().filter(|object| object["kind"] == kind);
    let first = of_kind.next();
    assert!(of_kind.next().is_none(), "several objects of kind {kind}");
    first.unwrap_or_else(|| panic!("no object of kind {kind}"))
}

/// The values files of the table, with their names, in order.
pub(crate) fn values() -> Outcome<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chart/values");
    let entries = fs::read_dir(&folder).during("list the values files")?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.during("list the values files")?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        files.push((name.into_owned(), path.display().to_string()));
    }
    files.sort();
    assert!(files.len() > 10, "the values files were not found");
    Ok(files)
}
