//! Pods with mounts and volumes that go wrong, and pods like them in which they do not.

mod contents;

use super::check;
use crate::check::test_support::{found_with, short, table};

const VOLUMES: &str = "volumes: [{name: data, emptyDir: {}}, {name: other, emptyDir: {}}, \
    {name: conf, configMap: {name: c}}, {name: t-a, emptyDir: {sizeLimit: 1Mi}}, \
    {name: s-a, emptyDir: {sizeLimit: 1Mi}}, {name: claim, persistentVolumeClaim: {claimName: c, readOnly: true}}]";

/// Pods in which nothing but mounts can be found.
fn mounts(cases: &[(&str, &str)]) {
    for (containers, expected) in cases {
        let pod = format!("{{{containers}, {VOLUMES}}}");
        let found = short(&found_with(check, &pod, |_, _| {}));
        let found: Vec<_> = found
            .into_iter()
            .filter(|line| !line.contains("Autoscaler"))
            .collect();
        assert_eq!(found.join(", "), *expected, "{containers}");
    }
}

#[test]
fn mounts_at_one_path_hide_each_other() {
    mounts(&[
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /data}, {name: t-a, mountPath: //data}]}]",
            "t MountConflict",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /data/}, {name: t-a, mountPath: /data}]}]",
            "t MountConflict",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /data}, {name: t-a, mountPath: /database}]}]",
            "",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: s-a, mountPath: /data}, {name: t-a, mountPath: /data/.}]}]",
            "s MountConflict",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: conf, mountPath: /etc/app}, {name: t-a, mountPath: /a/../etc/app}]}]",
            "t MountConflict",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: conf, mountPath: /etc/app}, {name: t-a, mountPath: /etc/app/../b}]}]",
            "",
        ),
        // The same file twice hides nothing, unless it is refused.
        (
            "containers: [{name: t-p, volumeMounts: [{name: t-a, mountPath: /a}, {name: t-a, mountPath: /a/}]}]",
            "",
        ),
        (
            "containers: [{name: t-p, volumeMounts: [{name: t-a, mountPath: /a}, {name: t-a, mountPath: /a}]}]",
            "t MountConflict",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /data}, {name: other, mountPath: /data/}]}]",
            "",
        ),
    ]);
}

#[test]
fn nothing_is_mounted_where_the_runtime_and_kubernetes_mount() {
    const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let app = |volume: &str, path: &str| {
        format!("{{name: app, volumeMounts: [{{name: {volume}, mountPath: {path}}}]}}")
    };
    let helper = |path: &str| app("t-a", path).replace("name: app", "name: t-p");
    let conflict = "t MountConflict";
    let cases = [
        (app("t-a", "/"), conflict),
        (app("t-a", "//"), conflict),
        (app("t-a", "/.."), conflict),
        (app("t-a", "/a/.."), conflict),
        (helper("/"), conflict),
        (app("t-a", "/proc"), conflict),
        (app("t-a", "/proc/self/"), conflict),
        (app("t-a", "/tmp/../proc/sys"), conflict),
        (app("t-a", "/sys/fs/cgroup"), ""),
        (helper("/proc"), conflict),
        (app("t-a", "/dev"), conflict),
        (app("t-a", "/dev/."), conflict),
        (app("t-a", "/dev/shm"), ""),
        (app("t-a", "/dev/termination-log"), ""),
        (app("t-a", "/process"), ""),
        (app("t-a", "/a/proc"), ""),
        // The node's own.
        (app("t-h", "/sys/fs/bpf"), ""),
        (app("t-h", "/proc/meminfo"), ""),
        (app("t-h", "/dev"), ""),
        (app("t-h", "/"), conflict),
        // The user's own.
        (app("data", "/proc"), ""),
        (app("data", "/"), ""),
        (app("data", TOKEN), ""),
        // A token, and a container without one.
        (app("t-a", TOKEN), conflict),
        (app("t-a", &format!("{TOKEN}/")), conflict),
        (app("t-token", TOKEN), ""),
        (app("t-secret", TOKEN), ""),
        // What the user has there himself, copied into a helper.
        (
            format!(
                "{}, {}",
                app("data", "/proc/x"),
                app("data", "/proc/x/").replace("name: app", "name: t-p")
            ),
            "t SharedWrite",
        ),
        (helper(TOKEN), ""),
        (app("t-a", "/var/run/secrets/kubernetes.io"), ""),
    ];
    let volumes = "volumes: [{name: data, emptyDir: {}}, {name: t-a, configMap: {name: c}}, \
        {name: t-h, hostPath: {path: /x}}, {name: t-secret, secret: {secretName: s}}, \
        {name: t-token, projected: {sources: [{serviceAccountToken: {path: token}}]}}]";
    let found = |spec: String| {
        let lines = short(&found_with(
            check,
            &format!("{{{spec}, {volumes}}}"),
            |_, _| {},
        ));
        lines
            .into_iter()
            .filter(|line| !line.contains("Autoscaler"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for (container, expected) in cases {
        assert_eq!(
            found(format!("containers: [{container}]")),
            expected,
            "{container}"
        );
    }
    let tokenless = format!(
        "automountServiceAccountToken: false, containers: [{}]",
        app("t-a", TOKEN)
    );
    assert_eq!(found(tokenless), "");
}

#[test]
fn mounts_above_and_below_each_other_are_told_where_two_sides_wrote_them() {
    mounts(&[
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /data}, {name: t-a, mountPath: /data/cache}]}]",
            "t NestedMount",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /data/x}, {name: t-a, mountPath: /data}]}]",
            "t NestedMount",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: t-a, mountPath: /data}, {name: s-a, mountPath: /data/x}]}]",
            "s NestedMount",
        ),
        (
            "containers: [{name: t-p, volumeMounts: [{name: t-a, mountPath: /data}, {name: t-b, mountPath: /data/x}]}]",
            "",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: t-a, mountPath: /data}, {name: t-b, mountPath: /data/x}]}]",
            "",
        ),
        // The token is mounted by the API server, below whatever is there.
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}, {name: t-a, mountPath: /var/run}]}]",
            "",
        ),
        // A helper does not see what the app has mounted inside the volume they share.
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /log}, {name: other, mountPath: /log/audit}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /log, readOnly: true}]}]",
            "t NestedMount",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /log}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /log, readOnly: true}]}]",
            "",
        ),
        // Each container has the token mounted into it by itself.
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /var/run}, {name: other, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /var/run, readOnly: true}]}]",
            "",
        ),
    ]);
    let pod = format!(
        "{{containers: [{{name: app, volumeMounts: [{{name: conf, mountPath: /etc/app}}, {{name: t-a, mountPath: /etc/app/tls}}]}}], {VOLUMES}}}"
    );
    let found = found_with(check, &pod, |_, _| {});
    let message = "volume `t-a` (template t) is mounted in `app` at `/etc/app/tls`, below `/etc/app` of \
         volume `conf`; the upper one is read-only, so the container starts only if the directory is there";
    assert_eq!(found[0].message, message);
    assert_eq!(
        found[0].logged,
        "spec.containers[0].volumeMounts[1] of `app` lies above or below another mount"
    );
}

#[test]
fn the_same_files_are_written_from_two_sides() {
    mounts(&[
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d}]}]",
            "t SharedWrite",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d, readOnly: true}]}]",
            "",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d, readOnly: true}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d}]}]",
            "",
        ),
        // Other files of the volume.
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d, subPath: a}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d, subPath: b}]}]",
            "",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d, subPath: a}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d, subPath: a/b}]}]",
            "t SharedWrite",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d, subPathExpr: $(A)}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d, subPath: a}]}]",
            "",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: data, mountPath: /d, subPathExpr: $(A)}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d}]}]",
            "t SharedWrite",
        ),
        // What nobody can write.
        (
            "containers: [{name: app, volumeMounts: [{name: conf, mountPath: /d}]}, {name: t-p, volumeMounts: [{name: conf, mountPath: /d}]}]",
            "t MountWritable",
        ),
        (
            "containers: [{name: app, volumeMounts: [{name: claim, mountPath: /d}]}, {name: t-p, volumeMounts: [{name: claim, mountPath: /d}]}]",
            "t MountWritable",
        ),
        // A step has ended before.
        (
            "initContainers: [{name: t-p, volumeMounts: [{name: data, mountPath: /d}]}], containers: [{name: app, volumeMounts: [{name: data, mountPath: /d}]}]",
            "",
        ),
        // Both sides are of one template.
        (
            "containers: [{name: app, volumeMounts: [{name: t-a, mountPath: /d}]}, {name: t-p, volumeMounts: [{name: t-a, mountPath: /d}]}]",
            "",
        ),
        (
            "containers: [{name: s-p, volumeMounts: [{name: data, mountPath: /d}]}, {name: t-p, volumeMounts: [{name: data, mountPath: /d}]}]",
            "s SharedWrite",
        ),
    ]);
}

#[test]
fn memory_volumes_are_added_up_against_the_limit_of_who_writes_them() {
    const VOLUMES: &str = "volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}, \
        {name: t-m, emptyDir: {medium: Memory, sizeLimit: 64Mi}}]";
    let cases = [
        (
            "{name: t-p, resources: {limits: {memory: 64Mi}}, volumeMounts: [{name: t-m, mountPath: /m}]}",
            "t MemoryVolumeOverLimit",
        ),
        (
            "{name: t-p, resources: {limits: {memory: 65Mi}}, volumeMounts: [{name: t-m, mountPath: /m}]}",
            "",
        ),
        (
            "{name: t-p, volumeMounts: [{name: t-m, mountPath: /m}]}",
            "",
        ),
        (
            "{name: t-p, resources: {limits: {memory: 64Mi}}, volumeMounts: [{name: t-m, mountPath: /m, readOnly: true}]}",
            "",
        ),
        (
            "{name: t-p, resources: {limits: {memory: 65Mi}}, volumeMounts: [{name: t-m, mountPath: /m}, {name: t-m, mountPath: /n}]}",
            "",
        ),
        (
            "{name: app, resources: {limits: {memory: 100Mi}}, volumeMounts: [{name: shm, mountPath: /dev/shm}, {name: t-m, mountPath: /m}]}",
            "t MemoryVolumeOverLimit",
        ),
        // The user's own, with and without us.
        (
            "{name: app, resources: {limits: {memory: 60Mi}}, volumeMounts: [{name: shm, mountPath: /dev/shm}]}",
            "",
        ),
        (
            "{name: app, resources: {limits: {memory: 60Mi}}, volumeMounts: [{name: shm, mountPath: /dev/shm}, {name: t-m, mountPath: /m}]}",
            "",
        ),
    ];
    for (container, expected) in cases {
        let pod = format!("{{containers: [{container}], {VOLUMES}}}");
        assert_eq!(
            short(&found_with(check, &pod, |_, _| {})).join(", "),
            expected,
            "{container}"
        );
    }
    let pod = format!("{{containers: [{}], {VOLUMES}}}", cases[5].0);
    let message = "`app` can write volume `shm` 64Mi + volume `t-m` 64Mi = 128Mi of memory, and its memory limit is 100Mi";
    assert_eq!(found_with(check, &pod, |_, _| {})[0].message, message);
    let pod = format!(
        "{{resources: {{limits: {{memory: 32Mi}}}}, containers: [{{name: t-p, volumeMounts: [{{name: t-m, mountPath: /m}}]}}], {VOLUMES}}}"
    );
    assert_eq!(
        short(&found_with(check, &pod, |_, _| {})),
        ["t MemoryVolumeOverLimit"]
    );
}

#[test]
fn volumes_without_a_limit_grow() {
    let pod = |volume: &str, more: &str| {
        format!(
            "{{containers: [{{name: t-p, volumeMounts: [{{name: t-v, mountPath: /v}}]{more}}}], volumes: [{{name: t-v, {volume}}}, {{name: data, emptyDir: {{}}}}]}}"
        )
    };
    let limited = ", resources: {limits: {ephemeral-storage: 1Gi}}";
    let cases = [
        (pod("emptyDir: {}", ""), "t EmptyDirUnbounded"),
        (pod("emptyDir: {sizeLimit: 0}", ""), "t EmptyDirUnbounded"),
        (pod("emptyDir: {sizeLimit: 1Gi}", ""), ""),
        (pod("emptyDir: {}", limited), ""),
        (
            pod("emptyDir: {medium: Memory}", limited),
            "t MemoryVolumeUnbounded",
        ),
        (pod("emptyDir: {medium: HugePages}", ""), ""),
        (pod("configMap: {name: c}", ""), ""),
        (
            pod("emptyDir: {}", "").replace("mountPath: /v", "mountPath: /v, readOnly: true"),
            "",
        ),
    ];
    table(check, &cases);
}

#[test]
fn local_volumes_keep_the_node() {
    const SAFE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
    const OURS: &str = "{name: t-v, hostPath: {path: /x}}";
    let pod = |annotations: &str, volumes: &str| {
        format!(
            "{{metadata: {{annotations: {{{annotations}}}}}, spec: {{containers: [], volumes: [{volumes}]}}}}"
        )
    };
    let blocks = "t EmptyDirBlocksAutoscaler";
    let cases = [
        (pod("", OURS), blocks),
        // Composing lists it.
        (pod("", "{name: t-v, emptyDir: {sizeLimit: 1Mi}}"), ""),
        (pod(&format!("{SAFE}: 'true'"), OURS), ""),
        (pod(&format!("{SAFE}-local-volumes: 'data, t-v'"), OURS), ""),
        (pod(&format!("{SAFE}-local-volumes: data"), OURS), blocks),
        (
            pod(
                "",
                "{name: t-v, emptyDir: {medium: Memory, sizeLimit: 1Mi}}",
            ),
            "",
        ),
        (
            pod(
                "",
                "{name: t-v, hostPath: {path: /x}}, {name: data, emptyDir: {}}",
            ),
            "",
        ),
        (pod("", "{name: data, emptyDir: {}}"), ""),
    ];
    table(check, &cases);
}

#[test]
fn a_directory_is_not_mounted_over_a_file() {
    let pod = |volume: &str, mount: &str| {
        format!(
            "{{volumes: [{{name: t-v, {volume}}}], \
             containers: [{{name: app, volumeMounts: [{{name: t-v, {mount}}}]}}]}}"
        )
    };
    let directory = "emptyDir: {sizeLimit: 1Mi}";
    let cases = [
        (
            pod(directory, "mountPath: /var/log/access.log"),
            "t MountOverFile",
        ),
        (
            pod(directory, "mountPath: /etc/app/app.yml"),
            "t MountOverFile",
        ),
        (pod(directory, "mountPath: /etc/conf.d"), ""),
        (pod(directory, "mountPath: /etc/.env"), ""),
        (
            pod(directory, "mountPath: /etc/app.conf, subPath: app.conf"),
            "",
        ),
    ];
    table(check, &cases);
}

#[test]
fn a_limit_of_ephemeral_storage_bounds_the_whole_pod() {
    let limit = |amount: &str| format!("resources: {{limits: {{ephemeral-storage: {amount}}}}}");
    let volume = |name: &str, size: &str| {
        format!("volumes: [{{name: {name}, emptyDir: {{sizeLimit: {size}}}}}]")
    };
    let (small, large) = (limit("1Gi"), limit("4Gi"));
    let cases = [
        (
            format!("containers: [{{name: app}}, {{name: t-p, {small}}}]"),
            "t EphemeralStorageLimit",
        ),
        (
            format!("containers: [{{name: app, {large}}}, {{name: t-p, {small}}}]"),
            "",
        ),
        (
            format!(
                "{{{}, containers: [{{name: app, {small}}}]}}",
                volume("t-v", "2Gi")
            ),
            "t EphemeralStorageLimit",
        ),
        (
            format!(
                "{{{}, containers: [{{name: app, {small}}}]}}",
                volume("own", "2Gi")
            ),
            "",
        ),
        (
            format!(
                "{{{}, containers: [{{name: app, {large}}}]}}",
                volume("t-v", "2Gi")
            ),
            "",
        ),
    ];
    table(check, &cases);
}
