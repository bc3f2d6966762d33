//! `pillion explain`: its inputs, its exit status, and where each thing is said to come from.

use std::fs;

use serde_json::{Value, json};

use crate::command_line::manifests::path;
use crate::command_line::program::{pillion, stderr, stdout};

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {pillion.dev/injection: enabled}\n  \
    annotations: {pillion.dev/inject: pgbouncer, pgbouncer.pillion.dev/image: \"mirror/pgbouncer:1.24.1\"}\n---\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: orders\n  namespace: shop\n  \
    annotations: {pgbouncer.pillion.dev/host: db}\nspec: {containers: [{name: app, image: \"app:1.0.0\"}]}\n";

fn explain(arguments: &[&str], stdin: &str) -> Value {
    let arguments: Vec<_> = ["explain", "-", "-o", "json"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    let output = pillion(&arguments, stdin);
    let list: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    assert_eq!(list["kind"], "ExplanationList");
    list["items"].clone()
}

fn from<'i>(item: &'i Value, parameter: &str) -> (&'i str, &'i str) {
    let parameters = item["templates"][0]["parameters"].as_array().unwrap();
    let found = parameters
        .iter()
        .find(|one| one["name"] == parameter)
        .unwrap();
    let place = &found["from"][0];
    (
        place["place"].as_str().unwrap(),
        place["key"].as_str().unwrap_or_default(),
    )
}

#[test]
fn every_parameter_says_where_its_value_comes_from() {
    let items = explain(
        &["--parameter=pgbouncer.port=5433"],
        &format!("{NAMESPACE}{POD}"),
    );
    assert_eq!(items.as_array().unwrap().len(), 1, "a namespace is no pod");
    let item = &items[0];
    assert_eq!(item["reason"], "Applied", "{item:#}");
    let called: Vec<_> = item["gates"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["call"] == "Called")
        .map(|entry| &entry["entry"])
        .collect();
    assert_eq!(called, ["namespace.pillion.dev"]);
    assert_eq!(
        item["templates"][0]["askedForBy"],
        json!(["NamespaceAnnotation"])
    );
    assert_eq!(
        from(item, "host"),
        ("PodAnnotation", "pgbouncer.pillion.dev/host")
    );
    assert_eq!(
        from(item, "image"),
        ("NamespaceAnnotation", "pgbouncer.pillion.dev/image")
    );
    assert_eq!(
        from(item, "port"),
        ("Configuration", "parameters.pgbouncer.port")
    );
    assert_eq!(from(item, "pool-mode").0, "Default");
    assert_eq!(from(item, "secret").0, "Unset");
    assert_eq!(
        item["resources"]["amounts"][0]["resource"], "cpu",
        "{item:#}"
    );
    assert_eq!(item["resources"]["amounts"][0]["requestAfter"], "50m");
}

#[test]
fn a_pod_that_is_not_injected_names_what_stops_it_and_what_to_change() {
    let no_namespace = POD.replace("pgbouncer.pillion.dev/host: db", "");
    let label = |value: &str| {
        no_namespace.replace(
            "annotations: {}",
            &format!("labels: {{pillion.dev/inject: \"{value}\"}}"),
        )
    };
    let asks = POD.replace("{pgb", "{pillion.dev/inject: pgbouncer, pgb");
    let table = [
        (
            no_namespace.clone(),
            "Gates",
            "namespaceSelector of the webhook `namespace.pillion.dev`",
            "ask for a template",
        ),
        (
            label("false"),
            "Gates",
            "objectSelector of the webhook `pod.pillion.dev`",
            "set it to \"true\"",
        ),
        (
            label("yes"),
            "Selection",
            "the pod's label",
            "follow the message above",
        ),
        (
            label("true"),
            "Selection",
            "the selection",
            "ask for a template",
        ),
        (
            asks.replace("host: db", "host: a b"),
            "Templates",
            "the template `pgbouncer`",
            "follow the message above",
        ),
        (
            asks.replace("pgbouncer,", "pgbuncer,"),
            "Selection",
            "the pod's annotation",
            "follow the message above",
        ),
    ];
    for (manifest, step, what, change) in table {
        let stop = explain(&[], &manifest)[0]["stoppedBy"].clone();
        assert_eq!(stop["step"], step, "{manifest}: {stop:#}");
        assert!(
            stop["what"].as_str().unwrap().starts_with(what),
            "{manifest}: {stop:#}"
        );
        assert!(
            stop["change"].as_str().unwrap().contains(change),
            "{manifest}: {stop:#}"
        );
    }
}

#[test]
fn webhook_configurations_come_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(folder.path(), "webhook.yaml");
    fs::write(&file, "kind: MutatingWebhookConfiguration\nmetadata: {name: other}\nwebhooks:\n\
        - name: all.pillion.dev\n  rules: [{operations: ['*'], apiGroups: [''], apiVersions: [v1], resources: [pods]}]\n").unwrap();
    let flag = format!("--webhook-manifest={file}");
    // The flag had this name once.
    let old = format!("--webhook-configuration={file}");
    for flag in [&flag, &old] {
        let item = explain(&[flag], POD)[0].clone();
        assert_eq!(item["gates"]["from"], file.as_str());
        assert_eq!(item["gates"]["call"], "Called", "{item:#}");
        assert_eq!(item["stoppedBy"]["step"], "Selection", "{item:#}");
    }

    fs::write(&file, POD).unwrap();
    let output = pillion(&["explain", "-", &flag], POD);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("expected kind MutatingWebhookConfiguration or ValidatingWebhookConfiguration, found Pod"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_name_that_the_server_is_configured_with_is_no_file_here() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(folder.path(), "configuration.yaml");
    fs::write(&file, "webhookConfiguration: pillion\n").unwrap();
    let flag = format!("--config={file}");
    let item = explain(&[&flag], POD)[0].clone();
    assert_eq!(item["gates"]["call"], "NotCalled", "{item:#}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let table = [
        (
            "-",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
            "holds no pod",
        ),
        (
            "-",
            "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
            "400 Bad Request",
        ),
        ("missing.yaml", "", "missing.yaml"),
    ];
    for (target, stdin, expected) in table {
        let output = pillion(&["explain", target], stdin);
        assert_eq!(output.status.code(), Some(2), "{target}");
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let refused = POD
        .replace("{pgb", "{pillion.dev/inject: pgbouncer, x: \"\", pgb")
        .replace("host: db", "host: a b");
    let output = pillion(&["explain"], &refused);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Denied (ParameterInvalid)"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_review_about_a_workload_is_explained_like_its_manifest() {
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {}, "template": {
            "metadata": {"annotations": {
                "pillion.dev/inject": "pgbouncer",
                "pgbouncer.pillion.dev/host": "db",
            }},
            "spec": {"containers": [{"name": "app", "image": "app:1.0.0"}]},
        }},
    });
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "1", "operation": "CREATE", "namespace": "shop", "object": deployment},
    });
    let of_review = explain(&[], &review.to_string());
    let of_manifest = explain(&["--namespace=shop"], &deployment.to_string());
    assert_eq!(of_review[0]["reason"], "Applied", "{of_review:#}");
    assert_eq!(of_review[0]["namespace"], "shop");
    assert_eq!(of_review, of_manifest);
}

#[test]
fn volumes_of_a_statefulsets_claims_are_there() {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  serviceName: web\n  \
        selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n      \
        annotations: {pillion.dev/inject: log-shipper}\n    spec:\n      containers:\n        - {name: web, \
        image: \"web:1\", volumeMounts: [{name: logs, mountPath: /var/log/app}]}\n  volumeClaimTemplates:\n    \
        - metadata: {name: logs}\n      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: \
        1Gi}}}\n";
    let explained = explain(&[], set);
    assert_eq!(explained[0]["reason"], "Applied", "{explained:#}");
}

#[test]
fn parameters_of_templates_that_are_not_there_are_refused() {
    let said = "there is no template `pgbouncr`; did you mean `pgbouncer`?";
    for arguments in [
        &["inject", "--set=pgbouncr.host=db"][..],
        &["inject", "--parameter=pgbouncr.host=db"],
        &["explain", "-", "--parameter=pgbouncr.host=db"],
        &["review", "-", "--parameter=pgbouncr.host=db"],
        &["template", "render", "pgbouncer", "--set=pgbouncr.host=db"],
    ] {
        let output = pillion(arguments, POD);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_job_without_native_sidecars_is_told_to_the_operator() {
    let job = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: once\n  annotations: \
        {pillion.dev/inject: pgbouncer, pgbouncer.pillion.dev/host: db}\nspec: {restartPolicy: \
        Never, containers: [{name: app, image: \"app:1.0.0\"}]}\n";
    let items = explain(&["--kubernetes-version=1.30"], job);
    let stop = &items[0]["stoppedBy"];
    let why = stop["why"].as_str().unwrap();
    assert!(
        why.contains("from Kubernetes 1.32 on, or with --native-sidecars=always"),
        "{why}"
    );
    let change = stop["change"].as_str().unwrap();
    assert!(change.contains("--native-sidecars=always"), "{change}");
}

#[test]
fn what_does_nothing_where_it_is_is_told_with_the_place_where_it_belongs() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  \
        annotations: {pillion.dev/inject: pgbouncer, pgbouncer.pillion.dev/host: db}\nspec:\n  template:\n    \
        metadata: {annotations: {wait-for.pillion.dev/targets: \"db:1\"}}\n    \
        spec: {containers: [{name: app, image: \"app:1.0.0\"}]}\n";
    let item = &explain(&[], deployment)[0];
    assert_eq!(
        item["hints"],
        json!([
            "the annotation `pillion.dev/inject` of the Deployment does nothing: it belongs into \
             spec.template.metadata.annotations",
            "the annotation `pgbouncer.pillion.dev/host` of the Deployment does nothing: it belongs \
             into spec.template.metadata.annotations",
            "the annotation `wait-for.pillion.dev/targets` is for the template `wait-for`, which is \
             not selected for the pod: ask for it with the annotation `pillion.dev/inject: wait-for`",
        ])
    );
    for how in [&["explain"][..], &["explain", "--brief"]] {
        let output = pillion(how, deployment);
        assert!(
            stdout(&output)
                .contains("hint        the annotation `pillion.dev/inject` of the Deployment")
        );
    }
}
