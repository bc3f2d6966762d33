//! Pod Security: whether the API server's built-in admission lets the resulting pod into its
//! namespace, control by control.
//!
//! The standards are those of `k8s.io/pod-security-admission` (policy/check_*.go), all controls at
//! all versions, in its order and its words: what a person reads here is what the API server would
//! say. Which level holds comes from the namespace's labels, else from the API server's own
//! configuration, which a cluster does not show: the installation repeats it as [`Defaults`].

mod app_armor;
mod baseline;
mod control;
mod defaults;
mod restricted;
mod subject;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use super::pod::Pod;
use crate::kubernetes::keys::{ENFORCE, ENFORCE_VERSION};
pub use crate::template::PodSecurityLevel as Level;
pub use control::Control;
pub use defaults::{Defaults, DefaultsError};
pub(super) use restricted::is_restricted_capability;
use subject::{AuditScope, Whose};

/// A version of the standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// That of Kubernetes 1.x.
    Minor(u32),
    /// The newest that the cluster has.
    #[default]
    Latest,
}

impl Version {
    /// Reads `latest` or `v1.x`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Self::Latest);
        }
        let digits = text.strip_prefix("v1.")?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        plain.then_some(())?;
        digits.parse().ok().map(Self::Minor)
    }

    /// The minor version whose rules hold in a cluster of this one.
    fn in_cluster(self, newest: u32) -> u32 {
        match self {
            Self::Minor(minor) => minor.min(newest),
            Self::Latest => newest,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

/// What a namespace enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforced {
    /// The level.
    pub level: Level,
    /// Its version.
    pub version: Version,
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}

/// What the labels of a namespace say, else the defaults; a label that cannot be read means the
/// strictest level and the newest version (psa:api/helpers.go, `PolicyToEvaluate`).
pub fn enforced(labels: &BTreeMap<String, String>, defaults: &Defaults) -> Enforced {
    let level = labels.get(ENFORCE);
    let version = labels.get(ENFORCE_VERSION);
    Enforced {
        level: level.map_or(defaults.level, |word| {
            Level::parse(word).unwrap_or(Level::Restricted)
        }),
        version: version.map_or(defaults.version, |word| {
            Version::parse(word).unwrap_or_default()
        }),
    }
}

/// One control that a pod violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The control.
    pub control: Control,
    /// The containers concerned, by name, init containers first.
    pub containers: Vec<String>,
    /// The first field concerned, such as `spec.containers[0].securityContext.privileged`.
    pub path: String,
    /// What is wrong, in the API server's words: `allowPrivilegeEscalation != false`.
    pub reason: &'static str,
    /// The details, in the API server's words.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.detail)
    }
}

/// What a pod violates, in the API server's order; `newest`: the minor version of the cluster.
pub fn violations(pod: &Pod<'_>, level: Level, version: Version, newest: u32) -> Vec<Violation> {
    let whole = AuditScope {
        pod,
        whose: Whose::Everybody,
    };
    control::violations(&whole, level, version.in_cluster(newest))
}

/// The same for what one template adds: what is the user's own, or another template's, is left out.
pub(super) fn violations_by(
    pod: &Pod<'_>,
    template: &str,
    level: Level,
    version: Version,
    newest: u32,
) -> Vec<Violation> {
    let part = AuditScope {
        pod,
        whose: Whose::Template(template),
    };
    control::violations(&part, level, version.in_cluster(newest))
}

#[cfg(test)]
mod tests;
