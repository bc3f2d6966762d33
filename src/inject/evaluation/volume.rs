//! The volumes that a template wants: its own, generated files, and those adopted from the app.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::{Wanted, WantedVolume, evaluated, failed, fields, files, validity};
use crate::finding::{Code, Finding};
use crate::inject::expression_input::Apps;
use crate::inject::merge::View;
use crate::inject::pod::{List, WorkingPod};
use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::defaults::TOKEN_PATH;
use crate::kubernetes::paths::{self, Relation, relation};
use crate::template::Template;
use crate::template::compiled::VolumeTemplate;
use crate::template::fragment::{Evaluation, Failure, Volumes};
use crate::template::value::{TemplateObject, TemplateValue};

/// What the template's volumes are called in this pod.
#[derive(Debug)]
pub(super) struct VolumeNames<'v> {
    /// Names inside the template, names in the pod, and what an adopted volume is mounted with.
    own: Vec<(&'v str, Cow<'v, str>, Option<String>)>,
    pod: &'v WorkingPod<'v>,
}

impl Volumes for VolumeNames<'_> {
    fn resolve(&self, volume: &str) -> Option<(&str, Option<&str>)> {
        let mut own = self.own.iter();
        let (_, name, sub_path) = own.find(|(known, ..)| *known == volume)?;
        Some((name, sub_path.as_deref()))
    }

    fn resolve_computed(&self, volume: &str) -> Option<(&str, Option<&str>)> {
        match self.pod.find(List::Volumes, volume) {
            Some(_) => None,
            None => self.resolve(volume),
        }
    }
}

/// Evaluates all volumes.
pub(super) fn volumes<'v>(
    pod: &'v WorkingPod<'_>,
    template: &'v Template,
    with: Evaluation<'_, '_>,
    apps: &Apps,
    wanted: &mut Wanted,
) -> Result<VolumeNames<'v>, Refusal> {
    let mut names = VolumeNames {
        own: Vec::with_capacity(template.volumes.len()),
        pod,
    };
    for volume in &template.volumes {
        if let Some(when) = &volume.when
            && !evaluated(template, when.holds(with.bindings))?
        {
            continue;
        }
        let (name, sub_path) = match adopted(pod, template, volume, with, apps, wanted)? {
            Some((name, sub_path)) => (Cow::Owned(name), sub_path),
            None => {
                own(template, volume, with, wanted)?;
                (Cow::Borrowed(volume.emitted.as_str()), None)
            }
        };
        names.own.push((&volume.name, name, sub_path));
    }
    Ok(names)
}

/// The app's volume at the path, with the `subPath` that it is mounted with.
fn adopted(
    pod: &WorkingPod<'_>,
    template: &Template,
    volume: &VolumeTemplate,
    with: Evaluation<'_, '_>,
    apps: &Apps,
    wanted: &mut Wanted,
) -> Result<Option<(String, Option<String>)>, Refusal> {
    let Some(adopt) = &volume.adopt else {
        return Ok(None);
    };
    let given = evaluated(template, adopt.evaluate(with))?;
    let path = given.as_deref().and_then(Value::as_str).unwrap_or_default();
    let main = apps.places.get(apps.main);
    let others = apps.places.iter().filter(|place| Some(*place) != main);
    let mut nested = Vec::new();
    for (list, index) in main.into_iter().chain(others) {
        let Some(element) = pod.list(*list).get(*index) else {
            continue;
        };
        let mounts = element
            .view()
            .field("volumeMounts")
            .and_then(View::elements);
        for mount in mounts.into_iter().flatten() {
            let mount_path = mount.field("mountPath").and_then(View::text);
            let at = mount_path.as_deref().unwrap_or_default();
            let relation = relation(at, path);
            if relation == Relation::Same {
                return take(mount, element.name(), path).map(Some);
            }
            // Each container gets its own mount of the service account's token.
            if relation != Relation::Apart && !paths::is_same(at, TOKEN_PATH) {
                let name = element.name();
                let (place, rest) = (
                    format!("spec.{}[{index}].volumeMounts", list.field()),
                    "which is adopted only where it is mounted itself",
                );
                let message =
                    format!("container `{name}` mounts `{at}`, above or below `{path}`, {rest}");
                let logged = format!(
                    "container `{name}` has a mount above or below the path of {}, {rest}",
                    volume.origin.field
                );
                nested.push(Finding::new(Code::NestedMount, place, message).logged_as(logged));
            }
        }
    }
    wanted.findings.extend(nested);
    if volume.source.is_none() && volume.files.is_none() {
        let message = format!(
            "no app container mounts a volume at `{path}`, which {} takes over",
            volume.origin.field
        );
        let logged = format!(
            "no app container has the mount that {} takes over",
            volume.origin.field
        );
        return Err(Refusal::with_value(
            Reason::VolumeNotAdoptable,
            message,
            logged,
        ));
    }
    Ok(None)
}

fn take(mount: View<'_>, container: &str, path: &str) -> Result<(String, Option<String>), Refusal> {
    let text = |field: &str| {
        let text = mount.field(field).and_then(View::text);
        text.filter(|text| !text.is_empty()).map(Cow::into_owned)
    };
    if text("subPathExpr").is_some() {
        let message = format!(
            "container `{container}` mounts `{path}` with `subPathExpr`, whose value other \
             containers cannot know; use `subPath`"
        );
        let logged = format!("container `{container}` mounts the volume with `subPathExpr`");
        return Err(Refusal::with_value(
            Reason::VolumeNotAdoptable,
            message,
            logged,
        ));
    }
    Ok((text("name").unwrap_or_default(), text("subPath")))
}

/// The template's own volume.
fn own(
    template: &Template,
    volume: &VolumeTemplate,
    with: Evaluation<'_, '_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    let mut value = TemplateObject::with_capacity(2);
    let name = TemplateValue::Shared(Arc::clone(&volume.emitted_value));
    value.insert("name", name);
    value.extend(source(template, volume, with, wanted)?);
    wanted.volumes.push(WantedVolume {
        name: volume.emitted.clone(),
        value,
    });
    Ok(())
}

/// The one source that a volume has on this pod.
fn source(
    template: &Template,
    volume: &VolumeTemplate,
    with: Evaluation<'_, '_>,
    wanted: &mut Wanted,
) -> Result<TemplateObject, Refusal> {
    let mut source = fields(template, volume.source.as_ref(), with)?;
    if let Some(files) = &volume.files {
        let when = files.when.as_ref();
        let kept = when.map_or(Ok(true), |when| when.holds(with.bindings));
        if evaluated(template, kept)? {
            let (shown, annotations) = files::evaluate(template, volume, files, with)?;
            wanted.files.extend(annotations);
            source.insert("downwardAPI", shown);
        }
    }
    if let Some(fragment) = &volume.source {
        let place = || validity::place(&volume.origin);
        validity::check("Volume", &source, fragment, place)?;
    }
    if source.len() == 1 {
        return Ok(source);
    }
    let problem = format!(
        "the volume `{}` has {} sources on this pod; it must have one",
        volume.name,
        source.len()
    );
    Err(failed(template, &Failure::at(&volume.origin, problem)))
}
