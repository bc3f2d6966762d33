//! The parameters of the page's templates as the fields of a form.

use serde::Serialize;
use serde_json::Value;

use crate::explain::{Explanation, Parameter as Resolved};
use crate::template::Template;
use crate::template::description::{Described, describe};
use crate::template::parameter::{Parameter, ParameterType};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FormField {
    /// The key of `set`: `TEMPLATE.PARAMETER`.
    pub(super) key: String,
    pub(super) template: String,
    pub(super) name: String,
    /// The annotation that sets it.
    pub(super) annotation: String,
    #[serde(rename = "type")]
    pub(super) ty: String,
    /// How it is typed in.
    pub(super) input: Input,
    /// What it is for.
    pub(super) description: String,
    /// Whether a pod without it is refused.
    pub(super) required: bool,
    /// Its default, as its author wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<String>,
    /// What its value may be, in words.
    pub(super) allowed: Vec<String>,
    /// The values that it may have, where they are counted.
    pub(super) choices: Vec<String>,
    /// Whether a pod may set it.
    pub(super) by_pod: bool,
    /// Its value for the first pod, as an annotation would hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// Where that value comes from, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
}

/// How a value is typed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Input {
    /// One line.
    Text,
    /// One line with a number.
    Number,
    /// One of a few values.
    Choice,
    /// One value in each line.
    Lines,
    /// One `key=value` in each line.
    Entries,
}

/// The fields of a template, with what they are for the pod that was explained.
pub(super) fn fields(template: &Template, explanation: Option<&Explanation>) -> Vec<FormField> {
    let explained = explanation.and_then(|explanation| {
        let mut templates = explanation.templates.iter();
        templates.find(|explained| explained.name == template.name)
    });
    let described = describe(template).parameters;
    let both = described.into_iter().zip(&template.parameters);
    both.map(|(described, parameter)| {
        let resolved = explained.and_then(|explained| {
            let mut parameters = explained.parameters.iter();
            parameters.find(|resolved| resolved.name == parameter.name)
        });
        field(template, described, parameter, resolved)
    })
    .collect()
}

fn field(
    template: &Template,
    described: Described,
    parameter: &Parameter,
    resolved: Option<&Resolved>,
) -> FormField {
    let choices = choices(parameter);
    FormField {
        key: format!("{}.{}", template.name, described.name),
        template: template.name.clone(),
        input: input(parameter, &choices),
        choices,
        by_pod: described.set_by.contains(&"Pod"),
        value: resolved.map(|resolved| text(&resolved.value)),
        from: resolved.map(from),
        name: described.name,
        annotation: described.annotation,
        ty: described.ty,
        description: described.text,
        required: described.required,
        default: described.default,
        allowed: described.allowed,
    }
}

fn input(parameter: &Parameter, choices: &[String]) -> Input {
    match parameter.ty {
        ParameterType::List => Input::Lines,
        ParameterType::Map => Input::Entries,
        _ if !choices.is_empty() => Input::Choice,
        ParameterType::Integer | ParameterType::Number => Input::Number,
        _ => Input::Text,
    }
}

fn choices(parameter: &Parameter) -> Vec<String> {
    match parameter.ty {
        ParameterType::Boolean => vec!["true".to_owned(), "false".to_owned()],
        _ => parameter.constraints.one_of.iter().map(text).collect(),
    }
}

/// A value as an annotation would hold it: a list in lines, a map in lines of `key=value`.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| format!("{key}={}", text(value)))
            .collect::<Vec<_>>()
            .join("\n"),
        other => other.to_string(),
    }
}

fn from(resolved: &Resolved) -> String {
    let places = resolved.from.iter();
    let words: Vec<_> = places
        .map(|place| match &place.key {
            Some(key) => format!("{} {key}", place.place.words()),
            None => place.place.words().to_owned(),
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Catalog, CatalogLookup};

    #[test]
    fn every_type_has_its_way_to_be_typed_in() {
        let catalog = Catalog::built_in();
        let CatalogLookup::Template(template) = catalog.find("default", "pgbouncer") else {
            panic!("no pgbouncer")
        };
        let fields = fields(template, None);
        let find = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!(find("port").input, Input::Number);
        assert_eq!(find("databases").input, Input::Lines);
        assert_eq!(find("host").input, Input::Text);
        assert_eq!(find("host").key, "pgbouncer.host");
        let mode = find("pool-mode");
        assert_eq!(mode.input, Input::Choice);
        assert_eq!(mode.choices, ["session", "transaction", "statement"]);
        assert!(mode.by_pod && !find("image").by_pod);
    }
}
