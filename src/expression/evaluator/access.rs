//! Fields, indexes and presence.
//!
//! What is read of an optional is an optional again; so `a.?b.c` is absent where `b` is.

use super::{Evaluator, Outcome, wrong_type};
use crate::expression::error::EvaluationError;
use crate::expression::program::{Access, Node};
use crate::expression::value::Val;

/// What is behind a field or index.
type Found<'x> = Result<Option<Val<'x>>, EvaluationError>;

impl<'x> Evaluator<'_, 'x> {
    pub(super) fn field(&mut self, of: &'x Node, name: &'x str, access: Access) -> Outcome<'x> {
        let of = self.value(of)?;
        let missing = || EvaluationError::NoSuchKey(name.to_owned());
        self.taken(&of, access, missing, |of| field(of, name))
    }

    pub(super) fn has(&mut self, of: &'x Node, name: &'x str) -> Outcome<'x> {
        let of = self.value(of)?;
        let present = match &of {
            Val::Optional(None, _) => false,
            Val::Optional(Some(inner), _) => field(inner, name)?.is_some(),
            of => field(of, name)?.is_some(),
        };
        Ok(Val::Boolean(present))
    }

    pub(super) fn index(&mut self, parts: &'x [Node; 2], access: Access) -> Outcome<'x> {
        let [of, by] = parts;
        let of = self.value(of)?;
        let by = self.value(by)?;
        let missing = || match &by {
            Val::Text(key) => EvaluationError::NoSuchKey(key.as_str().to_owned()),
            _ => EvaluationError::IndexOutOfBounds,
        };
        self.taken(&of, access, missing, |of| element(of, &by))
    }

    /// What is found in a value, as the access to it gives that.
    fn taken(
        &self,
        of: &Val<'x>,
        access: Access,
        missing: impl FnOnce() -> EvaluationError,
        find: impl FnOnce(&Val<'x>) -> Found<'x>,
    ) -> Outcome<'x> {
        let (found, is_optional) = match of {
            Val::Optional(None, _) => return Ok(Val::Optional(None, 0)),
            Val::Optional(Some(inner), _) => (find(inner)?, true),
            of => (find(of)?, access == Access::Optional),
        };
        let found = found.map(|value| self.copied(value)).transpose()?;
        if is_optional {
            self.budget.make(0)?;
            return Val::optional(found);
        }
        found.ok_or_else(missing)
    }
}

fn field<'x>(of: &Val<'x>, name: &'x str) -> Found<'x> {
    if of.items().is_some() {
        return Err(wrong_type("a field", &[of]));
    }
    // A scalar has no fields at all.
    Ok(of.field(name))
}

fn element<'x>(of: &Val<'x>, by: &Val<'x>) -> Found<'x> {
    if of.is_map() {
        return Ok(of.find(by));
    }
    let Some(items) = of.items() else {
        return Ok(None);
    };
    let position = match by {
        Val::Integer(position) => *position,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only whole numbers are positions, and one that is cut lies outside any list"
        )]
        Val::Number(number) if number.fract() == 0.0 => *number as i64,
        _ => return Err(wrong_type("[]", &[of, by])),
    };
    Ok(usize::try_from(position).ok().and_then(|at| items.get(at)))
}
