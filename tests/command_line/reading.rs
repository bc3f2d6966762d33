//! How manifests are read: what kubectl, controllers and API servers make of them counts.

use serde_json::Value;

use crate::command_line::first_steps::workload;
use crate::command_line::program::{pillion, stderr, stdout};

#[test]
fn claims_beside_a_pod_template_are_volumes_whatever_the_kind() {
    let of = |api_version: &str, kind: &str, spec: &str, template: &str| {
        format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: web}}\n{spec}  {template}: {{metadata: \
             {{annotations: {{pillion.dev/inject: log-shipper}}}}, spec: {{containers: [{{name: app, image: \
             \"app:1\", volumeMounts: [{{name: logs, mountPath: /var/log/app}}]}}]}}}}\n  \
             volumeClaimTemplates: [{{metadata: {{name: logs}}, spec: {{}}}}]\n"
        )
    };
    let plain = "spec:\n";
    let table: [(&str, &str, &str, &str, &[&str]); 4] = [
        (
            "apps.kruise.io/v1alpha1",
            "CloneSet",
            plain,
            "template",
            &[],
        ),
        ("workloads.x-k8s.io/v1", "RoleSet", plain, "template", &[]),
        (
            "apps.kruise.io/v1beta1",
            "StatefulSet",
            plain,
            "template",
            &[],
        ),
        (
            "agents.x-k8s.io/v1alpha1",
            "Sandbox",
            plain,
            "podTemplate",
            &["--pod-template-path=spec.podTemplate"],
        ),
    ];
    for (api_version, kind, spec, template, path) in table {
        let manifest = of(api_version, kind, spec, template);
        let injected = pillion(&[&["inject", "-o", "json"], path].concat(), &manifest);
        assert_eq!(injected.status.code(), Some(0), "{}", stderr(&injected));
        let object: Value = serde_json::from_str(stdout(&injected)).unwrap();
        let pod = &object["spec"][template]["spec"];
        assert_eq!(
            pod["initContainers"][0]["volumeMounts"][0]["name"], "logs",
            "{pod:#}"
        );
        assert!(!pod["volumes"].to_string().contains("\"logs\""), "{pod:#}");
        let explained = pillion(&[&["explain", "-", "-o", "json"], path].concat(), &manifest);
        assert!(
            stdout(&explained).contains("\"Applied\""),
            "{}",
            stdout(&explained)
        );
        let back = pillion(
            &[&["uninject", "-o", "json"], path].concat(),
            stdout(&injected),
        );
        assert!(
            !stdout(&back).contains("log-shipper\","),
            "{}",
            stdout(&back)
        );
    }
    // A Deployment has no such field: the API server drops it.
    let of_none = of("apps/v1", "Deployment", plain, "template");
    let refused = pillion(&["inject"], &of_none);
    assert!(
        stderr(&refused).contains("VolumeNotFound"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn plain_words_that_kubectl_takes_for_booleans_are_booleans() {
    let manifest = |words: &str| workload("apps/v1", "Deployment") + words;
    for (words, place, found) in [
        (
            "        args: [-o, y]\n",
            ":14:20: spec.template.spec.containers[0].args[1]",
            "true",
        ),
        (
            "        env: [{name: A, value: no}]\n",
            "[\"env\"]",
            "false",
        ),
    ] {
        let refused = pillion(&["inject"], &manifest(words));
        assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
        let told = format!("expected text, found the boolean {found}: write it in quotes");
        let place = place.replace("[\"env\"]", "spec.template.spec.containers[0].env[0].value");
        for part in [told.as_str(), place.as_str()] {
            assert!(
                stderr(&refused).contains(part),
                "{part}: {}",
                stderr(&refused)
            );
        }
        let checked = pillion(&["check", "-"], &manifest(words));
        assert!(stdout(&checked).contains(&told) || stderr(&checked).contains(&told));
    }
    let label = manifest("").replace("annotations:", "labels: {canary: Y}\n      annotations:");
    let refused = pillion(&["inject"], &label);
    assert!(
        stderr(&refused)
            .contains("metadata.labels[\"canary\"]: expected text, found the boolean true"),
        "{}",
        stderr(&refused)
    );
    let right = manifest("        args: ['y', \"no\", yEs]\n        tty: on\n        stdin: n\n");
    let injected = pillion(&["inject", "-o", "json"], &right);
    assert_eq!(injected.status.code(), Some(0), "{}", stderr(&injected));
    let object: Value = serde_json::from_str(stdout(&injected)).unwrap();
    let app = &object["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(app["args"], serde_json::json!(["y", "no", "yEs"]));
    assert_eq!((&app["tty"], &app["stdin"]), (&true.into(), &false.into()));
}

#[test]
fn a_pod_has_the_requests_that_older_api_servers_give_it_before_they_call_webhooks() {
    let limits = "      resources: {limits: {cpu: 2, memory: 4Gi}}\n";
    let manifest = workload("apps/v1", "Deployment") + limits;
    let inject = |version: &str, manifest: &str| {
        let version = format!("--kubernetes-version={version}");
        pillion(&["inject", "-o", "json", &version], manifest)
    };
    let resources = |output: &std::process::Output| -> Value {
        let object: Value = serde_json::from_str(stdout(output)).unwrap();
        object["spec"]["template"]["spec"]["resources"].clone()
    };
    let own = serde_json::json!({"limits": {"cpu": 2, "memory": "4Gi"}});
    for (version, requests) in [
        ("1.33", Value::Null),
        ("1.34", serde_json::json!({"cpu": "2", "memory": "4Gi"})),
        ("1.36", serde_json::json!({"cpu": "2", "memory": "4Gi"})),
        ("1.37", Value::Null),
    ] {
        let injected = inject(version, &manifest);
        assert_eq!(injected.status.code(), Some(0), "{}", stderr(&injected));
        assert_eq!(resources(&injected)["requests"], requests, "{version}");
        let is_lost = stderr(&injected).contains("QosClassChanged");
        assert_eq!(
            is_lost,
            requests.is_null(),
            "{version}: {}",
            stderr(&injected)
        );
        let again = inject(version, stdout(&injected));
        assert_eq!(stdout(&again), stdout(&injected), "{version}");
        let back = pillion(&["uninject", "-o", "json"], stdout(&injected));
        assert_eq!(resources(&back), own, "{version}");
    }
    // What the webhook will refuse there is refused in the file too.
    let tight = manifest
        + "      initContainers: [{name: s, image: \"s:1\", restartPolicy: Always, \
        resources: {requests: {cpu: 1}}}]\n";
    let tight = tight
        .replace("wait-for\n", "log-shipper\n")
        .replace("wait-for.pillion.dev/targets: db:5432", "a: b");
    let refused = inject("1.36", &tight);
    assert!(
        stderr(&refused).contains("PodResourcesExceeded"),
        "{}",
        stderr(&refused)
    );
    assert!(!stderr(&inject("1.37", &tight)).contains("PodResourcesExceeded"));
}
