//! Levels, versions, exemptions and attribution; that the controls are the API server's is shown
//! with a real one (`tests/pod_security`).

use serde_json::json;

use super::*;
use crate::kubernetes::keys::{ENFORCE, ENFORCE_VERSION};

#[test]
fn versions_are_read_as_the_api_server_reads_them() {
    let table = [
        ("latest", Some(Version::Latest)),
        ("v1.0", Some(Version::Minor(0))),
        ("v1.35", Some(Version::Minor(35))),
        ("v1.05", None),
        ("1.35", None),
        ("v2.0", None),
        ("v1.", None),
        ("v1.35.1", None),
        ("v1.99999999999", None),
    ];
    for (text, expected) in table {
        assert_eq!(Version::parse(text), expected, "{text}");
    }
    assert_eq!(Version::Minor(99).in_cluster(31), 31);
    assert_eq!(Version::Latest.in_cluster(31), 31);
    assert_eq!(Version::Minor(20).in_cluster(31), 20);
}

#[test]
fn labels_come_before_defaults_and_bad_ones_are_strict() {
    let defaults = Defaults {
        level: Level::Baseline,
        version: Version::Minor(30),
        ..Defaults::default()
    };
    let table: [(&[(&str, &str)], &str); 5] = [
        (&[], "baseline:v1.30"),
        (&[(ENFORCE, "restricted")], "restricted:v1.30"),
        (&[(ENFORCE_VERSION, "v1.31")], "baseline:v1.31"),
        (
            &[(ENFORCE, "Restrictd"), (ENFORCE_VERSION, "new")],
            "restricted:latest",
        ),
        (
            &[(ENFORCE, "privileged"), ("other", "x")],
            "privileged:v1.30",
        ),
    ];
    for (labels, expected) in table {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let found = enforced(&labels.collect(), &defaults);
        assert_eq!(found.to_string(), expected);
    }
}

#[test]
fn a_configuration_gives_defaults_and_exemptions() {
    let defaults = Defaults::read(&json!({
        "apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration",
        "defaults": {"enforce": "baseline", "enforce-version": "v1.31", "audit": "restricted"},
        "exemptions": {"usernames": ["robot"], "namespaces": ["infra"], "runtimeClasses": ["kata"]},
    }))
    .unwrap();
    assert_eq!(
        (defaults.level, defaults.version),
        (Level::Baseline, Version::Minor(31))
    );
    let table = [
        ("shop", None, None, false),
        ("infra", None, None, true),
        ("shop", Some("robot"), None, true),
        ("shop", Some(""), Some(""), false),
        ("shop", Some("person"), Some("kata"), true),
    ];
    for (namespace, user, class, expected) in table {
        assert_eq!(
            defaults.exempt(namespace, user, class),
            expected,
            "{namespace} {user:?}"
        );
    }
    assert_eq!(Defaults::read(&json!({})), Ok(Defaults::default()));
    let bad = |field: &str, word: &str| {
        let read = Defaults::read(&json!({"defaults": {field: word}}));
        read.unwrap_err().to_string()
    };
    assert!(bad("enforce", "strict").contains("`strict` is no level"));
    assert!(bad("enforce-version", "1.2").contains("`1.2` is no version"));
}

#[test]
fn controls_keep_their_order_and_their_names() {
    let of = |level| {
        let controls = Control::ALL
            .iter()
            .filter(move |control| control.level() == level);
        controls.map(|control| control.as_str()).collect::<Vec<_>>()
    };
    for level in [Level::Baseline, Level::Restricted] {
        assert!(of(level).is_sorted(), "{:?}", of(level));
    }
    assert_eq!(
        (of(Level::Baseline).len(), of(Level::Restricted).len()),
        (12, 7)
    );
}
