//! What people try first, and what they get wrong at first.

use std::fs;

use serde_json::Value;

use crate::command_line::program::{pillion, pillion_in, stderr, stdout};

const TEMPLATE: &str = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
    metadata: {name: clock}\nspec:\n  sidecars:\n  - {name: clock, image: 'registry.example.com/clock:1'}\n";

/// An object of this kind whose pod asks for `wait-for`.
pub(crate) fn workload(api_version: &str, kind: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  template:\n    \
         metadata:\n      annotations:\n        pillion.dev/inject: wait-for\n        \
         wait-for.pillion.dev/targets: db:5432\n    spec:\n      containers:\n      \
         - name: app\n        image: \"registry.example.com/app:1\"\n"
    )
}

#[test]
fn own_templates_are_checked_and_stand_beside_the_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("templates/clock");
    fs::create_dir_all(&own).unwrap();
    fs::write(
        own.join("template.yaml"),
        TEMPLATE.replace("sidecars", "sidecar"),
    )
    .unwrap();
    let output = pillion_in(folder.path(), &["template", "check"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("spec.sidecar"),
        "{}",
        stdout(&output)
    );

    fs::write(own.join("template.yaml"), TEMPLATE).unwrap();
    let both = ["template", "list", "--templates=templates,built-in"];
    let output = pillion_in(folder.path(), &both, "");
    for name in ["clock ", "pgbouncer "] {
        assert!(stdout(&output).contains(name), "{}", stdout(&output));
    }
    let alone = pillion_in(folder.path(), &both[..2], "");
    assert!(!stdout(&alone).contains("clock "), "{}", stdout(&alone));
}

#[test]
fn the_first_template_of_the_readme_has_no_finding() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = pillion_in(
        folder,
        &[
            "template",
            "check",
            "examples/first/templates/clock/template.yaml",
        ],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn every_sentence_is_told_once_and_nothing_is_injected_twice() {
    let first = pillion(&["inject"], &workload("apps/v1", "Deployment"));
    let report = stderr(&first);
    assert_eq!(report.matches("added").count(), 1, "{report}");
    assert!(stdout(&first).contains("image: \"registry.example.com/app:1\""));
    assert!(stdout(&first).contains("pillion.dev/status.wait-for: '{"));
    let again = pillion(&["inject"], stdout(&first));
    assert_eq!(stdout(&again), stdout(&first));
    let report = stderr(&again);
    assert!(report.contains("Unchanged (AlreadyInjected)"), "{report}");
    assert!(!report.contains("Injected (Applied)"), "{report}");
}

#[test]
fn keys_in_the_wrong_place_are_told() {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: \
        {pillion.dev/inject: wait-for}\nspec:\n  template:\n    metadata: {annotations: \
        {pillion.dev/injects: a}}\n    spec: {containers: [{name: app, image: 'app:1'}]}\n";
    let output = pillion(&["inject"], manifest);
    let report = stderr(&output);
    assert!(
        report.contains(
            "hint: the annotation `pillion.dev/inject` of the Deployment does nothing: it belongs \
             into spec.template.metadata.annotations"
        ),
        "{report}"
    );
    assert!(
        report.contains("did you mean `pillion.dev/inject`?"),
        "{report}"
    );
    assert_eq!(stdout(&output), manifest);
}

#[test]
fn any_object_with_a_pod_template_is_injected_and_others_that_ask_are_refused() {
    for (api_version, kind) in [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("serving.knative.dev/v1", "Service"),
        ("apps.openshift.io/v1", "DeploymentConfig"),
    ] {
        let output = pillion(&["inject"], &workload(api_version, kind));
        let report = stderr(&output);
        assert!(report.contains("Injected (Applied)"), "{kind}: {report}");
    }
    let unknown = workload("example.org/v1", "PodSet").replace("  template:", "  podTemplate:");
    let output = pillion(&["inject"], &unknown);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("spec.podTemplate.metadata.annotations asks for templates"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stdout(&output), "");
}

#[test]
fn claims_are_volumes_and_null_is_absent() {
    let claims = "  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {}\n";
    let manifest = workload("apps/v1", "StatefulSet")
        + "        volumeMounts: [{name: data, mountPath: /data}]\n      initContainers: null\n"
        + claims;
    let output = pillion(&["inject", "-o", "json"], &manifest);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let object: Value = serde_json::from_str(stdout(&output)).unwrap();
    let spec = &object["spec"]["template"]["spec"];
    assert_eq!(spec["initContainers"][0]["name"], "wait-for", "{spec}");
    assert_eq!(spec["volumes"], Value::Null);
    assert_eq!(spec["containers"][0]["volumeMounts"][0]["name"], "data");
}

#[test]
fn words_that_kubectl_reads_otherwise_are_not_written_anew() {
    let odd = workload("apps/v1", "Deployment") + "        args: [--prefix=app:, go]\n";
    let output = pillion(&["inject"], &odd);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let told = "line 14 of the document: `--prefix=app:` is a text to kubectl";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
    let quiet = odd.replace("pillion.dev/inject", "example.com/inject");
    assert_eq!(stdout(&pillion(&["inject"], &quiet)), quiet);
}

#[test]
fn no_file_is_changed_and_the_report_is_told_where_one_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: NAME\n  annotations:\n    \
               pillion.dev/inject: graceful-drain\nspec:\n  containers:\n  - name: app\n    image: a\n";
    let good = pod.replace("NAME", "good");
    let odd = pod.replace("NAME", "odd") + "status:\n  note: nULL\n";
    std::fs::write(folder.path().join("1.yaml"), &good).unwrap();
    std::fs::write(folder.path().join("2.yaml"), odd).unwrap();
    let output = pillion(&["inject", "-i", "-f", folder.path().to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let kept = std::fs::read_to_string(folder.path().join("1.yaml")).unwrap();
    assert_eq!(kept, good);
    let told = "Pod/default/good: Injected";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
}

#[test]
fn only_plain_files_are_written_back() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let output = pillion(&["inject", "-i", "-f", pipe.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("needs plain files"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_brief_explanation_is_one_screen_and_takes_a_file_like_other_commands() {
    let output = pillion(&["explain", "--brief", "-f", "examples/pod.yaml"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).lines().count() <= 24, "{}", stdout(&output));
    let whole = pillion(&["explain", "examples/pod.yaml"], "");
    let first = stdout(&output).lines().next().unwrap();
    assert!(stdout(&whole).starts_with(first), "{first}");
}

#[test]
fn files_are_named_with_and_without_a_flag_everywhere() {
    for (command, file) in [
        (&["inject"][..], "examples/pod.yaml"),
        (&["uninject"], "examples/pod.yaml"),
        (&["check"], "examples/pod.yaml"),
        (&["explain"], "examples/pod.yaml"),
        (&["review"], "examples/review.json"),
        (&["template", "check"], "templates/pgbouncer"),
    ] {
        let plain = pillion(&[command, &[file]].concat(), "");
        let flagged = pillion(&[command, &["-f", file]].concat(), "");
        assert_eq!(
            plain.status.code(),
            Some(0),
            "{command:?} {}",
            stderr(&plain)
        );
        assert_eq!(stdout(&plain), stdout(&flagged), "{command:?}");
        let both = pillion(&[command, &[file, "-f", file]].concat(), "");
        assert_eq!(both.status.code(), Some(2), "{command:?} {}", stderr(&both));
    }
}

#[test]
fn an_annotation_without_quotes_is_named_with_what_to_write() {
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: orders\n  annotations:\n    \
        pillion.dev/inject: pgbouncer\n    pgbouncer.pillion.dev/port: 5432\nspec:\n  \
        containers: [{name: app, image: 'a:1'}]\n";
    let said = "metadata.annotations[\"pgbouncer.pillion.dev/port\"]: expected text, found a number: \
        write it in quotes";
    let injected = pillion(&["inject"], manifest);
    assert_eq!(injected.status.code(), Some(1));
    assert!(stderr(&injected).contains(said), "{}", stderr(&injected));
    let explained = pillion(&["explain", "--brief", "-"], manifest);
    assert!(stdout(&explained).contains(said), "{}", stdout(&explained));
    assert!(
        !stdout(&explained).contains("JSON"),
        "{}",
        stdout(&explained)
    );
}

#[test]
fn a_value_of_another_type_is_named_with_its_line() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: orders\n  annotations: {pillion.dev/inject: \
        log-shipper}\nspec:\n  containers:\n    - {name: app, image: 'a:1', ports: 80}\n";
    let quiet = pod.replace(
        "annotations: {pillion.dev/inject: log-shipper}",
        "labels: {}",
    );
    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: apps/v1\n    kind: Deployment\n    \
        metadata: {name: web}\n    spec:\n      template:\n        metadata: {labels: {a: 5}}\n        \
        spec: {}\n";
    let manifest = format!("# Two.\n{pod}---\n{list}");
    let said = [
        ":9:40: spec.containers[0].ports: expected a list, found a number",
        ":19:32: spec.template.metadata.labels[\"a\"]: expected text, found a number",
    ];
    for command in ["inject", "check", "explain"] {
        let told = pillion(&[command, "-"], &manifest);
        let told = [stdout(&told), stderr(&told)].concat();
        for said in said {
            assert!(told.contains(said), "{command}: {said}: {told}");
        }
    }
    // What would be injected is refused by both.
    let asking = pod.replace(
        "log-shipper",
        "wait-for, wait-for.pillion.dev/targets: 'db:5432'",
    );
    for command in ["inject", "explain"] {
        let told = pillion(&[command, "-"], &asking);
        assert_eq!(told.status.code(), Some(1), "{command}");
        let told = [stdout(&told), stderr(&told)].concat();
        assert!(told.contains("Denied (ReviewInvalid)"), "{command}: {told}");
        assert!(
            told.contains("spec.containers[0].ports: expected a list"),
            "{told}"
        );
    }
    // What is left alone is not judged.
    let left = pillion(&["inject"], &quiet);
    assert_eq!(left.status.code(), Some(0), "{}", stderr(&left));
    assert_eq!(stdout(&left), quiet);
    assert_eq!(pillion(&["check"], &quiet).status.code(), Some(1));
}

#[test]
fn labels_of_namespaces_that_mean_nothing_are_told() {
    let manifest = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    \
        pillion.dev/injection: enable\n";
    let report = pillion(&["inject"], manifest);
    let report = stderr(&report);
    assert!(
        report.contains("hint: ") && report.contains("is `enable`, which means nothing"),
        "{report}"
    );
}

#[test]
fn a_mistake_of_a_template_is_told_once_and_with_a_way_out() {
    let wrong = TEMPLATE.replace("spec:", "spec:\n  parameters: {every: {type: str}}");
    let wrong = wrong.replace("image:", "args: ['${params.every}'], image:");
    let output = pillion(&["template", "check", "-"], &wrong);
    assert!(
        stdout(&output).contains("found `str`"),
        "{}",
        stdout(&output)
    );
    assert!(
        !stdout(&output).contains("no parameter"),
        "{}",
        stdout(&output)
    );
    let flow = "spec:\n  sidecars:\n    - {name: y, image: ${params.x}}\n";
    let output = pillion(&["template", "check", "-"], flow);
    assert!(stdout(&output).contains("in quotes"), "{}", stdout(&output));
    let output = pillion(&["template", "render", "of-nobody"], "");
    assert!(
        stderr(&output).contains("--templates DIR"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_new_template_says_where_it_is_checked_and_what_it_stands_before() {
    let folder = tempfile::tempdir().unwrap();
    let new = ["template", "new", "pgbouncer", "--pattern", "Ambassador"];
    let output = pillion_in(folder.path(), &new, "");
    assert!(
        stderr(&output).contains("note: the built-in catalog"),
        "{}",
        stderr(&output)
    );
    let readme = fs::read_to_string(folder.path().join("templates/pgbouncer/README.md")).unwrap();
    assert!(
        readme.contains("pillion template check templates/pgbouncer\n"),
        "{readme}"
    );
    for command in ["check", "test"] {
        let arguments = ["template", command, "templates/pgbouncer"];
        let output = pillion_in(folder.path(), &arguments, "");
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
}

#[test]
fn a_missing_kubeconfig_is_told_once() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pillion"))
        .args(["doctor"])
        .env("HOME", "/nonexistent")
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let said = stderr(&output);
    assert!(
        said.contains("name a kubeconfig with --kubeconfig"),
        "{said}"
    );
    assert_eq!(said.matches("os error 2").count(), 1, "{said}");
}

#[test]
fn an_old_certificate_of_a_kubeconfig_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
         users: [{{name: a, user: {{client-certificate: {}, client-key: {}}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\ncurrent-context: a\n",
        at("tls.crt").display(),
        at("tls.key").display()
    );
    fs::write(at("kubeconfig"), kubeconfig).unwrap();
    // Made by `openssl x509 -req` without extensions, which makes version 1.
    fs::write(at("tls.crt"), include_str!("version-1.crt")).unwrap();
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    fs::write(at("tls.key"), key).unwrap();
    let path = at("kubeconfig");
    let output = pillion(&["doctor", "--kubeconfig", path.to_str().unwrap()], "");
    assert!(
        stderr(&output).contains("X.509 version 1"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn every_command_has_examples() {
    for command in [
        &["serve"][..],
        &["inject"],
        &["uninject"],
        &["review"],
        &["explain"],
        &["doctor"],
        &["playground"],
        &["check"],
        &["completions"],
        &["certs", "new"],
        &["certs", "show"],
        &["template", "list"],
        &["template", "show"],
        &["template", "check"],
        &["template", "render"],
        &["template", "new"],
        &["template", "test"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let output = pillion(&arguments, "");
        let example = format!("pillion {}", command.join(" "));
        let (_, examples) = stdout(&output).split_once("Examples:").unwrap_or_default();
        assert!(
            examples.contains(&example),
            "{command:?}: {}",
            stdout(&output)
        );
    }
}
