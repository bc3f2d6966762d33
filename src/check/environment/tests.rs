//! Pods that a helper does not go together with, and pods like them that it does.

use super::check;
use crate::check::test_support::{Scene, found_with, short, table};

mod mesh;

#[test]
fn helpers_are_for_linux() {
    table(
        check,
        &[
            (
                "{os: {name: windows}, containers: [{name: t-p}, {name: t-q}]}",
                "t WindowsPod",
            ),
            // The app's own image runs on its nodes.
            (
                "{os: {name: windows}, containers: [{name: app, image: a}, {name: t-p, image: a}]}",
                "",
            ),
            (
                "{os: {name: windows}, containers: [{name: app, image: a}, {name: t-p, image: b}]}",
                "t WindowsPod",
            ),
            (
                "{nodeSelector: {kubernetes.io/os: windows}, initContainers: [{name: t-p}], containers: [{name: s-p}]}",
                "t WindowsPod, s WindowsPod",
            ),
            (
                "{nodeSelector: {kubernetes.io/os: linux}, containers: [{name: t-p}]}",
                "",
            ),
            (
                &format!(
                    "{{{}, containers: [{{name: t-p}}]}}",
                    required(&[&[("kubernetes.io/os", "In", "[windows]")]])
                ),
                "t WindowsPod",
            ),
            (
                &format!(
                    "{{{}, containers: [{{name: t-p}}]}}",
                    required(&[&[("kubernetes.io/os", "In", "[windows, linux]")]])
                ),
                "",
            ),
            ("{os: {name: windows}, containers: [{name: app}]}", ""),
        ],
    );
}

/// The required node affinity with these terms of requirements.
fn required(terms: &[&[(&str, &str, &str)]]) -> String {
    let term = |term: &&[(&str, &str, &str)]| {
        let requirements = term.iter().map(|(key, operator, values)| {
            format!("{{key: {key}, operator: {operator}, values: {values}}}")
        });
        let requirements: Vec<_> = requirements.collect();
        format!("{{matchExpressions: [{}]}}", requirements.join(", "))
    };
    let terms: Vec<_> = terms.iter().map(term).collect();
    format!(
        "affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: \
         {{nodeSelectorTerms: [{}]}}}}}}",
        terms.join(", ")
    )
}

#[test]
fn virtual_nodes_know_no_init_containers() {
    let step = "initContainers: [{name: t-i}]";
    let cases = [
        (format!("{{nodeSelector: {{type: virtual-kubelet}}, {step}}}"), "t VirtualNode"),
        (format!("{{tolerations: [{{key: virtual-kubelet.io/provider, operator: Exists}}], {step}}}"), "t VirtualNode"),
        (format!("{{tolerations: [{{operator: Exists}}, {{key: dedicated}}], {step}}}"), ""),
        (format!("{{nodeSelector: {{virtualization: virtualnode2}}, tolerations: [{{key: virtual-kubelet.io/provider}}], {step}}}"), ""),
        (format!("{{{}, {step}}}", required(&[&[("type", "In", "[virtual-kubelet]")]])), "t VirtualNode"),
        (format!("{{{}, {step}}}", required(&[&[("type", "In", "[virtual-kubelet]")], &[("a", "Exists", "[]"), ("type", "In", "[virtual-kubelet]")]])), "t VirtualNode"),
        (format!("{{{}, {step}}}", required(&[&[("type", "In", "[virtual-kubelet]")], &[("a", "Exists", "[]")]])), ""),
        (format!("{{{}, {step}}}", required(&[&[("type", "In", "[virtual-kubelet, real]")]])), ""),
        (format!("{{{}, {step}}}", required(&[&[("type", "NotIn", "[virtual-kubelet]")]])), ""),
        (format!("{{{}, {step}}}", required(&[&[("type", "In", "[virtual-kubelet]"), ("virtualization", "In", "[virtualnode2]")]])), ""),
        ("{nodeSelector: {type: virtual-kubelet}, containers: [{name: t-p}]}".to_owned(), ""),
        ("{nodeSelector: {type: virtual-kubelet}, initContainers: [{name: own}], containers: [{name: t-p}]}".to_owned(), ""),
        // Fargate runs init containers, but gives nobody the node.
        (format!("{{tolerations: [{{key: eks.amazonaws.com/compute-type}}], {step}}}"), ""),
        ("{tolerations: [{key: eks.amazonaws.com/compute-type}], containers: [{name: t-p, securityContext: {privileged: true}}]}".to_owned(), "t VirtualNode"),
        (format!("{{{}, containers: [{{name: t-p, securityContext: {{privileged: true}}}}]}}", required(&[&[("eks.amazonaws.com/compute-type", "In", "[fargate]")]])), "t VirtualNode"),
    ];
    table(check, &cases);
}

#[test]
fn two_programs_do_not_redirect_packets() {
    let admin = "{name: t-i, securityContext: {capabilities: {add: [NET_ADMIN]}}}";
    let asked = |annotations: &str| {
        format!(
            "{{metadata: {{annotations: {{{annotations}}}}}, spec: {{containers: [{{name: app}}], initContainers: [{admin}]}}}}"
        )
    };
    let cases = [
        (
            format!(
                "{{containers: [{{name: app}}, {{name: istio-proxy}}], initContainers: [{admin}]}}"
            ),
            "t ForeignMesh",
        ),
        (
            format!(
                "{{containers: [{{name: app}}], initContainers: [{{name: linkerd-init}}, {admin}]}}"
            ),
            "t ForeignMesh",
        ),
        (
            format!("{{containers: [{{name: app}}], initContainers: [{admin}]}}"),
            "",
        ),
        (
            "{containers: [{name: app}, {name: istio-proxy}, {name: t-p}]}".to_owned(),
            "",
        ),
        (asked("sidecar.istio.io/inject: 'true'"), "t ForeignMesh"),
        (asked("sidecar.istio.io/inject: 'false'"), ""),
        (asked("linkerd.io/inject: ingress"), "t ForeignMesh"),
        (asked("linkerd.io/inject: disabled"), ""),
    ];
    table(check, &cases);
}

#[test]
fn a_namespace_asks_for_a_mesh_as_a_pod_does() {
    let pod = |labels: &str| {
        let admin = "{name: t-i, securityContext: {capabilities: {add: [NET_ADMIN]}}}";
        let pod = format!(
            "{{metadata: {{labels: {{{labels}}}}}, \
             spec: {{containers: [{{name: app}}], initContainers: [{admin}]}}}}"
        );
        serde_saphyr::from_str::<serde_json::Value>(&pod).unwrap()
    };
    let found = |of_pod: &str, labels: &[(&str, &str)], annotations: &[(&str, &str)]| {
        let keys = |keys: &[(&str, &str)]| {
            let keys = keys.iter();
            keys.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let mut scene = Scene::ambassadors();
        scene.labels = keys(labels);
        scene.annotations = keys(annotations);
        short(&scene.findings(&Scene::pod(&pod(of_pod)), check)).join(", ")
    };
    let asking = [
        ("istio-injection", "enabled"),
        ("istio.io/rev", "canary"),
        ("istio.io/dataplane-mode", "ambient"),
        ("linkerd.io/inject", "enabled"),
        ("linkerd.io/inject", "ingress"),
        ("kuma.io/sidecar-injection", "true"),
        ("openservicemesh.io/sidecar-injection", "enabled"),
        ("consul.hashicorp.com/connect-inject", "true"),
    ];
    for key in asking {
        assert_eq!(found("", &[key], &[]), "t ForeignMesh", "label {key:?}");
        assert_eq!(
            found("", &[], &[key]),
            "t ForeignMesh",
            "annotation {key:?}"
        );
    }
    assert_eq!(found("", &[], &[]), "");
    for (of_pod, label) in [
        ("", ("istio-injection", "disabled")),
        ("", ("istio.io/dataplane-mode", "none")),
        ("", ("linkerd.io/inject", "disabled")),
        (
            "linkerd.io/inject: disabled",
            ("linkerd.io/inject", "enabled"),
        ),
        (
            "istio.io/dataplane-mode: none",
            ("istio.io/dataplane-mode", "ambient"),
        ),
        (
            "sidecar.istio.io/inject: 'false'",
            ("istio.io/rev", "canary"),
        ),
    ] {
        assert_eq!(found(of_pod, &[label], &[]), "", "{of_pod} {label:?}");
    }
    let both = [("istio-injection", "disabled"), ("istio.io/rev", "canary")];
    assert_eq!(found("", &both, &[]), "");
    assert_eq!(found("istio.io/rev: canary", &[], &[]), "t ForeignMesh");
}

#[test]
fn variables_are_defined_once() {
    let twice = |list: &str, by: &[usize]| {
        let pod = format!("containers: [{{name: app, env: {list}}}]");
        found_with(check, &pod, |pod, _| {
            for index in by {
                pod.containers[0].env[*index].by = Some("t");
            }
        })
    };
    let two = "[{name: A, value: '1'}, {name: B, value: '2'}, {name: A, value: '3'}]";
    assert_eq!(short(&twice(two, &[0])), ["t EnvDuplicate"]);
    assert_eq!(short(&twice(two, &[2])), ["t EnvDuplicate"]);
    assert_eq!(short(&twice(two, &[0, 1, 2])), ["t EnvDuplicate"]);
    assert_eq!(twice(two, &[1]), []);
    assert_eq!(twice(two, &[]), []);
    let found = twice(two, &[0]);
    assert_eq!(
        found[0].message,
        "`app` defines A itself after template t defined it; its own value counts"
    );
    assert_eq!(found[0].path, "spec.containers[0].env[2]");
    // Many variables are read once each.
    let many: Vec<_> = (0..1500)
        .map(|n| format!("{{name: V{n}, value: x}}"))
        .collect();
    assert_eq!(
        twice(&format!("[{}]", many.join(", ")), &[0, 1, 2, 3, 4]),
        []
    );
}

#[test]
fn references_read_what_stands_before_them() {
    let value = |value: &str, more: &str| {
        format!(
            "containers: [{{name: app, env: [{{name: T_A, value: '{value}'}}, {{name: USER, value: u}}]{more}}}]"
        )
    };
    let broken = "t EnvReferenceBroken";
    let cases = [
        (value("$(USER)", ""), broken),
        (value("$(T_A)", ""), broken),
        (value("http://$(MISSING):80", ""), broken),
        (value("$$(USER)", ""), ""),
        (value("$$$(USER)", ""), broken),
        (value("$(date)", ""), ""),
        (value("$(USER", ""), ""),
        (value("$USER", ""), ""),
        (value("$(MISSING)", ", envFrom: [{configMapRef: {name: c}}]"), ""),
        (value("$(DB_SERVICE_HOST):$(DB_SERVICE_PORT)", ""), ""),
        (value("$(DB_PORT)", ""), ""),
        ("containers: [{name: t-p, env: [{name: B, value: x}, {name: A, value: $(B)}]}]".to_owned(), ""),
        ("containers: [{name: t-p, env: [{name: A, value: $(B)}, {name: B, value: x}]}]".to_owned(), broken),
        // The user's own.
        ("containers: [{name: app, env: [{name: A, value: $(B)}, {name: B, value: x}, {name: T_A, value: x}]}]".to_owned(), ""),
        ("containers: [{name: t-p, volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(B)}], env: [{name: B, value: x}]}]".to_owned(), ""),
        ("containers: [{name: t-p, volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(POD)}], env: [{name: B, value: x}]}]".to_owned(), broken),
    ];
    table(check, &cases);
}

#[test]
fn helpers_are_counted() {
    let pod = "{initContainers: [{name: t-a, restartPolicy: Always}, {name: s-a}], containers: [{name: app}, {name: t-b}, {name: s-b}]}";
    let found = |most| found_with(check, pod, |_, settings| settings.most_helpers = most);
    assert_eq!(found(3), []);
    assert_eq!(short(&found(2)), ["s TooManyHelpers"]);
    let message = "3 helpers run beside the app, and more than 2 are too many: templates s, t";
    assert_eq!(found(2)[0].message, message);
}

#[test]
fn many_templates_are_not_all_named() {
    let names: Vec<_> = (0..7).map(|n| format!("{{name: t-{n}}}")).collect();
    let pod = format!("containers: [{}]", names.join(", "));
    let found = found_with(check, &pod, |pod, settings| {
        settings.most_helpers = 1;
        let templates = ["t", "a", "b", "c", "d", "e", "f"];
        for (container, template) in pod.containers.iter_mut().zip(templates) {
            container.added_by = Some(template);
        }
    });
    let message = "7 helpers run beside the app, and more than 1 are too many: 7 templates, the \
                   first are a, b, c, d, e";
    assert_eq!(found[0].message, message);
}

#[test]
fn text_of_values_is_not_logged() {
    let found = |value: &str| {
        let pod = format!(
            "containers: [{{name: app, env: [{{name: T_A, value: '{value}'}}, {{name: 'a b', value: x}}]}}]"
        );
        found_with(check, &pod, |_, _| {}).remove(0)
    };
    let one = found("$(HUNTER2)");
    assert!(one.message.contains("$(HUNTER2)"), "{}", one.message);
    assert!(!one.logged.contains("HUNTER2"), "{}", one.logged);
    let other = found("$(a b)");
    assert!(!other.message.contains("a b"), "{}", other.message);
    assert!(
        other.message.contains("refers to a variable, which"),
        "{}",
        other.message
    );
    let long = "A".repeat(65);
    assert!(!found(&format!("$({long})")).message.contains(&long));
}

#[test]
fn brackets_that_nobody_closes_refer_to_nothing() {
    let value = "$(".repeat(200_000);
    let pod = format!("containers: [{{name: app, env: [{{name: T_A, value: '{value}'}}]}}]");
    assert_eq!(found_with(check, &pod, |_, _| {}), []);
}

#[test]
fn windows_is_said_in_more_ways_than_one() {
    let affinity = |operator: &str, key: &str, values: &str| {
        let term = format!(
            "{{matchExpressions: [{{key: {key}, operator: {operator}, values: [{values}]}}]}}"
        );
        format!(
            "{{affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: \
             {{nodeSelectorTerms: [{term}]}}}}}}, containers: [{{name: t-p}}]}}"
        )
    };
    let os = "kubernetes.io/os";
    let build = "node.kubernetes.io/windows-build";
    let cases = [
        (affinity("In", os, "windows"), "t WindowsPod"),
        (affinity("NotIn", os, "linux"), "t WindowsPod"),
        (affinity("In", os, "windows, linux"), ""),
        (affinity("NotIn", os, "windows"), ""),
        (affinity("In", build, "'10.0.20348'"), "t WindowsPod"),
        (affinity("DoesNotExist", build, ""), ""),
        (
            format!("{{nodeSelector: {{{build}: '10.0.20348'}}, containers: [{{name: t-p}}]}}"),
            "t WindowsPod",
        ),
        (
            "{runtimeClassName: windows-2022, containers: [{name: t-p}]}".to_owned(),
            "t WindowsPod",
        ),
        (
            "{runtimeClassName: gvisor, containers: [{name: t-p}]}".to_owned(),
            "",
        ),
        (
            "{securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: t-p}]}"
                .to_owned(),
            "t WindowsPod",
        ),
        (
            "containers: [{name: app, securityContext: {windowsOptions: {runAsUserName: a}}}, {name: t-p}]"
                .to_owned(),
            "t WindowsPod",
        ),
    ];
    table(check, &cases);
}

#[test]
fn resources_are_shown_of_containers_of_the_pod() {
    let variable = |container: &str, shown: &str| {
        format!(
            "containers: [{{name: app}}, {{name: {container}, env: [{{name: M, valueFrom: {{resourceFieldRef: {{resource: limits.memory{shown}}}}}}}]}}]"
        )
    };
    let file = |volume: &str, mounted: &str, shown: &str| {
        let items =
            format!("items: [{{path: m, resourceFieldRef: {{resource: limits.memory{shown}}}}}]");
        let pod = format!(
            "containers: [{{name: app, volumeMounts: [{{name: {mounted}, mountPath: /m}}]}}], \
             initContainers: [{{name: step}}]"
        );
        [
            format!("{{{pod}, volumes: [{{name: {volume}, downwardAPI: {{{items}}}}}]}}"),
            format!(
                "{{{pod}, volumes: [{{name: {volume}, projected: {{sources: [{{downwardAPI: {{{items}}}}}]}}}}]}}"
            ),
        ]
    };
    let mut cases = vec![
        (
            variable("t-p", ", containerName: main"),
            "t ResourceFieldBroken",
        ),
        (
            variable("web", ", containerName: main"),
            "- ResourceFieldBroken",
        ),
        (variable("t-p", ", containerName: app"), ""),
        (variable("t-p", ", containerName: ''"), ""),
        (variable("t-p", ""), ""),
    ];
    for (volume, mounted, name, expected) in [
        ("t-v", "t-v", "main", "t ResourceFieldBroken"),
        ("own", "own", "main", "- ResourceFieldBroken"),
        ("t-v", "t-v", "step", ""),
        // The kubelet does not make what nobody mounts.
        ("t-v", "other", "main", ""),
    ] {
        let shown = format!(", containerName: {name}");
        cases.extend(file(volume, mounted, &shown).map(|pod| (pod, expected)));
    }
    table(check, &cases);
    let pod = variable("t-p", ", containerName: ap");
    let found = found_with(check, &pod, |_, _| {});
    assert_eq!(
        found[0].message,
        "`t-p` (template t) never starts: its variable M shows a resource of the container `ap`, and the \
         pod has app, t-p"
    );
    assert!(!found[0].logged.contains("`ap`"), "{}", found[0].logged);
}
