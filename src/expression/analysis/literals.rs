//! Literals, lists and maps.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr};
use serde_json::{Number, Value};

use super::{Analyser, Check, Checked};
use crate::expression::error::ExpressionError;
use crate::expression::program::{Element, Node};
use crate::expression::types::Type;

impl Analyser<'_> {
    pub(super) fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Check {
        let (value, ty) = match literal {
            LiteralValue::Boolean(flag) => ((*flag.inner()).into(), Type::Boolean),
            LiteralValue::Int(integer) => ((*integer.inner()).into(), Type::Integer),
            LiteralValue::Double(number) => {
                let Some(number) = Number::from_f64(*number.inner()) else {
                    return Err(self.error(expr, "the number is too large"));
                };
                (Value::Number(number), Type::Number)
            }
            LiteralValue::String(text) => (text.inner().into(), Type::Text),
            LiteralValue::Null => (Value::Null, Type::Null),
            LiteralValue::UInt(_) => {
                return Err(self
                    .error(expr, "unsigned integers are not used here")
                    .hint("leave out the `u`"));
            }
            LiteralValue::Bytes(_) => {
                return Err(self
                    .error(expr, "bytes are not used here")
                    .hint("leave out the `b`"));
            }
        };
        Ok(Checked::new(Node::Constant(value), ty))
    }

    /// `[a, ?b]`. Elements of several types are allowed; nothing is then known of them.
    pub(super) fn list(&mut self, list: &ListExpr) -> Check {
        let mut elements = Vec::with_capacity(list.elements.len());
        let mut item: Option<Type> = None;
        for (index, element) in list.elements.iter().enumerate() {
            let is_optional = list.optional_indices.contains(&index);
            let (element, ty) = self.held(element, is_optional)?;
            item = Some(item.map_or_else(|| ty.clone(), |known| known.join(&ty)));
            elements.push(element);
        }
        let ty = Type::list(item.unwrap_or(Type::Any));
        Ok(Checked::new(Node::List(elements), ty))
    }

    /// `{'a': b, ?'c': d}`.
    pub(super) fn map(&mut self, expr: &IdedExpr, map: &MapExpr) -> Check {
        let mut entries = Vec::with_capacity(map.entries.len());
        let mut held: Option<Type> = None;
        for entry in &map.entries {
            let EntryExpr::MapEntry(MapEntryExpr {
                key,
                value,
                optional,
            }) = &entry.expr
            else {
                return Err(self.error(expr, "a map has keys and values"));
            };
            let checked_key = self.value(key)?;
            if !checked_key.info.ty.fits(&Type::Text) {
                let message = format!("keys of a map are text, not {}", checked_key.info.ty);
                return Err(self.error(key, message));
            }
            let (element, ty) = self.held(value, *optional)?;
            held = Some(held.map_or_else(|| ty.clone(), |known| known.join(&ty)));
            entries.push((checked_key.node, element));
        }
        let ty = Type::map(held.unwrap_or(Type::Any));
        Ok(Checked::new(Node::Map(entries), ty))
    }

    /// An element and its type; behind `?` it must be an optional.
    fn held(
        &mut self,
        at: &IdedExpr,
        is_optional: bool,
    ) -> Result<(Element, Type), ExpressionError> {
        let Checked { node, info } = self.value(at)?;
        let ty = match (is_optional, info.ty) {
            (true, Type::Optional(inner)) => *inner,
            (true, Type::Any) => Type::Any,
            (true, other) => {
                return Err(self
                    .error(at, format!("`?` needs an optional value, not {other}"))
                    .hint("leave out the `?`, or read the value with `.?`"));
            }
            (false, ty) => ty,
        };
        let element = Element {
            value: node,
            is_optional,
        };
        Ok((element, ty))
    }
}
