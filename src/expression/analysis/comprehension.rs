//! The macros that go over a list or map, and those of optionals, as the parser expands them.
//!
//! The parser turns `all`, `exists`, `exists_one`, `map` and `filter` into loops of a few known
//! shapes with an accumulator `@result`. Only these shapes are taken, and they are put together
//! again as they were: the interpreter recognises them and then copies no accumulators.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, operators as op};

use super::{
    Analyser, Check, Checked, Info, Local, Loop, Origin, call as own_call, integer_literal, made,
};
use crate::expression::UNDECLARED_MAX_ITEMS;
use crate::expression::error::ExpressionError;
use crate::expression::types::Type;

/// The accumulator of the parser's macros.
const ACCUMULATOR: &str = "@result";
/// The loop variable of macros that only bind a name.
const UNUSED: &str = "#unused";

/// The step of a loop, taken apart.
enum Step<'e> {
    /// `@result && p`, `@result || p`.
    Fold(&'e IdedExpr),
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
            (op::LOGICAL_AND | op::LOGICAL_OR, [_, predicate]) => Some(Self::Fold(predicate)),
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

/// `call` with the argument at `index` replaced.
fn with_argument(expr: &IdedExpr, index: usize, argument: IdedExpr) -> IdedExpr {
    let mut expr = expr.clone();
    if let Expr::Call(call) = &mut expr.expr
        && let Some(place) = call.args.get_mut(index)
    {
        *place = argument;
    }
    expr
}

/// `@result + [x]` with another `x`.
fn with_item(append: &IdedExpr, item: IdedExpr) -> IdedExpr {
    let list = Expr::List(ListExpr::new(vec![item]));
    with_argument(
        append,
        1,
        IdedExpr {
            id: append.id,
            expr: list,
        },
    )
}

/// How a list is called in a message.
fn written(expr: &IdedExpr) -> String {
    match &expr.expr {
        Expr::Ident(name) => format!("`{name}`"),
        Expr::Select(select) if !select.test => {
            let of = written(&select.operand);
            format!("`{}.{}`", of.trim_matches('`'), select.field)
        }
        _ => "a list".to_owned(),
    }
}

impl Analyser<'_> {
    pub(super) fn comprehension(&mut self, expr: &IdedExpr, loops: &ComprehensionExpr) -> Check {
        if loops.iter_var2.is_some() {
            return Err(self.error(expr, "a loop has one variable"));
        }
        if loops.iter_var == UNUSED {
            return self.binding(expr, loops);
        }
        let Some(step) = Step::of(&loops.loop_step) else {
            return Err(self.error(expr, "this macro is not known"));
        };
        if loops.accu_var != ACCUMULATOR {
            return Err(self.error(expr, "this macro is not known"));
        }
        self.check_loop_name(expr, &loops.iter_var)?;
        let (range, element) = self.range(&loops.iter_range)?;
        let bound = range.info.items.unwrap_or(UNDECLARED_MAX_ITEMS);
        self.enter(&loops.iter_range, bound);
        self.locals.push(Local {
            name: loops.iter_var.clone(),
            info: element,
        });
        let body = self.body(&loops.loop_step, &step);
        self.locals.pop();
        self.loops.pop();
        let (tree, mut info) = body?;
        info.cost = range
            .info
            .cost
            .saturating_add(bound.saturating_mul(info.cost.saturating_add(1)));
        if matches!(info.ty, Type::List(_)) {
            info.items = Some(bound);
        }
        let id = loops.iter_range.id;
        let iter_range = own_call(id, "@items", vec![range.tree, integer_literal(id, bound)]);
        let rebuilt = ComprehensionExpr {
            iter_range,
            loop_step: tree,
            ..loops.clone()
        };
        Ok(made(Checked {
            tree: IdedExpr {
                id: expr.id,
                expr: Expr::Comprehension(Box::new(rebuilt)),
            },
            info,
        }))
    }

    fn check_loop_name(&self, expr: &IdedExpr, name: &str) -> Result<(), ExpressionError> {
        const TAKEN: &[&str] = &[
            "params",
            "variables",
            "pod",
            "apps",
            "app",
            "self",
            "namespaceObject",
            "kubernetes",
            "optional",
            "lists",
        ];
        if TAKEN.contains(&name) {
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
        let mut element = Info::new(Type::Any, 0);
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

    fn enter(&mut self, range: &IdedExpr, bound: u64) {
        let over = written(range);
        self.loops.push(Loop { over, bound });
        let size = |nest: &[Loop]| {
            nest.iter()
                .fold(1u64, |all, one| all.saturating_mul(one.bound))
        };
        if self.widest.is_empty() || size(&self.loops) > size(&self.widest) {
            self.widest.clone_from(&self.loops);
        }
    }

    /// The step of a loop, and what the loop gives.
    fn body(
        &mut self,
        whole: &IdedExpr,
        step: &Step<'_>,
    ) -> Result<(IdedExpr, Info), ExpressionError> {
        match step {
            Step::Fold(predicate) => {
                let checked = self.condition(predicate, "the condition of a loop")?;
                let info = Info::new(Type::Boolean, checked.info.cost);
                Ok((with_argument(whole, 1, checked.tree), info))
            }
            Step::Count(predicate) => {
                let checked = self.condition(predicate, "the condition of a loop")?;
                let info = Info::new(Type::Boolean, checked.info.cost);
                Ok((with_argument(whole, 0, checked.tree), info))
            }
            Step::Append(item) => {
                let item = self.value(item)?;
                let info = Info::new(Type::list(item.info.ty.clone()), item.info.cost);
                let item = self.seen(item);
                Ok((with_item(whole, item.tree), info))
            }
            Step::AppendIf(guard, item) => {
                let guard = self.condition(guard, "the condition of a loop")?;
                // `filter` keeps elements: which of their fields are read shows later.
                let mut item = self.open(item)?;
                let origin = item.info.origin.take();
                let cost = guard.info.cost.saturating_add(item.info.cost);
                let mut info = Info::new(Type::list(item.info.ty.clone()), cost);
                info.origin = origin.map(|origin| Origin {
                    each: true,
                    ..origin
                });
                let item = self.seen(item);
                let Expr::Call(CallExpr { args, .. }) = &whole.expr else {
                    return Err(self.error(whole, "this macro is not known"));
                };
                let Some(added) = args.get(1) else {
                    return Err(self.error(whole, "this macro is not known"));
                };
                let step = with_argument(whole, 1, with_item(added, item.tree));
                Ok((with_argument(&step, 0, guard.tree), info))
            }
        }
    }

    /// A name for a value, as `optMap` and `optFlatMap` need it.
    fn binding(&mut self, expr: &IdedExpr, binding: &ComprehensionExpr) -> Check {
        let name = binding.accu_var.clone();
        if !name.starts_with('@') {
            self.check_loop_name(expr, &name)?;
        }
        let bound = self.value(&binding.accu_init)?;
        let cost = bound.info.cost;
        self.locals.push(Local {
            name: name.clone(),
            info: bound.info.clone(),
        });
        let result = self.value(&binding.result);
        self.locals.pop();
        let result = result?;
        let init = if bound.info.ty.is_small() {
            bound.tree
        } else {
            own_call(bound.tree.id, "@seen", vec![bound.tree])
        };
        let info = Info {
            cost: cost.saturating_add(result.info.cost),
            ..result.info
        };
        let rebuilt = ComprehensionExpr {
            accu_init: init,
            result: result.tree,
            ..binding.clone()
        };
        Ok(made(Checked {
            tree: IdedExpr {
                id: expr.id,
                expr: Expr::Comprehension(Box::new(rebuilt)),
            },
            info,
        }))
    }
}
