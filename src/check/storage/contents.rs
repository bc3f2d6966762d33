//! Files of volumes that list them: generated files, and ConfigMaps and Secrets with `items`.
//!
//! Of a `subPath` that is not there the kubelet makes a directory
//! (`kubernetes:pkg/kubelet/kubelet_pods.go`, `makeMounts`). The files have mode 0644 where nothing else
//! is said, and even root executes none without a bit for that.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::CheckContext;
use super::super::pod::{Container, Mount, Pod};
use super::text;
use crate::finding::{Code, Finding};
use crate::kubernetes::paths::shortest;
use crate::wording::{shown, some};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut known = Known::new();
    for container in pod.all() {
        for (index, mount) in container.mounts.iter().enumerate() {
            findings.extend(absent(pod, container, (index, mount), &mut known));
        }
        findings.extend(not_executable(pod, with, container));
    }
}

/// The files of volumes by the volume's name, in their shortest spelling: many mounts may show one volume.
type Known<'p> = BTreeMap<&'p str, BTreeSet<Cow<'p, str>>>;

/// A `subPath` that no file of the volume has or lies below. What begins with `..` names what the
/// kubelet keeps there.
fn absent<'p>(
    pod: &'p Pod<'_>,
    container: &Container<'_>,
    (index, mount): (usize, &Mount<'_>),
    known: &mut Known<'p>,
) -> Option<Finding> {
    let wanted = text(mount.sub_path.as_ref());
    if wanted.is_empty() || wanted.starts_with("..") {
        return None;
    }
    let volume = pod.volume_of(mount)?;
    let paths = volume.files()?.map(|(path, _)| path);
    let files = known
        .entry(volume.name)
        .or_insert_with(|| paths.clone().map(shortest).collect());
    let file = shortest(wanted);
    if file.is_empty() {
        return None;
    }
    let directory = format!("{file}/");
    let mut below = files.range(Cow::Owned(directory.clone())..);
    if files.contains(file.as_ref())
        || below
            .next()
            .is_some_and(|path| path.starts_with(&directory))
    {
        return None;
    }
    let (title, name, wanted) = (container.title(), volume.name, shown(wanted));
    let there = some(paths);
    let message = format!(
        "{title} mounts `{wanted}` of volume `{name}` (subPath), which has {there} and no such file, so \
         that it finds an empty directory"
    );
    let logged = format!("{title} mounts a file of volume `{name}` (subPath) that is not there");
    let path = format!("{}.volumeMounts[{index}].subPath", container.place);
    let finding = Finding::new(Code::SubPathNotFound, path, message);
    Some(finding.of(mount.by).logged_as(logged))
}

/// A command that is a file of a volume, and not executable.
fn not_executable(
    pod: &Pod<'_>,
    with: &CheckContext<'_>,
    container: &Container<'_>,
) -> Option<Finding> {
    let written = container.command.first()?.as_str();
    // Windows has no modes.
    let is_windows = pod.spec.windows_reason().is_some();
    if is_windows || !written.starts_with('/') || written.contains("$(") {
        return None;
    }
    let command = shortest(written);
    let (mount, below) = container
        .mounts
        .iter()
        .filter_map(|mount| Some((mount, below(mount, &command)?)))
        .min_by_key(|(_, below)| below.len())?;
    if !text(mount.sub_path_expr.as_ref()).is_empty() {
        return None;
    }
    let volume = pod.volume_of(mount)?;
    let file = format!("{}/{below}", text(mount.sub_path.as_ref()));
    let mode = volume.mode_of(file.trim_matches('/'))?;
    if mode & 0o111 != 0 {
        return None;
    }
    let (title, name) = (container.title(), volume.name);
    let message = format!(
        "the command of {title} is a file of volume `{name}` with mode {mode:04o}, which nobody can \
         execute, so that the container never starts: run it by its interpreter"
    );
    let path = format!("{}.command", container.place);
    let by = with.later(container.field_by("command"), mount.by);
    Some(Finding::new(Code::CommandNotExecutable, path, message).of(by))
}

/// The path of a file below a mount; empty where the mount is the file.
fn below<'c>(mount: &Mount<'_>, file: &'c str) -> Option<&'c str> {
    let at = mount.shortest_path();
    let below = file.strip_prefix(at)?;
    (below.is_empty() || below.starts_with('/') || at.ends_with('/'))
        .then(|| below.trim_start_matches('/'))
}
