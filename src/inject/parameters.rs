//! The values of a template's parameters for one pod.
//!
//! The pod's annotation wins over the namespace's, that over the configuration's value, that over
//! the template's default. A value that cannot be is refused with the annotation, the value and
//! what would be right; an unknown parameter with the nearest name.

mod setting;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::trace::{Layer, ParameterNote, ValuePlace};
use super::verdict::{Reason, Refusal};
use crate::expression::{Bindings, Budget, Paths, Source};
use crate::kubernetes::element_digest;
use crate::template::Template;
use crate::template::fragment::{Evaluation, Fragment, NoVolumes};
use crate::template::parameter::{Parameter, ParameterType, ValueError};
use crate::template::value::TemplateValue;
use crate::wording::shown;
pub(crate) use setting::ParameterSources;
use setting::Setting;

/// Values of a template's parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values<'t> {
    /// The template's parameters, of which the first have values.
    parameters: &'t [Parameter],
    resolved: Vec<TemplateValue>,
    /// The digest of what annotations and the configuration set; empty where that is nothing.
    pub(crate) digest: String,
}

impl Values<'_> {
    /// The value of a parameter, by its name in expressions.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let mut known = self.parameters.iter().zip(&self.resolved);
        let found = known.find(|(parameter, _)| parameter.expression_name == name);
        found.map(|(_, value)| &**value)
    }
}

/// Resolves all parameters. `source` gives what computed defaults read besides parameters.
pub(crate) fn resolve<'t>(
    template: &'t Template,
    given: ParameterSources<'_>,
    source: &dyn Source,
) -> Result<Values<'t>, Refusal> {
    let set = setting::collect(template, given)?;
    let mut values = Values {
        parameters: &template.parameters,
        resolved: Vec::with_capacity(template.parameters.len()),
        digest: digest(&set),
    };
    for (index, parameter) in template.parameters.iter().enumerate() {
        let settings = settings_of(&set, parameter);
        let value = value(
            template,
            parameter,
            settings.clone(),
            &values,
            source,
            given.budget,
        )
        .map_err(|first| {
            let later = template.parameters.get(index + 1..).unwrap_or_default();
            with_later_problems(template, later, &set, given.budget, first)
        })?;
        if let Some(trace) = given.trace {
            let settings: Vec<_> = settings.collect();
            trace.parameter(note(&template.name, parameter, &settings, &value));
        }
        values.resolved.push(value);
    }
    Ok(values)
}

/// What is set for one parameter.
fn settings_of<'s, 'g>(
    set: &'s [Setting<'g>],
    parameter: &'s Parameter,
) -> impl Iterator<Item = &'s Setting<'g>> + Clone {
    set.iter()
        .filter(move |setting| std::ptr::eq(setting.parameter, parameter))
}

/// As many more problems of parameters are told at once.
const MOST_PROBLEMS: usize = 8;

/// The refusal for one parameter, and what is wrong with those behind it: a person mends all at once.
fn with_later_problems(
    template: &Template,
    later: &[Parameter],
    set: &[Setting<'_>],
    budget: &Budget<'_>,
    mut refusal: Refusal,
) -> Refusal {
    if !matches!(
        refusal.reason,
        Reason::ParameterInvalid | Reason::ParameterMissing
    ) {
        return refusal;
    }
    let problems = later.iter().filter_map(|parameter| {
        let value = match value_set(template, parameter, settings_of(set, parameter), budget) {
            Err(problem) => return Some(problem),
            Ok(None) if parameter.default.is_some() => return None,
            Ok(value) => value.or_else(|| parameter.empty()),
        };
        is_missing(parameter, value.as_ref()).then(|| missing(template, parameter))
    });
    for problem in problems.take(MOST_PROBLEMS) {
        refusal.message.extend(["; ", problem.message.as_str()]);
        refusal.logged.extend(["; ", problem.logged.as_str()]);
    }
    refusal
}

/// The parameter that is set, and its element.
fn place<'s>(setting: &Setting<'s>) -> (&'s str, Option<&'s str>) {
    (&setting.parameter.name, setting.element)
}

/// The digest of what is set, whoever sets it.
fn digest(set: &[Setting<'_>]) -> String {
    if set.is_empty() {
        return String::new();
    }
    let mut counting: Vec<&Setting<'_>> = set.iter().collect();
    counting.sort_by(|one, other| place(one).cmp(&place(other)));
    // Of each element the last setting counts.
    counting.dedup_by(|later, kept| {
        let is_same = place(later) == place(kept);
        if is_same {
            *kept = *later;
        }
        is_same
    });
    let texts = counting.iter().flat_map(|setting| {
        let (name, element) = place(setting);
        [name, element.unwrap_or_default(), setting.text]
    });
    format!("{:016x}", element_digest::joined(texts))
}

/// The digest of what is set for a template that is given these annotations.
pub(crate) fn digest_of(template: &Template, given: ParameterSources<'_>) -> Option<String> {
    Some(digest(&setting::collect(template, given).ok()?))
}

/// Why no pod could have what a namespace's annotations set for a template.
pub(crate) fn problem_of_namespace(
    template: &Template,
    annotations: &BTreeMap<String, String>,
) -> Option<Refusal> {
    let budget = Budget::new();
    let given = ParameterSources {
        pod: &BTreeMap::new(),
        namespace: annotations,
        configuration: &BTreeMap::new(),
        trace: None,
        budget: &budget,
    };
    let set = match setting::collect(template, given) {
        Ok(set) => set,
        Err(refusal) => return Some(refusal),
    };
    set.iter()
        .find_map(|setting| read(template, setting, &budget).err())
}

/// What is noted of a parameter for a person who asks why.
fn note(
    template: &str,
    parameter: &Parameter,
    settings: &[&Setting<'_>],
    value: &Value,
) -> ParameterNote {
    let is_map = parameter.ty == ParameterType::Map;
    let mut places: Vec<_> = settings
        .iter()
        .enumerate()
        .filter(|(index, setting)| {
            // Of a map each key counts in its last layer; of anything else the last layer alone.
            let mut later = settings.iter().skip(index + 1);
            !later.any(|other| !is_map || other.element == setting.element)
        })
        .map(|(_, setting)| ValuePlace::Set {
            layer: setting.layer,
            key: match setting.layer {
                Layer::Configuration => format!("parameters.{template}.{}", setting.key),
                Layer::Namespace | Layer::Pod => setting.key.to_owned(),
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

fn value<'s, 'g: 's>(
    template: &Template,
    parameter: &Parameter,
    settings: impl Iterator<Item = &'s Setting<'g>>,
    values: &Values<'_>,
    source: &dyn Source,
    budget: &Budget<'_>,
) -> Result<TemplateValue, Refusal> {
    let value = match value_set(template, parameter, settings, budget)? {
        Some(value) => Some(TemplateValue::Own(value)),
        None => default(template, parameter, values, source, budget)?,
    };
    match value {
        Some(value) if !is_missing(parameter, Some(&value)) => Ok(parameter.as_seen(value)),
        _ => Err(missing(template, parameter)),
    }
}

/// Whether a parameter lacks the value that it must have.
fn is_missing(parameter: &Parameter, value: Option<&Value>) -> bool {
    value.is_none_or(|value| parameter.required && Parameter::is_empty(value))
}

/// The value that annotations or the configuration set.
fn value_set<'s, 'g: 's>(
    template: &Template,
    parameter: &Parameter,
    settings: impl Iterator<Item = &'s Setting<'g>>,
    budget: &Budget<'_>,
) -> Result<Option<Value>, Refusal> {
    if parameter.ty == ParameterType::Map {
        return map(template, parameter, settings, budget);
    }
    let last = settings.last();
    last.map(|setting| read(template, setting, budget))
        .transpose()
}

fn map<'s, 'g: 's>(
    template: &Template,
    parameter: &Parameter,
    settings: impl Iterator<Item = &'s Setting<'g>>,
    budget: &Budget<'_>,
) -> Result<Option<Value>, Refusal> {
    let mut entries = Map::new();
    for setting in settings {
        let value = read(template, setting, budget)?;
        entries.insert(setting.element.unwrap_or_default().to_owned(), value);
        parameter
            .check_count(entries.len())
            .map_err(|error| invalid(template, setting, &error))?;
    }
    Ok((!entries.is_empty()).then_some(Value::Object(entries)))
}

/// The value of a setting; of a map, that of one key.
fn read(template: &Template, setting: &Setting<'_>, budget: &Budget<'_>) -> Result<Value, Refusal> {
    let parameter = setting.parameter;
    let value = if parameter.ty == ParameterType::Map {
        parameter.parse_element(setting.text, budget)
    } else {
        parameter.parse(setting.text, budget)
    };
    value.map_err(|error| invalid(template, setting, &error))
}

fn invalid(template: &Template, setting: &Setting<'_>, error: &ValueError) -> Refusal {
    let place = setting.place(template);
    let message = format!("{place}: `{}`: {error}", shown(setting.text));
    let logged = format!("{place}: {error}");
    Refusal::with_value(Reason::ParameterInvalid, message, logged)
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
    values: &Values<'_>,
    source: &dyn Source,
    budget: &Budget<'_>,
) -> Result<Option<TemplateValue>, Refusal> {
    let Some(default) = &parameter.default else {
        return Ok(parameter.empty().map(TemplateValue::Own));
    };
    // A constant was checked when its template was loaded.
    if let Fragment::Constant(constant) = default {
        return Ok(Some(TemplateValue::Shared(Arc::clone(constant))));
    }
    let source = WithValues { values, source };
    let bindings = Bindings::new(&source, &template.reads, &[], budget);
    let with = Evaluation {
        bindings: &bindings,
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
        .map_err(|failure| failed(failure.to_string()))?
        .or_else(|| parameter.empty().map(TemplateValue::Own));
    if let Some(value) = value.as_ref().filter(|value| !Parameter::is_empty(value)) {
        parameter
            .check(value, budget)
            .map_err(|error| failed(error.to_string()))?;
    }
    Ok(value)
}

/// The parameters resolved so far, before everything else that a source gives.
struct WithValues<'v> {
    values: &'v Values<'v>,
    source: &'v dyn Source,
}

impl Source for WithValues<'_> {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    fn pod(&self, paths: &Paths) -> &Value {
        self.source.pod(paths)
    }

    fn apps(&self, paths: &Paths) -> &Value {
        self.source.apps(paths)
    }

    fn app(&self, paths: &Paths) -> &Value {
        self.source.app(paths)
    }

    fn own(&self, paths: &Paths) -> &Value {
        self.source.own(paths)
    }

    fn namespace(&self, paths: &Paths) -> &Value {
        self.source.namespace(paths)
    }

    fn kubernetes_minor(&self) -> u32 {
        self.source.kubernetes_minor()
    }
}

#[cfg(test)]
mod tests;
