//! Files of volumes that list them, and volumes that nobody can write.

use super::check;
use crate::check::test_support::{found_with, table};

#[test]
fn a_sub_path_names_a_file_that_is_there() {
    let of = |source: &str, mount: &str| {
        format!(
            "{{containers: [{{name: t-p, volumeMounts: [{{name: t-v, readOnly: true, mountPath: /etc/x, {mount}}}]}}], \
             volumes: [{{name: t-v, {source}}}]}}"
        )
    };
    let (found, files) = (
        "t SubPathNotFound",
        "downwardAPI: {items: [{path: a.conf}, {path: d/b.conf}]}",
    );
    let cases = [
        (of(files, "subPath: x.conf"), found),
        (of(files, "subPath: a.conf"), ""),
        (of(files, "subPath: ./a.conf"), ""),
        (of(files, "subPath: d"), ""),
        (of(files, "subPath: d/b.conf"), ""),
        (of(files, "subPath: d/c.conf"), found),
        (of(files, "subPath: ..data/x"), ""),
        (of(files, "subPathExpr: x.conf"), ""),
        (
            of(
                "configMap: {name: c, items: [{key: k, path: a}]}",
                "subPath: k",
            ),
            found,
        ),
        // What is in it is not known.
        (of("configMap: {name: c}", "subPath: k"), ""),
        (
            of("persistentVolumeClaim: {claimName: c}", "subPath: k"),
            "",
        ),
    ];
    table(check, &cases);
    let found = found_with(check, &of(files, "subPath: b.conf"), |_, _| {});
    assert_eq!(
        found[0].message,
        "`t-p` (template t) mounts `b.conf` of volume `t-v` (subPath), which has a.conf, d/b.conf and no such \
         file, so that it finds an empty directory"
    );
}

#[test]
fn a_command_is_a_file_that_somebody_can_execute() {
    let of = |source: &str, command: &str, mount: &str| {
        format!(
            "{{containers: [{{name: t-p, command: [{command}], volumeMounts: [{{name: t-v, readOnly: true, mountPath: /v{mount}}}]}}], \
             volumes: [{{name: t-v, {source}}}]}}"
        )
    };
    let (found, files) = (
        "t CommandNotExecutable",
        "downwardAPI: {items: [{path: run.sh}, {path: x.sh, mode: 365}]}",
    );
    let cases = [
        (of(files, "/v/run.sh", ""), found),
        (of(files, "/v//run.sh, -x", "/"), found),
        (of(files, "/v", ", subPath: run.sh"), found),
        (of(files, "/v/x.sh", ""), ""),
        (of(files, "sh, /v/run.sh", ""), ""),
        (of(files, "/vault/run.sh", ""), ""),
        (of(files, "/v/run.sh", "/run.sh, subPathExpr: $(A)"), ""),
        (of("configMap: {name: c}", "/v/run.sh", ""), found),
        (
            of("configMap: {name: c, defaultMode: 365}", "/v/run.sh", ""),
            "",
        ),
        (
            of("secret: {secretName: c, defaultMode: 256}", "/v/run.sh", ""),
            found,
        ),
        (
            of("hostPath: {path: /x}", "/v/run.sh", ""),
            "t EmptyDirBlocksAutoscaler",
        ),
    ];
    table(check, &cases);
    let found = found_with(check, &of(files, "/v/run.sh", ""), |_, _| {});
    assert_eq!(
        found[0].message,
        "the command of `t-p` (template t) is a file of volume `t-v` with mode 0644, which nobody can \
         execute, so that the container never starts: run it by its interpreter"
    );
    let windows = of(files, "/v/run.sh", "").replacen('{', "{os: {name: windows}, ", 1);
    table(check, &[(windows.as_str(), "")]);
    let own = "{containers: [{name: app, command: [/v/run.sh], volumeMounts: [{name: v, mountPath: /v}]}], \
               volumes: [{name: v, configMap: {name: c}}]}";
    table(check, &[(own, "- CommandNotExecutable")]);
}

#[test]
fn what_only_can_be_read_is_mounted_so() {
    let of = |source: &str, mount: &str| {
        format!(
            "{{containers: [{{name: app}}, {{name: t-p, volumeMounts: [{{name: own, mountPath: /v{mount}}}]}}], \
             volumes: [{{name: own, {source}}}]}}"
        )
    };
    let found = "t MountWritable";
    let claim = "persistentVolumeClaim: {claimName: c, readOnly: true}";
    let cases = [
        (of("configMap: {name: c}", ""), found),
        (of("secret: {secretName: c}", ", readOnly: false"), found),
        (of("projected: {sources: []}", ""), found),
        (of("downwardAPI: {items: []}", ""), found),
        (of(claim, ""), found),
        (of(claim, ", readOnly: true"), ""),
        (of("persistentVolumeClaim: {claimName: c}", ""), ""),
        (of("emptyDir: {}", ""), ""),
        // The template's own is for lint, and the user's own for the user.
        (of("configMap: {name: c}", "").replace("own", "t-own"), ""),
        (of("configMap: {name: c}", "").replace("t-p", "web"), ""),
    ];
    table(check, &cases);
}
