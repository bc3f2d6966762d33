//! `pillion template render`: what a template adds to a plain pod, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{find, lines_of};
use crate::cli::Status;
use crate::cli::engine_options::EngineOptions;
use crate::cli::flag_values::Assignment;
use crate::cli::inject::treatment;
use crate::cli::manifest::{kinds, yaml};
use crate::cli::report;
use crate::cli::report::{Entry, Report};
use crate::cli::streams::Streams;
use crate::cli::transform::treat_object;
use crate::inject::Engine;
use crate::kubernetes::keys;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion template render pgbouncer --set pgbouncer.host=db.example.com")]
pub(super) struct Render {
    /// The template's name
    #[arg(value_name = "NAME")]
    name: String,

    /// A parameter, as if the pod carried the annotation TEMPLATE.pillion.dev/PARAMETER. May be
    /// given several times
    #[arg(long, value_name = "TEMPLATE.PARAMETER=VALUE")]
    set: Vec<Assignment>,

    /// The pod's namespace
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,

    /// How to write it
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "yaml")]
    output: RenderFormat,

    #[command(flatten)]
    engine: EngineOptions,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RenderFormat {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

impl Render {
    /// Writes what is added. Where the pod is refused, nothing is, and why is told.
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let (catalog, _) = find(&self.engine, &self.namespace, &self.name, streams)?;
        let unknown = self.engine.unknown_templates(&self.set, &catalog);
        if let Some(error) = unknown.into_iter().next() {
            return Err(anyhow::Error::msg(error));
        }
        let settings = self.engine.settings()?;
        let engine = Engine::new(Arc::new(catalog), Arc::new(settings));
        let given = plain_pod();
        let mut pod = given.clone();
        let mut report = Report::default();
        let treatment = treatment(&engine, self.annotations());
        kinds::try_each_object(&mut pod, self.namespace.as_str(), |identity, object| {
            let treated = treat_object(&treatment, identity, object)?;
            report.entries.push(Entry {
                file: String::new(),
                document: 1,
                identity: identity.clone(),
                treated,
            });
            Ok::<_, anyhow::Error>(())
        })?;
        self.write(&given, pod, &report, streams)
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let mut annotations = Assignment::annotations(&self.set);
        annotations.insert(keys::INJECT.to_owned(), self.name.clone());
        annotations
    }

    fn write(
        &self,
        given: &Value,
        mut pod: Value,
        report: &Report,
        streams: &mut Streams<'_>,
    ) -> anyhow::Result<Status> {
        streams.tell(&report::text(report, streams.err()));
        if report.is_refused() {
            return Ok(Status::Refused);
        }
        if let Some(Value::Object(annotations)) = pod.pointer_mut("/metadata/annotations") {
            annotations.retain(|key, _| !key.starts_with(keys::STATUS_PREFIX));
        }
        let added = beyond(given, &pod).unwrap_or_else(|| json!({}));
        let text = match self.output {
            RenderFormat::Json => lines_of(&added),
            RenderFormat::Yaml => yaml(&added)?,
        };
        streams.print(text)?;
        Ok(Status::Done)
    }
}

/// A pod that has nothing but what every pod has.
fn plain_pod() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1.0.0"}]},
    })
}

/// What `after` has and `before` has not; `None` where that is nothing. Of an element of a list that
/// only became more, its name is told too.
fn beyond(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let more: Map<_, _> = after
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.clone(), entry_beyond(before.get(key), value)?))
                })
                .collect();
            (!more.is_empty()).then_some(Value::Object(more))
        }
        (Value::Array(before), Value::Array(after)) => {
            let more: Vec<_> = after
                .iter()
                .filter_map(|item| element_beyond(before, item))
                .collect();
            (!more.is_empty()).then_some(Value::Array(more))
        }
        (before, after) => (before != after).then(|| after.clone()),
    }
}

fn entry_beyond(before: Option<&Value>, after: &Value) -> Option<Value> {
    let more = before.map_or_else(|| Some(after.clone()), |before| beyond(before, after))?;
    let is_empty = more.as_object().is_some_and(Map::is_empty);
    (!is_empty).then_some(more)
}

fn element_beyond(before: &[Value], item: &Value) -> Option<Value> {
    let name = item.get("name");
    let known = before
        .iter()
        .find(|known| *known == item || (name.is_some() && known.get("name") == name));
    let Some(known) = known else {
        return Some(item.clone());
    };
    match (name, beyond(known, item)?) {
        (Some(name), Value::Object(more)) => {
            let named = [("name".to_owned(), name.clone())];
            Some(Value::Object(named.into_iter().chain(more).collect()))
        }
        (_, more) => Some(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_left_out() {
        let before = json!({"a": 1, "m": {"x": 1}, "l": [{"name": "p", "i": 1}, {"name": "q"}]});
        let after = json!({"a": 1, "m": {"x": 1, "y": {}, "z": 2},
            "l": [{"name": "n"}, {"name": "p", "i": 1, "e": [1]}, {"name": "q"}], "k": "v"});
        let expected =
            json!({"m": {"z": 2}, "l": [{"name": "n"}, {"name": "p", "e": [1]}], "k": "v"});
        assert_eq!(beyond(&before, &after), Some(expected));
        assert_eq!(beyond(&before, &before), None);
    }
}
