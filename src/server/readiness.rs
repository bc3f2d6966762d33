//! Whether the webhook may be sent requests, and if not, why not.
//!
//! Whoever prepares something holds readiness under a name with a reason, and releases it when
//! done; the server is ready when nothing holds it. The text of `/readyz` lists the reasons, because
//! "503" alone does not say whether to wait or to repair.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Readiness, shared by those who hold it back and those who ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readiness(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Readiness {
    /// Not ready as long as `name` is not released; the reason is for the person who must act.
    pub(crate) fn hold(&self, name: &'static str, reason: impl Into<String>) {
        self.reasons().insert(name, reason.into());
    }

    /// What was held under `name` is done.
    pub(crate) fn release(&self, name: &'static str) {
        self.reasons().remove(name);
    }

    /// `None` when ready, else a line for each reason.
    pub(crate) fn missing(&self) -> Option<String> {
        let reasons = self.reasons();
        (!reasons.is_empty()).then(|| {
            let lines = reasons
                .iter()
                .map(|(name, reason)| format!("not ready: {name}: {reason}"));
            lines.collect::<Vec<_>>().join("\n") + "\n"
        })
    }

    fn reasons(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        // A map of reasons is whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_nobody_holds_it() {
        let readiness = Readiness::default();
        assert_eq!(readiness.missing(), None);
        readiness.hold("templates", "being loaded");
        readiness.clone().hold("certificate", "expired");
        assert_eq!(
            readiness.missing().as_deref(),
            Some("not ready: certificate: expired\nnot ready: templates: being loaded\n")
        );
        readiness.release("templates");
        readiness.release("certificate");
        assert_eq!(readiness.missing(), None);
    }
}
