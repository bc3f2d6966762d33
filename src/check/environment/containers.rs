//! Containers whose resources a variable or a file shows, by name.
//!
//! The kubelet looks the name up in the pod (kubernetes:pkg/api/v1/resource, `findContainerInPod`): of a
//! variable when it makes the container, of a file when it makes the volume, before any container of the
//! pod. A variable that names none shows its own container's.

use super::super::pod::{Pod, Volume, text};
use super::variables::name;
use crate::finding::{Code, Finding};
use crate::wording::{shown, some};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    of_variables(pod, findings);
    of_files(pod, findings);
}

fn of_variables(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all() {
        for (index, env) in container.env.iter().enumerate() {
            let from = env.value_from.as_ref();
            let Some(shown) = from.and_then(|from| from.resource_field_ref.as_ref()) else {
                continue;
            };
            let Some(missing) = missing(pod, text(shown.container_name.as_ref())) else {
                continue;
            };
            let (title, name) = (container.title(), name(env));
            let who = format!("{title} never starts: its variable {name}");
            let path = format!("{}.env[{index}].valueFrom", container.place);
            findings.push(unknown(&path, &who, &missing).of(env.by));
        }
    }
}

fn of_files(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let volumes = pod.volumes.iter().filter(|volume| {
        let source = &volume.source;
        (source.downward_api.is_some() || source.projected.is_some()) && is_mounted(pod, volume)
    });
    for volume in volumes {
        let source = &volume.source;
        let plain = source.downward_api.iter();
        let own = plain.map(|files| ("downwardAPI".to_owned(), files));
        let sources = source.projected_sources().enumerate();
        let projected = sources.filter_map(|(index, source)| {
            let files = source.downward_api.as_ref()?;
            Some((format!("projected.sources[{index}].downwardAPI"), files))
        });
        for (field, files) in own.chain(projected) {
            for (index, file) in files.items.iter().flatten().enumerate() {
                let Some(shown) = &file.resource_field_ref else {
                    continue;
                };
                let Some(missing) = missing(pod, text(shown.container_name.as_ref())) else {
                    continue;
                };
                let who = format!(
                    "the pod never starts: a file of its volume `{}`",
                    volume.name
                );
                let path = format!("{}.{field}.items[{index}]", volume.path());
                findings.push(unknown(&path, &who, &missing).of(volume.added_by));
            }
        }
    }
}

/// Whether the kubelet makes the volume at all.
fn is_mounted(pod: &Pod<'_>, volume: &Volume<'_>) -> bool {
    pod.all()
        .flat_map(|container| &container.mounts)
        .any(|mount| text(mount.name.as_ref()) == volume.name)
}

/// The name in words, where no container of the pod has it. The names that there are, are few in it: every
/// variable may name another.
fn missing(pod: &Pod<'_>, name: &str) -> Option<String> {
    let names = || pod.all().map(|container| container.name);
    if name.is_empty() || names().any(|known| known == name) {
        return None;
    }
    let name = shown(name);
    Some(format!("`{name}`, and the pod has {}", some(names())))
}

fn unknown(path: &str, who: &str, missing: &str) -> Finding {
    let path = format!("{path}.resourceFieldRef.containerName");
    let message = format!("{who} shows a resource of the container {missing}");
    let logged = format!("{who} shows a resource of a container that the pod does not have");
    Finding::new(Code::ResourceFieldBroken, path, message).logged_as(logged)
}
