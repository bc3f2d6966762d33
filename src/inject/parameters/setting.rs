//! What annotations and the configuration set, before it is read.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound;

use crate::expression::Budget;
use crate::inject::trace::{Layer, Trace};
use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::keys::PARAMETER_INFIX;
use crate::review::pod::Dictionary;
use crate::template::Template;
use crate::template::compiled::CONTAINERS_PARAMETER;
use crate::template::parameter::{Parameter, ParameterType, Setter};
use crate::wording::did_you_mean;

/// Where values come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParameterSources<'g> {
    pub(crate) pod: &'g Dictionary<'g>,
    pub(crate) namespace: &'g BTreeMap<String, String>,
    /// The configuration's values, by template and parameter.
    pub(crate) configuration: &'g BTreeMap<(String, String), String>,
    /// Where notes are taken, if somebody asks why.
    pub(crate) trace: Option<&'g Trace>,
    /// What computed defaults are paid from.
    pub(crate) budget: &'g Budget<'g>,
}

impl From<Setter> for Layer {
    fn from(setter: Setter) -> Self {
        match setter {
            Setter::Namespace => Self::Namespace,
            Setter::Pod => Self::Pod,
        }
    }
}

/// What an annotation, or the configuration, sets.
pub(super) struct Setting<'g> {
    pub(super) parameter: &'g Parameter,
    /// The key of a map parameter's element.
    pub(super) element: Option<&'g str>,
    /// The text that is set.
    pub(super) text: &'g str,
    /// Who sets it.
    pub(super) layer: Layer,
    /// The annotation's key, or the parameter as the configuration names it.
    pub(super) key: &'g str,
}

impl<'g> Setting<'g> {
    /// What a key sets, which names its parameter in its last part.
    fn of(
        template: &'g Template,
        layer: Layer,
        (key, name): (&'g str, &'g str),
        text: &'g str,
    ) -> Result<Self, Refusal> {
        let (name, element) = split(name);
        Ok(Self {
            parameter: declared(template, name, layer, key)?,
            element,
            text,
            layer,
            key,
        })
    }

    /// Where it stands, for messages.
    pub(super) fn place(&self, template: &Template) -> String {
        place(template, self.layer, self.key)
    }

    /// The same, where it has its parameter's form: a map has one annotation for each key, and every
    /// other parameter one in all.
    fn formed(self, template: &Template) -> Result<Self, Refusal> {
        let name = &self.parameter.name;
        let problem = match (self.parameter.ty, self.element) {
            (ParameterType::Map, None) => {
                format!("the parameter is a map: set each key by `{name}.<key>`")
            }
            (ParameterType::Map, Some("")) => "the key behind the dot is empty".to_owned(),
            (ParameterType::Map, Some(_)) | (_, None) => return Ok(self),
            (_, Some(_)) => format!("the parameter `{name}` is no map and has no keys"),
        };
        let message = format!("{}: {problem}", self.place(template));
        Err(Refusal::new(Reason::ParameterInvalid, message))
    }
}

/// Where something is set, for messages.
fn place(template: &Template, layer: Layer, key: &str) -> String {
    match layer {
        Layer::Configuration => format!("configuration parameters.{}.{key}", template.name),
        Layer::Namespace => format!("annotation {key} of the namespace"),
        Layer::Pod => format!("annotation {key} of the pod"),
    }
}

/// What is set for a template, of each parameter what wins last.
pub(super) fn collect<'g>(
    template: &'g Template,
    given: ParameterSources<'g>,
) -> Result<Vec<Setting<'g>>, Refusal> {
    let mut set = Vec::new();
    configured(template, given, &mut set)?;
    annotated(template, given.namespace, Setter::Namespace, &mut set)?;
    annotated(template, given.pod, Setter::Pod, &mut set)?;
    Ok(set)
}

fn configured<'g>(
    template: &'g Template,
    given: ParameterSources<'g>,
    set: &mut Vec<Setting<'g>>,
) -> Result<(), Refusal> {
    if given.configuration.is_empty() {
        return Ok(());
    }
    let first = (template.name.clone(), String::new());
    let of_template = given.configuration.range(first..);
    for ((_, key), text) in of_template.take_while(|((name, _), _)| *name == template.name) {
        let setting = Setting::of(template, Layer::Configuration, (key, key), text)?;
        set.push(setting.formed(template)?);
    }
    Ok(())
}

fn annotated<'g, T: Borrow<str> + Ord>(
    template: &'g Template,
    annotations: &'g BTreeMap<T, T>,
    setter: Setter,
    set: &mut Vec<Setting<'g>>,
) -> Result<(), Refusal> {
    let layer = Layer::from(setter);
    let after = (Bound::Included(template.name.as_str()), Bound::Unbounded);
    let of_template = annotations
        .range::<str, _>(after)
        .map(|(key, text)| (key.borrow(), text.borrow()))
        .map_while(|(key, text)| Some((key, key.strip_prefix(template.name.as_str())?, text)));
    for (key, rest, text) in of_template {
        let Some(name) = rest.strip_prefix(PARAMETER_INFIX) else {
            continue;
        };
        if name == CONTAINERS_PARAMETER {
            may_choose_containers(template, setter, key)?;
            continue;
        }
        let setting = Setting::of(template, layer, (key, name), text)?;
        if !setting.parameter.set_by.contains(&setter) {
            let who = who_may(setting.parameter);
            let message = format!("{}: {who}", setting.place(template));
            return Err(Refusal::new(Reason::ParameterNotAllowed, message));
        }
        set.push(setting.formed(template)?);
    }
    Ok(())
}

/// The app containers of a template are chosen by the pod that has them, and for a mandatory template
/// by nobody.
fn may_choose_containers(template: &Template, setter: Setter, key: &str) -> Result<(), Refusal> {
    let problem = match setter {
        Setter::Namespace => "the app's containers are named by an annotation of the pod",
        Setter::Pod if template.mandatory => {
            "the template is mandatory, and applies to all containers of the app"
        }
        Setter::Pod => return Ok(()),
    };
    let message = format!("{}: {problem}", place(template, setter.into(), key));
    Err(Refusal::new(Reason::ParameterNotAllowed, message))
}

/// The declaration of a parameter that is set somewhere; else a refusal with the nearest name.
fn declared<'t>(
    template: &'t Template,
    name: &str,
    layer: Layer,
    key: &str,
) -> Result<&'t Parameter, Refusal> {
    template.parameter(name).ok_or_else(|| {
        let place = place(template, layer, key);
        let known = template.parameters.iter().map(|known| known.name.as_str());
        let hint = did_you_mean(name, known.clone());
        let known: Vec<_> = known.collect();
        let hint = match (hint.is_empty(), known.is_empty()) {
            (false, _) => hint,
            (true, false) => format!("; it has {}", known.join(", ")),
            (true, true) => "; it has none".to_owned(),
        };
        let message = format!(
            "{place}: the template `{}` has no parameter `{name}`{hint}",
            template.name
        );
        Refusal::new(Reason::ParameterUnknown, message)
    })
}

/// `secret.db` is the element `db` of the map parameter `secret`.
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('.')
        .map_or((name, None), |(name, element)| (name, Some(element)))
}

fn who_may(parameter: &Parameter) -> String {
    let by = match (
        parameter.set_by.contains(&Setter::Pod),
        parameter.set_by.contains(&Setter::Namespace),
    ) {
        (false, true) => "an annotation of the namespace",
        (true, false) => "an annotation of the pod",
        _ => "Pillion's configuration",
    };
    format!("the parameter `{}` can be set only by {by}", parameter.name)
}
