//! What the checks of validity find, and what they leave.

use serde_json::{Value, json};

use super::check;
use crate::check::test_support::{Scene, found_with, short, table};

#[test]
fn what_a_template_brings_fits_what_the_user_has() {
    table(
        check,
        &[
            (
                "{restartPolicy: Never, containers: [{name: t-p, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]}]}",
                "t PodInvalid",
            ),
            (
                "{restartPolicy: Never, containers: [{name: t-p, resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]}]}",
                "",
            ),
            (
                "{restartPolicy: OnFailure, containers: [{name: t-p, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]}]}",
                "",
            ),
            (
                "containers: [{name: t-p, securityContext: {procMount: Unmasked}}]",
                "t PodInvalid",
            ),
            (
                "{hostUsers: false, containers: [{name: t-p, securityContext: {procMount: Unmasked}}]}",
                "",
            ),
            (
                "{hostNetwork: true, containers: [{name: t-p, ports: [{containerPort: 80, hostPort: 81}]}]}",
                "t PodInvalid",
            ),
            (
                "{hostNetwork: true, containers: [{name: t-p, ports: [{containerPort: 80, hostPort: 80}]}]}",
                "",
            ),
            (
                "{volumes: [{name: a, emptyDir: {}}, {name: b, persistentVolumeClaim: {claimName: b}}], containers: [{name: t-p, volumeMounts: [{name: a, mountPath: /x}], volumeDevices: [{name: b, devicePath: /x}]}]}",
                "t PodInvalid",
            ),
            (
                "containers: [{name: app, securityContext: {procMount: Unmasked}}]",
                "",
            ),
        ],
    );
}

#[test]
fn devices_and_files_are_of_volumes_that_have_them() {
    let device = |volumes: &str| {
        format!(
            "{{volumes: [{volumes}], containers: [{{name: t-p, volumeDevices: [{{name: a, devicePath: /x}}]}}]}}"
        )
    };
    let file = |volumes: &str| {
        format!(
            "{{volumes: [{volumes}], containers: [{{name: t-p, env: [{{name: A, valueFrom: {{fileKeyRef: {{volumeName: a, path: x, key: K}}}}}}]}}]}}"
        )
    };
    table(
        check,
        &[
            (device(""), "t VolumeNotFound"),
            (device("{name: a, emptyDir: {}}"), "t PodInvalid"),
            (device("{name: a, ephemeral: {}}"), ""),
            (file("{name: b, emptyDir: {}}"), "t VolumeNotFound"),
            (file("{name: a, configMap: {name: a}}"), "t PodInvalid"),
            (file("{name: a, emptyDir: {}}"), ""),
            (
                "containers: [{name: app, env: [{name: A, valueFrom: {fileKeyRef: {volumeName: a}}}], volumeDevices: [{name: a, devicePath: /x}]}]".to_owned(),
                "",
            ),
        ],
    );
}

#[test]
fn resources_are_whole_with_what_the_user_has() {
    let of = |resources: &str| {
        format!(
            "{{resourceClaims: [{{name: gpu}}], containers: [{{name: t-p, resources: {{{resources}}}}}]}}"
        )
    };
    table(
        check,
        &[
            (of("claims: [{name: gpu}]"), ""),
            (of("claims: [{name: gp}]"), "t PodInvalid"),
            (of("requests: {example.com/x: 1}"), "t PodInvalid"),
            (
                of("requests: {example.com/x: 1}, limits: {example.com/x: 2}"),
                "t PodInvalid",
            ),
            (
                of("requests: {example.com/x: 1}, limits: {example.com/x: 1}"),
                "",
            ),
            (of("requests: {cpu: 2}, limits: {cpu: 1}"), "t PodInvalid"),
            (of("requests: {cpu: 1}, limits: {cpu: 2}"), ""),
            (of("limits: {hugepages-2Mi: 2Mi}"), "t PodInvalid"),
            (of("limits: {hugepages-2Mi: 2Mi, cpu: 1}"), ""),
            (
                "containers: [{name: app, resources: {claims: [{name: gpu}]}}]".to_owned(),
                "",
            ),
        ],
    );
}

#[test]
fn a_volume_that_is_not_there_has_its_nearest_name() {
    let pod = "{volumes: [{name: spire, emptyDir: {}}], containers: [{name: t-p, volumeMounts: [{name: spier, mountPath: /x}]}]}";
    let found = found_with(check, pod, |_, _| {});
    assert_eq!(
        found[0].to_string(),
        "VolumeNotFound: `t-p` (template t) mounts volume `spier`, and the pod has none of that \
         name: the pod has spire; did you mean `spire`?"
    );
}

#[test]
fn a_mount_that_the_node_sees_is_of_a_privileged_container() {
    let mount = "volumes: [{name: t-v, emptyDir: {}}]";
    let of = |rest: &str| format!("{{{mount}, containers: [{{{rest}}}]}}");
    let both_ways = "volumeMounts: [{name: t-v, mountPath: /v, mountPropagation: Bidirectional}]";
    let one_way = "volumeMounts: [{name: t-v, mountPath: /v, mountPropagation: HostToContainer}]";
    let users =
        "name: app, volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]";
    let privileged = "securityContext: {privileged: true}";
    table(
        check,
        &[
            (of(&format!("name: t-p, {both_ways}")), "t PodInvalid"),
            (of(&format!("name: t-p, {both_ways}, {privileged}")), ""),
            (of(&format!("name: t-p, {one_way}")), ""),
            (of(&format!("name: app, {both_ways}")), "t PodInvalid"),
            (of(&format!("name: app, {both_ways}, {privileged}")), ""),
            (
                of(users).replace("volumes: [", "volumes: [{name: v, emptyDir: {}}, "),
                "",
            ),
        ],
    );
}

#[test]
fn a_sysctl_is_of_a_namespace_that_is_the_pods_own() {
    let found = |spec: &str, by: &'static str| {
        let pod = format!("{{{spec}, containers: [{{name: app}}]}}");
        let found = found_with(check, &pod, |pod, _| pod.fields_by.push((by, "t")));
        short(&found).join(", ")
    };
    let sysctl =
        |name: &str| format!("securityContext: {{sysctls: [{{name: {name}, value: '1'}}]}}");
    let (net, ipc) = (
        sysctl("net/core/somaxconn"),
        sysctl("kernel.shm_rmid_forced"),
    );
    for (spec, by, expected) in [
        (
            format!("hostNetwork: true, {net}"),
            "securityContext",
            "t PodInvalid",
        ),
        (
            format!("hostNetwork: true, {net}"),
            "hostNetwork",
            "t PodInvalid",
        ),
        (format!("hostNetwork: true, {net}"), "nodeSelector", ""),
        (format!("hostIPC: true, {net}"), "securityContext", ""),
        (net, "securityContext", ""),
        (
            format!("hostIPC: true, {ipc}"),
            "securityContext",
            "t PodInvalid",
        ),
        (format!("hostNetwork: true, {ipc}"), "securityContext", ""),
        (
            format!("hostIPC: true, {}", sysctl("fs.mqueue.msg_max")),
            "securityContext",
            "t PodInvalid",
        ),
        (
            format!(
                "hostIPC: true, hostNetwork: true, {}",
                sysctl("kernel.domainname")
            ),
            "securityContext",
            "",
        ),
    ] {
        assert_eq!(found(&spec, by), expected, "{spec} by {by}");
    }
}

#[test]
fn a_sysctl_of_the_users_own_is_nobodys_template() {
    let pod = "{hostNetwork: true, securityContext: {sysctls: [{name: net.core.somaxconn}]}, \
               containers: [{name: app}]}";
    let found = found_with(check, pod, |pod, _| {
        pod.fields_by.push(("securityContext", "t"));
        pod.spec.security_before = Some(pod.spec.security.clone());
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn options_for_windows_fit_the_whole_pod() {
    let options = |more: &str| format!("securityContext: {{windowsOptions: {{{more}}}}}");
    let host = &options("hostProcess: true");
    let user = &options("runAsUserName: a");
    let pod = |spec: &str| format!("{{{spec}}}");
    table(
        check,
        &[
            (
                pod(&format!(
                    "os: {{name: linux}}, containers: [{{name: t-p, {user}}}]"
                )),
                "t PodInvalid",
            ),
            (
                pod(&format!(
                    "os: {{name: linux}}, containers: [{{name: app, {user}}}, {{name: t-p}}]"
                )),
                "",
            ),
            (pod(&format!("containers: [{{name: t-p, {user}}}]")), ""),
            (
                pod(&format!(
                    "os: {{name: windows}}, containers: [{{name: t-p, {user}}}]"
                )),
                "",
            ),
            (
                pod(&format!(
                    "containers: [{{name: app}}, {{name: t-p, {host}}}]"
                )),
                "t PodInvalid, t PodInvalid",
            ),
            (
                pod(&format!(
                    "hostNetwork: true, containers: [{{name: app}}, {{name: t-p, {host}}}]"
                )),
                "t PodInvalid",
            ),
            (
                pod(&format!(
                    "hostNetwork: true, containers: [{{name: app, {host}}}, {{name: t-p}}]"
                )),
                "t PodInvalid",
            ),
            (
                pod(&format!(
                    "hostNetwork: true, containers: [{{name: app, {host}}}, {{name: t-p, {host}}}]"
                )),
                "",
            ),
            (
                pod(&format!(
                    "{host}, containers: [{{name: app}}, {{name: t-p}}]"
                )),
                "",
            ),
            (
                pod(&format!(
                    "hostNetwork: true, {host}, containers: [{{name: app}}, {{name: t-p}}]"
                )),
                "",
            ),
        ],
    );
}

#[test]
fn an_annotation_and_its_field_say_the_same() {
    let pod = |key: &str, value: &str, container: &str| {
        format!(
            "{{metadata: {{annotations: {{{key}: {value}}}}}, spec: {{containers: [{{{container}}}]}}}}"
        )
    };
    let armor = |value: &str, container: &str| {
        let name = container.split([',', ' ']).nth(1).unwrap_or_default();
        let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
        pod(&key, value, container)
    };
    let seccomp = |value: &str, container: &str| {
        pod(
            "container.seccomp.security.alpha.kubernetes.io/t-p",
            value,
            container,
        )
    };
    let profile =
        |field: &str, of: &str| format!("name: t-p, securityContext: {{{field}: {{{of}}}}}");
    let default = &profile("appArmorProfile", "type: RuntimeDefault");
    let local = &profile("appArmorProfile", "type: Localhost, localhostProfile: a");
    let unconfined = &profile("appArmorProfile", "type: Unconfined");
    let filter = &profile("seccompProfile", "type: RuntimeDefault");
    table(
        check,
        &[
            (armor("unconfined", default), "t PodInvalid"),
            (armor("runtime/default", default), ""),
            (armor("runtime/default", local), "t PodInvalid"),
            (armor("localhost/b", local), "t PodInvalid"),
            (armor("localhost/a", local), ""),
            (armor("localhost/a", unconfined), "t PodInvalid"),
            (armor("unconfined", unconfined), ""),
            (armor("unconfined", "name: t-p"), ""),
            (armor("unconfined", &default.replace("t-p", "app")), ""),
            (armor("localhost", "name: t-p"), ""),
            (seccomp("docker/default", filter), ""),
            (seccomp("unconfined", filter), "t PodInvalid"),
        ],
    );
}

#[test]
fn what_the_version_does_not_know_is_named() {
    let volume = |source: &str| {
        format!(
            "{{volumes: [{{name: t-v, {source}}}, {{name: v, {source}}}], containers: [{{name: app}}]}}"
        )
    };
    let cases = [
        (
            "{volumes: [{name: v, emptyDir: {}}], containers: [{name: t-p, env: [{name: A, valueFrom: {fileKeyRef: {volumeName: v}}}]}]}".to_owned(),
            34,
            "",
        ),
        (volume("image: {reference: a}"), 31, ""),
        (volume("projected: {sources: [{podCertificate: {}}]}"), 34, ""),
        (volume("projected: {sources: [{configMap: {}}, {clusterTrustBundle: {}}]}"), 29, ""),
        (
            "{securityContext: {supplementalGroupsPolicy: Strict}, containers: [{name: app}]}".to_owned(),
            31,
            "securityContext",
        ),
        (
            "{securityContext: {appArmorProfile: {type: Unconfined}}, containers: [{name: app}]}".to_owned(),
            30,
            "securityContext",
        ),
        (
            "containers: [{name: t-p, securityContext: {appArmorProfile: {type: Unconfined}}}]".to_owned(),
            30,
            "",
        ),
    ];
    for (pod, since, changed) in cases {
        let pod: Value = serde_saphyr::from_str(&pod).unwrap();
        let pod = json!({"spec": pod});
        let mut scene = Scene::ambassadors();
        let mut view = Scene::pod(&pod);
        view.fields_by.push((changed, "t"));
        for (minor, expected) in [(since - 1, &["t PodInvalid"][..]), (since, &[])] {
            scene.kubernetes_minor = minor;
            let found = scene.findings(&view, check);
            assert_eq!(short(&found), expected, "{pod} at {minor}");
        }
    }
    // What every version does, or the runtime without being asked, is lost by nobody.
    for security in [
        json!({"supplementalGroupsPolicy": "Merge"}),
        json!({"appArmorProfile": {"type": "RuntimeDefault"}}),
    ] {
        let pod = json!({"spec": {"securityContext": security, "containers": [{"name": "app"}]}});
        let mut scene = Scene::ambassadors();
        let mut view = Scene::pod(&pod);
        view.fields_by.push(("securityContext", "t"));
        scene.kubernetes_minor = 29;
        let found = scene.findings(&view, check);
        assert_eq!(short(&found), [""; 0], "{pod}");
    }
}
