//! The decision log: one line for each pod, or workload, that was seen.

use std::time::Duration;

use crate::inject::{Decision, Endpoint, TemplateOutcome, Verdict};

/// Longest name in characters that is logged whole. Kubernetes allows 253; a request that did not
/// come from an API server could carry anything.
const NAME_LENGTH: usize = 253;

/// Longest sentence in characters that is logged whole.
const MESSAGE_LENGTH: usize = 1024;

/// A decision with what is known about its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecisionRecord<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) uid: &'a str,
    pub(crate) namespace: &'a str,
    /// The pod's name or generated name, or the workload's kind and name.
    pub(crate) pod: &'a str,
    pub(crate) dry_run: bool,
    pub(crate) decision: &'a Decision,
    /// How long deciding took.
    pub(crate) duration: Duration,
}

/// Logs a decision: at `debug` when the pod stays as it is, at `info` otherwise. The sentence is
/// logged for refusals, and for what was not applied: it is what the person was told, and the place
/// to look for it. So are findings.
pub(crate) fn log_decision(record: &DecisionRecord<'_>) {
    let decision = record.decision;
    let verdict = decision.verdict();
    let templates = joined(&decision.outcomes, |outcome| &outcome.template);
    let revision = joined(&decision.outcomes, |outcome| &outcome.revision);
    let all_findings = decision.logged_findings().join("; ");
    let findings = (!all_findings.is_empty()).then(|| cut(&all_findings, MESSAGE_LENGTH));
    let is_explained = matches!(
        verdict,
        Verdict::Denied | Verdict::Skipped | Verdict::Shadowed
    );
    let explanation = is_explained.then(|| cut(&decision.logged, MESSAGE_LENGTH));
    // A macro, as the level of an event is fixed where the event is written.
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(
                target: "pillion::decision",
                $level,
                endpoint = record.endpoint.as_str(),
                uid = cut(record.uid, NAME_LENGTH),
                namespace = cut(record.namespace, NAME_LENGTH),
                pod = cut(record.pod, NAME_LENGTH),
                verdict = verdict.as_str(),
                reason = decision.reason.code(),
                templates,
                revision,
                dry_run = record.dry_run,
                duration_us = u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
                explanation,
                findings,
                "decision"
            )
        };
    }
    if verdict == Verdict::Unchanged {
        event!(tracing::Level::DEBUG);
    } else {
        event!(tracing::Level::INFO);
    }
}

fn joined<'a>(
    outcomes: &'a [TemplateOutcome],
    part: impl Fn(&'a TemplateOutcome) -> &'a str,
) -> String {
    outcomes.iter().map(part).collect::<Vec<_>>().join(",")
}

/// The text, cut to at most `length` characters.
fn cut(text: &str, length: usize) -> &str {
    text.char_indices()
        .nth(length)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::inject::Reason;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(decision: &Decision) -> Option<serde_json::Value> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            log_decision(&DecisionRecord {
                endpoint: Endpoint::Advise,
                uid: "u-1",
                namespace: "shop",
                pod: &"x".repeat(300),
                dry_run: true,
                decision,
                duration: Duration::from_micros(17),
            });
        });
        let bytes = written.0.lock().unwrap().clone();
        (!bytes.is_empty()).then(|| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn a_refusal_is_logged_with_its_sentence() {
        let mut decision = Decision::plain(Reason::ParameterInvalid, "port: expected a number");
        decision.outcomes.push(TemplateOutcome {
            template: "pgbouncer".to_owned(),
            revision: "r1".to_owned(),
            reason: Reason::ParameterInvalid,
            message: String::new(),
            logged: String::new(),
            findings: Vec::new(),
        });
        let line = logged(&decision).unwrap();
        for (field, value) in [
            ("endpoint", "advise"),
            ("uid", "u-1"),
            ("namespace", "shop"),
            ("verdict", "Denied"),
            ("reason", "ParameterInvalid"),
            ("templates", "pgbouncer"),
            ("revision", "r1"),
            ("explanation", "port: expected a number"),
            ("level", "INFO"),
        ] {
            assert_eq!(line[field], value, "{field} in {line}");
        }
        assert_eq!(
            (&line["dry_run"], &line["duration_us"]),
            (&true.into(), &17.into())
        );
        assert_eq!(line["pod"].as_str().unwrap().len(), NAME_LENGTH);
    }

    #[test]
    fn an_untouched_pod_is_a_matter_of_debug_and_others_keep_their_sentence() {
        assert_eq!(
            logged(&Decision::plain(Reason::NotRequested, "nothing")),
            None
        );
        let line = logged(&Decision::plain(Reason::Applied, "what was added")).unwrap();
        assert!(line.get("explanation").is_none(), "{line}");
    }
}
