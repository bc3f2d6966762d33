//! The ways that a finding comes to somebody.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pillion::finding::{Code, Family};
use serde_json::Value;

use crate::corpus::reviews::{self, Answered};
use crate::findings::fixture::{self, Fixture};
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Server, wait_for};

/// Codes that no pod and its templates alone can show: they are about objects that exist or not in
/// a cluster.
const OF_A_CLUSTER: Family = Family::References;

/// The code of a second call under the same revision, which no file can name for all releases; the
/// tests of reinvocation show it.
const OF_A_SECOND_CALL: Code = Code::ChangedByOther;

#[test]
fn every_code_has_its_fixtures() {
    let missing = |code: &&Code| {
        code.family() != OF_A_CLUSTER
            && **code != OF_A_SECOND_CALL
            && !fixture::folder(**code).is_dir()
    };
    let missing: Vec<_> = Code::ALL.iter().filter(missing).collect();
    assert!(
        missing.is_empty(),
        "no fixtures in tests/findings: {missing:?}"
    );
    let root = fixture::folder(Code::PortConflict).join("..");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    for folder in folders.filter(|entry| entry.path().is_dir()) {
        let name = folder.file_name().into_string().unwrap();
        assert!(Code::parse(&name).is_some(), "{name} is no code");
    }
}

/// A finding of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    template: String,
    policy: String,
    message: String,
}

/// The report of `pillion inject`: the object, and what it tells of the fixture's code.
fn reported(fixture: &Fixture) -> (Value, Vec<Told>) {
    let output = fixture.inject();
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(line)
        .unwrap_or_else(|_| panic!("{} {}: {text}", fixture.code, fixture.kind));
    let object = report["objects"][0].clone();
    let of = |template: &str, findings: &Value| -> Vec<Told> {
        let findings = findings.as_array().unwrap().iter();
        let own = findings.filter(|finding| finding["code"] == fixture.code.as_str());
        let told = own.filter(|finding| finding["policy"] != "Ignore");
        told.map(|finding| Told {
            template: template.to_owned(),
            policy: finding["policy"].as_str().unwrap().to_owned(),
            message: finding["message"].as_str().unwrap().to_owned(),
        })
        .collect()
    };
    let outcomes = object["templates"].as_array().unwrap().iter();
    let mut told: Vec<_> = outcomes
        .flat_map(|outcome| of(outcome["template"].as_str().unwrap(), &outcome["findings"]))
        .collect();
    told.extend(of("", &object["findings"]));
    (object, told)
}

/// `TEMPLATE: CODE: sentence`, as in a warning.
fn line(code: Code, told: &Told) -> String {
    match told.template.as_str() {
        "" => format!("{code}: {}", told.message),
        template => format!("{template}: {code}: {}", told.message),
    }
}

/// Whether the webhook tells a finding, and not only the report about a file.
fn is_for_admission(code: Code, told: &Told) -> bool {
    !told.template.is_empty() || code.family() == Family::Composition
}

#[test]
fn the_report_tells_exactly_what_is_expected() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut failures = String::new();
    for fixture in fixture::all("fail") {
        let (object, told) = reported(&fixture);
        let lines: Vec<_> = told.iter().map(|told| line(fixture.code, told)).collect();
        if update {
            fixture.write(&lines);
        }
        if lines.is_empty() || lines != fixture.expected() {
            let _ = writeln!(failures, "{} fail: {lines:?}\n{object:#}", fixture.code);
        }
        for told in &told {
            let verdict = match told.policy.as_str() {
                "Deny" => "Denied",
                "Skip" => "Skipped",
                _ => "Injected",
            };
            if object["verdict"] != verdict {
                let _ = writeln!(failures, "{} is not {verdict}:\n{object:#}", fixture.code);
            }
        }
    }
    for fixture in fixture::all("pass") {
        let (object, told) = reported(&fixture);
        if !told.is_empty() || object["verdict"] != "Injected" {
            let _ = writeln!(failures, "{} pass:\n{object:#}", fixture.code);
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// What an answer must say of the fixture's finding.
fn judge(fixture: &Fixture, told: &[Told], answered: &Answered) {
    let code = fixture.code;
    let response = &answered.response;
    let audit = response["auditAnnotations"]["findings"]
        .as_str()
        .unwrap_or_default();
    // Mistakes of the user's own are told to whoever applies a file, and not at admission.
    let told: Vec<_> = told
        .iter()
        .filter(|told| is_for_admission(code, told))
        .collect();
    for told in &told {
        let line = line(code, told);
        assert!(audit.contains(&format!("{code}: ")), "{code}: {response:#}");
        if told.policy == "Deny" {
            assert!(!answered.is_allowed(), "{code}: {response:#}");
            assert_eq!(response["status"]["reason"], code.as_str());
            let code_of = response["status"]["code"].as_u64().unwrap();
            assert!(matches!(code_of, 403 | 422), "{code}: {response:#}");
            assert!(
                answered.message().starts_with(&format!("{code}: ")),
                "{code}"
            );
            assert!(answered.message().contains(&told.message), "{code}");
            continue;
        }
        let warnings: Vec<_> = response["warnings"].as_array().unwrap().iter().collect();
        assert!(
            warnings.iter().any(|warning| **warning == line),
            "{code}: {warnings:?}"
        );
        let annotations = &answered.pod["metadata"]["annotations"];
        if !told.template.is_empty() {
            let status = &annotations[format!("pillion.dev/status.{}", told.template)];
            let status: Value = serde_json::from_str(status.as_str().unwrap()).unwrap();
            let said = match told.policy.as_str() {
                "Skip" => status["reason"] == code.as_str(),
                _ => status["findings"]
                    .to_string()
                    .contains(&format!("\"{code}: ")),
            };
            assert!(said, "{code}: {status:#}");
        }
    }
    if told.is_empty() {
        assert!(
            !audit.contains(&format!("{code}: ")),
            "{code}: {response:#}"
        );
        assert!(
            answered.is_allowed() && answered.has_patch(),
            "{code}: {response:#}"
        );
        let told = response["warnings"].to_string();
        assert!(!told.contains(&format!("{code}: ")), "{code}: {told}");
    }
}

#[test]
fn the_review_says_the_same() {
    for fixture in ["fail", "pass"].into_iter().flat_map(fixture::all) {
        let review = reviews::of(&fixture.pod.pod, &fixture.pod.namespace);
        let output = fixture.review(&review);
        let answered = Answered::read(&output.stdout, &fixture.pod.pod);
        judge(&fixture, &reported(&fixture).1, &answered);
    }
}

#[test]
fn the_server_answers_logs_and_counts_the_same() {
    for fixture in fixture::all("fail") {
        let code = fixture.code;
        let mut flags = fixture.flags();
        flags.push("--log-level=debug".to_owned());
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let server = Server::start(&flags);
        let config = trusting(&[&server.authority()], &["http/1.1"]);
        let review = reviews::of(&fixture.pod.pod, &fixture.pod.namespace);
        let review = String::from_utf8(review).unwrap();
        let answer = tls(server.webhook, &config)
            .unwrap()
            .review(&review)
            .unwrap();
        assert_eq!(answer.status, 200, "{code}: {answer:?}");
        let answered = Answered::read(answer.body.as_bytes(), &fixture.pod.pod);
        let (_, told) = reported(&fixture);
        judge(&fixture, &told, &answered);

        let logged = wait_for("the decision's log line", || server.logged("decision"));
        let audit = &answered.response["auditAnnotations"]["findings"];
        assert_eq!(&logged["findings"], audit, "{code}");
        let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
        let kinds: BTreeSet<_> = told
            .iter()
            .filter(|told| is_for_admission(code, told))
            .map(|told| (&told.template, &told.policy))
            .collect();
        for (template, policy) in kinds {
            let label = format!("template=\"{template}\",code=\"{code}\",policy=\"{policy}\"}}");
            let counted = metrics
                .lines()
                .any(|line| line.starts_with("pillion_findings_total{") && line.contains(&label));
            assert!(counted, "{label} in {metrics}");
        }
        for told in told.iter().filter(|told| told.policy == "Deny") {
            assert_eq!(logged["reason"], code.as_str(), "{told:?}");
        }
    }
}
