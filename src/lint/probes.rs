//! Probes that fit the helper.

use super::LintCode;
use super::subject::{LintContext, has};
use crate::template::compiled::Pattern;
use crate::template::node::NodeValue;

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

pub(super) fn lint(subject: &mut LintContext<'_>) {
    let is_needed_by_pattern = matches!(
        subject.template.pattern,
        Pattern::Ambassador | Pattern::Adapter
    );
    for helper in subject
        .helpers()
        .into_iter()
        .filter(|helper| helper.is_sidecar)
    {
        if !PROBES.iter().any(|probe| has(helper.node, probe)) {
            let message = format!(
                "`{}` has no probe: give it a `livenessProbe` or a `startupProbe`, so that \
                 somebody notices when it hangs",
                helper.name
            );
            subject.add(
                LintCode::ProbeMissing,
                helper.node.place,
                &helper.path,
                message,
            );
        }
        let wait = helper.node.get("waitForReady");
        // Who gives both probes has thought of when the app can do without it.
        let waits = wait.is_some_and(|node| node.value == NodeValue::Boolean(true))
            || has(helper.node, "startupProbe");
        let readiness = helper.node.get("readinessProbe");
        if let (Some(probe), false, false) = (readiness, is_needed_by_pattern, waits) {
            let message = format!(
                "when `{}` is not ready, the app is taken out of its Service; use a \
                 `livenessProbe` or `startupProbe`, or `waitForReady: true` where the app needs it",
                helper.name
            );
            let field = format!("{}.readinessProbe", helper.path);
            subject.add(LintCode::ReadinessNotNeeded, probe.place, &field, message);
        }
    }
}
