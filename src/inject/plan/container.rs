//! Containers: the template's own, or filled into the user's of the same name.

use serde_json::Value;

use super::{Change, SENSITIVE, digest, kept, same_name};
use crate::inject::evaluation::{PLACEHOLDER, Wanted, WantedContainer};
use crate::inject::lifecycle::{self, FIRST_SURE_MINOR};
use crate::inject::merge::{self, Fill, View, covers};
use crate::inject::patch::Operation;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::element_digest;
use crate::kubernetes::image_reference::Reference;
use crate::kubernetes::keys::APP_ARMOR_PREFIX;
use crate::kubernetes::schema::field;
use crate::template::Template;
use crate::template::compiled::Placement;
use crate::template::value::{ReadObject, TemplateObject};

pub(super) fn containers(
    pod: &WorkingPod<'_>,
    template: &Template,
    wanted: Vec<WantedContainer>,
    change: &mut Change,
) -> Result<(), Refusal> {
    for container in wanted {
        match find(pod, &container.name) {
            Some((list, index, element @ Element::Users { .. })) => {
                check_place(pod, template, &container, list, element)?;
                fill(pod, template, container, (list, index, element), change)?;
            }
            Some((_, _, Element::Added { template: by, .. })) => {
                let message = format!(
                    "the container `{}` is added by the template `{by}` already",
                    container.name
                );
                return Err(Refusal::new(Reason::Conflict, message));
            }
            None => add(pod, template, container, change)?,
        }
    }
    Ok(())
}

/// Refuses annotations of the pod's that take a mandatory helper's `AppArmor` profile away: the API server makes
/// of them the field that neither the template nor the pod sets. Earlier ones write `runtime/default` themselves.
pub(super) fn check_profiles(pod: &WorkingPod<'_>, wanted: &Wanted) -> Result<(), Refusal> {
    let has_profile = |context: &Value| !context["appArmorProfile"].is_null();
    for container in &wanted.containers {
        let key = format!("{APP_ARMOR_PREFIX}{}", container.name);
        let value = pod.annotations.get(&key);
        let is_ours = wanted.annotations.iter().any(|(own, _)| *own == key);
        if is_ours || value.is_none_or(|value| value == "runtime/default") {
            continue;
        }
        let own = container.value.get("securityContext");
        let of_pod = pod.field("securityContext");
        if !own.is_some_and(has_profile) && !of_pod.as_ref().is_some_and(has_profile) {
            let message = format!(
                "the annotation {key} of the pod sets a profile for the helper of a mandatory template; \
                 remove it"
            );
            return Err(Refusal::new(Reason::OverrideNotAllowed, message));
        }
    }
    Ok(())
}

fn find<'e, 'p>(pod: &'e WorkingPod<'p>, name: &str) -> Option<(List, usize, &'e Element<'p>)> {
    [List::InitContainers, List::Containers]
        .into_iter()
        .find_map(|list| {
            let (index, element) = pod.find(list, name)?;
            Some((list, index, element))
        })
}

/// The refusal, or the reason to skip, where a sidecar would keep a pod from ending.
fn must_end(template: &Template, container: &WantedContainer) -> Refusal {
    let why = match template.placement {
        _ if container.is_native => {
            "the pod has it in containers; declare it in initContainers".to_owned()
        }
        Placement::Classic => "the template's `lifecycle` is Classic".to_owned(),
        Placement::Auto | Placement::Native => format!(
            "native sidecars are used where every node surely knows them: from Kubernetes \
             1.{FIRST_SURE_MINOR} on, or with --native-sidecars=always"
        ),
    };
    let message = format!(
        "the pod must end, and `{}` could only run as a regular container here, which would keep \
         it from ending; {why}",
        container.name
    );
    let reason = if template.denies_ending_pods {
        Reason::PodMustEndDenied
    } else {
        Reason::PodMustEnd
    };
    Refusal::new(reason, message)
}

/// Adds the template's own container.
fn add(
    pod: &WorkingPod<'_>,
    template: &Template,
    mut container: WantedContainer,
    change: &mut Change,
) -> Result<(), Refusal> {
    if let Some(earlier) = pod.earlier(&container.name) {
        let reverted = same_name::restore(pod, template, &mut container.value, earlier);
        change.findings.extend(reverted);
    }
    let is_classic = container.is_sidecar && !container.is_native;
    if is_classic && pod.must_end() {
        return Err(must_end(template, &container));
    }
    let (names, values) = if is_classic {
        (&mut change.status.containers, &mut change.containers)
    } else {
        (
            &mut change.status.init_containers,
            &mut change.init_containers,
        )
    };
    names.push(container.name, digest("Container", &container.value));
    values.push(container.value);
    Ok(())
}

/// Checks that the user's container of this name runs when the template's would: a step before the
/// app, a sidecar beside it.
fn check_place(
    pod: &WorkingPod<'_>,
    template: &Template,
    container: &WantedContainer,
    list: List,
    theirs: &Element<'_>,
) -> Result<(), Refusal> {
    let is_regular = list == List::Containers;
    let runs_beside = is_regular || theirs.is_sidecar();
    if !container.is_sidecar && runs_beside {
        let message = format!(
            "the container `{}` of the pod runs beside the app, and the template's of that name is \
             an init container; declare it in initContainers, without restartPolicy",
            container.name
        );
        return Err(Refusal::new(Reason::Conflict, message));
    }
    let misplaced = if template.mandatory {
        Reason::OverrideNotAllowed
    } else {
        Reason::Conflict
    };
    if container.is_sidecar && !container.is_native && !runs_beside {
        let message = format!(
            "the container `{}` of the pod is an init container, and the template's of that name runs \
             beside the app; declare it in containers",
            container.name
        );
        return Err(Refusal::new(misplaced, message));
    }
    let restarts = theirs.view().field("restartPolicy");
    if container.is_native && !is_regular && !runs_beside && restarts.and_then(View::text).is_some()
    {
        let message = format!(
            "the init container `{}` of the pod has a restartPolicy other than Always, and the template's of \
             that name is a native sidecar; remove restartPolicy there",
            container.name
        );
        return Err(Refusal::new(misplaced, message));
    }
    if container.is_native && is_regular && template.mandatory {
        let message = format!(
            "the container `{}` of the pod stands in containers, and the template, which is \
             mandatory, has it as a native sidecar; declare it in initContainers",
            container.name
        );
        return Err(Refusal::new(Reason::OverrideNotAllowed, message));
    }
    if container.is_sidecar && is_regular && pod.must_end() {
        return Err(must_end(template, container));
    }
    Ok(())
}

/// Fills the template's container into the user's own of that name: the user's fields win, as far
/// as the template's `override` allows.
fn fill(
    pod: &WorkingPod<'_>,
    template: &Template,
    container: WantedContainer,
    (list, index, element): (List, usize, &Element<'_>),
    change: &mut Change,
) -> Result<(), Refusal> {
    let theirs = element.view().to_value();
    let mut want = container.value;
    lifecycle::fit(&mut want, list, &theirs);
    if template.mandatory {
        if let Some(field) = same_name::addition(pod, template, &want, &theirs) {
            return Err(not_allowed(&container.name, &field));
        }
    } else {
        same_name::check_clash(&container.name, &want, &theirs)?;
        same_name::keep_command_together(template, &mut want, &theirs);
    }
    let mut fill = merge::fill(element.view(), &want, "Container", element.in_front());
    if let Some(image) = fill_image(&mut fill, &want, &theirs) {
        change.status.auto.push(container.name.clone(), image);
    }
    keep_additions(&mut fill, &want, &theirs);
    let mut kept = fill.kept.iter();
    let forbidden = kept.find_map(|key| {
        let field = key.split('/').next().unwrap_or_default();
        (!template.overridable.allows(field)).then_some(field)
    });
    if let Some(field) = forbidden {
        return Err(not_allowed(&container.name, field));
    }
    let path = || format!("spec.{}[{index}]", list.field());
    change.findings.extend(kept::hidden(path, element, &fill));
    change.edit(template, (list, index, element), fill);
    if template.mandatory && template.order <= 0 {
        change.to_front.push((list, container.name));
    }
    Ok(())
}

/// Puts the template's image in the place of `auto`. Returns its digest.
fn fill_image(fill: &mut Fill, want: &TemplateObject, theirs: &Value) -> Option<u64> {
    let image = want.field("image")?;
    if theirs.get("image").and_then(Value::as_str) != Some(PLACEHOLDER)
        || image.as_str() == Some(PLACEHOLDER)
    {
        return None;
    }
    fill.kept.retain(|key| key != "image");
    default_pull_policy(fill, want, theirs, image);
    fill.operations.push(Operation::Replace {
        path: "/image".to_owned(),
        value: image.clone().into(),
    });
    Some(element_digest::text(image.as_str().unwrap_or_default()))
}

fn not_allowed(container: &str, field: &str) -> Refusal {
    let message = format!(
        "the container `{container}` of the pod sets `{field}`, which the template keeps for \
         itself; remove it there"
    );
    Refusal::new(Reason::OverrideNotAllowed, message)
}

/// The API server derived the pull policy from the placeholder; from the image it would be another.
fn default_pull_policy(fill: &mut Fill, want: &TemplateObject, theirs: &Value, image: &Value) {
    let derived = theirs.get("imagePullPolicy").and_then(Value::as_str);
    let policy = Reference::pull_policy(image.as_str().unwrap_or_default());
    let is_default = derived == Some(Reference::pull_policy(PLACEHOLDER));
    if is_default && derived != Some(policy) && !want.contains_key("imagePullPolicy") {
        fill.replaced
            .push(("imagePullPolicy".to_owned(), element_digest::text(policy)));
        fill.operations.push(Operation::Replace {
            path: "/imagePullPolicy".to_owned(),
            value: Value::from(policy).into(),
        });
    }
}

/// Notes as kept what the user's container does beyond the template's.
fn keep_additions(fill: &mut Fill, want: &TemplateObject, theirs: &Value) {
    for name in SENSITIVE {
        let none = Value::Null;
        let theirs = theirs.get(name).unwrap_or(&none);
        let want = want.get(name).unwrap_or(&none);
        let ty = field("Container", name).map(|field| &field.ty);
        let is_covered = theirs.is_null() || ty.is_some_and(|ty| covers(want, theirs, ty));
        if !is_covered && !fill.kept.iter().any(|key| key == name) {
            fill.kept.push(name.to_owned());
        }
    }
}
