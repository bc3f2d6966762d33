//! More helpers than is sane.

use super::super::CheckContext;
use super::super::pod::Pod;
use crate::finding::{Code, Finding};

/// As many templates are named.
const MOST_SHOWN: usize = 5;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>) -> Option<Finding> {
    let most = with.settings.most_helpers;
    let running = || pod.helpers().filter(|helper| helper.runs_beside());
    let count = running().count();
    if count <= most {
        return None;
    }
    let last = running().fold(None, |last, helper| with.later(last, helper.added_by));
    let mut templates: Vec<_> = running().filter_map(|helper| helper.added_by).collect();
    templates.sort_unstable();
    templates.dedup();
    let shown = templates.get(..MOST_SHOWN).unwrap_or(&templates).join(", ");
    let listed = if templates.len() > MOST_SHOWN {
        format!("{} templates, the first are {shown}", templates.len())
    } else {
        format!("templates {shown}")
    };
    let message =
        format!("{count} helpers run beside the app, and more than {most} are too many: {listed}");
    Some(Finding::new(Code::TooManyHelpers, "spec", message).of(last))
}
