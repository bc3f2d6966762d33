//! The report as XML in `JUnit`'s form, as CI systems read it: a suite for each template, a test for each case.
//!
//! There is no standard; this is the part that Jenkins, GitLab and GitHub's actions agree on.

use std::fmt::Write as _;

use super::report::{CaseOutcome, Report, Tested, add_difference};
use crate::cli::terminal::Paint;

/// The report as an XML document.
pub(super) fn xml(report: &Report) -> String {
    let mut text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pillion template test\">\n"
            .to_owned();
    if !report.errors.is_empty() {
        let count = report.errors.len();
        let _ = writeln!(
            text,
            "  <testsuite name=\"templates\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">"
        );
        for error in &report.errors {
            let (class, file) = (escaped(&error.template), escaped(&error.file));
            let _ = writeln!(
                text,
                "    <testcase classname=\"{class}\" name=\"compile\" file=\"{file}\">"
            );
            element(&mut text, "error", &error.to_string(), "");
        }
        text.push_str("  </testsuite>\n");
    }
    for cases in report.by_template() {
        suite(&mut text, cases);
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(text: &mut String, cases: &[Tested]) {
    let name = cases.first().map_or("", |case| &case.template);
    let failures = cases
        .iter()
        .filter(|case| matches!(case.ending, CaseOutcome::Failed(_)));
    let errors = cases
        .iter()
        .filter(|case| matches!(case.ending, CaseOutcome::Unreadable(_)));
    let _ = writeln!(
        text,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        escaped(name),
        cases.len(),
        failures.count(),
        errors.count(),
    );
    for case in cases {
        match &case.ending {
            CaseOutcome::Failed(differences) => {
                open(text, case);
                let whats: Vec<_> = differences.iter().map(|one| one.what.as_str()).collect();
                let message = format!("not as expected: {}", whats.join(", "));
                let mut body = format!("{}\n", case.description);
                for difference in differences {
                    add_difference(&mut body, difference, Paint::NONE);
                }
                element(text, "failure", &message, &body);
            }
            CaseOutcome::Unreadable(error) => {
                open(text, case);
                element(text, "error", error, "");
            }
            CaseOutcome::Passed | CaseOutcome::Updated => {
                let _ = writeln!(text, "    <testcase {}/>", attributes(case));
            }
        }
    }
    text.push_str("  </testsuite>\n");
}

fn attributes(case: &Tested) -> String {
    let line = case.line.map(|line| format!(" line=\"{line}\""));
    format!(
        "classname=\"{}\" name=\"{}\" file=\"{}\"{}",
        escaped(&case.template),
        escaped(&case.case),
        escaped(&case.file),
        line.unwrap_or_default()
    )
}

fn open(text: &mut String, case: &Tested) {
    let _ = writeln!(text, "    <testcase {}>", attributes(case));
}

/// What went wrong with a test, and the end of the test.
fn element(text: &mut String, name: &str, message: &str, body: &str) {
    let (message, body) = (escaped(message), escaped(body));
    let _ = writeln!(
        text,
        "      <{name} message=\"{message}\">{body}</{name}>\n    </testcase>"
    );
}

/// Text as XML 1.0 holds it, in content and in attributes. Characters that it cannot hold in any
/// form (section 2.2, `Char`) are shown as U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\r' => escaped.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::compare::Difference;
    use super::*;

    fn tested(case: &str, ending: CaseOutcome) -> Tested {
        Tested {
            template: "a".to_owned(),
            case: case.to_owned(),
            file: format!("a/cases/{case}.yaml"),
            line: (case == "bad").then_some(7),
            given: serde_json::Value::Null,
            verdict: None,
            description: "says \"<why>\"".to_owned(),
            ending,
        }
    }

    #[test]
    fn every_ending_has_its_element() {
        let difference = Difference {
            what: "reason".to_owned(),
            expected: json!("A&B"),
            found: json!("\u{1b}"),
        };
        let report = Report {
            cases: vec![
                tested("good", CaseOutcome::Passed),
                tested("bad", CaseOutcome::Failed(vec![difference])),
                tested("odd", CaseOutcome::Unreadable("x:1:1: no".to_owned())),
            ],
            ..Report::default()
        };
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="pillion template test">
  <testsuite name="a" tests="3" failures="1" errors="1">
    <testcase classname="a" name="good" file="a/cases/good.yaml"/>
    <testcase classname="a" name="bad" file="a/cases/bad.yaml" line="7">
      <failure message="not as expected: reason">says &quot;&lt;why&gt;&quot;
  reason: expected &quot;A&amp;B&quot;, found &quot;\u001b&quot;
</failure>
    </testcase>
    <testcase classname="a" name="odd" file="a/cases/odd.yaml">
      <error message="x:1:1: no"></error>
    </testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(xml(&report), expected);
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            escaped("a\u{0}\u{8}\r\n<'>"),
            "a\u{fffd}\u{fffd}&#13;\n&lt;'&gt;"
        );
    }
}
