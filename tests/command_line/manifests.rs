//! Manifests in and out, reviews, and templates; what injection adds is the corpus' to say.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command_line::program::{pillion, stderr, stdout};

/// Comments, CR LF, anchors, directives, empty documents, markers inside scalars, and no line break
/// at the end. Nothing in it asks for a template.
const NASTY: &str = "\u{feff}# a file that people edit\r\n%YAML 1.2\r\n---\r\n\
    apiVersion: v1\r\nkind: ConfigMap   # aligned\r\nmetadata: {name: \"a\"}\r\n\
    data:\r\n    key: |\r\n        ---\r\n        text\r\n\
    ---\n---\n# only a comment\n--- # behind a marker\n\
    apiVersion: apps/v1\nkind: Deployment\nmetadata:\n    name:   web\nx: &shared\n    b: 0644\n    \
    c: no\nz:\n    <<: *shared\nspec:\n    replicas: 1\n    template:\n        spec:\n            \
    containers:\n            - {name: app, image: \"app:1\", env: [{name: A, value: \"no\"}]}\n\
    ...\n# between\n---\nnot: an object\n...\n--- {apiVersion: v1, kind: Pod, metadata: {name: p}, \
    spec: {containers: [{name: a, image: b}]}}";

pub(crate) fn path(root: &Path, name: &str) -> String {
    root.join(name).display().to_string()
}

#[test]
fn untouched_manifests_come_out_byte_for_byte() {
    for command in ["inject", "uninject"] {
        let output = pillion(&[command, "-f", "-"], NASTY);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), NASTY);
        let report = stderr(&output);
        assert!(
            report.contains("ConfigMap/a: Unchanged (NotAPod)"),
            "{report}"
        );
        assert!(
            report.contains("Deployment/default/web: Unchanged ("),
            "{report}"
        );
        assert!(
            report.contains("document 5: not a Kubernetes object"),
            "{report}"
        );
        assert!(report.ends_with("3 unchanged\n"), "{report}");
    }
}

#[test]
fn nothing_changed_is_no_patch_and_no_diff() {
    for format in ["patch", "diff"] {
        let output = pillion(&["inject", "-o", format], NASTY);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), "", "{format}");
    }
}

#[test]
fn json_is_one_document_for_each_input_document_in_order() {
    let output = pillion(&["inject", "-f", "-", "-o", "json"], NASTY);
    let stream = serde_json::Deserializer::from_str(stdout(&output)).into_iter::<Value>();
    let documents: Vec<_> = stream.map(Result::unwrap).collect();
    let kinds: Vec<_> = documents
        .iter()
        .map(|document| document["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [Some("ConfigMap"), Some("Deployment"), None, Some("Pod")]
    );
    assert_eq!(documents[0]["data"]["key"], "---\ntext\n");
    assert_eq!(documents[1]["z"], json!({"b": 420, "c": false}));
    assert_eq!(documents[2], json!({"not": "an object"}));
}

#[test]
fn directories_are_read_in_order_into_one_stream() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir(root.join("b")).unwrap();
    fs::write(root.join("c.yaml"), "---\nc: 1\n").unwrap();
    fs::write(root.join("b/b.yml"), "b: 1").unwrap();
    fs::write(root.join("a.json"), "{\"a\": 1}\n{\"a\": 2}").unwrap();
    fs::write(root.join("notes.txt"), "not: read").unwrap();
    let output = pillion(&["inject", "-f", &path(root, "")], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "{\"a\": 1}\n---\n\n{\"a\": 2}\n---\nb: 1\n---\nc: 1\n"
    );

    let empty = tempfile::tempdir().unwrap();
    let output = pillion(&["inject", "-f", &path(empty.path(), "")], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("expected files that end in .yaml, .yml or .json"));
}

#[test]
fn unreadable_input_leaves_nothing_on_standard_output() {
    let table: &[(&[&str], &str, &str)] = &[
        (
            &["inject", "-f", "-"],
            "a: 1\n---\nb: 1\nb: 2\n",
            "-:4:1: document 2: duplicate",
        ),
        (&["uninject"], "a: [", "-:1:"),
        (
            &["inject", "-f", "missing.yaml"],
            "",
            "failed to read missing.yaml: ",
        ),
        (&["inject", "-i"], "a: 1\n", "--in-place needs files"),
        (&["inject", "-i", "-o", "json"], "", "cannot be used with"),
        (
            &["inject", "--set", "host=db"],
            "",
            "TEMPLATE.PARAMETER=VALUE",
        ),
        (&["inject", "-o", "xml"], "", "possible values"),
        (&["review"], "not JSON", "400 Bad Request"),
        (
            &["review", "missing.json"],
            "",
            "failed to read missing.json",
        ),
        (
            &["template", "check", "missing"],
            "",
            "failed to read missing",
        ),
        (&["inject", "--templates", "missing"], "a: 1\n", "missing"),
    ];
    for (arguments, stdin, expected) in table {
        let output = pillion(arguments, stdin);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}

#[test]
fn a_review_of_a_workload_is_answered_as_by_the_server() {
    let review = |host: &str| {
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": "shop",
            "kind": {"group": "batch", "version": "v1", "kind": "Job"},
            "object": {"metadata": {"name": "report"}, "spec": {"template": {
                "metadata": {"annotations": {
                    "pillion.dev/inject": "pgbouncer", "pgbouncer.pillion.dev/host": host,
                }},
                "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
            }}},
        }})
        .to_string()
    };
    for (host, verdict, code) in [
        ("db.example.com", "Injected (Applied): pgbouncer: added", 0),
        ("a b", "Denied (ParameterInvalid): pgbouncer: annotation", 1),
    ] {
        let output = pillion(&["review", "--advise"], &review(host));
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let answer: Value = serde_json::from_str(stdout(&output)).unwrap();
        assert_eq!(answer["response"]["allowed"], true);
        let warning = answer["response"]["warnings"][0].as_str().unwrap();
        let start = format!("pillion: pods of this Job will be {verdict}");
        assert!(warning.starts_with(&start), "{warning}");
    }
    // Without the flag it is what /mutate would answer.
    let output = pillion(&["review"], &review("db.example.com"));
    let answer: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert!(answer["response"].get("warnings").is_none(), "{answer}");
}

#[test]
fn the_report_is_json_for_machines() {
    let output = pillion(&["inject", "--report", "json", "-n", "shop"], NASTY);
    let report: Value = serde_json::from_str(stderr(&output)).unwrap();
    assert_eq!(report["counts"]["Unchanged"], 3);
    assert_eq!(report["notes"][0]["document"], 5);
    let object = &report["objects"][1];
    assert_eq!(object["kind"], "Deployment");
    assert_eq!(object["namespace"], "shop");
    assert_eq!(object["file"], "-");
    assert_eq!(object["document"], 4);
    assert_eq!(object["verdict"], "Unchanged");
}

#[test]
fn templates_are_listed() {
    let output = pillion(&["template", "list"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let headings: Vec<_> = stdout(&output)
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(headings, ["NAME", "PATTERN", "REVISION", "DESCRIPTION"]);
    let output = pillion(&["template", "list", "-o", "json"], "");
    let list: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert!(list.is_array());
    let output = pillion(&["template", "check"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("compiled, no errors\n"));
}

#[test]
fn errors_of_templates_are_shown_at_their_place() {
    let text = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: \
        {name: broken}\nspec:\n  pattern: Sidecar\n  sidecars:\n    - name: a\n      image: \
        ${params.imag}\n";
    let output = pillion(&["template", "check", "-"], text);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.starts_with("-:8:"), "{told}");
    assert!(told.contains("spec.sidecars[0].image: "), "{told}");
    assert!(
        told.contains("  8 |       image: ${params.imag}\n"),
        "{told}"
    );
    assert!(told.ends_with("0 templates compiled, 1 error\n"), "{told}");

    let output = pillion(&["template", "check", "-o", "json", "-"], text);
    let told: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(told["templates"], json!([]));
    assert_eq!(told["errors"][0]["line"], 8);
}

#[test]
fn a_broken_template_is_told_and_the_rest_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::write(root.join("broken.yaml"), "kind: Nothing\n").unwrap();
    let output = pillion(&["inject", "--templates", &path(root, "")], "a: 1\n");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), "a: 1\n");
    let told = stderr(&output);
    assert!(told.starts_with("warning: template left out: "), "{told}");
}

#[test]
fn a_selector_that_waits_for_its_namespace_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let template = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {name: by-label}\n\
        spec:\n  selector: {podSelector: {matchLabels: {app: web}}}\n  app: {env: [{name: A, value: b}]}\n";
    fs::write(folder.path().join("template.yaml"), template).unwrap();
    let templates = folder.path().display().to_string();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\n\
        spec: {containers: [{name: app, image: a}]}\n";
    let output = pillion(&["inject", "--templates", &templates], pod);
    assert_eq!(output.status.code(), Some(0));
    let report = stderr(&output);
    assert!(
        report.contains("the selector of the template `by-label` matches the pod")
            && report.contains("--namespace-manifest"),
        "{report}"
    );
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {pillion.dev/injection: enabled}}\n---\n";
    let output = pillion(
        &["inject", "--templates", &templates],
        &format!("{namespace}{pod}"),
    );
    assert!(
        stderr(&output).contains("Pod/default/web: Injected"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn pod_templates_are_found_at_paths_of_the_configuration() {
    let template = |name: &str| {
        format!(
            "{name}: {{template: {{metadata: {{annotations: {{pillion.dev/inject: graceful-drain}}}}, \
             spec: {{containers: [{{name: app, image: a}}]}}}}}}"
        )
    };
    let job = format!(
        "apiVersion: example.org/v1\nkind: TrainJob\nmetadata: {{name: train}}\nspec:\n  replicas:\n    {}\n    {}\n",
        template("master"),
        template("worker"),
    );
    let output = pillion(&["inject"], &job);
    assert_eq!(output.status.code(), Some(1));
    let report = stderr(&output);
    assert!(
        report.contains("PodTemplateUnknown") && report.contains("--pod-template-path"),
        "{report}"
    );
    // One of them alone would leave the pods of the other bare.
    let master = "--pod-template-path=spec.replicas.master.template";
    let half = pillion(&["inject", master], &job);
    assert_eq!(half.status.code(), Some(1), "{}", stderr(&half));
    assert_eq!(stdout(&half), "");
    let way_out = "--pod-template-path spec.replicas.worker.template";
    assert!(stderr(&half).contains(way_out), "{}", stderr(&half));
    let path = "--pod-template-path=spec.replicas.*.template";
    let output = pillion(&["inject", path, "-o", "json"], &job);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let injected: Value = serde_json::from_str(stdout(&output)).unwrap();
    for replica in ["master", "worker"] {
        let container = &injected["spec"]["replicas"][replica]["template"]["spec"]["containers"][0];
        assert!(!container["lifecycle"].is_null(), "{replica}: {injected:#}");
    }
    let again = pillion(&["inject", path, "-o", "json"], &injected.to_string());
    assert!(stderr(&again).contains("2 unchanged"), "{}", stderr(&again));
    let back = pillion(&["uninject", path, "-o", "json"], &injected.to_string());
    let back: Value = serde_json::from_str(stdout(&back)).unwrap();
    let given = pillion(
        &["inject", "-o", "json", "--exclude-namespace=default", path],
        &job,
    );
    assert_eq!(back, serde_json::from_str::<Value>(stdout(&given)).unwrap());
    let checked = pillion(&["check", path], &job);
    assert!(
        stdout(&checked).contains("pods checked: 2"),
        "{}",
        stdout(&checked)
    );
    let explained = pillion(&["explain", "--brief", path], &job);
    assert_eq!(
        stdout(&explained).matches("TrainJob/default/train").count(),
        2
    );
}
