//! The values of a template's parameters for one pod.
//!
//! The pod's annotation wins over the namespace's, that over the configuration's value, that over
//! the template's default. A value that cannot be is refused with the annotation, the value and
//! what would be right; an unknown parameter with the nearest name.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::trace::{Layer, ParameterNote, Trace, ValuePlace};
use super::verdict::Reason;
use crate::review::pod::Dictionary;
use crate::template::Template;
use crate::template::compile::nearest;
use crate::template::expression::{Bindings, Paths, Source};
use crate::template::fragment::{Evaluation, Fragment, NoVolumes};
use crate::template::parameter::{Parameter, ParameterType, Setter, ValueError};

/// The longest part of a value that a message repeats, in characters.
const SHOWN: usize = 60;

/// Values by the parameters' names in expressions.
pub type Values = BTreeMap<String, Value>;

/// Where values come from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// The pod's annotations.
    pub pod: &'g Dictionary<'g>,
    /// The namespace's annotations.
    pub namespace: &'g BTreeMap<String, String>,
    /// The configuration's values, by template and parameter.
    pub configuration: &'g BTreeMap<(String, String), String>,
    /// Where notes are taken, if somebody asks why.
    pub trace: Option<&'g Trace>,
}

/// What an annotation, or the configuration, sets.
struct Setting<'g> {
    /// The key of a map parameter's element.
    element: Option<&'g str>,
    text: &'g str,
    /// Where it stands, for messages.
    place: String,
    /// Who sets it, and the annotation's key or the path in the configuration.
    set_at: (Layer, &'g str),
}

/// Resolves all parameters. `source` gives what computed defaults read besides parameters.
pub fn resolve(
    template: &Template,
    given: Given<'_>,
    source: &dyn Source,
) -> Result<Values, Refusal> {
    let mut set: BTreeMap<&str, Vec<Setting<'_>>> = BTreeMap::new();
    configured(template, given, &mut set)?;
    annotated(template, given.namespace, Setter::Namespace, &mut set)?;
    annotated(template, given.pod, Setter::Pod, &mut set)?;
    let mut values = Values::new();
    for parameter in &template.parameters {
        let settings = set.remove(parameter.name.as_str()).unwrap_or_default();
        let value = value(template, parameter, &settings, &values, source)?;
        if let Some(trace) = given.trace {
            trace.parameter(note(&template.name, parameter, &settings, &value));
        }
        values.insert(parameter.expression_name(), value);
    }
    Ok(values)
}

fn configured<'g>(
    template: &Template,
    given: Given<'g>,
    set: &mut BTreeMap<&'g str, Vec<Setting<'g>>>,
) -> Result<(), Refusal> {
    let first = (template.name.clone(), String::new());
    let of_template = given.configuration.range(first..);
    for ((name, parameter), text) in of_template {
        if *name != template.name {
            break;
        }
        let place = format!("configuration parameters.{name}.{parameter}");
        let (name, element) = split(parameter);
        check_form(declared(template, name, &place)?, element, &place)?;
        set.entry(name).or_default().push(Setting {
            element,
            text,
            place,
            set_at: (Layer::Configuration, parameter),
        });
    }
    Ok(())
}

/// What is noted of a parameter for a person who asks why.
fn note(
    template: &str,
    parameter: &Parameter,
    settings: &[Setting<'_>],
    value: &Value,
) -> ParameterNote {
    let is_map = parameter.ty == ParameterType::Map;
    // Of a map each key counts in its last layer; of anything else the last layer alone.
    let counts = |index: usize, setting: &Setting<'_>| {
        let later = settings.get(index + 1..).unwrap_or_default();
        let same = |other: &Setting<'_>| !is_map || other.element == setting.element;
        !later.iter().any(same)
    };
    let mut places: Vec<_> = settings
        .iter()
        .enumerate()
        .filter(|(index, setting)| counts(*index, setting))
        .map(|(_, setting)| ValuePlace::Set {
            layer: setting.set_at.0,
            key: match setting.set_at.0 {
                Layer::Configuration => format!("parameters.{template}.{}", setting.set_at.1),
                Layer::Namespace | Layer::Pod => setting.set_at.1.to_owned(),
            },
        })
        .collect();
    if places.is_empty() {
        places.push(match parameter.default {
            Some(_) => ValuePlace::Default,
            None => ValuePlace::Empty,
        });
    }
    ParameterNote {
        name: parameter.name.clone(),
        value: value.clone(),
        places,
    }
}

/// The declaration of a parameter that is set somewhere; else a refusal with the nearest name.
fn declared<'t>(template: &'t Template, name: &str, place: &str) -> Result<&'t Parameter, Refusal> {
    template.parameter(name).ok_or_else(|| {
        let known = template.parameters.iter().map(|known| known.name.as_str());
        let hint = nearest(name, known.clone());
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

fn annotated<'g, T: Borrow<str> + Ord>(
    template: &Template,
    annotations: &'g BTreeMap<T, T>,
    setter: Setter,
    set: &mut BTreeMap<&'g str, Vec<Setting<'g>>>,
) -> Result<(), Refusal> {
    let (layer, by) = match setter {
        Setter::Namespace => (Layer::Namespace, "of the namespace"),
        Setter::Pod => (Layer::Pod, "of the pod"),
    };
    let prefix = template.annotation_prefix();
    let after = (Bound::Included(prefix.as_str()), Bound::Unbounded);
    let after = annotations.range::<str, _>(after);
    let after = after.map(|(key, text)| (key.borrow(), text.borrow()));
    for (key, text) in after.take_while(|(key, _): &(&str, &str)| key.starts_with(&prefix)) {
        let (name, element) = split(key.get(prefix.len()..).unwrap_or_default());
        let place = format!("annotation {key} {by}");
        let parameter = declared(template, name, &place)?;
        if !parameter.set_by.contains(&setter) {
            let message = format!("{place}: {}", who_may(parameter));
            return Err(Refusal::new(Reason::ParameterNotAllowed, message));
        }
        check_form(parameter, element, &place)?;
        set.entry(name).or_default().push(Setting {
            element,
            text,
            place,
            set_at: (layer, key),
        });
    }
    Ok(())
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

/// A map parameter has one annotation for each key, and every other parameter one in all.
fn check_form(parameter: &Parameter, element: Option<&str>, place: &str) -> Result<(), Refusal> {
    let problem = match (parameter.ty, element) {
        (ParameterType::Map, None) => {
            format!(
                "the parameter is a map: set each key by `{}.<key>`",
                parameter.name
            )
        }
        (ParameterType::Map, Some("")) => "the key behind the dot is empty".to_owned(),
        (ParameterType::Map, Some(_)) | (_, None) => return Ok(()),
        (_, Some(_)) => {
            format!(
                "the parameter `{}` is no map and has no keys",
                parameter.name
            )
        }
    };
    Err(Refusal::new(
        Reason::ParameterInvalid,
        format!("{place}: {problem}"),
    ))
}

fn value(
    template: &Template,
    parameter: &Parameter,
    settings: &[Setting<'_>],
    values: &Values,
    source: &dyn Source,
) -> Result<Value, Refusal> {
    let set = if parameter.ty == ParameterType::Map {
        map(parameter, settings)?
    } else {
        let last = settings.last();
        last.map(|setting| {
            parameter
                .parse(setting.text)
                .map_err(|e| invalid(setting, &e))
        })
        .transpose()?
    };
    let value = match set {
        Some(value) => Some(value),
        None => default(template, parameter, values, source)?,
    };
    match value {
        Some(value) if parameter.required && Parameter::is_empty(&value) => {
            Err(missing(template, parameter))
        }
        Some(value) => Ok(value),
        None => Err(missing(template, parameter)),
    }
}

fn map(parameter: &Parameter, settings: &[Setting<'_>]) -> Result<Option<Value>, Refusal> {
    let mut entries = Map::new();
    for setting in settings {
        let value = parameter
            .parse_element(setting.text)
            .map_err(|error| invalid(setting, &error))?;
        entries.insert(setting.element.unwrap_or_default().to_owned(), value);
        parameter
            .check_count(entries.len())
            .map_err(|error| invalid(setting, &error))?;
    }
    Ok((!entries.is_empty()).then_some(Value::Object(entries)))
}

fn invalid(setting: &Setting<'_>, error: &ValueError) -> Refusal {
    let message = format!("{}: `{}`: {error}", setting.place, shown(setting.text));
    let logged = format!("{}: {error}", setting.place);
    Refusal::with_value(Reason::ParameterInvalid, message, logged)
}

/// A value as a message repeats it: short, on one line.
fn shown(text: &str) -> String {
    let plain: String = text
        .chars()
        .take(SHOWN)
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect();
    if text.chars().count() > SHOWN {
        format!("{plain}…")
    } else {
        plain
    }
}

fn missing(template: &Template, parameter: &Parameter) -> Refusal {
    let suffix = if parameter.ty == ParameterType::Map {
        ".<key>"
    } else {
        ""
    };
    let place = if parameter.set_by.is_empty() {
        format!(
            "configuration parameters.{}.{}",
            template.name, parameter.name
        )
    } else {
        format!(
            "annotation {}{}{suffix}",
            template.annotation_prefix(),
            parameter.name
        )
    };
    let description = if parameter.description.is_empty() {
        String::new()
    } else {
        format!(" ({})", parameter.description)
    };
    let message = format!(
        "{place} is required by the template `{}`{description}",
        template.name
    );
    Refusal::new(Reason::ParameterMissing, message)
}

/// The default, computed where it is an expression; else empty, where the type has that.
fn default(
    template: &Template,
    parameter: &Parameter,
    values: &Values,
    source: &dyn Source,
) -> Result<Option<Value>, Refusal> {
    let Some(default) = &parameter.default else {
        return Ok(parameter.empty());
    };
    // A constant was checked when its template was loaded.
    if let Fragment::Constant(value) = default {
        return Ok(Some(value.clone()));
    }
    let source = WithValues { values, source };
    let bindings = Bindings::new(&source, &template.reads, &[]);
    let with = Evaluation {
        bindings: &bindings,
        source: &source,
        volumes: &NoVolumes,
    };
    let failed = |problem: String| {
        let message = format!(
            "the default of the parameter `{}`: {problem}",
            parameter.name
        );
        Refusal::new(Reason::EvaluationFailed, message)
    };
    let value = default
        .evaluate(with)
        .map_err(|failure| failed(failure.to_string()))?;
    let value = value.or_else(|| parameter.empty());
    if let Some(value) = value.as_ref().filter(|value| !Parameter::is_empty(value)) {
        parameter
            .check(value)
            .map_err(|error| failed(error.to_string()))?;
    }
    Ok(value)
}

/// The parameters resolved so far, before everything else that a source gives.
struct WithValues<'v> {
    values: &'v Values,
    source: &'v dyn Source,
}

impl Source for WithValues<'_> {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    fn pod(&self, paths: &Paths) -> Value {
        self.source.pod(paths)
    }

    fn apps(&self, paths: &Paths) -> Value {
        self.source.apps(paths)
    }

    fn app(&self, paths: &Paths) -> Value {
        self.source.app(paths)
    }

    fn own(&self, paths: &Paths) -> Value {
        self.source.own(paths)
    }

    fn namespace(&self, paths: &Paths) -> Value {
        self.source.namespace(paths)
    }

    fn kubernetes_minor(&self) -> u32 {
        self.source.kubernetes_minor()
    }
}

#[cfg(test)]
mod tests;
