//! Requests, limits and quotas.

use super::Circumstances;
use super::pod::Pod;
use crate::finding::Finding;

/// A LimitRange of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRange {
    /// Its name.
    pub name: String,
}

/// A ResourceQuota of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: String,
}

/// Finds.
pub(super) fn check(_pod: &Pod<'_>, _with: &Circumstances<'_>, _findings: &mut Vec<Finding>) {}
