//! `pillion template show`: what a template is for, how to ask for it, and what it adds.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{find, lines_of};
use crate::cli::Status;
use crate::cli::engine_options::EngineOptions;
use crate::cli::flag_values::TextOrJson;
use crate::cli::streams::Streams;
use crate::cli::terminal::{Colour, Paint, printable};
use crate::template::description::{Described, Description, describe};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion template show pgbouncer")]
pub(super) struct Show {
    /// The template's name
    #[arg(value_name = "NAME")]
    name: String,

    /// The namespace whose own templates count too
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,

    /// How to write it
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: TextOrJson,

    #[command(flatten)]
    engine: EngineOptions,
}

impl Show {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let (_, template) = find(&self.engine, &self.namespace, &self.name, streams)?;
        let description = describe(&template);
        let text = match self.output {
            TextOrJson::Text => text(&description, streams.out()),
            TextOrJson::Json => lines_of(&json(&description)),
        };
        streams.print(text)?;
        Ok(Status::Done)
    }
}

fn text(description: &Description, paint: Paint) -> String {
    let mut text = String::new();
    let heading = |heading: &str| paint.text(Colour::Bold, heading).into_owned();
    let Description {
        name,
        pattern,
        revision,
        ..
    } = description;
    let revision = paint.text(Colour::Dim, revision).into_owned();
    let _ = writeln!(text, "{} ({pattern}) {revision}", heading(name));
    if !description.text.is_empty() {
        let _ = writeln!(text, "{}", printable(&description.text));
    }
    if !description.parameters.is_empty() {
        let _ = writeln!(text, "\n{}", heading("Parameters"));
        for parameter in &description.parameters {
            add_parameter(&mut text, parameter, paint);
        }
    }
    let _ = writeln!(text, "\n{}", heading("Annotations to copy"));
    text.push_str(&annotations(description));
    let _ = writeln!(text, "\n{}", heading("What it adds"));
    for (kind, things) in &description.adds {
        for thing in things {
            let _ = writeln!(text, "  {kind}: {}", printable(thing));
        }
    }
    text
}

fn add_parameter(text: &mut String, parameter: &Described, paint: Paint) {
    let name = paint.text(Colour::Cyan, &parameter.name).into_owned();
    let presence = match (&parameter.default, parameter.required) {
        (_, true) => "required".to_owned(),
        (Some(default), false) => format!("default {}", printable(default)),
        (None, false) => "default empty".to_owned(),
    };
    let _ = writeln!(text, "  {name}: {}, {presence}", parameter.ty);
    if !parameter.text.is_empty() {
        let _ = writeln!(text, "      {}", printable(&parameter.text));
    }
    if !parameter.allowed.is_empty() {
        let _ = writeln!(
            text,
            "      allowed: {}",
            printable(&parameter.allowed.join(", "))
        );
    }
    match parameter.set_by.as_slice() {
        ["Pod", "Namespace"] => {}
        [] => text.push_str("      set by the configuration only\n"),
        setters => {
            let _ = writeln!(text, "      set by the {} only", setters.join(" or "));
        }
    }
}

/// The annotations of a pod: those that it needs, and the others as comments.
fn annotations(description: &Description) -> String {
    let mut text = format!("  pillion.dev/inject: {}\n", description.name);
    let parameters = description.parameters.iter();
    for parameter in parameters.filter(|one| one.set_by.contains(&"Pod")) {
        let default = parameter.default.as_deref().unwrap_or_default();
        let (comment, value) = match (parameter.required, default.starts_with("${")) {
            (true, _) => ("", "…".to_owned()),
            (false, true) => ("# ", "…".to_owned()),
            (false, false) => ("# ", Value::from(default).to_string()),
        };
        let _ = writeln!(text, "  {comment}{}: {value}", parameter.annotation);
    }
    text
}

/// The description as JSON. Fields are only ever added.
fn json(description: &Description) -> Value {
    let adds: Map<_, _> = description
        .adds
        .iter()
        .map(|(kind, things)| ((*kind).to_owned(), json!(things)))
        .collect();
    json!({
        "name": description.name,
        "namespace": description.namespace,
        "pattern": description.pattern,
        "description": description.text,
        "revision": description.revision,
        "parameters": description.parameters.iter().map(parameter_json).collect::<Value>(),
        "adds": adds,
    })
}

fn parameter_json(parameter: &Described) -> Value {
    json!({
        "name": parameter.name,
        "annotation": parameter.annotation,
        "type": parameter.ty,
        "required": parameter.required,
        "default": parameter.default,
        "allowed": parameter.allowed,
        "setBy": parameter.set_by,
        "description": parameter.text,
    })
}
