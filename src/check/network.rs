//! (family)

use super::pod::Pod;
use crate::finding::Finding;

/// Finds.
pub(super) fn check(_pod: &Pod<'_>, _findings: &mut Vec<Finding>) {}
