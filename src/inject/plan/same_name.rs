//! A container of the user's with the name of a template's: an override, a placeholder or a clash.
//!
//! An equal name alone says little. Somebody who overrides a helper names its image, another tag of
//! it, or the placeholder `auto`; a container that brings an image *and* a command of its own is
//! another program that happens to have the name. What a mandatory template leaves unset can disarm
//! its helper as well as what it sets, so that the user's container may add nothing to it. What admission
//! plugins set in every container stays between two calls.

use serde_json::{Map, Value};

use crate::finding::{Code, Finding};
use crate::inject::evaluation::PLACEHOLDER;
use crate::inject::merge::{View, covers, is_empty};
use crate::inject::pod::WorkingPod;
use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::defaults::{self, TOKEN_PATH, is_default};
use crate::kubernetes::element_digest;
use crate::kubernetes::image_reference::{ALWAYS, PULL_POLICY, Reference, same_repository};
use crate::kubernetes::merge_keys::{by_key, element_key};
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, FieldType};
use crate::template::Template;
use crate::template::value::{ReadObject, TemplateObject};

const SECURITY: &str = "securityContext";
const USER: &str = "runAsUser";

/// What a container runs: one unit, as arguments mean nothing to another command.
pub(super) const COMMAND: [&str; 2] = ["command", "args"];

/// Refuses a pod whose container only happens to have the helper's name.
pub(super) fn check_clash(
    name: &str,
    want: &TemplateObject,
    theirs: &Value,
) -> Result<(), Refusal> {
    let image = theirs.get("image").and_then(Value::as_str);
    let templates = want.get("image").and_then(Value::as_str);
    let is_clash = image.is_some_and(|image| !is_same_program(image, templates))
        && runs_otherwise(want, theirs);
    if !is_clash {
        return Ok(());
    }
    let message = format!(
        "the pod has a container `{name}` with an image and a command of its own, and the template \
         adds a helper of that name; give the pod's another name, or, where it is meant to be the \
         helper, the image `{PLACEHOLDER}`"
    );
    Err(Refusal::new(Reason::Conflict, message))
}

/// Whether an image is the placeholder, or the template's with any tag.
fn is_same_program(image: &str, templates: Option<&str>) -> bool {
    image == PLACEHOLDER || templates.is_some_and(|own| image == own || same_repository(image, own))
}

/// Whether a container has a command or arguments other than the template's.
fn runs_otherwise(want: &TemplateObject, theirs: &Value) -> bool {
    let own = COMMAND.into_iter().filter_map(|field| {
        let own = theirs.get(field).and_then(Value::as_array)?;
        (!own.is_empty()).then_some((field, own))
    });
    own.into_iter()
        .any(|(field, own)| want.get(field).and_then(Value::as_array) != Some(own))
}

/// Takes out of what is wanted the half of the command that the user's container replaces with its
/// other half, unless the template keeps it for itself.
pub(super) fn keep_command_together(
    template: &Template,
    want: &mut TemplateObject,
    theirs: &Value,
) {
    if runs_otherwise(want, theirs) {
        for field in COMMAND {
            // An empty list is absent to Kubernetes.
            let is_own = theirs
                .get(field)
                .is_some_and(|own| !own.is_null() && !is_empty(own));
            if !is_own && template.overridable.allows(field) {
                want.remove(field);
            }
        }
    }
}

/// The field that the user's container brings to the helper of a mandatory template, where it may
/// not.
pub(super) fn addition(
    pod: &WorkingPod<'_>,
    template: &Template,
    want: &TemplateObject,
    theirs: &Value,
) -> Option<String> {
    let mut wanted = want.to_value();
    defaults::fill("Container", &mut wanted);
    let fields = theirs.as_object().into_iter().flatten();
    let mut added = fields.filter(|(name, value)| {
        !template.overridable.allows(name) && !is_allowed(pod, &wanted, theirs, name, value)
    });
    added.next().map(|(name, _)| name.clone())
}

/// Whether a field says nothing that the template's container does not say.
fn is_allowed(
    pod: &WorkingPod<'_>,
    wanted: &Value,
    theirs: &Value,
    name: &str,
    value: &Value,
) -> bool {
    let want = wanted.get(name).unwrap_or(&Value::Null);
    let ty = schema::field("Container", name).map(|field| &field.ty);
    let image = theirs.get("image").and_then(Value::as_str);
    match name {
        _ if value.is_null() || is_default("Container", name, value) => true,
        "name" => true,
        "image" if image == Some(PLACEHOLDER) => true,
        PULL_POLICY if value.as_str() == Some(ALWAYS) && pod.always_pulls() => true,
        PULL_POLICY if value.as_str() == image.map(Reference::pull_policy) => true,
        "resources" => are_allowed_resources(want, value),
        "volumeMounts" => {
            let others: Vec<_> = value
                .as_array()
                .into_iter()
                .flatten()
                .filter(|mount| !pod.is_plugins_mount(mount))
                .cloned()
                .collect();
            has_elements(want, &others, &["mountPath"], "VolumeMount")
        }
        "env" => {
            let own = value.as_array().map_or(&[][..], Vec::as_slice);
            has_elements(want, own, &["name"], "EnvVar")
        }
        _ => ty.is_some_and(|ty| covers(want, value, ty)),
    }
}

/// Whether the template's list has each of these elements.
fn has_elements(want: &Value, theirs: &[Value], keys: &[&str], definition: &str) -> bool {
    let ty = FieldType::Object(definition.to_owned());
    let items = want.as_array().into_iter().flatten();
    let wanted = by_key(items, |item| item, keys);
    theirs.iter().all(|own| {
        let key = element_key(own, keys);
        let mut same = wanted
            .iter()
            .filter(|(name, _)| Some(&**name) == key.as_deref());
        same.any(|(_, wanted)| covers(wanted, own, &ty))
    })
}

/// Whether resources name only what the template leaves unset, as a LimitRange does, or its own.
fn are_allowed_resources(want: &Value, theirs: &Value) -> bool {
    let mut fields = theirs.as_object().into_iter().flatten();
    fields.all(|(name, value)| match name.as_str() {
        "requests" | "limits" => {
            let mut amounts = value.as_object().into_iter().flatten();
            amounts.all(|(resource, amount)| {
                let wanted = |list: &str| Quantity::in_field(want.get(list)?.get(resource)?);
                let amount = Quantity::in_field(amount);
                // A limit below the template's request would take that away.
                let is_too_low = name == "limits" && amount < wanted("requests");
                !is_too_low && (wanted(name).is_none() || wanted(name) == amount)
            })
        }
        _ => want.get(name) == Some(value),
    })
}

/// Takes over from a mandatory template's helper as received what may be added to it, and says what
/// other webhooks changed in it and is put back.
pub(super) fn restore(
    pod: &WorkingPod<'_>,
    template: &Template,
    want: &mut TemplateObject,
    earlier: &Value,
) -> Option<Finding> {
    let fields = earlier.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| template.overridable.allows(name)) {
        want.insert(name.clone(), value.clone().into());
    }
    if !template.overridable.allows("resources") {
        add_resources(want, earlier.get("resources"));
    }
    add_user(pod, want, earlier);
    let name = earlier.get("name").and_then(Value::as_str);
    let result = want.to_value();
    let reverted = element_digest::differing_fields("Container", earlier, &result);
    if reverted.is_empty() {
        return None;
    }
    let message = format!(
        "container `{}`: {} had been changed since the template added it, and was put back, as the \
         template is mandatory; where the other webhook is right, name the field in the template's \
         `override`",
        name.unwrap_or_default(),
        reverted.join(", ")
    );
    Some(Finding::new(
        Code::MandatoryReverted,
        "metadata.annotations",
        message,
    ))
}

/// Adds the user where the template leaves it unset, another container of the pod has the same, and it is not
/// root: OpenShift gives each container the namespace's user. Whoever makes the pod could say it in the pod's
/// own `securityContext` as well.
fn add_user(pod: &WorkingPod<'_>, want: &mut TemplateObject, earlier: &Value) {
    let user_of = |container: View<'_>| {
        let user = container.field(SECURITY)?.field(USER)?;
        user.to_value().as_i64()
    };
    let Some(user) = user_of(View::Value(earlier)).filter(|user| *user > 0) else {
        return;
    };
    let mut others = pod
        .containers()
        .filter_map(|element| user_of(element.view()));
    let mut security = match want.get(SECURITY) {
        Some(Value::Object(security)) => security.clone(),
        _ => Map::new(),
    };
    if !security.contains_key(USER) && others.any(|other| other == user) {
        security.insert(USER.to_owned(), user.into());
        want.insert(SECURITY, Value::Object(security).into());
    }
}

/// Adds amounts that the template leaves unset, but for limits below its requests and requests above its
/// limits, with which no pod is valid.
fn add_resources(want: &mut TemplateObject, earlier: Option<&Value>) {
    let mut resources = want
        .get("resources")
        .cloned()
        .unwrap_or(Value::Object(Map::new()));
    let wanted = resources.clone();
    for list in ["requests", "limits"] {
        let amounts = earlier.and_then(|earlier| earlier.get(list)?.as_object());
        for (resource, amount) in amounts.into_iter().flatten() {
            let wanted = |list: &str| Quantity::in_field(wanted.get(list)?.get(resource)?);
            let added = Quantity::in_field(amount);
            let is_invalid = match list {
                "limits" => added < wanted("requests"),
                _ => wanted("limits").is_some_and(|limit| added > Some(limit)),
            };
            if is_invalid {
                continue;
            }
            if let Value::Object(known) = &mut resources
                && let Value::Object(known) = known
                    .entry(list)
                    .or_insert_with(|| Value::Object(Map::new()))
            {
                known
                    .entry(resource.clone())
                    .or_insert_with(|| amount.clone());
            }
        }
    }
    if resources
        .as_object()
        .is_some_and(|fields| !fields.is_empty())
    {
        want.insert("resources", resources.into());
    }
}

impl WorkingPod<'_> {
    /// Whether a mount is the ServiceAccount plugin's, of the volume as the plugin makes it.
    fn is_plugins_mount(&self, mount: &Value) -> bool {
        let text = |field: &str| mount.get(field).and_then(Value::as_str);
        text("mountPath") == Some(TOKEN_PATH)
            && mount.as_object().is_some_and(|mount| mount.len() == 3)
            && mount.get("readOnly") == Some(&Value::Bool(true))
            && self.token_volume().as_deref() == text("name")
    }
}
