//! Volumes: the template's own, generated files, and those adopted from the app.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Change, SAFE_TO_EVICT, failed, files, validity};
use crate::inject::data::Apps;
use crate::inject::merge::covers;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::compiled::VolumeTemplate;
use crate::template::fragment::{Evaluation, Failure, Volumes};
use crate::template::schema::FieldType;

/// What the template's volumes are called in this pod.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, (String, Option<String>)>);

impl Volumes for Names {
    fn resolve(&self, volume: &str) -> Option<(String, Option<String>)> {
        self.0.get(volume).cloned()
    }
}

/// Plans all volumes.
pub(super) fn volumes(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Evaluation<'_>,
    apps: &Apps,
    change: &mut Change,
) -> Result<Names, Refusal> {
    let mut names = Names::default();
    for volume in &template.volumes {
        if let Some(when) = &volume.when
            && !when.holds(with.bindings).map_err(failed)?
        {
            continue;
        }
        let resolved = match adopted(pod, volume, with, apps, change)? {
            Some(adopted) => adopted,
            None => {
                add(pod, template, volume, with, change)?;
                (volume.emitted.clone(), None)
            }
        };
        names.0.insert(volume.name.clone(), resolved);
    }
    Ok(names)
}

/// The app's volume at the path, with the `subPath` that it is mounted with.
fn adopted(
    pod: &WorkingPod<'_>,
    volume: &VolumeTemplate,
    with: Evaluation<'_>,
    apps: &Apps,
    change: &mut Change,
) -> Result<Option<(String, Option<String>)>, Refusal> {
    let Some(adopt) = &volume.adopt else {
        return Ok(None);
    };
    let path = adopt.evaluate(with).map_err(failed)?;
    let path = path
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim_end_matches('/');
    let main = apps.places.get(apps.main);
    let others = apps.places.iter().filter(|place| Some(*place) != main);
    for (list, index) in main.into_iter().chain(others) {
        let Some(element) = pod.list(*list).get(*index) else {
            continue;
        };
        let container = element.view().to_value();
        let mounts = container
            .get("volumeMounts")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for mount in mounts {
            let at = mount
                .get("mountPath")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let at = at.trim_end_matches('/');
            if at == path {
                return take(mount, &element.name(), path).map(Some);
            }
            if is_below(at, path) || is_below(path, at) {
                change.findings.push(format!(
                    "container `{}` mounts `{at}`, above or below `{path}`, which is adopted only \
                     where it is mounted itself",
                    element.name()
                ));
            }
        }
    }
    if volume.source.is_none() && volume.files.is_none() {
        let message = format!(
            "no app container mounts a volume at `{path}`, which {} takes over",
            volume.origin.field
        );
        return Err(Refusal::new(Reason::VolumeNotAdoptable, message));
    }
    Ok(None)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn take(mount: &Value, container: &str, path: &str) -> Result<(String, Option<String>), Refusal> {
    let text = |field: &str| mount.get(field).and_then(Value::as_str).map(str::to_owned);
    if text("subPathExpr").is_some_and(|expression| !expression.is_empty()) {
        let message = format!(
            "container `{container}` mounts `{path}` with `subPathExpr`, whose value other \
             containers cannot know; use `subPath`"
        );
        return Err(Refusal::new(Reason::VolumeNotAdoptable, message));
    }
    let sub_path = text("subPath").filter(|sub_path| !sub_path.is_empty());
    Ok((text("name").unwrap_or_default(), sub_path))
}

/// Adds the template's own volume.
fn add(
    pod: &WorkingPod<'_>,
    template: &Template,
    volume: &VolumeTemplate,
    with: Evaluation<'_>,
    change: &mut Change,
) -> Result<(), Refusal> {
    let source = source(template, volume, with, change)?;
    let mut value = Map::new();
    value.insert("name".to_owned(), volume.emitted.clone().into());
    let evictable = source.contains_key("emptyDir");
    value.extend(source);
    let value = Value::Object(value);
    if let Some((_, theirs)) = pod.find(List::Volumes, &volume.emitted) {
        let ty = FieldType::Object("Volume".to_owned());
        if matches!(theirs, Element::Users { .. }) && covers(&theirs.view().to_value(), &value, &ty)
        {
            return Ok(());
        }
        let message = format!(
            "the pod has a volume `{}` already, with another source than the template's",
            volume.emitted
        );
        return Err(Refusal::new(Reason::Conflict, message));
    }
    if evictable && !is_evictable(pod, &volume.emitted) {
        change.status.safe_to_evict.push(volume.emitted.clone());
    }
    change.status.volumes.push(volume.emitted.clone());
    change.volumes.push(value);
    Ok(())
}

/// Whether the user lists a volume among those that are safe to evict already.
fn is_evictable(pod: &WorkingPod<'_>, name: &str) -> bool {
    let users = pod.annotations.get(SAFE_TO_EVICT).unwrap_or_default();
    users.split(',').any(|listed| listed.trim() == name)
}

/// The one source that a volume has on this pod.
fn source(
    template: &Template,
    volume: &VolumeTemplate,
    with: Evaluation<'_>,
    change: &mut Change,
) -> Result<Map<String, Value>, Refusal> {
    let mut source = match &volume.source {
        Some(fragment) => match fragment.evaluate(with).map_err(failed)? {
            Some(Value::Object(source)) => source,
            _ => Map::new(),
        },
        None => Map::new(),
    };
    if let Some(files) = &volume.files {
        let kept = match &files.when {
            Some(when) => when.holds(with.bindings).map_err(failed)?,
            None => true,
        };
        if kept {
            let (items, annotations) = files::evaluate(volume, files, with)?;
            for (key, value) in annotations {
                change.status.annotations.push(key.clone());
                change.annotations.push((key, value));
            }
            source.insert("downwardAPI".to_owned(), json!({"items": items}));
        }
    }
    let fragment = volume.source.as_ref();
    let problem = fragment.and_then(|fragment| validity::check("Volume", &source, fragment));
    if let Some(problem) = problem {
        return Err(failed(Failure::at(&volume.origin, problem.to_string())));
    }
    if source.len() != 1 {
        let problem = format!(
            "the volume `{}` of the template `{}` has {} sources on this pod; it must have one",
            volume.name,
            template.name,
            source.len()
        );
        return Err(failed(Failure::at(&volume.origin, problem)));
    }
    Ok(source)
}
