//! `pillion template check`: what lint finds is told at its place, and fails.

use serde_json::Value;

use crate::command_line::program::{pillion, stderr, stdout};

#[test]
fn findings_are_told_with_their_line_and_fail() {
    let output = pillion(&["template", "check", "examples/careless.txt"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    let place = "examples/careless.txt:11:14: ImageTagFloating: spec.sidecars[0].image: ";
    assert!(told.starts_with(place), "{told}");
    let excerpt = " 11 |       image: docker.io/library/busybox\n     |              ^\n";
    assert!(told.contains(excerpt), "{told}");
    assert!(
        told.ends_with("1 template compiled, no errors, 2 findings\n"),
        "{told}"
    );

    let output = pillion(
        &["template", "check", "-o", "json", "examples/careless.txt"],
        "",
    );
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(told["errors"], serde_json::json!([]));
    assert_eq!(told["findings"][1]["code"], "ParameterUnconstrained");
    assert_eq!(told["findings"][1]["line"], 12);
}

#[test]
fn lint_can_be_left_out() {
    let arguments = ["template", "check", "--no-lint", "examples/careless.txt"];
    let output = pillion(&arguments, "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(stdout(&output), "1 template compiled, no errors\n");
}

#[test]
fn a_note_is_told_and_fails_nothing() {
    let template = "tests/templates/lint/not-rendered.yaml";
    let output = pillion(&["template", "check", template], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let told = stdout(&output);
    assert!(
        told.ends_with("2 templates compiled, no errors, 2 notes\n"),
        "{told}"
    );
}

#[test]
fn the_built_in_catalog_is_clean() {
    let output = pillion(&["template", "check"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}
