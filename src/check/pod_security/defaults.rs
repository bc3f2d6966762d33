//! Which level and version hold: by the namespace's labels, else by the API server's own
//! configuration, which no request shows.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::kubernetes::keys::{ENFORCE, ENFORCE_VERSION};
use crate::template::PodSecurityLevel as Level;

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
    pub(crate) fn parse(text: &str) -> Option<Self> {
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
    pub(super) fn in_cluster(self, newest: u32) -> u32 {
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

/// What the API server's `PodSecurityConfiguration` says, as far as pods are refused by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// `defaults.enforce`.
    pub(crate) level: Level,
    /// `defaults.enforce-version`.
    pub(crate) version: Version,
    pub(crate) namespaces: Vec<String>,
    pub(crate) usernames: Vec<String>,
    pub(crate) runtime_classes: Vec<String>,
}

impl Default for Defaults {
    /// What holds without a configuration: privileged, and nobody is exempt.
    fn default() -> Self {
        Self {
            level: Level::Privileged,
            version: Version::Latest,
            namespaces: Vec::new(),
            usernames: Vec::new(),
            runtime_classes: Vec::new(),
        }
    }
}

/// Why a configuration cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefaultsError {
    /// No level.
    #[error("defaults.enforce: `{0}` is no level: privileged, baseline or restricted is wanted")]
    Level(String),
    /// No version.
    #[error("defaults.enforce-version: `{0}` is no version: latest or v1.x is wanted")]
    Version(String),
}

impl Defaults {
    /// Reads a `PodSecurityConfiguration` (pod-security.admission.config.k8s.io/v1).
    pub(crate) fn read(configuration: &Value) -> Result<Self, DefaultsError> {
        let default = |field: &str| {
            let value = configuration.get("defaults")?.get(field)?.as_str()?;
            (!value.is_empty()).then_some(value)
        };
        let level = default("enforce").map_or(Ok(Level::Privileged), |word| {
            Level::parse(word).ok_or_else(|| DefaultsError::Level(word.to_owned()))
        })?;
        let version = default("enforce-version").map_or(Ok(Version::Latest), |word| {
            Version::parse(word).ok_or_else(|| DefaultsError::Version(word.to_owned()))
        })?;
        let exempt = |field: &str| {
            let exemptions = configuration.get("exemptions");
            let listed = exemptions.and_then(|exemptions| exemptions.get(field)?.as_array());
            let names = listed.into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        Ok(Self {
            level,
            version,
            namespaces: exempt("namespaces"),
            usernames: exempt("usernames"),
            runtime_classes: exempt("runtimeClasses"),
        })
    }

    /// Whether pods of this namespace, by this user, or with this runtime class are exempt.
    pub(crate) fn exempt(
        &self,
        namespace: &str,
        user: Option<&str>,
        runtime_class: Option<&str>,
    ) -> bool {
        let among = |names: &[String], name: &str| names.iter().any(|known| known == name);
        among(&self.namespaces, namespace)
            || user.is_some_and(|user| !user.is_empty() && among(&self.usernames, user))
            || runtime_class
                .is_some_and(|class| !class.is_empty() && among(&self.runtime_classes, class))
    }
}
