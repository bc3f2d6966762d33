//! The ways that a decision comes about; each test takes one way through all cases.

use serde_json::Value;

use crate::corpus::case::{self, Case};
use crate::corpus::compare::{self, STATUS, essence};
use crate::corpus::defaulting::received;
use crate::corpus::plugins;
use crate::corpus::pods::{self, Found};
use crate::corpus::reviews::{self, Answered};
use crate::empty::without_empty;

/// Runs a way through all cases, and fails with everything that was found.
fn each(way: impl Fn(&Case, &mut String)) {
    let mut failures = String::new();
    for case in case::all() {
        way(&case, &mut failures);
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// The pods of the input, as a webhook gets them: with what `--inject` and `--set` stand for.
pub(crate) fn pods_of(case: &Case, text: &str) -> Vec<Found> {
    let documents = case::documents(text).into_iter().map(case::yaml);
    documents
        .flat_map(|document| pods::find(&document, case.default_namespace()))
        .map(|mut found| {
            pods::annotate(&mut found.pod, &case.annotations());
            found
        })
        .collect()
}

/// The objects with pods in the report of `pillion inject`.
fn reported(case: &Case) -> Vec<Value> {
    let output = case.inject(&["--report=json"]);
    let text = String::from_utf8(output.stderr).unwrap();
    // Templates that are left out are told before the report.
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let objects = report["objects"].as_array().unwrap().iter();
    objects
        .filter(|object| object["reason"] != "NotAPod")
        .cloned()
        .collect()
}

#[test]
fn inject_prints_what_is_expected() {
    let update = std::env::var_os("UPDATE").is_some();
    each(|case, failures| {
        let output = case.inject(&[]);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let report = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{}: {report}", case.name);
        let printed = (code == Some(0)).then_some(stdout.as_str());
        if code == Some(1) {
            assert_eq!(stdout, "", "{}: a refusal writes nothing", case.name);
        }
        if update {
            case.write("expected.yaml", printed);
            case.write("report.txt", Some(&report));
            return;
        }
        let expected = case.file("expected.yaml");
        let what = |name: &str| format!("{}: {name}", case.name);
        let none = "(nothing: a refusal)\n";
        let (expected, printed) = (expected.as_deref(), printed);
        compare::texts(
            failures,
            &what("expected.yaml"),
            expected.unwrap_or(none),
            printed.unwrap_or(none),
        );
        let told = case.file("report.txt").unwrap_or_default();
        compare::texts(failures, &what("report.txt"), &told, &report);
    });
}

#[test]
fn reviews_agree_with_manifests() {
    each(|case, failures| {
        let engine = case.engine();
        let answers = |found: &Found| {
            let answered = reviews::ask(&engine, found);
            let review = reviews::of(&found.pod, &found.namespace);
            let printed = case.review(&review);
            let printed = Answered::read(&printed.stdout, &found.pod);
            assert_eq!(answered.response, printed.response, "{}", case.name);
            answered
        };
        agree(case, failures, &|pod| pod.clone(), &answers);
    });
}

#[test]
fn reviews_of_defaulted_pods_agree_with_manifests() {
    each(|case, failures| {
        let engine = case.engine();
        agree(case, failures, &received, &|found| {
            reviews::ask(&engine, found)
        });
    });
}

/// Compares the answers for all pods of a case with what `inject` printed.
fn agree(
    case: &Case,
    failures: &mut String,
    prepared: &dyn Fn(&Value) -> Value,
    answers: &dyn Fn(&Found) -> Answered,
) {
    let inputs = pods_of(case, &case.input());
    let reported = reported(case);
    assert_eq!(inputs.len(), reported.len(), "{}", case.name);
    let expected = case.file("expected.yaml");
    let expected = expected.map(|text| pods_of(case, &text));
    for (index, (input, object)) in inputs.iter().zip(&reported).enumerate() {
        let what = format!("{}: {}", case.name, input.object);
        let found = Found {
            pod: prepared(&input.pod),
            ..input.clone()
        };
        let answered = answers(&found);
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let verdict = format!("{} ({})", text("verdict"), text("reason"));
        // What was injected already repeats the verdict of the first time.
        if text("reason") != "AlreadyInjected" {
            compare::texts(failures, &what, &verdict, answered.audit());
        }
        let denied = text("verdict") == "Denied";
        assert_eq!(answered.is_allowed(), !denied, "{what}");
        if denied {
            let message = format!("{}: {}", text("reason"), text("message"));
            compare::texts(failures, &what, &message, answered.message());
        }
        if let Some(expected) = &expected {
            let expected = essence(&received(&expected[index].pod));
            let found = essence(&received(&answered.pod));
            compare::values(failures, &what, &expected, &found);
        }
    }
}

#[test]
fn uninject_gives_the_input_back() {
    each(|case, failures| {
        let Some(expected) = case.file("expected.yaml") else {
            return;
        };
        // Where a mandatory helper's place is corrected it stays there.
        if carries_foreign_status(case) || case.name == "mandatory-place" {
            return;
        }
        let back = case.uninject(expected.as_bytes());
        let told = String::from_utf8_lossy(&back.stderr);
        assert_eq!(back.status.code(), Some(0), "{}: {told}", case.name);
        let back = String::from_utf8(back.stdout).unwrap();
        let (input, back) = (data(&case.input()), data(&back));
        compare::values(failures, &case.name, &input, &back);
    });
}

/// The documents as data, without what functions tell about a `ResourceList`.
fn data(text: &str) -> Value {
    let documents = case::documents(text).into_iter().map(case::yaml);
    let mut documents: Value = documents
        .map(|mut document| {
            if let (true, Some(fields)) =
                (document["kind"] == "ResourceList", document.as_object_mut())
            {
                fields.shift_remove("results");
            }
            document
        })
        .collect();
    without_empty(&mut documents);
    documents
}

/// Whether the input itself has statuses: what they name would be taken out with the rest.
fn carries_foreign_status(case: &Case) -> bool {
    case.input().contains(STATUS)
}

#[test]
fn the_second_call_changes_nothing() {
    each(|case, failures| {
        let engine = case.engine();
        for input in pods_of(case, &case.input()) {
            let what = format!("{}: {}", case.name, input.object);
            let mut found = Found {
                pod: received(&input.pod),
                ..input
            };
            let first = reviews::ask(&engine, &found);
            if !first.is_allowed() {
                continue;
            }
            let ours = helpers(&found.pod, &first.pod);
            found.pod = received(&first.pod);
            plugins::limit_ranger(&mut found.pod, |name| ours.iter().any(|own| own == name));
            let second = reviews::ask(&engine, &found);
            assert!(second.is_allowed(), "{what}: {}", second.message());
            let (expected, again) = (essence(&found.pod), essence(&second.pod));
            compare::values(failures, &what, &expected, &again);
            assert!(!second.has_patch(), "{what}: {:?}", second.response);
            compare::texts(failures, &what, first.audit(), second.audit());
        }
    });
}

/// The names of the containers that one pod has and the other had not.
fn helpers(before: &Value, after: &Value) -> Vec<String> {
    let names = |pod: &Value| -> Vec<String> {
        let lists = ["initContainers", "containers"].into_iter();
        lists
            .filter_map(|list| pod["spec"][list].as_array().cloned())
            .flatten()
            .map(|container| container["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let known = names(before);
    let all = names(after).into_iter();
    all.filter(|name| !known.contains(name)).collect()
}

#[test]
fn untouched_documents_keep_their_bytes() {
    each(|case, failures| {
        let Some(expected) = case.file("expected.yaml") else {
            return;
        };
        let (input, output) = (case.input(), expected);
        let (before, after) = (case::documents(&input), case::documents(&output));
        assert_eq!(before.len(), after.len(), "{}", case.name);
        let touched = reported(case).into_iter().filter(|object| {
            matches!(
                object["verdict"].as_str(),
                Some("Injected" | "Skipped" | "Shadowed")
            ) || object["reason"] == "NothingToAdd"
        });
        let touched: Vec<_> = touched.map(|object| object["document"].clone()).collect();
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            if !touched.contains(&(index + 1).into()) {
                let what = format!("{}: document {}", case.name, index + 1);
                compare::texts(failures, &what, before.trim_end(), after.trim_end());
            }
        }
    });
}
