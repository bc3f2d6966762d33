//! What kubectl cannot read, or reads otherwise than Pillion does.

use super::LintCode;
use super::subject::LintContext;
use crate::kubernetes::kubectl_yaml;
use crate::template::node::Place;

/// Looks at the whole file, whose first template tells of it.
pub(super) fn lint(subject: &mut LintContext<'_>) {
    if let Some((line, problem)) = kubectl_yaml::find(&subject.source.text) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let place = Place { line, column: 1 };
        subject.add(LintCode::ReadOtherwise, place, "the file", problem);
    }
}
