//! What a change adds, spelled out for a person.

use serde_json::Value;

use super::Change;
use crate::inject::patch::Operation;
use crate::inject::pod::List;
use crate::inject::trace::{AddedTo, Addition};
use crate::template::value::{ReadObject, TemplateObject};

impl Change {
    /// Everything that the change adds; the containers' names are those of `name_of`, which knows
    /// the pod that it was planned on.
    pub(crate) fn additions(&self, name_of: &dyn Fn(List, usize) -> String) -> Vec<Addition> {
        let lists = [
            (List::InitContainers, &self.init_containers),
            (List::Containers, &self.containers),
            (List::Volumes, &self.volumes),
        ];
        let elements = lists.into_iter().flat_map(|(list, values)| {
            values.iter().map(move |value| Addition {
                to: AddedTo::List(list, name(value)),
                value: value.to_value(),
            })
        });
        let edits = self.edits.iter().flat_map(|(list, index, fill)| {
            let name = name_of(*list, *index);
            fill.operations.iter().map(move |operation| {
                let pointer = operation.path().to_owned();
                added(AddedTo::Container(*list, name.clone(), pointer), operation)
            })
        });
        let fields = self
            .fields
            .operations
            .iter()
            .map(|operation| added(AddedTo::Spec(operation.path().to_owned()), operation));
        let labels = self.labels.iter().map(|pair| text(AddedTo::Label, pair));
        let annotations = self
            .annotations
            .iter()
            .map(|pair| text(AddedTo::Annotation, pair));
        elements
            .chain(edits)
            .chain(fields)
            .chain(labels)
            .chain(annotations)
            .collect()
    }
}

fn text(to: fn(String) -> AddedTo, (key, value): &(String, String)) -> Addition {
    Addition {
        to: to(key.clone()),
        value: value.as_str().into(),
    }
}

fn added(to: AddedTo, operation: &Operation) -> Addition {
    Addition {
        to,
        value: operation.value().into_owned(),
    }
}

fn name(value: &TemplateObject) -> String {
    let name = value.get("name").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}
