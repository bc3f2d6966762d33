//! `pillion template test`: the catalog's cases hold, and one that does not hold is found, told and
//! written anew.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::command_line::program::{pillion, pillion_in, stderr, stdout};

const TEMPLATE: &str = "\
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: clock}
spec:
  pattern: Sidecar
  parameters:
    zone: {type: string, default: UTC, pattern: '[A-Z]+'}
  sidecars:
    - {name: clock, image: 'busybox:1', env: [{name: TZ, value: '${params.zone}'}]}
";

const GOOD: &str = "\
# What everybody gets.
description: The clock runs beside the app.
manifest:
  apiVersion: v1
  kind: Pod
  metadata: {name: a, annotations: {pillion.dev/inject: 'clock,lamp'}}
  spec: {containers: [{name: app, image: 'app:1'}]}
---
verdict: Injected
reason: Applied
findings: []
paths:
  /spec/initContainers/0/name: clock
  /spec/initContainers/1/name: lamp
  /spec/initContainers/0/env/0/value: UTC
  /spec/containers/0/env: null
";

/// A catalog of two templates, with cases for one of them.
fn catalog(cases: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in ["clock", "lamp"] {
        let folder = root.path().join("templates").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("template.yaml"),
            TEMPLATE.replace("clock", name),
        )
        .unwrap();
    }
    fs::create_dir(root.path().join("templates/clock/cases")).unwrap();
    for (name, text) in cases {
        fs::write(case(root.path(), name), text).unwrap();
    }
    root
}

fn case(root: &Path, name: &str) -> std::path::PathBuf {
    root.join(format!("templates/clock/cases/{name}.yaml"))
}

fn test(root: &TempDir, arguments: &[&str]) -> Output {
    let arguments = [&["template", "test"], arguments].concat();
    pillion_in(root.path(), &arguments, "")
}

#[test]
fn every_case_of_the_catalog_holds() {
    let output = pillion(&["template", "test", "-o", "json"], "");
    let report: Value = serde_json::from_str(stdout(&output)).unwrap_or_default();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{report:#} {}",
        stderr(&output)
    );
    let mut templates: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    templates.sort();
    let cases = report["cases"].as_array().unwrap();
    for template in templates {
        let has = |name: &str| {
            let mut cases = cases.iter();
            cases.any(|case| case["template"] == template.as_str() && case["case"] == name)
        };
        assert!(
            has("plain"),
            "templates/{template}/cases/plain.yaml is missing"
        );
    }
    assert_eq!(report["counts"]["passed"], cases.len());
}

#[test]
fn a_wrong_expectation_fails_with_what_differs() {
    let wrong = GOOD
        .replace("value: UTC", "value: CET")
        .replace("reason: Applied", "reason: OptedOut");
    let root = catalog(&[("good", GOOD), ("wrong", &wrong)]);
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "templates/clock/cases/wrong.yaml: failed\n  \
         The clock runs beside the app.\n  \
         reason: expected \"OptedOut\", found \"Applied\"\n  \
         /spec/initContainers/0/env/0/value: expected \"CET\", found \"UTC\"\n\
         clock: 1 passed, 1 failed\n\
         without cases: lamp\n\
         2 cases: 1 passed, 1 failed\n"
    );
    let output = test(&root, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(report["cases"][0]["ending"], "passed");
    assert_eq!(report["cases"][1]["differences"][1]["expected"], "CET");
    let output = test(&root, &["-o", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let xml = stdout(&output);
    assert!(
        xml.contains("<testsuite name=\"clock\" tests=\"2\" failures=\"1\" errors=\"0\">"),
        "{xml}"
    );

    let output = test(&root, &["--case", "clock/goo", "templates/clock"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(stdout(&output), "clock: 1 passed\n1 case: 1 passed\n");
}

#[test]
fn a_pod_that_differs_is_shown_as_a_comparison() {
    let whole = "---\nverdict: Injected\nreason: Applied\npod:\n  metadata: {name: a, annotations: \
        {pillion.dev/inject: 'clock,lamp'}}\n  spec: {containers: [{image: 'app:2', name: app}]}\n";
    let given = GOOD.split("---\n").next().unwrap();
    let root = catalog(&[("whole", &[given, whole].concat())]);
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    for line in [
        "    -  - image: app:2",
        "    +  - image: app:1",
        "    +  initContainers:",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
}

#[test]
fn an_update_writes_what_came_of_it_and_nothing_else() {
    let wrong = GOOD.replace("value: UTC", "value: CET");
    let root = catalog(&[("good", GOOD), ("wrong", &wrong)]);
    let output = test(&root, &["--update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).ends_with("2 cases: 1 passed, 1 updated\n"));
    assert_eq!(fs::read_to_string(case(root.path(), "good")).unwrap(), GOOD);
    let written = fs::read_to_string(case(root.path(), "wrong")).unwrap();
    let (before, after) = written.split_once("---\n").unwrap();
    assert_eq!(before, GOOD.split_once("---\n").unwrap().0);
    assert!(
        after.contains("/spec/initContainers/0/env/0/value: UTC\n"),
        "{after}"
    );
    assert!(after.contains("/spec/containers/0/env: null\n"), "{after}");
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

const TABLE: &str = "\
# What the cases begin with.
manifest:
  apiVersion: v1
  kind: Pod
  metadata: {name: a, annotations: {pillion.dev/inject: clock}}
  spec: {containers: [{name: app, image: 'app:1'}]}

cases:
  # A zone is a word.
  hostile-zone:
    set: {zone: $(id)}
    reason: ParameterInvalid
    message: 'clock: annotation clock.pillion.dev/zone of the pod: `$(id)`: expected text that matches the pattern `[A-Z]+` as a whole'

  job: {like: plain, kind: Job}

  zone: # Another zone.
    description: The zone is a parameter.
    like: plain
    set: {zone: CET}
    differs:
      /spec/initContainers/0/env/0/value: CET
";

/// A catalog whose `clock` has a table of cases beside the whole pod of `plain`.
fn catalog_with_table(table: &str) -> TempDir {
    let plain = "manifest:\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: a, annotations: \
        {pillion.dev/inject: clock}}\n  spec: {containers: [{name: app, image: 'app:1'}]}\n";
    let root = catalog(&[("plain", plain)]);
    let output = test(&root, &["--update", "--case", "plain"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    fs::write(root.path().join("templates/clock/cases.yaml"), table).unwrap();
    root
}

fn table(root: &TempDir) -> String {
    fs::read_to_string(root.path().join("templates/clock/cases.yaml")).unwrap()
}

#[test]
fn the_rows_of_a_table_are_cases() {
    let root = catalog_with_table(TABLE);
    let output = test(&root, &[]);
    assert_eq!(
        stdout(&output),
        "clock: 4 passed\nwithout cases: lamp\n4 cases: 4 passed\n"
    );
    // It is no template.
    let output = pillion_in(root.path(), &["template", "check", "templates"], "");
    let told = stdout(&output);
    assert!(told.contains("2 templates compiled, no errors"), "{told}");

    let output = test(&root, &["-o", "json", "--case", "job"]);
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    let job = &report["cases"][0];
    assert_eq!(job["line"], 15);
    assert_eq!(job["verdict"], "Injected");
    let template = &job["given"]["manifest"]["spec"]["template"];
    assert_eq!(template["spec"]["restartPolicy"], "Never");
    assert_eq!(
        template["metadata"]["annotations"]["pillion.dev/inject"],
        "clock"
    );
}

#[test]
fn a_row_that_fails_is_told_with_its_line_and_written_anew_alone() {
    let wrong = TABLE
        .replace("value: CET", "value: MET")
        .replace("`$(id)`", "`$(ls)`");
    let root = catalog_with_table(&wrong);
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    assert!(
        told.starts_with("templates/clock/cases.yaml:10: hostile-zone: failed\n  message:"),
        "{told}"
    );
    assert!(
        told.contains(
            "templates/clock/cases.yaml:17: zone: failed\n  The zone is a parameter.\n  pod:"
        ),
        "{told}"
    );
    let xml = test(&root, &["-o", "junit"]);
    assert!(
        stdout(&xml).contains("name=\"zone\" file=\"templates/clock/cases.yaml\" line=\"17\">"),
        "{}",
        stdout(&xml)
    );

    let output = test(&root, &["--update", "--case", "clock/zone"]);
    assert_eq!(stdout(&output).lines().last(), Some("1 case: 1 updated"));
    let written = wrong
        .replace("value: MET", "value: CET")
        .replace("zone: # Another zone.", "zone:")
        .replace("set: {zone: CET}", "set:\n      zone: CET");
    assert_eq!(table(&root), written);
    let output = test(&root, &["--update"]);
    assert_eq!(output.status.code(), Some(0));
    let output = test(&root, &[]);
    assert!(stdout(&output).ends_with("4 cases: 4 passed\n"));
    assert!(table(&root).contains("  # A zone is a word.\n  hostile-zone:\n"));
}

#[test]
fn an_update_fills_what_a_row_leaves_out() {
    let root = catalog_with_table(
        "cases:\n  lamp: {like: plain, set: {pillion.dev/inject: 'clock,lamp'}}\n  \
         none: {like: plain, set: {pillion.dev/inject: null}}\n",
    );
    let output = test(&root, &["--update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let written = table(&root);
    assert!(
        written.contains("    differs:\n      /spec/initContainers/1:\n        name: lamp\n"),
        "{written}"
    );
    assert!(
        written.contains("    verdict: Unchanged\n    reason: NotRequested\n"),
        "{written}"
    );
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn a_wrong_row_has_its_place_and_the_rest_is_run() {
    let rows = "  bare: {set: {zone: CET}}\n  circle: {like: circle}\n  nobody: {like: nothing}\n  \
        odd: {like: plain, reson: Applied}\n  plain: {like: zone}\n  place: {like: plain, change: \
        {/spec/containers/7/x: 1}}\n";
    let root = catalog_with_table(&[TABLE, rows].concat());
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = stdout(&output);
    for (line, message) in [
        (23, "case `bare`: says nothing of what must come of it"),
        (24, "case `circle`: it is like itself"),
        (25, "case `nobody`: there is no case `nothing` to be like"),
        (26, "case `odd`: unknown field `reson`"),
        (27, "case `plain` has a file of its own too"),
        (28, "case `place`: there is no place `/spec/containers/7/x`"),
    ] {
        let start = format!("error: templates/clock/cases.yaml:{line}:1: document 1: {message}");
        assert!(
            told.lines().any(|told| told.starts_with(&start)),
            "{start}\n{told}"
        );
    }
    assert!(
        told.ends_with("10 cases: 4 passed, 6 unreadable\n"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_run_has_its_place_and_the_rest_is_run() {
    let no_pod = "description: d\nmanifest: {apiVersion: v1, kind: Service}\n---\nverdict: \
        Unchanged\nreason: NotAPod\n";
    let given = GOOD.split("---\n").next().unwrap();
    let root = catalog(&[
        ("a-typo", &GOOD.replace("description", "decsription")),
        ("good", GOOD),
        ("no-pod", no_pod),
        ("silent", given),
    ]);
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let told = stdout(&output);
    for line in [
        "error: templates/clock/cases/a-typo.yaml:2:1: document 1: unknown field `decsription`",
        "error: templates/clock/cases/no-pod.yaml:1:1: document 1: `manifest` must hold one pod",
        "error: templates/clock/cases/silent.yaml:2:1: document 1: says nothing of what must come",
    ] {
        assert!(
            told.lines().any(|told| told.starts_with(line)),
            "{line}: {told}"
        );
    }
    assert!(
        told.ends_with("4 cases: 1 passed, 3 unreadable\n"),
        "{told}"
    );

    for (arguments, expected) in [
        (&["none"][..], "failed to read none"),
        (&["templates/clock/cases"], "no templates"),
        (
            &["--case", "nothing"],
            "no cases with nothing in their names",
        ),
        (&["templates/lamp"], "no cases: expected"),
    ] {
        let output = test(&root, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn a_template_that_does_not_compile_fails() {
    let root = catalog(&[("good", GOOD)]);
    let broken = TEMPLATE.replace("pattern: Sidecar", "patern: Sidecar");
    fs::write(root.path().join("templates/clock/template.yaml"), broken).unwrap();
    let output = test(&root, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(
        told.starts_with("error: templates/clock/template.yaml:5:3: "),
        "{told}"
    );
    assert!(told.contains("found \"TemplateBroken\""), "{told}");

    // What comes of a broken template is not what is expected from then on.
    let output = test(&root, &["--update"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("no expectation was written"), "{told}");
    assert!(told.ends_with("1 case: 1 failed\n"), "{told}");
    assert_eq!(fs::read_to_string(case(root.path(), "good")).unwrap(), GOOD);
}
