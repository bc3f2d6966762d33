//! Volumes that containers name.

use super::{invalid, what_is_there};
use crate::check::pod::{Container, Pod, text};
use crate::finding::{Code, Finding};

/// A volume that a container names.
struct Use<'u> {
    /// What it does with the volume, in words.
    does: &'static str,
    name: &'u str,
    /// The field that names it.
    path: String,
    /// The template that says so.
    by: Option<&'u str>,
}

/// Finds volumes that are named and not there, and such as cannot be used so.
pub(super) fn check(pod: &Pod<'_>, container: &Container<'_>, findings: &mut Vec<Finding>) {
    for (used, kinds) in mounts(container)
        .chain(devices(container))
        .chain(files(container))
    {
        let Some(volume) = pod.volume(used.name) else {
            findings.push(missing(pod, container, used));
            continue;
        };
        let is_fit = kinds.is_empty() || volume.kinds.iter().any(|kind| kinds.contains(kind));
        if !is_fit {
            let message = format!(
                "{} {} volume `{}`, which is no {}",
                container.title(),
                used.does,
                used.name,
                kinds.join(" and no ")
            );
            let logged = format!(
                "{} {} a volume that is of another kind",
                container.title(),
                used.does
            );
            let finding = invalid(used.path, message, used.by);
            findings.extend(finding.map(|finding| finding.logged_as(logged)));
        }
    }
}

/// What a container uses, with the sources that the volume may have; none: any.
type Uses<'u> = (Use<'u>, &'static [&'static str]);

fn mounts<'u>(container: &'u Container<'_>) -> impl Iterator<Item = Uses<'u>> {
    let mounts = container.mounts.iter().enumerate();
    mounts.filter_map(|(index, mount)| {
        mount.by?;
        let used = Use {
            does: "mounts",
            name: text(mount.name.as_ref()),
            path: format!("{}.volumeMounts[{index}].name", container.place),
            by: mount.by,
        };
        Some((used, &[][..]))
    })
}

fn devices<'u>(container: &'u Container<'_>) -> impl Iterator<Item = Uses<'u>> {
    let by = container.field_by("volumeDevices");
    let devices = container.volume_devices.iter().enumerate();
    devices
        .filter(move |_| by.is_some())
        .map(move |(index, device)| {
            let used = Use {
                does: "has as a device",
                name: text(device.name.as_ref()),
                path: format!("{}.volumeDevices[{index}].name", container.place),
                by,
            };
            (used, &["persistentVolumeClaim", "ephemeral"][..])
        })
}

fn files<'u>(container: &'u Container<'_>) -> impl Iterator<Item = Uses<'u>> {
    let variables = container.env.iter().enumerate();
    variables.filter_map(|(index, variable)| {
        let file = variable.value_from.as_ref()?.file_key_ref.as_ref()?;
        let used = Use {
            does: "reads a variable from",
            name: text(file.volume_name.as_ref()),
            path: format!(
                "{}.env[{index}].valueFrom.fileKeyRef.volumeName",
                container.place
            ),
            by: Some(variable.by?),
        };
        Some((used, &["emptyDir"][..]))
    })
}

fn missing(pod: &Pod<'_>, container: &Container<'_>, used: Use<'_>) -> Finding {
    let Use { does, name, .. } = used;
    let names: Vec<&str> = pod.volumes.iter().map(|volume| volume.name).collect();
    let known = what_is_there("volumes", &names, name);
    let title = container.title();
    let message =
        format!("{title} {does} volume `{name}`, and the pod has none of that name: {known}");
    let logged = format!("{title} {does} a volume that the pod does not have");
    let finding = Finding::new(Code::VolumeNotFound, used.path, message);
    finding.of(used.by).logged_as(logged)
}
