//! Commands that never end and such as do, and pods with steps, sidecars and hooks of both kinds.

use super::check;
use super::command::{never_ends, seconds};
use crate::check::test_support::{Scene, found_with, short, table};
use crate::finding::Code;
use serde_json::json;

fn shell(script: &str) -> Vec<&str> {
    vec!["/bin/sh", "-c", script]
}

#[test]
fn only_what_surely_never_ends_counts() {
    let plain: [&[&str]; 9] = [
        &["sleep", "infinity"],
        &["/bin/sleep", "inf"],
        &["sleep", "99999d"],
        &["tail", "-f", "/dev/null"],
        &["tail", "-n0", "-F", "/dev/null"],
        &["busybox", "sleep", "infinity"],
        &["bash", "-euo", "pipefail", "-c", "sleep infinity"],
        &["busybox", "sh", "-c", "sleep infinity"],
        &["/bin/sh", "-ec", "exec tail -f /dev/null", "name"],
    ];
    for command in plain {
        assert!(never_ends(command), "{command:?}");
    }
    let scripts = [
        "echo ready; sleep infinity",
        "echo \"it's $(date)\" && cp -r /a /b && sleep infinity",
        "set -e\ncp /a /b 2>&1\n# wait\nsleep infinity\n",
        "while true; do sleep 30; done",
        "while :\ndo\n  for x in a b; do echo $x; done\n  sleep 5\ndone",
        "until false; do sleep 1; done",
        "sleep infinity & wait",
        "tail -f /dev/null & wait $!",
        "cp a b || true; tail -f /dev/null",
    ];
    for script in scripts {
        assert!(never_ends(&shell(script)), "{script}");
    }
}

#[test]
fn what_can_end_does_not_count() {
    let plain: [&[&str]; 9] = [
        &["sleep", "30"],
        &["tail", "-f", "/var/log/app.log"],
        &["tail", "-f", "--pid=1", "/dev/null"],
        &["timeout", "60", "sleep", "infinity"],
        &["echo", "sleep", "infinity"],
        &["./sleep.py", "infinity"],
        &["sh", "script.sh", "-c", "sleep infinity"],
        &["-c", "sleep infinity"],
        &[],
    ];
    for command in plain {
        assert!(!never_ends(command), "{command:?}");
    }
    let scripts = [
        "sleep 5",
        "echo sleep infinity",
        "echo 'a; sleep infinity'",
        "test -f done && exit 0; sleep infinity",
        "test -f done || sleep infinity",
        "a || b && sleep infinity",
        "sleep infinity & echo started",
        "sleep infinity & P=$!; work; kill $P",
        "timeout 60 tail -f /dev/null",
        "while true; do nc -z db 1 && break; done",
        "until nc -z db 5432; do sleep 2; done",
        "while ! nc -z db 5432; do sleep 2; done",
        "for x in a b; do sleep 1; done",
        "if [ -n \"$DEBUG\" ]; then sleep infinity; fi",
        "exec app; sleep infinity",
        "trap 'exit 0' TERM; sleep infinity",
        "cat <<EOF\nx\nEOF\nsleep infinity",
        "echo 'not closed; sleep infinity",
        "# sleep infinity",
        "f() { sleep infinity; }",
        "",
    ];
    for script in scripts {
        assert!(!never_ends(&shell(script)), "{script}");
    }
}

#[test]
fn pauses_are_added_up_as_far_as_they_are_certain() {
    let cases = [
        ("sleep 15", Some(15)),
        ("sleep 15s; nginx -s quit", Some(15)),
        ("sleep 1m && sleep 30", Some(90)),
        ("echo bye; sleep 0.5; sleep 2.7", Some(2)),
        ("/bin/sleep 5 & wait", None),
        ("nginx -s quit && sleep 60", None),
        ("nginx -s quit; sleep 60", Some(60)),
        ("drain || sleep 60", None),
        (
            "sleep 5; while nc -z localhost 80; do sleep 100; done",
            Some(5),
        ),
        ("sleep $WAIT", None),
        ("sleep infinity", Some(365 * 24 * 60 * 60)),
        ("exit 0; sleep 60", None),
    ];
    for (script, expected) in cases {
        assert_eq!(seconds(&shell(script)), expected, "{script}");
    }
    assert_eq!(seconds(&["sleep", "20"]), Some(20));
    assert_eq!(seconds(&["/usr/bin/sleep", "1h"]), Some(3600));
    assert_eq!(seconds(&["drain", "--sleep", "20"]), None);
}

#[test]
fn steps_end_and_have_no_probes() {
    table(
        check,
        &[
            (
                "initContainers: [{name: t-i, command: [sleep, infinity]}]",
                "t InitNeverEnds",
            ),
            (
                "initContainers: [{name: t-i, args: [tail, -f, /dev/null]}]",
                "t InitNeverEnds",
            ),
            (
                "initContainers: [{name: own, command: [sh, -c], args: [sleep infinity]}]",
                "- InitNeverEnds",
            ),
            (
                "initContainers: [{name: t-i, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}}, command: [sleep, infinity]}]",
                "",
            ),
            ("initContainers: [{name: t-i, command: [sleep, '5']}]", ""),
            ("containers: [{name: t-i, command: [sleep, infinity]}]", ""),
            (
                "initContainers: [{name: t-i, readinessProbe: {tcpSocket: {port: 1}}}]",
                "t ProbeOnInitStep",
            ),
            (
                "initContainers: [{name: own, lifecycle: {}}]",
                "- ProbeOnInitStep",
            ),
            (
                "initContainers: [{name: own, lifecycle: null, startupProbe: null}]",
                "",
            ),
            (
                "initContainers: [{name: own, restartPolicy: Always, livenessProbe: {tcpSocket: {port: 1}}}]",
                "",
            ),
        ],
    );
}

#[test]
fn a_restart_policy_makes_no_sidecar_of_a_regular_container() {
    table(
        check,
        &[
            (
                "containers: [{name: app, restartPolicy: Always}]",
                "- RestartPolicyOnContainer",
            ),
            (
                "containers: [{name: t-p, restartPolicy: Always}]",
                "t RestartPolicyOnContainer",
            ),
            ("containers: [{name: app, restartPolicy: Never}]", ""),
            (
                "containers: [{name: app, restartPolicy: Always, restartPolicyRules: [{action: Restart}]}]",
                "",
            ),
            ("initContainers: [{name: app, restartPolicy: Always}]", ""),
        ],
    );
}

#[test]
fn an_ambassador_is_waited_for() {
    table(
        check,
        &[
            (
                "initContainers: [{name: t-p, restartPolicy: Always, ports: [{containerPort: 1}]}]",
                "t SidecarNotAwaited",
            ),
            (
                "initContainers: [{name: t-p, restartPolicy: Always}]",
                "t SidecarNotAwaited",
            ),
            (
                "initContainers: [{name: t-p, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}}}]",
                "",
            ),
            (
                "initContainers: [{name: t-p, restartPolicy: Always, lifecycle: {postStart: {exec: {command: [wait]}}}}]",
                "",
            ),
            ("initContainers: [{name: t-p}]", ""),
            ("initContainers: [{name: own, restartPolicy: Always}]", ""),
            ("containers: [{name: t-p, ports: [{containerPort: 1}]}]", ""),
        ],
    );
}

#[test]
fn a_sleep_of_no_time_is_for_versions_that_take_it() {
    for (minor, expected) in [(32, "t PreStopSleepRefused"), (33, "")] {
        for hook in ["preStop", "postStart"] {
            let pod = json!({"spec": {"containers": [
                {"name": "t-p", "lifecycle": {hook: {"sleep": {"seconds": 0}}}},
            ]}});
            let mut scene = Scene::ambassadors();
            scene.kubernetes_minor = minor;
            let found = scene.findings(&Scene::pod(&pod), check);
            assert_eq!(short(&found).join(", "), expected, "1.{minor}, {hook}");
        }
    }
}

#[test]
fn hooks_leave_time_to_end() {
    let hook = |name: &str, grace: &str, hook: &str| {
        format!("{{{grace} containers: [{{name: {name}, lifecycle: {{{hook}}}}}]}}")
    };
    let sleep = |seconds: i64| format!("preStop: {{sleep: {{seconds: {seconds}}}}}");
    let long = "terminationGracePeriodSeconds: 60,";
    let cases = [
        (hook("t-p", "", &sleep(29)), ""),
        (hook("t-p", "", &sleep(30)), "t PreStopTooLong"),
        (hook("t-p", "", &sleep(31)), "t PreStopSleepRefused"),
        (hook("t-p", long, &sleep(31)), ""),
        (hook("t-p", "", &sleep(-1)), "t PreStopSleepRefused"),
        (hook("t-p", "", &sleep(0)), ""),
        (
            hook("t-p", "terminationGracePeriodSeconds: 0,", &sleep(0)),
            "",
        ),
        (
            hook("t-p", "", "postStart: {sleep: {seconds: 31}}"),
            "t PreStopSleepRefused",
        ),
        (hook("t-p", "", "postStart: {sleep: {seconds: 30}}"), ""),
        (
            hook("t-p", "", "preStop: {exec: {command: [sleep, '30']}}"),
            "t PreStopTooLong",
        ),
        (
            hook(
                "t-p",
                "",
                "preStop: {exec: {command: [sh, -c, sleep 30 && quit]}}",
            ),
            "t PreStopTooLong",
        ),
        (
            hook(
                "t-p",
                long,
                "preStop: {exec: {command: [sh, -c, sleep 30 && quit]}}",
            ),
            "",
        ),
        (
            hook("t-p", "", "preStop: {httpGet: {path: /, port: 1}}"),
            "",
        ),
        (hook("app", "", &sleep(31)), ""),
    ];
    table(check, &cases);
    // The user's hook and a template's period.
    let pod = hook("app", "terminationGracePeriodSeconds: 10,", &sleep(20));
    let found = found_with(check, &pod, |pod, _| {
        pod.fields_by.push(("terminationGracePeriodSeconds", "t"));
    });
    assert_eq!(
        found[0].to_string(),
        "PreStopSleepRefused: the preStop hook of `app` sleeps 20s, and the pod's grace period is 10s"
    );
    assert_eq!(
        found[0].path,
        "spec.containers[0].lifecycle.preStop.sleep.seconds"
    );
    // A template's hook in the user's container.
    let pod = hook("app", "", &sleep(20));
    let found = found_with(check, &pod, |pod, _| {
        pod.spec.termination_grace_period_seconds = Some(15);
        pod.containers[0].fields_by.push(("lifecycle", "s"));
    });
    assert_eq!(found[0].template.as_deref(), Some("s"));
}

#[test]
fn a_template_leaves_the_app_the_time_to_end() {
    let of =
        |seconds: &str| format!("{{terminationGracePeriodSeconds: {seconds}, containers: []}}");
    for (seconds, by, expected) in [
        ("1", Some("t"), 1),
        ("29", Some("t"), 1),
        ("30", Some("t"), 0),
        ("60", Some("t"), 0),
        ("1", None, 0),
    ] {
        let found = found_with(check, &of(seconds), |pod, _| {
            let by = by.map(|by| ("terminationGracePeriodSeconds", by));
            pod.fields_by.extend(by);
        });
        let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(
            codes,
            vec![Code::GracePeriodShortened; expected],
            "{seconds}"
        );
    }
}
