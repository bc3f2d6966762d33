//! (family)

use super::Circumstances;
use super::pod::Pod;
use crate::finding::Finding;

/// Finds.
pub(super) fn check(_pod: &Pod<'_>, _with: &Circumstances<'_>, _findings: &mut Vec<Finding>) {}
