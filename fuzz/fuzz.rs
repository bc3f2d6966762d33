//! Inputs by chance for everything that reads what others wrote.
//!
//! `targets` says what is done with an input and what must hold, `oracle` what holds of every answer, and
//! `run` makes the inputs on any toolchain. A target takes bytes, as a fuzzer that looks at coverage wants
//! it.

mod choices;
mod oracle;
mod pods;
mod run;
mod targets;
mod unique;

use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::command_line::program::{pillion, stderr, stdout};
use crate::properties::engines::TEMPLATES;
use run::{files, run};

/// Pods to begin with: the inputs of the corpus.
fn inputs() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let cases = std::fs::read_dir(folder).unwrap();
    let mut cases: Vec<_> = cases.map(|case| case.unwrap().path()).collect();
    cases.sort();
    let read = |path: std::path::PathBuf| std::fs::read(path.join("input.yaml")).ok();
    cases.into_iter().filter_map(read).collect()
}

/// The first document of each input that is an object, as JSON.
fn objects() -> Vec<Value> {
    let read = |bytes: &Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let first = text.split("\n---").next().unwrap().to_owned();
        serde_saphyr::from_str::<Value>(&first).ok()
    };
    let objects: Vec<_> = inputs().iter().filter_map(read).collect();
    assert!(objects.len() > 20, "{}", objects.len());
    objects
}

fn reviews(is_wanted: impl Fn(&Value) -> bool) -> Vec<Vec<u8>> {
    let objects = objects().into_iter().filter(|object| is_wanted(object));
    let review = |object: Value| {
        let mut review = oracle::review(&object);
        review["request"]["kind"]["kind"] = object["kind"].clone();
        if object["kind"] != "Pod" {
            review["request"]["kind"]["group"] = json!("apps");
        }
        review.to_string().into_bytes()
    };
    let reviews: Vec<_> = objects.map(review).collect();
    assert!(!reviews.is_empty());
    reviews
}

#[test]
fn bytes_of_reviews() {
    run(
        "review",
        300,
        &reviews(|object| object["kind"] == "Pod"),
        targets::review,
    );
}

#[test]
fn bytes_of_reviews_for_advice() {
    run(
        "advice",
        300,
        &reviews(|object| object["kind"] != "Pod"),
        targets::advice,
    );
}

#[test]
fn pods_of_any_fields() {
    let changed = AtomicUsize::new(0);
    let count = run("pod", 150, &[], |input| {
        changed.fetch_add(usize::from(targets::pod(input)), Ordering::Relaxed);
    });
    let changed = changed.into_inner();
    assert!(
        changed > count / 8,
        "{changed} of {count} pods were changed"
    );
}

#[test]
fn templates() {
    let texts = TEMPLATES.iter().map(|(_, text)| text.as_bytes().to_vec());
    let broken = files("tests/templates/lint")
        .into_iter()
        .map(|(_, text)| text);
    run(
        "template",
        150,
        &texts.chain(broken).collect::<Vec<_>>(),
        targets::template,
    );
}

#[test]
fn expressions() {
    let seeds = [
        "app.name",
        "pod.metadata.labels['a'].size() > 2",
        "apps.map(a, a.name).join(',')",
        "has(pod.spec.restartPolicy) ? pod.spec.restartPolicy : 'Always'",
        "1 + 2 * 3 - 4 / 5 % 6",
        "apps.exists(a, a.env.exists(e, e.name == 'A'))",
        "app.name.matches('^[a-z]+$')",
        "pod.spec.?hostname.orValue('x')",
        "quantity('1Gi').isGreaterThan(quantity('500Mi'))",
        "cel.bind(x, app.name, x + x)",
        "{'a': [1, 2.5, true, null]}.a[0]",
        "string(int('7')) + \"\\u00e9\"",
        "apps[0].ports.filter(p, p.containerPort > 1024).size() == 0 || !(kubernetes.minor < 30)",
        "app.name.split('-').map(p, p.upperAscii()).join('').replace('A', 'b').substring(0, 1)",
    ];
    let seeds: Vec<_> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    run("expression", 100, &seeds, targets::expression);
}

#[test]
fn values_of_annotations() {
    let seeds = [
        "pgbouncer, log-shipper",
        "app,web",
        "5432\ndb.example\na b c",
        "100m\n\"a\"\n{\"a\":1}",
        "-pgbouncer\nauto\n1e9",
        "{\"verdict\":\"Injected\",\"revision\":\"x\",\"containers\":[\"app\"]}\nfoo\nbar\n\n$(A)\n$${x}",
    ];
    let seeds: Vec<_> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    run("annotation", 150, &seeds, targets::annotation);
}

#[test]
fn statuses() {
    run("status", 60, &[], targets::status);
}

#[test]
fn sequences_of_reviews() {
    run("sequence", 40, &[], targets::sequence);
}

fn is_crash(ended: &Output) -> bool {
    !matches!(ended.status.code(), Some(0..=2)) || stderr(ended).contains("panicked")
}

/// What leaves `inject` is read again, and a second time changes nothing; `uninject` ends in order.
#[test]
fn manifests() {
    run("manifest", 40, &inputs(), |input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return;
        };
        let arguments = ["inject", "-f", "-", "--inject", "log-shipper"];
        let first = pillion(&arguments, text);
        assert!(!is_crash(&first), "{}", stderr(&first));
        let out = pillion(&["uninject", "-f", "-"], text);
        assert!(!is_crash(&out), "{}", stderr(&out));
        if first.status.code() != Some(0) {
            return;
        }
        let second = pillion(&arguments, stdout(&first));
        assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
        assert_eq!(stdout(&first), stdout(&second));
    });
}
