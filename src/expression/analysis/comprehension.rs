//! The macros that go over a list or map, and those of optionals, as the parser expands them.
//!
//! The parser turns `all`, `exists`, `exists_one`, `map` and `filter` into loops of a few known
//! shapes with an accumulator `@result`. Only these shapes are taken, and become loops that need no
//! accumulator.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, operators as op};

use super::calls::NAMESPACES;
use super::{Analyser, Check, Checked, Info, Local, Origin};
use crate::expression::error::ExpressionError;
use crate::expression::program::{Loop, LoopKind, Node};
use crate::expression::scope::ROOTS_IN_APP;
use crate::expression::types::Type;

/// The accumulator of the parser's macros.
const ACCUMULATOR: &str = "@result";
/// The loop variable of macros that only bind a name.
const UNUSED: &str = "#unused";

/// The step of a loop, taken apart.
enum Step<'e> {
    /// `@result && p`.
    All(&'e IdedExpr),
    /// `@result || p`.
    Exists(&'e IdedExpr),
    /// `@result + [x]`.
    Append(&'e IdedExpr),
    /// `p ? @result + [x] : @result`.
    AppendIf(&'e IdedExpr, &'e IdedExpr),
    /// `p ? @result + 1 : @result`.
    Count(&'e IdedExpr),
}

impl<'e> Step<'e> {
    fn of(step: &'e IdedExpr) -> Option<Self> {
        let Expr::Call(CallExpr {
            func_name, args, ..
        }) = &step.expr
        else {
            return None;
        };
        match (func_name.as_str(), args.as_slice()) {
            (op::LOGICAL_AND, [_, predicate]) => Some(Self::All(predicate)),
            (op::LOGICAL_OR, [_, predicate]) => Some(Self::Exists(predicate)),
            (op::ADD, [_, items]) => single(items).map(Self::Append),
            (op::CONDITIONAL, [guard, added, _]) => {
                let Expr::Call(CallExpr { args, .. }) = &added.expr else {
                    return None;
                };
                let [_, added] = args.as_slice() else {
                    return None;
                };
                Some(match single(added) {
                    Some(item) => Self::AppendIf(guard, item),
                    None => Self::Count(guard),
                })
            }
            _ => None,
        }
    }
}

/// The element of a list of one.
fn single(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(ListExpr { elements, .. }) => match elements.as_slice() {
            [element] => Some(element),
            _ => None,
        },
        _ => None,
    }
}

/// What a condition of a loop is called.
const CONDITION: &str = "the condition of a loop";

impl Analyser<'_> {
    pub(super) fn comprehension(&mut self, expr: &IdedExpr, loops: &ComprehensionExpr) -> Check {
        if loops.iter_var2.is_some() {
            return Err(self.error(expr, "a loop has one variable"));
        }
        if loops.iter_var == UNUSED {
            return self.binding(expr, loops);
        }
        let known = Step::of(&loops.loop_step).filter(|_| loops.accu_var == ACCUMULATOR);
        let step = known.ok_or_else(|| self.error(expr, "this macro is not known"))?;
        self.check_loop_name(expr, &loops.iter_var)?;
        let (range, element) = self.range(&loops.iter_range)?;
        self.locals.push(Local {
            name: loops.iter_var.clone(),
            info: element,
        });
        let body = self.body(range.node, &step);
        self.locals.pop();
        let (of, info) = body?;
        Ok(Checked {
            node: Node::Loop(Box::new(of)),
            info,
        })
    }

    fn check_loop_name(&self, expr: &IdedExpr, name: &str) -> Result<(), ExpressionError> {
        if ROOTS_IN_APP.contains(&name) || NAMESPACES.contains(&name) {
            let message = format!("`{name}` cannot be the name of a loop variable");
            return Err(self
                .error(expr, message)
                .hint("it has a meaning of its own"));
        }
        Ok(())
    }

    /// What a loop goes over, and what is known of its elements.
    fn range(&mut self, range: &IdedExpr) -> Result<(Checked, Info), ExpressionError> {
        let mut checked = self.open(range)?;
        let mut element = Info::new(Type::Any);
        if let Some(origin) = checked.info.origin.take_if(|origin| origin.each) {
            element.origin = Some(Origin {
                each: false,
                ..origin
            });
            return Ok((checked, element));
        }
        self.settle(range, &mut checked.info)?;
        element.ty = match &checked.info.ty {
            Type::Any => Type::Any,
            Type::List(item) => (**item).clone(),
            Type::Map(_) => Type::Text,
            other => {
                let error = self.error(range, format!("{other} has no elements to go over"));
                return Err(match other {
                    Type::Optional(_) => error.hint("take the value out with `orValue([])`"),
                    _ => error,
                });
            }
        };
        Ok((checked, element))
    }

    /// A loop by its step, and what it gives.
    fn body(&mut self, over: Node, step: &Step<'_>) -> Result<(Loop, Info), ExpressionError> {
        let (kind, condition, item, info) = match step {
            Step::All(condition) => self.truth(LoopKind::All, condition)?,
            Step::Exists(condition) => self.truth(LoopKind::Exists, condition)?,
            Step::Count(condition) => self.truth(LoopKind::One, condition)?,
            Step::Append(item) => {
                let item = self.value(item)?;
                let info = Info::new(Type::list(item.info.ty));
                (LoopKind::List, None, Some(item.node), info)
            }
            Step::AppendIf(condition, item) => {
                let condition = self.condition(condition, CONDITION)?;
                // `filter` keeps elements: which of their fields are read shows later.
                let item = self.open(item)?;
                let origin = item.info.origin.map(|origin| Origin {
                    each: true,
                    ..origin
                });
                let ty = Type::list(item.info.ty);
                let info = Info { ty, origin };
                (LoopKind::List, Some(condition), Some(item.node), info)
            }
        };
        let of = Loop {
            kind,
            over,
            condition,
            item,
        };
        Ok((of, info))
    }

    fn truth(
        &mut self,
        kind: LoopKind,
        condition: &IdedExpr,
    ) -> Result<(LoopKind, Option<Node>, Option<Node>, Info), ExpressionError> {
        let condition = self.condition(condition, CONDITION)?;
        Ok((kind, Some(condition), None, Info::new(Type::Boolean)))
    }

    /// A name for a value, as `optMap` and `optFlatMap` need it.
    fn binding(&mut self, expr: &IdedExpr, binding: &ComprehensionExpr) -> Check {
        let name = binding.accu_var.clone();
        if !name.starts_with('@') {
            self.check_loop_name(expr, &name)?;
        }
        let Checked { node: value, info } = self.value(&binding.accu_init)?;
        self.locals.push(Local { name, info });
        let result = self.value(&binding.result);
        self.locals.pop();
        let Checked { node, info } = result?;
        Ok(Checked {
            node: Node::Let(Box::new([value, node])),
            info,
        })
    }
}
