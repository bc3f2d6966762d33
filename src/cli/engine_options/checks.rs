//! The flags that say what the resulting pod is checked with, and what follows.

use std::str::FromStr;

use crate::finding::{Policies, PolicyError};
use crate::inject::Settings;

/// What resulting pods are checked with.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Images and findings")]
pub(super) struct CheckOptions {
    /// Pull the images of templates from this registry, such as registry.example.com/mirror,
    /// instead of their own; an image that somebody named stays.
    #[arg(long, value_name = "REGISTRY", env = "PILLION_REGISTRY")]
    registry: Option<String>,

    /// Whether resulting pods are checked at all.
    #[arg(
        long,
        value_name = "BOOLEAN",
        env = "PILLION_CHECKS",
        default_value_t = true,
        action = clap::ArgAction::Set
    )]
    checks: bool,

    /// What follows from a finding: Deny, Skip, Warn or Ignore (repeatable); a template and a
    /// namespace can choose otherwise.
    #[arg(
        long = "finding",
        value_name = "CODE=POLICY",
        env = "PILLION_FINDING",
        value_delimiter = ','
    )]
    findings: Vec<Choice>,

    /// How many helpers may run beside one app without being found.
    #[arg(
        long,
        value_name = "NUMBER",
        env = "PILLION_MOST_HELPERS",
        default_value_t = crate::check::Settings::default().most_helpers
    )]
    most_helpers: usize,

    /// A registry, or the start of a reference, that needs a pull secret (repeatable).
    #[arg(
        long,
        value_name = "REGISTRY",
        env = "PILLION_PRIVATE_REGISTRY",
        value_delimiter = ','
    )]
    private_registry: Vec<String>,
}

/// The policy of one code, `CODE=POLICY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice(Policies);

impl FromStr for Choice {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PolicyError::Form(text.to_owned());
        let (code, policy) = text.split_once('=').ok_or_else(wrong)?;
        let mut chosen = Policies::default();
        chosen.choose(code, policy)?;
        Ok(Self(chosen))
    }
}

impl CheckOptions {
    /// Writes the flags into the settings.
    pub(super) fn apply(&self, settings: &mut Settings) {
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
    }
}
