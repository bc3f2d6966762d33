//! Pods with ports that clash, and pods like them with ports that do not.

use super::check;
use crate::check::test_support::{found_with, table};

#[test]
fn two_containers_that_run_side_by_side_cannot_listen_on_one_port() {
    table(
        check,
        &[
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 80}]}]",
                "t PortConflict",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 81}]}]",
                "",
            ),
            // By protocol.
            (
                "containers: [{name: app, ports: [{containerPort: 53, protocol: UDP}]}, {name: t-p, ports: [{containerPort: 53}]}]",
                "",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 53, protocol: TCP}]}, {name: t-p, ports: [{containerPort: 53}]}]",
                "t PortConflict",
            ),
            // A native sidecar runs beside the app, a step does not.
            (
                "{containers: [{name: app, ports: [{containerPort: 80}]}], initContainers: [{name: t-p, restartPolicy: Always, ports: [{containerPort: 80}]}]}",
                "t PortConflict",
            ),
            (
                "{containers: [{name: app, ports: [{containerPort: 80}]}], initContainers: [{name: t-p, ports: [{containerPort: 80}]}]}",
                "",
            ),
            (
                "{containers: [{name: t-p, ports: [{containerPort: 80}]}], initContainers: [{name: migrate, ports: [{containerPort: 80}]}]}",
                "",
            ),
            // The later of two templates, wherever it stands; once for each port.
            (
                "containers: [{name: s-p, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 80}]}]",
                "s PortConflict",
            ),
            (
                "containers: [{name: t-p, ports: [{containerPort: 80}]}, {name: t-q, ports: [{containerPort: 80}]}]",
                "t PortConflict",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: web, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 80}]}]",
                "t PortConflict",
            ),
            // The user's own.
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: web, ports: [{containerPort: 80}]}, {name: t-p}]",
                "",
            ),
            // What one template declares for each app container says little of who listens.
            (
                "containers: [{name: app, ports: [{containerPort: 80, name: t-x}]}, {name: web, ports: [{containerPort: 80, name: t-x}]}]",
                "",
            ),
            // A port that a template gives to an app container.
            (
                "containers: [{name: app, ports: [{containerPort: 80, name: t-x}]}, {name: web, ports: [{containerPort: 80}]}]",
                "t PortConflict",
            ),
        ],
    );
}

#[test]
fn ports_of_the_node_clash_as_the_api_server_compares_them() {
    table(
        check,
        &[
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080}]}, {name: t-p, ports: [{containerPort: 81, hostPort: 8080}]}]",
                "t HostPortConflict",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 80}]}, {name: t-p, ports: [{containerPort: 80, hostPort: 80}]}]",
                "t HostPortConflict",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080}]}, {name: t-p, ports: [{containerPort: 81, hostPort: 8080, protocol: UDP}]}]",
                "",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 0}]}, {name: t-p, ports: [{containerPort: 81, hostPort: 0}]}]",
                "",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080, hostIP: 10.0.0.1}]}, {name: t-p, ports: [{containerPort: 81, hostPort: 8080, hostIP: 10.0.0.2}]}]",
                "",
            ),
            // Every address is one of them, which the API server does not see.
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080, hostIP: 10.0.0.1}]}, {name: t-p, ports: [{containerPort: 81, hostPort: 8080, hostIP: 0.0.0.0}]}]",
                "t PortConflict",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080}]}, {name: t-p, ports: [{containerPort: 81, hostPort: 8080, hostIP: 127.0.0.1}]}]",
                "t PortConflict",
            ),
            // Nor a native sidecar.
            (
                "{containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080}]}], initContainers: [{name: t-p, restartPolicy: Always, ports: [{containerPort: 81, hostPort: 8080}]}]}",
                "t PortConflict",
            ),
            // Twice in one container.
            (
                "containers: [{name: t-p, ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81, hostPort: 8080}]}]",
                "t HostPortConflict",
            ),
            // On the node's network each port is one of the node's.
            (
                "{hostNetwork: true, containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 80}]}]}",
                "t HostPortConflict, t HostNetworkHelper",
            ),
            (
                "{hostNetwork: true, containers: [{name: app, ports: [{containerPort: 80, hostPort: 80}]}], initContainers: [{name: t-p, restartPolicy: Always, ports: [{containerPort: 80}]}]}",
                "t PortConflict, t HostNetworkHelper",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, hostPort: 8080}]}, {name: web, ports: [{containerPort: 81, hostPort: 8080}]}, {name: t-p}]",
                "",
            ),
        ],
    );
}

#[test]
fn a_service_reaches_the_first_port_of_a_name() {
    table(
        check,
        &[
            (
                "containers: [{name: app, ports: [{containerPort: 80, name: metrics}]}, {name: t-p, ports: [{containerPort: 81, name: metrics}]}]",
                "t PortNameConflict",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, name: dns}]}, {name: t-p, ports: [{containerPort: 81, name: dns, protocol: UDP}]}]",
                "",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 81}]}]",
                "",
            ),
            (
                "{containers: [{name: app, ports: [{containerPort: 80, name: metrics}]}], initContainers: [{name: t-p, ports: [{containerPort: 81, name: metrics}]}]}",
                "",
            ),
            // The clash of the port itself says enough.
            (
                "containers: [{name: app, ports: [{containerPort: 80, name: web}]}, {name: t-p, ports: [{containerPort: 80, name: web}]}]",
                "t PortConflict",
            ),
        ],
    );
    let pod = "{containers: [{name: app, ports: [{containerPort: 80, name: web}]}], initContainers: \
               [{name: t-p, restartPolicy: Always, ports: [{containerPort: 81, name: web}]}]}";
    let found = found_with(check, pod, |_, _| {});
    let message = "port name `web` of `t-p` (template t) is also that of a port of `app`: a Service \
                   that names it reaches `app` only";
    assert_eq!(found[0].message, message);
    assert_eq!(found[0].path, "spec.initContainers[0].ports[0].name");
}

#[test]
fn probes_show_ports_that_nobody_declares() {
    table(
        check,
        &[
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, readinessProbe: {tcpSocket: {port: 80}}, livenessProbe: {tcpSocket: {port: 80}}}]",
                "t ProbePortOfOther",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, ports: [{containerPort: 81}], readinessProbe: {tcpSocket: {port: 81}}}]",
                "",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, readinessProbe: {tcpSocket: {port: 81}}}]",
                "",
            ),
            // Another host, a name, another protocol.
            (
                "containers: [{name: app, ports: [{containerPort: 80}]}, {name: t-p, readinessProbe: {tcpSocket: {port: 80, host: example.com}}}]",
                "",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, name: web}]}, {name: t-p, readinessProbe: {tcpSocket: {port: web}}}]",
                "t ProbePortNotFound",
            ),
            (
                "containers: [{name: app, ports: [{containerPort: 80, protocol: UDP}]}, {name: t-p, readinessProbe: {tcpSocket: {port: 80}}}]",
                "",
            ),
            // The app listens on what it is probed on, declared or not.
            (
                "containers: [{name: app, readinessProbe: {httpGet: {path: /, port: 80}}}, {name: t-p, ports: [{containerPort: 80}]}]",
                "t ProbePortOfOther",
            ),
            (
                "containers: [{name: app, readinessProbe: {httpGet: {path: /, port: 80}}}, {name: web, ports: [{containerPort: 80}]}, {name: t-p}]",
                "",
            ),
            // Within one template the author knows.
            (
                "containers: [{name: t-p, readinessProbe: {tcpSocket: {port: 80}}}, {name: t-q, ports: [{containerPort: 80}]}]",
                "",
            ),
            // Two templates that do not know of each other.
            (
                "containers: [{name: s-p, readinessProbe: {grpc: {port: 80}}}, {name: t-p, readinessProbe: {tcpSocket: {port: 80}}}]",
                "s ProbePortOfOther",
            ),
            (
                "containers: [{name: t-q, readinessProbe: {grpc: {port: 80}}}, {name: t-p, readinessProbe: {tcpSocket: {port: 80}}}]",
                "",
            ),
            (
                "containers: [{name: app, readinessProbe: {grpc: {port: 80}}}, {name: t-p, readinessProbe: {tcpSocket: {port: 80}}}]",
                "",
            ),
        ],
    );
    // The template's own probe of the app, at its own helper.
    let pod = "containers: [{name: app, readinessProbe: {tcpSocket: {port: 80}}}, \
               {name: t-p, ports: [{containerPort: 80}]}]";
    let found = found_with(check, pod, |pod, _| {
        pod.containers[0].fields_by.push(("readinessProbe", "t"));
    });
    assert_eq!(found, []);
}

#[test]
fn helpers_that_listen_are_told_of_the_nodes_network() {
    table(
        check,
        &[
            (
                "{hostNetwork: true, containers: [{name: app}, {name: t-p, ports: [{containerPort: 80}]}, {name: t-q, ports: [{containerPort: 81}]}]}",
                "t HostNetworkHelper",
            ),
            (
                "{hostNetwork: true, containers: [{name: app}, {name: t-p, readinessProbe: {tcpSocket: {port: 80}}}]}",
                "t HostNetworkHelper",
            ),
            (
                "{hostNetwork: true, containers: [{name: app}, {name: t-p}]}",
                "",
            ),
            (
                "{containers: [{name: app}, {name: t-p, ports: [{containerPort: 80}]}]}",
                "",
            ),
            (
                "{hostNetwork: true, containers: [{name: app}], initContainers: [{name: t-p, securityContext: {capabilities: {add: [NET_ADMIN]}}}]}",
                "t HostNetworkHelper",
            ),
            (
                "{hostNetwork: true, containers: [{name: app, ports: [{containerPort: 80}]}], initContainers: [{name: t-p}]}",
                "",
            ),
        ],
    );
    let pod = "{hostNetwork: true, containers: [{name: t-p, ports: [{containerPort: 80}]}]}";
    let found = found_with(check, pod, |pod, _| {
        pod.fields_by.push(("hostNetwork", "t"));
    });
    assert_eq!(found, []);
}

#[test]
fn the_message_names_both_sides() {
    let pod = "containers: [{name: app, ports: [{containerPort: 8080}]}, {name: t-envoy, ports: [{containerPort: 1}, {containerPort: 8080}]}]";
    let found = found_with(check, pod, |_, _| {});
    assert_eq!(
        found[0].message,
        "port 8080/TCP of `t-envoy` (template t) is already bound by `app`"
    );
    assert_eq!(found[0].path, "spec.containers[1].ports[1]");
}

#[test]
fn java_virtual_machines_do_not_share_a_port_for_jmx() {
    let pod = |one: u16, other: u16| {
        let option = "-Dcom.sun.management.jmxremote.port";
        format!(
            "containers: [{{name: app, env: [{{name: T_OPTIONS, value: {option}={one} -Xmx1g}}]}}, \
             {{name: web, env: [{{name: T_OPTIONS, value: {option}={other}}}]}}]"
        )
    };
    let (same, other) = (pod(9010, 9010), pod(9010, 9011));
    table(check, &[(&same, "t PortConflict"), (&other, "")]);
}

#[test]
fn a_port_is_named_in_the_container_that_is_probed() {
    let helper = |more: &str| format!("containers: [{{name: app}}, {{name: t-p, {more}}}]");
    let found = "t ProbePortNotFound";
    let cases = [
        (helper("startupProbe: {httpGet: {port: web}}"), found),
        (helper("readinessProbe: {tcpSocket: {port: web}}"), found),
        (
            helper("lifecycle: {postStart: {httpGet: {port: web}}}"),
            found,
        ),
        (
            helper("lifecycle: {preStop: {tcpSocket: {port: web}}}"),
            found,
        ),
        (
            helper("livenessProbe: {httpGet: {port: web}}, ports: [{name: admin, containerPort: 1}]"),
            found,
        ),
        (
            helper("livenessProbe: {httpGet: {port: web}}, ports: [{name: web, containerPort: 1}]"),
            "",
        ),
        // Numbers, in quotes too; what has no port; a service of grpc.
        (helper("livenessProbe: {httpGet: {port: '80'}}"), ""),
        (helper("livenessProbe: {httpGet: {port: 80}}"), ""),
        (helper("livenessProbe: {exec: {command: [web]}}"), ""),
        (helper("livenessProbe: {grpc: {port: 80, service: web}}"), ""),
        // That another container has such a port changes nothing.
        (
            "containers: [{name: app, ports: [{name: web, containerPort: 1}]}, {name: t-p, livenessProbe: {httpGet: {port: web}}}]".to_owned(),
            found,
        ),
        // A port that a template adds counts.
        (
            "containers: [{name: app, ports: [{name: t-web, containerPort: 1}], livenessProbe: {httpGet: {port: t-web}}}]".to_owned(),
            "",
        ),
        // The user's own.
        (
            "containers: [{name: app, livenessProbe: {httpGet: {port: web}}}]".to_owned(),
            "- ProbePortNotFound",
        ),
        // A step's probe is refused.
        (
            "initContainers: [{name: t-i, livenessProbe: {httpGet: {port: web}}}]".to_owned(),
            "",
        ),
        (
            "initContainers: [{name: t-i, restartPolicy: Always, livenessProbe: {httpGet: {port: web}}}]".to_owned(),
            found,
        ),
    ];
    table(check, &cases);
    let pod = "containers: [{name: app, ports: [{name: metrics, containerPort: 1}], \
               readinessProbe: {httpGet: {port: metric}}}]";
    let found = found_with(check, pod, |pod, _| {
        pod.containers[0].fields_by.push(("readinessProbe", "t"));
    });
    assert_eq!(found[0].template.as_deref(), Some("t"));
    assert_eq!(
        found[0].message,
        "the readinessProbe of `app` names the port `metric`, and the container declares metrics, so that it \
         is never ready"
    );
    assert_eq!(
        found[0].path,
        "spec.containers[0].readinessProbe.httpGet.port"
    );
}

#[test]
fn a_loopback_address_is_the_nodes() {
    let of = |host: &str| {
        format!(
            "containers: [{{name: app}}, {{name: t-p, ports: [{{containerPort: 9}}], livenessProbe: {{httpGet: {{host: '{host}', port: 9}}}}}}]"
        )
    };
    let found = "t ProbeOnNode";
    let cases = [
        (of("127.0.0.1"), found),
        (of("127.1.2.3"), found),
        (of("::1"), found),
        (of("[::1]"), found),
        (of("LocalHost"), found),
        (of(""), ""),
        (of("10.0.0.1"), ""),
        (of("localhost.example.com"), ""),
        (
            "containers: [{name: t-p, lifecycle: {preStop: {httpGet: {host: localhost, port: 9}}}}]".to_owned(),
            found,
        ),
        (
            "containers: [{name: app, startupProbe: {tcpSocket: {host: localhost, port: 9}}}]".to_owned(),
            "- ProbeOnNode",
        ),
        // On the node's network it is the container's as well.
        (
            format!("{{hostNetwork: true, {}}}", of("127.0.0.1")),
            "t HostNetworkHelper",
        ),
    ];
    table(check, &cases);
}
