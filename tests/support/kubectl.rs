//! The real kubectl, of the API server's own version: what people see when they apply.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::control_plane::ControlPlane;
use super::failure::{During, Failure, Outcome};
use super::launch::programs;

/// How long kubectl may wait for one answer of the API server.
const PATIENCE: &str = "--request-timeout=30s";

/// kubectl as the administrator of a control plane, with a folder of its own for what it caches.
#[derive(Debug)]
pub(crate) struct Kubectl {
    programs: PathBuf,
    kubeconfig: PathBuf,
    folder: tempfile::TempDir,
}

/// What kubectl printed.
#[derive(Debug)]
pub(crate) struct Printed {
    /// Standard output.
    pub(crate) output: String,
    /// The texts behind `Warning: ` on standard error, in order.
    pub(crate) warnings: Vec<String>,
}

impl Kubectl {
    /// The kubectl that was built with the control plane; one on the PATH is of another version.
    pub(crate) fn new(control_plane: &ControlPlane) -> Outcome<Self> {
        let programs = programs()?;
        if !programs.join("kubectl").is_file() {
            return Err(Failure::new(format!(
                "no kubectl in {}: run tests/control-plane/build.sh again",
                programs.display()
            )));
        }
        Ok(Self {
            programs,
            kubeconfig: control_plane.kubeconfig(),
            folder: tempfile::tempdir().during("make a folder for kubectl")?,
        })
    }

    /// Applies one object in a namespace. An error where kubectl fails, or says anything on standard
    /// error that is no warning.
    pub(crate) fn apply(&self, namespace: &str, object: &Value) -> Outcome<Printed> {
        let file = self.folder.path().join("object.json");
        fs::write(&file, object.to_string()).during("write a manifest")?;
        let output = self
            .command(self.programs.join("kubectl").as_os_str())
            .args([PATIENCE, "--namespace", namespace, "apply", "-f"])
            .arg(&file)
            .output()
            .during("run kubectl apply")?;
        read(&output)
    }

    /// What a shell prints for a command that calls `kubectl`, standard error included, in `folder`.
    pub(crate) fn shell(&self, folder: &Path, command: &str) -> Outcome<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = self
            .command("sh".as_ref())
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .output()
            .during(&format!("run {command}"))?;
        String::from_utf8(output.stdout).during("read what a shell printed")
    }

    fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.folder.path())
            .env("HOME", self.folder.path());
        command
    }
}

fn read(output: &Output) -> Outcome<Printed> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let warnings: Option<Vec<String>> = errors
        .lines()
        .map(|line| line.strip_prefix("Warning: ").map(str::to_owned))
        .collect();
    match warnings {
        Some(warnings) if output.status.success() => Ok(Printed {
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            warnings,
        }),
        _ => Err(Failure::new(format!(
            "kubectl apply ended with {}: {errors}",
            output.status
        ))),
    }
}
