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

    #[test]
    fn files_that_root_alone_can_read_need_a_group() {
        let of = |pod: &str, container: &str, volume: &str, mount: &str| {
            format!(
                "{{{pod} containers: [{{name: t-p, securityContext: {{{container}}}, volumeMounts: [{{name: v, \
                 mountPath: /v, {mount}}}]}}], volumes: [{{name: v, {volume}}}]}}"
            )
        };
        // 0400, as this YAML has no octal numbers.
        let secret = "secret: {secretName: s, defaultMode: 256}";
        let (user, found) = ("runAsUser: 7", "t FilesUnreadable");
        let cases = [
            (of("", user, secret, ""), found),
            (of("", "runAsNonRoot: true", secret, ""), found),
            (
                of("securityContext: {runAsUser: 7},", "", secret, ""),
                found,
            ),
            (of("", "runAsUser: 0", secret, ""), ""),
            (
                of(
                    "securityContext: {runAsUser: 7},",
                    "runAsUser: 0",
                    secret,
                    "",
                ),
                "",
            ),
            (of("", "", secret, ""), ""),
            (of("securityContext: {fsGroup: 7},", user, secret, ""), ""),
            (of("os: {name: windows},", user, secret, ""), ""),
            (of("", user, "secret: {secretName: s}", ""), ""),
            (
                of("", user, "secret: {secretName: s, defaultMode: 288}", ""),
                "",
            ),
            (of("", user, secret, "subPathExpr: $(X)"), ""),
            (
                of(
                    "",
                    user,
                    "configMap: {name: c, items: [{key: k, path: p, mode: 384}]}",
                    "",
                ),
                found,
            ),
            (
                of(
                    "",
                    user,
                    "configMap: {name: c, items: [{key: k, path: p, mode: 384}, {key: l, path: l}]}",
                    "",
                ),
                "",
            ),
            (
                of(
                    "",
                    user,
                    "configMap: {name: c, items: [{key: k, path: p, mode: 384}, {key: l, path: l}]}",
                    "subPath: p",
                ),
                found,
            ),
            (
                of(
                    "",
                    user,
                    "projected: {defaultMode: 256, sources: [{secret: {name: s}}]}",
                    "",
                ),
                found,
            ),
            (
                of(
                    "",
                    user,
                    "projected: {defaultMode: 256, sources: [{serviceAccountToken: {path: t}}]}",
                    "",
                ),
                "",
            ),
            (of("", user, "emptyDir: {}", ""), ""),
        ];
        table(check, &cases);
    }
}
