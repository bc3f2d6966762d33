//! Hooks and the time that the pod has to end.

use super::super::CheckContext;
use super::super::pod::{Container, DEFAULT_GRACE_PERIOD, Handler, Pod};
use super::command::seconds;
use crate::finding::{Code, Finding};
use crate::review::Text;

/// The first minor version that takes a sleep of 0 seconds everywhere (KEP-4818).
const NO_SLEEP: u32 = 33;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let grace = pod.field_by("terminationGracePeriodSeconds");
    for container in pod.running() {
        let by = with.later(container.field_by("lifecycle"), grace);
        if by.is_some() {
            let minor = Some(with.kubernetes_minor);
            findings.extend(hooks(pod, container, minor).map(|finding| finding.of(by)));
        }
    }
    findings.extend(grace.and_then(|by| shortened(pod, by)));
}

/// A template's grace period that is shorter than what the pod would have without it: where the user
/// gives one, it stays.
fn shortened(pod: &Pod<'_>, by: &str) -> Option<Finding> {
    let grace = pod.spec.grace_period();
    if grace >= DEFAULT_GRACE_PERIOD {
        return None;
    }
    let message = format!(
        "the pod gets a terminationGracePeriodSeconds of {grace} and would have {DEFAULT_GRACE_PERIOD} \
         without: an app that takes longer to end is killed"
    );
    let path = "spec.terminationGracePeriodSeconds";
    Some(Finding::new(Code::GracePeriodShortened, path, message).of(Some(by)))
}

/// The same in the user's own containers, with the user's own grace period.
pub(in crate::check) fn own_hooks(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if pod.field_by("terminationGracePeriodSeconds").is_some() {
        return;
    }
    let own = pod
        .running()
        .filter(|container| container.field_by("lifecycle").is_none());
    findings.extend(own.filter_map(|container| hooks(pod, container, None)));
}

/// `minor`: the version of Kubernetes, where it is known.
fn hooks(pod: &Pod<'_>, container: &Container<'_>, minor: Option<u32>) -> Option<Finding> {
    let lifecycle = container.lifecycle.as_ref()?;
    let hook = |field, handler| Hook {
        container,
        field,
        handler,
        grace: pod.spec.grace_period(),
        minor,
    };
    let (post_start, pre_stop) = (&lifecycle.post_start, &lifecycle.pre_stop);
    let starting = post_start
        .as_ref()
        .map(|handler| hook("postStart", handler));
    let ending = pre_stop.as_ref().map(|handler| hook("preStop", handler));
    let refused = starting.iter().chain(&ending).find_map(Hook::refused);
    refused.or_else(|| ending?.too_long())
}

struct Hook<'p, 'a> {
    container: &'p Container<'a>,
    field: &'static str,
    handler: &'p Handler<'a>,
    grace: i64,
    minor: Option<u32>,
}

impl Hook<'_, '_> {
    fn path(&self, field: &str) -> String {
        format!("{}.lifecycle.{}.{field}", self.container.place, self.field)
    }

    /// A pause that validation refuses (validation.go, `validateSleepAction`, for both hooks).
    fn refused(&self) -> Option<Finding> {
        let seconds = self.handler.sleep.as_ref()?.seconds;
        let (field, title, grace) = (self.field, self.container.title(), self.grace);
        let older = self.minor.filter(|minor| *minor < NO_SLEEP);
        let message = if let (0, Some(minor)) = (seconds, older) {
            format!(
                "the {field} hook of {title} sleeps 0s, which Kubernetes 1.{minor} refuses: leave the \
                 hook out, or update the cluster to 1.{NO_SLEEP} or newer"
            )
        } else if (0..=grace).contains(&seconds) {
            return None;
        } else if seconds < 0 {
            format!("the {field} hook of {title} sleeps {seconds}s, which is less than nothing")
        } else {
            format!(
                "the {field} hook of {title} sleeps {seconds}s, and the pod's grace period is {grace}s"
            )
        };
        let path = self.path("sleep.seconds");
        Some(Finding::new(Code::PreStopSleepRefused, path, message))
    }

    /// A hook that surely takes the whole time that the container has to end.
    fn too_long(&self) -> Option<Finding> {
        let (paused, field) = match (&self.handler.sleep, &self.handler.exec) {
            (Some(sleep), _) => (u64::try_from(sleep.seconds).ok()?, "sleep.seconds"),
            (None, Some(exec)) => {
                let command: Vec<&str> = exec.command.iter().flatten().map(Text::as_str).collect();
                (seconds(&command)?, "exec.command")
            }
            (None, None) => return None,
        };
        // Nobody has any time with a period of 0: that is wanted then.
        let grace = u64::try_from(self.grace).ok().filter(|grace| *grace > 0)?;
        if paused < grace {
            return None;
        }
        let title = self.container.title();
        let message = format!(
            "the preStop hook of {title} takes {paused}s or more of the pod's grace period of \
             {grace}s, so the container is killed before it can end"
        );
        Some(Finding::new(
            Code::PreStopTooLong,
            self.path(field),
            message,
        ))
    }
}
