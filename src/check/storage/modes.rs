//! Files that only root can read, in containers that are not root.
//!
//! The kubelet gives the files of Secrets, ConfigMaps and the downward API to root, and with the pod's
//! `fsGroup` lets that group read them (`kubernetes:pkg/volume/volume_linux.go`, `SetVolumeOwnership`).

use super::super::CheckContext;
use super::super::pod::{Container, Mount, Pod};
use super::text;
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    if pod.spec.security.fs_group.is_some() || pod.spec.windows_reason().is_some() {
        return;
    }
    for container in pod.all().filter(|container| is_not_root(pod, container)) {
        let mounts = container.mounts.iter().enumerate();
        findings.extend(mounts.filter_map(|(index, mount)| {
            let by = with.later(mount.by, pod.volume_of(mount)?.added_by)?;
            let finding = unreadable(pod, container, index, mount)?;
            Some(finding.of(Some(by)))
        }));
    }
}

/// Whether a container surely does not run as root.
fn is_not_root(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    let (own, of_pod) = (&container.security, &pod.spec.security);
    match own.run_as_user.or(of_pod.run_as_user) {
        Some(user) => user != 0,
        None => own.run_as_non_root.or(of_pod.run_as_non_root) == Some(true),
    }
}

fn unreadable(
    pod: &Pod<'_>,
    container: &Container<'_>,
    index: usize,
    mount: &Mount<'_>,
) -> Option<Finding> {
    if mount.sub_path_expr.is_some() {
        return None;
    }
    let volume = pod.volume_of(mount)?;
    let modes = volume.modes(text(mount.sub_path.as_ref()).trim_matches('/'));
    // A user who is in no group of the image's is in root's.
    let (first, others) = modes.split_first()?;
    if first & 0o044 != 0 || others.iter().any(|mode| mode & 0o044 != 0) {
        return None;
    }
    let (title, name) = (container.title(), volume.name);
    let message = format!(
        "{title} does not run as root, and root alone can read the files of volume `{name}` (mode \
         {first:04o}): give the pod an fsGroup, or the volume defaultMode: 0444"
    );
    let path = format!("{}.volumeMounts[{index}]", container.place);
    Some(Finding::new(Code::FilesUnreadable, path, message))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::check::test_support::table;

    fn pod(pod: &str, container: &str, volume: &str, mount: &str) -> String {
        format!(
            "{{{pod} containers: [{{name: t-p, securityContext: {{{container}}}, volumeMounts: [{{name: v, \
             mountPath: /v, {mount}}}]}}], volumes: [{{name: v, {volume}}}]}}"
        )
    }

    // 0400, as this YAML has no octal numbers.
    const SECRET: &str = "secret: {secretName: s, defaultMode: 256}";
    const USER: &str = "runAsUser: 7";
    const FOUND: &str = "t FilesUnreadable";

    #[test]
    fn files_that_root_alone_can_read_need_a_group() {
        let cases = [
            (pod("", USER, SECRET, ""), FOUND),
            (pod("", "runAsNonRoot: true", SECRET, ""), FOUND),
            (
                pod("securityContext: {runAsUser: 7},", "", SECRET, ""),
                FOUND,
            ),
            (pod("", "runAsUser: 0", SECRET, ""), ""),
            (
                pod(
                    "securityContext: {runAsUser: 7},",
                    "runAsUser: 0",
                    SECRET,
                    "",
                ),
                "",
            ),
            (pod("", "", SECRET, ""), ""),
            (pod("securityContext: {fsGroup: 7},", USER, SECRET, ""), ""),
            (pod("os: {name: windows},", USER, SECRET, ""), ""),
        ];
        table(check, &cases);
    }

    #[test]
    fn every_file_that_a_mount_shows_counts() {
        let two = "configMap: {name: c, items: [{key: k, path: p, mode: 384}, {key: l, path: l}]}";
        let projected =
            |source: &str| format!("projected: {{defaultMode: 256, sources: [{source}]}}");
        let token = projected("{serviceAccountToken: {path: t}}");
        let cases = [
            (pod("", USER, "secret: {secretName: s}", ""), ""),
            (
                pod("", USER, "secret: {secretName: s, defaultMode: 288}", ""),
                "",
            ),
            (pod("", USER, SECRET, "subPathExpr: $(X)"), ""),
            (
                pod(
                    "",
                    USER,
                    "configMap: {name: c, items: [{key: k, path: p, mode: 384}]}",
                    "",
                ),
                FOUND,
            ),
            (pod("", USER, two, ""), ""),
            (pod("", USER, two, "subPath: p"), FOUND),
            (pod("", USER, &projected("{secret: {name: s}}"), ""), FOUND),
            (pod("", USER, &token, ""), ""),
            (pod("", USER, "emptyDir: {}", ""), ""),
        ];
        table(check, &cases);
    }
}
