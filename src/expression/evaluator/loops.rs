//! Loops over lists and over the sorted keys of maps.

use super::{Evaluator, Outcome, wrong_type};
use crate::expression::error::EvaluationError;
use crate::expression::functions::bounded;
use crate::expression::program::{Loop, LoopKind, Node};
use crate::expression::value::Val;

impl<'x> Evaluator<'_, 'x> {
    pub(super) fn run_loop(&mut self, of: &'x Loop) -> Outcome<'x> {
        let over = self.value(&of.over)?;
        bounded(over.len().unwrap_or(0))?;
        if let Some(keys) = over.keys() {
            self.budget.make(keys.len() * size_of::<Val<'_>>())?;
            return self.over(of, &Val::list(keys)?);
        }
        self.over(of, &over)
    }

    fn over(&mut self, of: &'x Loop, list: &Val<'x>) -> Outcome<'x> {
        let Some(items) = list.items() else {
            return Err(wrong_type("a loop", &[list]));
        };
        match of.kind {
            LoopKind::All => self.until(of, items.iter(), false),
            LoopKind::Exists => self.until(of, items.iter(), true),
            LoopKind::One => {
                let mut count = 0;
                for item in items.iter() {
                    count += u32::from(self.with_item(item, |this| this.takes(of))?);
                }
                Ok(Val::Boolean(count == 1))
            }
            LoopKind::List => {
                let mut made = Vec::new();
                for item in items.iter() {
                    let made_of_it = self.with_item(item, |this| this.item(of))?;
                    if let Some(item) = made_of_it {
                        self.budget.make(0)?;
                        made.push(item);
                    }
                }
                Val::list(made)
            }
        }
    }

    /// `all` and `exists`: the first element that decides, whatever failed before it.
    fn until(
        &mut self,
        of: &'x Loop,
        items: impl Iterator<Item = Val<'x>>,
        deciding: bool,
    ) -> Outcome<'x> {
        let mut failed = None;
        for item in items {
            match self.with_item(item, |this| this.takes(of)) {
                Ok(decided) if decided == deciding => return Ok(Val::Boolean(deciding)),
                Ok(_) => {}
                Err(error @ EvaluationError::BudgetExceeded(_)) => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Val::Boolean(!deciding)), Err)
    }

    fn with_item<T>(
        &mut self,
        item: Val<'x>,
        run: impl FnOnce(&mut Self) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        let item = self.copied(item)?;
        self.with_local(item, run)
    }

    /// Whether the loop's condition is true for the current element.
    fn takes(&mut self, of: &'x Loop) -> Result<bool, EvaluationError> {
        match &of.condition {
            Some(condition) => self.condition(condition, "a loop"),
            None => Ok(true),
        }
    }

    fn item(&mut self, of: &'x Loop) -> Result<Option<Val<'x>>, EvaluationError> {
        if !self.takes(of)? {
            return Ok(None);
        }
        of.item.as_ref().map(|item| self.value(item)).transpose()
    }

    /// The truth of a condition.
    pub(super) fn condition(
        &mut self,
        node: &'x Node,
        operation: &str,
    ) -> Result<bool, EvaluationError> {
        match self.value(node)? {
            Val::Boolean(flag) => Ok(flag),
            other => Err(wrong_type(operation, &[&other])),
        }
    }
}
