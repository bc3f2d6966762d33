//! Parameters: the typed inputs of a template, set by annotation.
//!
//! A value from an annotation can only ever become a value: it is parsed by the declared type,
//! checked against the declared constraints, and handed to expressions as data. Nothing is ever
//! null: an absent string, list or map is empty, and every other type needs a default or is
//! required.

pub(crate) mod constraint;
mod types;
mod value;

use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) use constraint::{Bound, Constraints};
pub(crate) use types::ParameterType;
pub(crate) use value::ValueError;

use super::fragment::Fragment;
use super::value::TemplateValue;
use super::word::Word;
use crate::expression::{Budget, Type};
use crate::kubernetes::defaults;

/// How many elements a list or map parameter may have where `maxItems` does not say it.
pub(crate) const DEFAULT_MAX_ITEMS: u64 = 64;

/// Who may set a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setter {
    /// An annotation of the pod.
    Pod,
    /// An annotation of the namespace.
    Namespace,
}

impl Word for Setter {
    const WORDS: &'static [(&'static str, Self)] =
        &[("Pod", Self::Pod), ("Namespace", Self::Namespace)];
}

#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// Its name, as annotations spell it.
    pub(crate) name: String,
    /// Its name in expressions, where `-` is no part of a name.
    pub(crate) expression_name: String,
    pub(crate) description: String,
    pub(crate) ty: ParameterType,
    /// The type of its elements, where it is a list or a map.
    pub(crate) items: ParameterType,
    /// What its value, or each of its elements, must be.
    pub(crate) constraints: Constraints,
    /// How many elements it may have.
    pub(crate) max_items: u64,
    /// Whether a pod without a value is refused.
    pub(crate) required: bool,
    /// The value where nobody sets one.
    pub(crate) default: Option<Fragment>,
    /// Who may set it; nobody: only its default or the configuration.
    pub(crate) set_by: BTreeSet<Setter>,
}

impl Parameter {
    pub(crate) fn expression_type(&self) -> Type {
        self.ty.expression_type(self.items)
    }

    /// The value where nobody sets one and there is no default: empty, where the type has that.
    pub(crate) fn empty(&self) -> Option<Value> {
        match self.ty {
            ParameterType::String => Some(Value::String(String::new())),
            ParameterType::List => Some(Value::Array(Vec::new())),
            ParameterType::Map => Some(Value::Object(serde_json::Map::new())),
            _ => None,
        }
    }

    /// Reads the value of a parameter that is not a map from an annotation's text.
    pub(crate) fn parse(&self, text: &str, budget: &Budget<'_>) -> Result<Value, ValueError> {
        if self.ty != ParameterType::List {
            return value::scalar(self.ty, &self.constraints, text, budget);
        }
        let separator = if text.contains('\n') { '\n' } else { ',' };
        let items = text.split(separator).map(str::trim);
        let items = items.filter(|item| !item.is_empty());
        self.check_count(items.clone().count())?;
        let items = items.map(|item| value::scalar(self.items, &self.constraints, item, budget));
        Ok(Value::Array(items.collect::<Result<_, _>>()?))
    }

    /// Reads one element of a map parameter from an annotation's text.
    pub(crate) fn parse_element(
        &self,
        text: &str,
        budget: &Budget<'_>,
    ) -> Result<Value, ValueError> {
        value::scalar(self.items, &self.constraints, text, budget)
    }

    /// Checks a value that is typed already: a default, constant or computed.
    pub(crate) fn check(&self, typed: &Value, budget: &Budget<'_>) -> Result<(), ValueError> {
        match (self.ty, typed) {
            (ParameterType::List, Value::Array(items)) => {
                self.check_count(items.len())?;
                items
                    .iter()
                    .try_for_each(|item| value::typed(self.items, &self.constraints, item, budget))
            }
            (ParameterType::Map, Value::Object(entries)) => {
                self.check_count(entries.len())?;
                entries
                    .values()
                    .try_for_each(|v| value::typed(self.items, &self.constraints, v, budget))
            }
            (ty, typed) => value::typed(ty, &self.constraints, typed, budget),
        }
    }

    /// A value as expressions see it: quantities as the API server would write them, so that
    /// `asInteger` gives the same of `0.5Gi` and `512Mi`, and numbers in one form. Constraints are about
    /// what was written.
    pub(crate) fn as_seen(&self, value: TemplateValue) -> TemplateValue {
        let is = |ty| self.ty == ty || self.items == ty;
        if is(ParameterType::Number) {
            return numbers_in_one_form(value.into_value()).into();
        }
        if !is(ParameterType::Quantity) {
            return value;
        }
        let mut own = value.into_value();
        defaults::fill_typed(&self.ty.field_type(self.items), &mut own);
        own.into()
    }

    /// Refuses more elements than `maxItems`.
    pub(crate) fn check_count(&self, count: usize) -> Result<(), ValueError> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if count > self.max_items {
            return Err(ValueError::TooMany {
                count,
                most: self.max_items,
            });
        }
        Ok(())
    }

    /// Whether a value is empty, as `required` refuses it.
    pub(crate) fn is_empty(value: &Value) -> bool {
        match value {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
            Value::Null => true,
            _ => false,
        }
    }
}

/// A number, or each of several, in one form.
fn numbers_in_one_form(value: Value) -> Value {
    let number = |item| ParameterType::Number.one_form(item);
    match value {
        Value::Array(items) => items.into_iter().map(number).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, item)| (key, number(item)));
            Value::Object(entries.collect())
        }
        value => number(value),
    }
}
