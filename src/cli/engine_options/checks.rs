//! The flags that say what the resulting pod is checked with, and what follows.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use crate::check::pod_security::Defaults;
use crate::finding::{Policies, PolicyError};
use crate::inject::Settings;
use crate::kubernetes::object::list_at;

/// What resulting pods are checked with.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Images and findings")]
pub(super) struct CheckOptions {
    /// Pull the images of templates from this registry, such as registry.example.com/mirror,
    /// instead of their own; an image that somebody named stays.
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<String>,

    /// Whether resulting pods are checked at all.
    #[arg(long, value_name = "BOOLEAN", default_value_t = true, action = clap::ArgAction::Set)]
    checks: bool,

    /// What follows from a finding: Deny, Skip, Warn or Ignore (repeatable); a template and a
    /// namespace can choose otherwise.
    #[arg(long = "finding", value_name = "CODE=POLICY", value_delimiter = ',')]
    findings: Vec<Choice>,

    /// How many helpers may run beside one app without being found.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = crate::check::Settings::default().most_helpers
    )]
    most_helpers: usize,

    /// The API server's own configuration of Pod Security: a PodSecurityConfiguration, or the
    /// AdmissionConfiguration that holds it. Namespaces' labels win over its defaults.
    #[arg(long, value_name = "FILE")]
    pod_security_configuration: Option<PathBuf>,

    /// A registry, or the start of a reference, that needs a pull secret (repeatable).
    #[arg(long, value_name = "REGISTRY", value_delimiter = ',')]
    private_registry: Vec<String>,
}

/// The policy of one code, `CODE=POLICY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice(Policies);

impl FromStr for Choice {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (code, policy) = text
            .split_once('=')
            .ok_or_else(|| PolicyError::Form(text.to_owned()))?;
        let mut chosen = Policies::default();
        chosen.choose(code, policy)?;
        Ok(Self(chosen))
    }
}

impl CheckOptions {
    /// Writes the flags into the settings.
    pub(super) fn apply(&self, settings: &mut Settings) -> anyhow::Result<()> {
        if let Some(path) = &self.pod_security_configuration {
            let read = pod_security(path);
            settings.checks.pod_security = read.with_context(|| {
                format!(
                    "--pod-security-configuration {}: not a PodSecurityConfiguration",
                    path.display()
                )
            })?;
        }
        settings.registry.clone_from(&self.registry);
        for Choice(chosen) in &self.findings {
            settings.findings.extend(chosen);
        }
        settings.checks.enabled = self.checks;
        settings.checks.most_helpers = self.most_helpers;
        settings
            .checks
            .private_registries
            .clone_from(&self.private_registry);
        Ok(())
    }
}

/// Reads a `PodSecurityConfiguration`, by itself or as the plugin of an `AdmissionConfiguration`.
fn pod_security(path: &Path) -> anyhow::Result<Defaults> {
    let document: Value = serde_saphyr::from_str(&fs::read_to_string(path)?)?;
    let configuration = list_at(&document, "/plugins")
        .iter()
        .filter(|plugin| plugin.get("name").and_then(Value::as_str) == Some("PodSecurity"))
        .find_map(|plugin| plugin.get("configuration"))
        .unwrap_or(&document);
    match configuration.get("kind").and_then(Value::as_str) {
        Some("PodSecurityConfiguration") => Ok(Defaults::read(configuration)?),
        Some(other) => Err(anyhow!("its kind is {other}")),
        None => Err(anyhow!("it has no kind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Defaults, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        pod_security(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_configuration_stands_alone_or_in_the_plugin() {
        let alone = "kind: PodSecurityConfiguration\n\
                     defaults: {enforce: restricted, enforce-version: v1.30}\n\
                     exemptions: {namespaces: [storage]}\n";
        let inside = "kind: AdmissionConfiguration\nplugins:\n- name: ImagePolicyWebhook\n\
                      - name: PodSecurity\n  configuration:\n    kind: PodSecurityConfiguration\n    \
                      defaults: {enforce: restricted, enforce-version: v1.30}\n    \
                      exemptions: {namespaces: [storage]}\n";
        let found = read(alone).unwrap();
        assert_eq!(found.namespaces, ["storage"]);
        assert_eq!(read(inside).unwrap(), found);
    }

    #[test]
    fn what_is_none_is_named() {
        assert_eq!(read("kind: Pod").unwrap_err(), "its kind is Pod");
        assert_eq!(read("a: b").unwrap_err(), "it has no kind");
        let level = read("kind: PodSecurityConfiguration\ndefaults: {enforce: strict}\n");
        assert!(level.unwrap_err().contains("`strict` is no level"));
    }
}
