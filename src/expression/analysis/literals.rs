//! Literals, lists and maps.

use cel::IdedExpr;
use cel::common::ast::{
    EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr,
};

use super::{Analyser, Check, Checked, Info, made};
use crate::expression::error::ExpressionError;
use crate::expression::types::Type;

impl Analyser<'_> {
    pub(super) fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Check {
        let ty = match literal {
            LiteralValue::Boolean(_) => Type::Boolean,
            LiteralValue::Int(_) => Type::Integer,
            LiteralValue::Double(_) => Type::Number,
            LiteralValue::String(_) => Type::Text,
            LiteralValue::Null => Type::Null,
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
        Ok(Checked {
            tree: expr.clone(),
            info: Info::new(ty, 0),
        })
    }

    /// `[a, ?b]`. Elements of several types are allowed; nothing is then known of them.
    pub(super) fn list(&mut self, expr: &IdedExpr, list: &ListExpr) -> Check {
        let mut elements = Vec::with_capacity(list.elements.len());
        let mut item: Option<Type> = None;
        let mut cost = 0u64;
        for (index, element) in list.elements.iter().enumerate() {
            let checked = self.value(element)?;
            let optional = list.optional_indices.contains(&index);
            let ty = self.held(element, checked.info.ty, optional)?;
            item = Some(item.map_or_else(|| ty.clone(), |known| known.join(&ty)));
            cost = cost.saturating_add(checked.info.cost);
            elements.push(checked.tree);
        }
        let items = u64::try_from(elements.len()).ok();
        let info = Info::new(Type::list(item.unwrap_or(Type::Any)), cost).with_items(items);
        let tree = Expr::List(ListExpr::new_with_optionals(
            elements,
            list.optional_indices.clone(),
        ));
        Ok(made(Checked {
            tree: IdedExpr {
                id: expr.id,
                expr: tree,
            },
            info,
        }))
    }

    /// `{'a': b, ?'c': d}`.
    pub(super) fn map(&mut self, expr: &IdedExpr, map: &MapExpr) -> Check {
        let mut entries = Vec::with_capacity(map.entries.len());
        let mut held: Option<Type> = None;
        let mut cost = 0u64;
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
            let checked = self.value(value)?;
            let ty = self.held(value, checked.info.ty, *optional)?;
            held = Some(held.map_or_else(|| ty.clone(), |known| known.join(&ty)));
            cost = cost
                .saturating_add(checked_key.info.cost)
                .saturating_add(checked.info.cost);
            entries.push(IdedEntryExpr {
                id: entry.id,
                expr: EntryExpr::MapEntry(MapEntryExpr {
                    key: checked_key.tree,
                    value: checked.tree,
                    optional: *optional,
                }),
            });
        }
        let items = u64::try_from(entries.len()).ok();
        let info = Info::new(Type::map(held.unwrap_or(Type::Any)), cost).with_items(items);
        Ok(made(Checked {
            tree: IdedExpr {
                id: expr.id,
                expr: Expr::Map(MapExpr { entries }),
            },
            info,
        }))
    }

    /// The type of an element; behind `?` it must be an optional.
    fn held(&self, at: &IdedExpr, ty: Type, optional: bool) -> Result<Type, ExpressionError> {
        match (optional, ty) {
            (true, Type::Optional(inner)) => Ok(*inner),
            (true, Type::Any) => Ok(Type::Any),
            (true, other) => Err(self
                .error(at, format!("`?` needs an optional value, not {other}"))
                .hint("leave out the `?`, or read the value with `.?`")),
            (false, ty) => Ok(ty),
        }
    }
}
