//! What the chart refuses, and that it says what would be right.

use crate::chart::programs::{CHART, NAME, NAMESPACE, Programs};
use crate::support::failure::Outcome;

/// Settings, and a part of what Helm then says.
const REFUSED: &[(&str, &str)] = &[
    // The schema: unknown keys, other types, values out of range.
    ("replica=3", "additional properties 'replica' not allowed"),
    (
        "webhooks.failurePolicy=Fail",
        "additional properties 'failurePolicy' not allowed",
    ),
    ("image.tags=1", "additional properties 'tags' not allowed"),
    ("replicas=0", "minimum"),
    ("replicas=two", "got string, want integer"),
    ("ports.webhook=443", "minimum"),
    ("image.digest=latest", "does not match pattern"),
    ("certificates.mode=vault", "value must be one of"),
    (
        "webhooks.namespace.failurePolicy=Always",
        "value must be one of",
    ),
    ("webhooks.timeoutSeconds=30", "maximum"),
    (
        "webhooks.url=http://pillion.example.com",
        "does not match pattern",
    ),
    ("excludedNamespaces={Storage}", "does not match pattern"),
    ("service.ipFamilies={IPv5}", "value must be one of"),
    ("kubernetesVersion=1.3", "does not match pattern"),
    ("imagePullSecrets[0].name=regcred", "want string"),
    // What could hold up a cluster.
    (
        "replicas=1,webhooks.namespace.failurePolicy=Fail",
        "Set replicas",
    ),
    (
        "autoscaling.enabled=true,autoscaling.minReplicas=1,webhooks.namespace.failurePolicy=Fail",
        "Set replicas",
    ),
    // What cannot work.
    (
        "autoscaling.enabled=true,autoscaling.minReplicas=9",
        "more than autoscaling.maxReplicas",
    ),
    (
        "shutdown.drainSeconds=25",
        "must be less than shutdown.seconds",
    ),
    ("ports.admin=8443", "are the same"),
    (
        "webhooks.url=https://pillion.example.com",
        "names the Service only",
    ),
    (
        "certificates.mode=files",
        "set certificates.files.secretName",
    ),
    (
        "certificates.mode=files,certificates.files.secretName=tls,certificates.files.caBundle=LS0t",
        "no certificate in PEM",
    ),
    ("configuration.listen=:443", "follows from ports.webhook"),
    ("configuration.logLevel=debug", "follows from logLevel"),
];

#[test]
fn wrong_values_are_refused_with_what_would_be_right() -> Outcome {
    let programs = Programs::offline()?;
    for (setting, told) in REFUSED {
        let ended = programs.try_helm(&[
            "template",
            NAME,
            CHART,
            "--namespace",
            NAMESPACE,
            "--set",
            setting,
        ])?;
        assert!(!ended.success, "{setting} was taken");
        assert!(ended.errors.contains(told), "{setting}: {}", ended.errors);
    }
    Ok(())
}

/// The chart needs no value, and says what to do next in every mode.
#[test]
fn the_notes_tell_what_to_do_next() -> Outcome {
    let programs = Programs::offline()?;
    let table = [
        ("replicas=2", "writes caBundle"),
        (
            "certificates.mode=certManager",
            "wait certificate/pillion --for=condition=Ready",
        ),
        ("replicas=1", "WARNING: with one replica"),
        ("hostNetwork=true", "in the node's network"),
    ];
    for (setting, told) in table {
        let notes = programs.helm(&[
            "install",
            NAME,
            CHART,
            "--namespace",
            NAMESPACE,
            "--dry-run=client",
            "--set",
            setting,
        ])?;
        let notes = notes.split("NOTES:").nth(1).unwrap_or_default();
        assert!(notes.contains(told), "{setting}: {notes}");
        assert!(
            notes.contains("rollout status deployment/pillion"),
            "{notes}"
        );
    }
    Ok(())
}
