//! Directories that a template mounts where the app has a file.

use super::super::pod::{Pod, Volume};
use super::text;
use crate::finding::{Code, Finding};

/// Endings of what is a file in every image that has it.
const FILES: [&str; 16] = [
    "cfg",
    "conf",
    "crt",
    "env",
    "ini",
    "jar",
    "json",
    "key",
    "log",
    "pem",
    "properties",
    "sock",
    "toml",
    "txt",
    "xml",
    "yaml",
];

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all().filter(|container| container.added_by.is_none()) {
        for (index, mount) in container.mounts.iter().enumerate() {
            let is_whole = text(mount.sub_path.as_ref()).is_empty()
                && text(mount.sub_path_expr.as_ref()).is_empty();
            let volume = pod.volume_of(mount);
            if mount.by.is_none()
                || !is_whole
                || !is_file(mount.path())
                || !volume.is_some_and(is_directory)
            {
                continue;
            }
            let (title, name, at) = (container.title(), text(mount.name.as_ref()), mount.path());
            let message = format!(
                "volume `{name}`, which is a directory, is mounted in {title} at `{at}`, which looks \
                 like a file: the app cannot open it; mount the directory that the file is in"
            );
            let path = format!("{}.volumeMounts[{index}].mountPath", container.place);
            let logged = format!("{path} of {title} mounts a directory at the path of a file");
            let finding = Finding::new(Code::MountOverFile, path, message);
            findings.push(finding.of(mount.by).logged_as(logged));
        }
    }
}

/// Whether the last name of a path has the ending of a file.
fn is_file(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let ending = last.rsplit_once('.').filter(|(name, _)| !name.is_empty());
    ending.is_some_and(|(_, ending)| {
        FILES.contains(&ending.to_ascii_lowercase().as_str()) || ending == "yml"
    })
}

/// Whether a volume is a directory whatever is in it; a hostPath may be a file.
fn is_directory(volume: &Volume<'_>) -> bool {
    !volume.kinds.contains(&"hostPath")
}
