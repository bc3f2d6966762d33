//! Containers between the capture of a mesh and its proxy.

use super::super::check;
use crate::check::test_support::table;

#[test]
fn a_step_is_cut_off_between_capture_and_proxy() {
    let step = "{name: t-i, command: [curl, 'http://example.com']}";
    let pod = |before: &str, step: &str, containers: &str| {
        format!("{{initContainers: [{before}{step}], containers: [{{name: app}}{containers}]}}")
    };
    let proxy = ", {name: istio-proxy}";
    let cases = [
        (pod("{name: istio-init}, ", step, proxy), "t ForeignMesh"),
        (
            pod("{name: istio-validation}, ", step, proxy),
            "t ForeignMesh",
        ),
        // It runs before the packets are redirected, behind a proxy, or needs no network.
        (pod("", &format!("{step}, {{name: istio-init}}"), proxy), ""),
        (
            pod(
                "{name: istio-init}, {name: istio-proxy, restartPolicy: Always}, ",
                step,
                "",
            ),
            "",
        ),
        (
            pod(
                "{name: istio-init}, ",
                "{name: t-i, command: [chown, '1', /data]}",
                proxy,
            ),
            "",
        ),
        (
            pod(
                "{name: istio-init}, ",
                "{name: t-i, command: [sh, -c, 'until nc -z db 1; do sleep 1; done']}",
                proxy,
            ),
            "t ForeignMesh",
        ),
    ];
    table(check, &cases);
}

#[test]
fn a_sidecar_is_awaited_in_vain_before_the_proxy_of_a_captured_pod() {
    let pod = |probe: &str, before: &str, behind: &str| {
        format!(
            "{{initContainers: [{before}{{name: t-i, restartPolicy: Always, {probe}}}{behind}], containers: [{{name: app}}]}}"
        )
    };
    let (probe, validation) = (
        "startupProbe: {tcpSocket: {port: 1}}",
        "{name: istio-validation}, ",
    );
    let proxy = ", {name: istio-proxy, restartPolicy: Always}";
    let cases = [
        (pod(probe, validation, proxy), "t ForeignMesh"),
        // The node has redirected the packets before any container starts.
        (
            pod(
                probe,
                "",
                ", {name: linkerd-network-validator}, {name: linkerd-proxy, restartPolicy: Always}",
            ),
            "t ForeignMesh",
        ),
        (
            pod("startupProbe: {exec: {command: [a]}}", validation, proxy),
            "",
        ),
        (
            pod("readinessProbe: {tcpSocket: {port: 1}}", validation, proxy),
            "",
        ),
        (
            pod(
                probe,
                "{name: istio-init}, {name: istio-proxy, restartPolicy: Always}, ",
                "",
            ),
            "",
        ),
        (
            pod(
                probe,
                "",
                ", {name: istio-init}, {name: istio-proxy, restartPolicy: Always}",
            ),
            "",
        ),
    ];
    table(check, &cases);
}
