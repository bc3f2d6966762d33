//! Values that YAML made something else than the field's type.
//!
//! The API server takes nothing but text in labels and annotations, and nothing but what the API says
//! in a spec; the engine reads what the API server sends. Who wrote `port: 5432` in a file has to learn
//! which line is meant, and what would be right.

use std::borrow::Cow;

use serde_json::Value;

use super::Document;
use crate::inject::patch::escape;
use crate::kubernetes::schema::{self, FieldType};

/// A value of another type than its field has in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeFault {
    /// Where: a JSON pointer.
    pub(crate) pointer: String,
    /// What it is, and what would be right.
    pub(crate) sentence: String,
}

impl TypeFault {
    /// The same, told from the document in which the object is at `place`.
    pub(crate) fn below(self, place: &str) -> Self {
        let pointer = format!("{place}{}", self.pointer);
        Self { pointer, ..self }
    }

    /// Begins the sentence with the file, line and column.
    pub(crate) fn say_where(&mut self, document: &Document, file: &str) {
        self.sentence = document.say_where(file, &self.pointer, &self.sentence);
    }

    /// The first one in the pod at `pointer` of an object: in its labels and annotations, then in its spec.
    pub(crate) fn find(object: &Value, pointer: &str) -> Option<Self> {
        Self::in_metadata(object, pointer).or_else(|| Self::in_spec(object, pointer))
    }

    /// The first one in the spec of the pod at `pointer` of an object.
    pub(crate) fn in_spec(object: &Value, pointer: &str) -> Option<Self> {
        let spec = object.pointer(&format!("{pointer}/spec"))?;
        let mut place = Place::new(pointer);
        place.enter("spec");
        of_fields(spec, "PodSpec", &mut place)
    }

    /// The first one in the labels and annotations of the pod at `pointer` of an object.
    pub(crate) fn in_metadata(object: &Value, pointer: &str) -> Option<Self> {
        let texts = FieldType::Map(Box::new(FieldType::Text));
        ["annotations", "labels"].into_iter().find_map(|field| {
            let entries = object.pointer(&format!("{pointer}/metadata/{field}"))?;
            let mut place = Place::new(pointer);
            place.enter("metadata");
            place.enter(field);
            of_type(entries, &texts, &mut place)
        })
    }
}

/// A place in an object: the steps to it.
struct Place(Vec<Step>);

/// A step to something inside.
enum Step {
    Field(String),
    Key(String),
    Index(usize),
}

impl Place {
    fn new(pointer: &str) -> Self {
        let steps = pointer.split('/').skip(1);
        Self(steps.map(|step| Step::Field(step.to_owned())).collect())
    }

    fn enter(&mut self, field: &str) {
        self.0.push(Step::Field(field.to_owned()));
    }

    /// What `look` finds one step further inside.
    fn below<T>(&mut self, step: Step, look: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.0.push(step);
        let found = look(self);
        self.0.pop();
        found
    }

    fn pointer(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Field(name) | Step::Key(name) => {
                format!("/{}", escape(name))
            }
            Step::Index(index) => format!("/{index}"),
        });
        steps.collect()
    }

    fn path(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Field(name) => format!(".{name}"),
            Step::Key(key) => format!("[\"{key}\"]"),
            Step::Index(index) => format!("[{index}]"),
        });
        let path: String = steps.collect();
        path.trim_start_matches('.').to_owned()
    }
}

fn of_fields(value: &Value, definition: &str, place: &mut Place) -> Option<TypeFault> {
    let Value::Object(fields) = value else {
        return of_type(value, &FieldType::Object(definition.to_owned()), place);
    };
    fields.iter().find_map(|(name, value)| {
        let field = schema::field(definition, name)?;
        place.below(Step::Field(name.clone()), |place| {
            of_type(value, &field.ty, place)
        })
    })
}

fn of_type(value: &Value, ty: &FieldType, place: &mut Place) -> Option<TypeFault> {
    match (ty, value) {
        // What is null is absent, or in a map of texts an empty text.
        (FieldType::Any, _) | (_, Value::Null) => None,
        (FieldType::Object(definition), Value::Object(_)) => of_fields(value, definition, place),
        (FieldType::List(inner), Value::Array(elements)) => {
            let mut elements = elements.iter().enumerate();
            elements.find_map(|(index, element)| {
                place.below(Step::Index(index), |place| of_type(element, inner, place))
            })
        }
        (FieldType::Map(inner), Value::Object(entries)) => {
            entries.iter().find_map(|(key, value)| {
                place.below(Step::Key(key.clone()), |place| of_type(value, inner, place))
            })
        }
        _ if is_of_type(value, ty) => None,
        _ => Some(TypeFault {
            pointer: place.pointer(),
            sentence: format!("{}: {}", place.path(), problem(value, ty)),
        }),
    }
}

fn is_of_type(value: &Value, ty: &FieldType) -> bool {
    match ty {
        FieldType::Text => value.is_string(),
        FieldType::Boolean => value.is_boolean(),
        FieldType::Integer32 => value
            .as_i64()
            .is_some_and(|value| i32::try_from(value).is_ok()),
        FieldType::Integer64 => value.is_i64(),
        FieldType::IntegerOrText => value.is_i64() || value.is_string(),
        FieldType::Quantity => value.is_number() || value.is_string(),
        FieldType::Number => value.is_number(),
        FieldType::Any => true,
        FieldType::Object(_) | FieldType::List(_) | FieldType::Map(_) => false,
    }
}

/// What a value is instead of what its field takes, and what would be right.
fn problem(value: &Value, ty: &FieldType) -> String {
    let found: Cow<'_, str> = match value {
        Value::Null => "nothing".into(),
        Value::String(_) => "text".into(),
        Value::Bool(value) => format!("the boolean {value}").into(),
        // Not which: it may be a password in a variable, and was read as another text than was written.
        Value::Number(_) => "a number".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a map".into(),
    };
    let remedy = match (ty, value) {
        (FieldType::Text, Value::Bool(_) | Value::Number(_)) => ": write it in quotes".to_owned(),
        (FieldType::Text, Value::Array(_)) => ": write its elements as one text".to_owned(),
        (FieldType::Text, Value::Object(_)) => ": write it as one text".to_owned(),
        (FieldType::List(_), Value::Object(_)) => ": put `- ` before each element".to_owned(),
        (_, Value::String(text)) if is_quoted_value(text, ty) => {
            ": write it without quotes".to_owned()
        }
        _ => String::new(),
    };
    let expected = match ty {
        FieldType::Object(_) => "a map".to_owned(),
        ty => ty.words(),
    };
    format!("expected {expected}, found {found}{remedy}")
}

/// Whether a text would be what the field takes if it were written without quotes.
fn is_quoted_value(text: &str, ty: &FieldType) -> bool {
    serde_json::from_str(text).is_ok_and(|value| is_of_type(&value, ty))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(pod: &Value) -> Option<String> {
        TypeFault::find(pod, "").map(|fault| fault.sentence)
    }

    #[test]
    fn what_is_no_text_is_named_with_what_to_write() {
        let of_metadata = |metadata: Value| told(&json!({"metadata": metadata}));
        assert_eq!(
            of_metadata(json!({"annotations": {"a": "1", "b": null}})),
            None
        );
        assert_eq!(of_metadata(json!({})), None);
        let table = [
            (
                json!({"annotations": {"a": "", "x.pillion.dev/port": 5432}}),
                "metadata.annotations[\"x.pillion.dev/port\"]: expected text, found a number: write it \
                 in quotes",
            ),
            (
                json!({"labels": {"pillion.dev/inject": true}}),
                "metadata.labels[\"pillion.dev/inject\"]: expected text, found the boolean true: write it \
                 in quotes",
            ),
            (
                json!({"labels": ["a"]}),
                "metadata.labels: expected a map, found a list",
            ),
            (
                json!({"annotations": {"a": ["b"]}}),
                "metadata.annotations[\"a\"]: expected text, found a list: write its elements as one text",
            ),
        ];
        for (metadata, expected) in table {
            assert_eq!(of_metadata(metadata).as_deref(), Some(expected));
        }
    }

    #[test]
    fn fields_of_a_spec_have_the_types_of_the_api() {
        let right = json!({"containers": [{
            "name": "a", "env": [{"name": "A", "value": null}], "of_the_future": 5,
            "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"port": "web"}, "periodSeconds": 3},
        }]});
        assert_eq!(told(&json!({"spec": right})), None);
        let container = |field: &str, value: Value| json!({"containers": [{field: value}]});
        let table = [
            (
                json!({"containers": {"a": {}}}),
                "spec.containers: expected a list, found a map: put `- ` before each element",
            ),
            (
                container("ports", json!(5)),
                "spec.containers[0].ports: expected a list, found a number",
            ),
            (
                container("tty", json!("true")),
                "spec.containers[0].tty: expected true or false, found text: write it without quotes",
            ),
            (
                container("env", json!([{"value": 5}])),
                "spec.containers[0].env[0].value: expected text, found a number: write it in quotes",
            ),
            (
                container("ports", json!([{"containerPort": "80"}])),
                "spec.containers[0].ports[0].containerPort: expected an integer, found text: write it without quotes",
            ),
            (
                container("ports", json!([{"containerPort": 1.5}])),
                "spec.containers[0].ports[0].containerPort: expected an integer, found a number",
            ),
            (
                container("resources", json!({"limits": {"cpu": true}})),
                "spec.containers[0].resources.limits[\"cpu\"]: expected a quantity, found the boolean true",
            ),
            (
                json!({"volumes": ["data"]}),
                "spec.volumes[0]: expected a map, found text",
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(told(&json!({"spec": spec})).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_place_is_told_from_the_object() {
        let template = json!({"metadata": {"annotations": {"a/b": 5}}});
        let object = json!({"spec": {"template": template}});
        let fault = TypeFault::find(&object, "/spec/template").unwrap();
        assert_eq!(fault.pointer, "/spec/template/metadata/annotations/a~1b");
        assert!(
            fault
                .sentence
                .starts_with("spec.template.metadata.annotations[\"a/b\"]: ")
        );
    }
}
