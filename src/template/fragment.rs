//! Fragments: the parts of a template as they run.
//!
//! A template's tree is compiled once into fragments whose constants are finished JSON, so that a
//! pod costs only what is different about it. Evaluation gives JSON data and nothing else: a value
//! from an annotation is placed, never parsed, so it can become no structure.

mod coerce;
mod slot;
mod volume;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use coerce::holds;
pub(in crate::template) use coerce::scalar_text;
pub(crate) use slot::Slot;
pub(crate) use volume::volume_field;
use volume::{place, place_all};

use super::value::{Constant, TemplateObject, TemplateValue, json_size};
use crate::expression::{Bindings, EvaluationError, Expression};
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::FieldType;
use crate::kubernetes::validity::ValueOrigin;
use crate::wording::with_sources;

/// Where something stands in its template, for errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The field path, such as `spec.sidecars[0].image`.
    pub(crate) field: String,
    /// The line in the template's file, from 1.
    pub(crate) line: u32,
}

/// A part of a template.
#[derive(Debug, Clone)]
pub(crate) enum Fragment {
    Constant(Arc<Constant>),
    /// `${expression}` alone: the value of the expression, as the field takes it.
    Dynamic(Box<Dynamic>),
    /// Text with expressions in it.
    Text(Box<Interpolation>),
    /// A map; keys are literal.
    Object(Vec<(Arc<str>, Self)>),
    List(Vec<Self>),
    /// Kept where the condition is true.
    When(Box<Condition>, Box<Self>),
    /// A mount, a device or a file of the template's own volume of this name; `None`: an expression
    /// names the volume.
    Mount(Option<String>, Box<Self>, Arc<Origin>),
}

/// An expression in a typed place.
#[derive(Debug, Clone)]
pub(crate) struct Dynamic {
    pub(crate) expression: Expression,
    pub(crate) slot: Slot,
    /// Whether the value is the user's own (it reads `app` or `self` only), so that it is copied
    /// as it is, fields that are unknown here included.
    pub(crate) verbatim: bool,
    pub(crate) origin: Arc<Origin>,
}

/// Text with expressions in it.
#[derive(Debug, Clone)]
pub(crate) struct Interpolation {
    pub(crate) parts: Vec<TextPart>,
    pub(crate) slot: Slot,
    pub(crate) origin: Arc<Origin>,
}

/// One part of a text.
#[derive(Debug, Clone)]
pub(crate) enum TextPart {
    Literal(String),
    /// An expression that gives text, a number or a boolean.
    Expression(Expression),
}

#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// The expression, true or false.
    pub(crate) expression: Expression,
    pub(crate) origin: Arc<Origin>,
}

/// An expression that failed on a pod, or gave what its field cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} (line {}): {problem}", origin.field, origin.line)]
pub(crate) struct Failure {
    pub(crate) origin: Arc<Origin>,
    /// What went wrong, without values.
    pub(crate) problem: String,
    /// The parameters that the expression reads, by their names in expressions.
    pub(crate) parameters: Vec<String>,
}

impl Failure {
    fn new(origin: &Arc<Origin>, expression: &Expression, problem: &dyn std::fmt::Display) -> Self {
        Self {
            origin: Arc::clone(origin),
            problem: problem.to_string(),
            parameters: expression.reads().parameters.iter().cloned().collect(),
        }
    }

    /// A failure that no expression caused.
    pub(crate) fn at(origin: &Arc<Origin>, problem: impl Into<String>) -> Self {
        Self {
            origin: Arc::clone(origin),
            problem: problem.into(),
            parameters: Vec::new(),
        }
    }
}

/// What the template's own volumes are called in this pod.
pub(crate) trait Volumes {
    /// The volume's name in the pod, and the `subPath` that an adopted volume is mounted with.
    /// `None`: the volume's `$when` is false.
    fn resolve(&self, volume: &str) -> Option<(&str, Option<&str>)>;

    /// The same for a name from an expression; `None` too where the pod has a volume of that name.
    fn resolve_computed(&self, volume: &str) -> Option<(&str, Option<&str>)>;
}

/// Where there are no volumes to mount.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoVolumes;

impl Volumes for NoVolumes {
    fn resolve(&self, _volume: &str) -> Option<(&str, Option<&str>)> {
        None
    }

    fn resolve_computed(&self, _volume: &str) -> Option<(&str, Option<&str>)> {
        None
    }
}

/// Room for the text of an expression.
const USUAL_TEXT: usize = 48;

/// Room for what is added to a container besides its template's fields.
const MORE_FIELDS: usize = 3;

/// What fragments are evaluated with.
#[derive(Clone, Copy)]
pub(crate) struct Evaluation<'e, 'v> {
    pub(crate) bindings: &'e Bindings<'v>,
    /// The template's volumes in this pod.
    pub(crate) volumes: &'e dyn Volumes,
}

impl Evaluation<'_, '_> {
    /// Pays for JSON that is added to the pod.
    fn pay(self, bytes: usize) -> Result<(), Failure> {
        let paid = self.bindings.budget().add_to_patch(bytes);
        paid.map_err(|error| Failure::at(&Arc::new(Origin::default()), error.to_string()))
    }
}

impl Fragment {
    pub(crate) fn constant(value: impl Into<Value>) -> Self {
        Self::Constant(Constant::new(value.into()))
    }

    /// What the fragment gives on a pod; `None` where it is left out.
    pub(crate) fn evaluate(
        &self,
        with: Evaluation<'_, '_>,
    ) -> Result<Option<TemplateValue>, Failure> {
        match self {
            Self::Constant(constant) => {
                with.pay(constant.json_size())?;
                Ok(Some(TemplateValue::Shared(Arc::clone(constant))))
            }
            Self::When(condition, fragment) => {
                if condition.holds(with.bindings)? {
                    fragment.evaluate(with)
                } else {
                    Ok(None)
                }
            }
            _ => Ok(self.paid_value(with)?.map(TemplateValue::Own)),
        }
    }

    /// The data that the fragment gives, which is added to the pod.
    fn paid_value(&self, with: Evaluation<'_, '_>) -> Result<Option<Value>, Failure> {
        let value = self.value(with)?;
        if let Some(value) = &value {
            with.pay(json_size(value))?;
        }
        Ok(value)
    }

    /// The fields that a fragment of an object gives on a pod; none where it is left out.
    pub(crate) fn evaluate_fields(
        &self,
        with: Evaluation<'_, '_>,
    ) -> Result<Option<TemplateObject>, Failure> {
        match self {
            Self::Constant(constant) => Ok(constant.fields().map(|constants| {
                let mut fields = TemplateObject::with_capacity(constants.len() + MORE_FIELDS);
                let constants = constants.iter().cloned();
                fields.extend(constants.map(|(name, field)| (name, TemplateValue::Shared(field))));
                fields
            })),
            Self::Object(fragments) => {
                let mut fields = TemplateObject::with_capacity(fragments.len() + MORE_FIELDS);
                for (name, fragment) in fragments {
                    if let Some(value) = fragment.evaluate(with)? {
                        fields.insert(Arc::clone(name), value);
                    }
                }
                Ok(Some(fields))
            }
            Self::When(condition, fragment) => {
                if condition.holds(with.bindings)? {
                    fragment.evaluate_fields(with)
                } else {
                    Ok(None)
                }
            }
            _ => match self.paid_value(with)? {
                Some(Value::Object(fields)) => Ok(Some(fields.into())),
                _ => Ok(None),
            },
        }
    }

    /// The data that the fragment gives, in memory of its own.
    fn value(&self, with: Evaluation<'_, '_>) -> Result<Option<Value>, Failure> {
        match self {
            Self::Constant(constant) => Ok(Some(constant.value().clone())),
            Self::Dynamic(dynamic) => dynamic.evaluate(with),
            Self::Text(text) => text.evaluate(with).map(Some),
            Self::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (key, fragment) in fields {
                    if let Some(value) = fragment.value(with)? {
                        map.insert(key.to_string(), value);
                    }
                }
                Ok(Some(Value::Object(map)))
            }
            Self::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(item.value(with)?);
                }
                Ok(Some(Value::Array(list)))
            }
            Self::When(condition, fragment) => {
                if condition.holds(with.bindings)? {
                    fragment.value(with)
                } else {
                    Ok(None)
                }
            }
            Self::Mount(volume, mount, origin) => match mount.value(with)? {
                Some(Value::Object(mount)) => {
                    place(volume.as_deref(), mount, with.volumes, origin).map(Some)
                }
                _ => Ok(None),
            },
        }
    }

    /// Calls `visit` on every expression below, conditions included.
    pub(crate) fn expressions<'f>(&'f self, visit: &mut dyn FnMut(&'f Expression)) {
        match self {
            Self::Constant(_) => {}
            Self::Dynamic(dynamic) => visit(&dynamic.expression),
            Self::Text(text) => text.parts.iter().for_each(|part| {
                if let TextPart::Expression(expression) = part {
                    visit(expression);
                }
            }),
            Self::Object(fields) => fields.iter().for_each(|(_, f)| f.expressions(visit)),
            Self::List(items) => items.iter().for_each(|item| item.expressions(visit)),
            Self::When(condition, fragment) => {
                visit(&condition.expression);
                fragment.expressions(visit);
            }
            Self::Mount(_, mount, _) => mount.expressions(visit),
        }
    }

    /// Whether a map has a field of this name, below conditions.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        match self {
            Self::Constant(constant) => constant.value().get(name).is_some(),
            _ => self.field(name).is_some(),
        }
    }

    /// The fragment of a field, below conditions; `None` where the map has none of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields
                .iter()
                .find(|(key, _)| **key == *name)
                .map(|(_, f)| f),
            Self::When(_, inner) | Self::Mount(_, inner, _) => inner.field(name),
            _ => None,
        }
    }
}

impl ValueOrigin for Fragment {
    fn field(&self, name: &str) -> Option<&dyn ValueOrigin> {
        Self::field(self, name).map(|field| -> &dyn ValueOrigin { field })
    }

    fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

impl Condition {
    /// Whether the condition is true.
    pub(crate) fn holds(&self, bindings: &Bindings<'_>) -> Result<bool, Failure> {
        self.expression
            .evaluate_boolean(bindings)
            .map_err(|error| Failure::new(&self.origin, &self.expression, &with_sources(&error)))
    }
}

impl Dynamic {
    fn evaluate(&self, with: Evaluation<'_, '_>) -> Result<Option<Value>, Failure> {
        let value = value_of(&self.expression, with)
            .map_err(|error| Failure::new(&self.origin, &self.expression, &with_sources(&error)))?;
        let coerced = value
            .map(|value| coerce::coerce(value.into_owned(), &self.slot, self.verbatim))
            .transpose()
            .map(Option::flatten)
            .map_err(|mismatch| Failure::new(&self.origin, &self.expression, &mismatch))?;
        coerced
            .map(|value| place_all(value, &self.slot.ty, with.volumes, &self.origin))
            .transpose()
    }
}

impl Interpolation {
    fn evaluate(&self, with: Evaluation<'_, '_>) -> Result<Value, Failure> {
        let literal = self.parts.iter().map(|part| match part {
            TextPart::Literal(text) => text.len(),
            TextPart::Expression(_) => USUAL_TEXT,
        });
        let mut whole = String::with_capacity(literal.sum());
        for part in &self.parts {
            match part {
                TextPart::Literal(text) => whole.push_str(text),
                TextPart::Expression(expression) => {
                    let value = value_of(expression, with).map_err(|error| {
                        Failure::new(&self.origin, expression, &with_sources(&error))
                    })?;
                    let text = value.as_deref().and_then(scalar_text).ok_or_else(|| {
                        let problem = format!(
                            "`${{{}}}` gave no text, number or boolean to stand inside text",
                            expression.source()
                        );
                        Failure::new(&self.origin, expression, &problem)
                    })?;
                    whole.push_str(&self.slot.interpolated(&text));
                }
            }
        }
        self.fits(&whole)?;
        Ok(Value::String(whole))
    }

    /// Text that makes a quantity must be one.
    fn fits(&self, whole: &str) -> Result<(), Failure> {
        if self.slot.ty != FieldType::Quantity || whole.parse::<Quantity>().is_ok() {
            return Ok(());
        }
        let problem = "expected a quantity, such as 500m or 64Mi";
        Err(Failure::at(&self.origin, problem))
    }
}

/// An expression's value; a plain parameter is borrowed.
fn value_of<'v>(
    expression: &Expression,
    with: Evaluation<'_, 'v>,
) -> Result<Option<Cow<'v, Value>>, EvaluationError> {
    match expression.plain_parameter() {
        Some(name) => with
            .bindings
            .parameter(name)
            .map(|value| Some(Cow::Borrowed(value))),
        None => Ok(expression.evaluate(with.bindings)?.map(Cow::Owned)),
    }
}
