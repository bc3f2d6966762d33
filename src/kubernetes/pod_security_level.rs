//! The levels of the Pod Security Standards: what a template says that it needs, and what a
//! namespace enforces.

use std::fmt;

/// Capabilities that the level *baseline* lets containers add (psa:policy,
/// `check_capabilities_baseline.go`).
pub(crate) const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// A level of the Pod Security Standards, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodSecurityLevel {
    /// Everything is allowed.
    Privileged,
    /// Known escalations of privilege are not.
    Baseline,
    /// Only what hardened pods do.
    Restricted,
}

impl PodSecurityLevel {
    /// The words of labels and templates.
    pub(crate) const NAMES: [(&'static str, Self); 3] = [
        ("privileged", Self::Privileged),
        ("baseline", Self::Baseline),
        ("restricted", Self::Restricted),
    ];

    /// The level of this word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        names
            .find(|(name, _)| *name == word)
            .map(|(_, level)| *level)
    }

    /// The word of labels and templates.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for PodSecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
