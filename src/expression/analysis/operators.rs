//! Operators, with the types that the API server's checker takes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, SelectExpr, operators as op};

use super::{Analyser, Check, Checked, Info, call as own_call};
use crate::expression::UNDECLARED_MAX_ITEMS;
use crate::expression::error::ExpressionError;
use crate::expression::types::Type;

/// How an operator is written.
fn sign(function: &str) -> &str {
    match function {
        op::IN => "in",
        other => other.trim_matches('_'),
    }
}

impl Analyser<'_> {
    /// An operator, if the call is one.
    pub(super) fn operator(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<Check> {
        if call.target.is_some() {
            return None;
        }
        Some(match call.func_name.as_str() {
            op::CONDITIONAL => self.conditional(expr, call),
            op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT => self.logical(expr, call),
            op::EQUALS | op::NOT_EQUALS => self.equality(expr, call),
            op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS => {
                self.comparison(expr, call)
            }
            op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO => {
                self.arithmetic(expr, call)
            }
            op::NEGATE => self.negation(expr, call),
            op::IN => self.membership(expr, call),
            op::INDEX | op::OPT_INDEX | op::OPT_SELECT => self.index(expr, call),
            _ => return None,
        })
    }

    /// The condition of something: a boolean.
    pub(super) fn condition(&mut self, expr: &IdedExpr, of: &str) -> Check {
        let checked = self.value(expr)?;
        if checked.info.ty.fits(&Type::Boolean) {
            return Ok(checked);
        }
        let message = format!("{of} needs a boolean, not {}", checked.info.ty);
        Err(self.error(expr, message))
    }

    fn conditional(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let [condition, yes, no] = call.args.as_slice() else {
            return Err(self.error(expr, "`? :` needs three parts"));
        };
        let condition = self.condition(condition, "`? :`")?;
        let (yes, no) = (self.value(yes)?, self.value(no)?);
        let (a, b) = (&yes.info.ty, &no.info.ty);
        let null = *a == Type::Null || *b == Type::Null;
        if !null && !a.fits(b) {
            return Err(self.error(
                expr,
                format!("both sides of `:` must be of one type, not {a} and {b}"),
            ));
        }
        let items = yes.info.items.zip(no.info.items).map(|(a, b)| a.max(b));
        let cost = condition
            .info
            .cost
            .saturating_add(yes.info.cost.max(no.info.cost));
        let ty = if null && a != b { Type::Any } else { a.join(b) };
        Ok(Checked {
            info: Info::new(ty, cost).with_items(items),
            tree: own_call(
                expr.id,
                op::CONDITIONAL,
                vec![condition.tree, yes.tree, no.tree],
            ),
        })
    }

    fn logical(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let of = format!("`{}`", sign(&call.func_name));
        let mut parts = Vec::with_capacity(call.args.len());
        let mut cost = 0u64;
        for part in &call.args {
            let checked = self.condition(part, &of)?;
            cost = cost.saturating_add(checked.info.cost);
            parts.push(checked.tree);
        }
        Ok(Checked {
            tree: own_call(expr.id, &call.func_name, parts),
            info: Info::new(Type::Boolean, cost),
        })
    }

    /// Both operands of a binary operator.
    fn operands(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
    ) -> Result<(Checked, Checked), ExpressionError> {
        let [left, right] = call.args.as_slice() else {
            return Err(self.error(expr, "an operator needs two values"));
        };
        let (left, right) = (self.value(left)?, self.value(right)?);
        Ok((self.seen(left), self.seen(right)))
    }

    fn mismatch(&self, expr: &IdedExpr, call: &CallExpr, a: &Type, b: &Type) -> ExpressionError {
        let sign = sign(&call.func_name);
        let error = self.error(expr, format!("`{sign}` does not take {a} and {b}"));
        match (sign, a, b) {
            (_, Type::Optional(_), _) | (_, _, Type::Optional(_)) => {
                error.hint("take the value out with `orValue(…)`")
            }
            ("+", Type::Text, Type::Integer | Type::Number | Type::Boolean)
            | ("+", Type::Integer | Type::Number | Type::Boolean, Type::Text) => {
                error.hint("convert it with `string(…)`")
            }
            (_, Type::Integer, Type::Number) | (_, Type::Number, Type::Integer) => {
                error.hint("convert one with `double(…)` or `int(…)`")
            }
            ("==" | "!=", Type::Null, _) | ("==" | "!=", _, Type::Null) => {
                error.hint("parameters and variables of this type are never null")
            }
            ("<" | ">" | "<=" | ">=", Type::Quantity, _) => {
                error.hint("use `isLessThan`, `isGreaterThan` or `compareTo`")
            }
            ("in", _, Type::Text) => error.hint("use `contains`"),
            _ => error,
        }
    }

    fn finish(expr: &IdedExpr, name: &str, left: Checked, right: Checked, ty: Type) -> Checked {
        let cost = left.info.cost.saturating_add(right.info.cost);
        Checked {
            tree: own_call(expr.id, name, vec![left.tree, right.tree]),
            info: Info::new(ty, cost),
        }
    }

    fn equality(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let (left, right) = self.operands(expr, call)?;
        let (a, b) = (&left.info.ty, &right.info.ty);
        if a.fits(b) {
            return Ok(Self::finish(
                expr,
                &call.func_name,
                left,
                right,
                Type::Boolean,
            ));
        }
        Err(self.mismatch(expr, call, a, b))
    }

    fn comparison(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let (left, right) = self.operands(expr, call)?;
        let (a, b) = (&left.info.ty, &right.info.ty);
        let numeric = |ty: &Type| matches!(ty, Type::Integer | Type::Number);
        let ordered =
            |ty: &Type| numeric(ty) || matches!(ty, Type::Text | Type::Boolean | Type::Any);
        if ordered(a) && ordered(b) && (a.fits(b) || numeric(a) && numeric(b)) {
            return Ok(Self::finish(
                expr,
                &call.func_name,
                left,
                right,
                Type::Boolean,
            ));
        }
        Err(self.mismatch(expr, call, a, b))
    }

    fn arithmetic(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        if call.func_name == op::SUBSTRACT {
            self.check_dashed_name(expr)?;
        }
        let (left, right) = self.operands(expr, call)?;
        let (a, b) = (&left.info.ty, &right.info.ty);
        let takes = |ty: &Type| match (ty, call.func_name.as_str()) {
            (Type::Any | Type::Integer, _) | (Type::Text | Type::List(_), op::ADD) => true,
            (Type::Number, name) => name != op::MODULO,
            _ => false,
        };
        let lists = matches!((a, b), (Type::List(_), Type::List(_)));
        if !(takes(a) && takes(b) && (a.fits(b) || lists)) {
            return Err(self.mismatch(expr, call, a, b));
        }
        let ty = match (a, b) {
            (Type::List(x), Type::List(y)) => Type::list(x.join(y)),
            (Type::Any, Type::List(_)) | (Type::List(_), Type::Any) => Type::list(Type::Any),
            (Type::Any, other) | (other, Type::Any) => other.clone(),
            _ => a.clone(),
        };
        let items = left
            .info
            .items
            .zip(right.info.items)
            .map(|(a, b)| a.saturating_add(b));
        let number = matches!(ty, Type::Integer | Type::Number);
        let plain = call.func_name != op::ADD || number;
        let name = if plain {
            call.func_name.as_str()
        } else {
            "@plus"
        };
        let mut checked = Self::finish(expr, name, left, right, ty);
        checked.info.items = items;
        checked.tree = flat_sum(checked.tree);
        Ok(checked)
    }

    fn negation(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let [operand] = call.args.as_slice() else {
            return Err(self.error(expr, "`-` needs a value"));
        };
        let checked = self.value(operand)?;
        if !matches!(checked.info.ty, Type::Any | Type::Integer | Type::Number) {
            let message = format!("`-` does not take {}", checked.info.ty);
            return Err(self.error(expr, message));
        }
        Ok(Checked {
            tree: own_call(expr.id, op::NEGATE, vec![checked.tree]),
            info: Info::new(checked.info.ty, checked.info.cost),
        })
    }

    fn membership(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let (left, right) = self.operands(expr, call)?;
        let (a, b) = (&left.info.ty, &right.info.ty);
        let fits = match b {
            Type::Any => true,
            Type::List(item) => a.fits(item),
            Type::Map(_) => a.fits(&Type::Text),
            _ => false,
        };
        if !fits {
            return Err(self.mismatch(expr, call, a, b));
        }
        let searched = right.info.items.unwrap_or(UNDECLARED_MAX_ITEMS);
        let mut checked = Self::finish(expr, op::IN, left, right, Type::Boolean);
        checked.info.cost = checked.info.cost.saturating_add(searched);
        Ok(checked)
    }

    /// `params.pool-mode` is read as a subtraction: says how the name is written.
    fn check_dashed_name(&self, expr: &IdedExpr) -> Result<(), ExpressionError> {
        let mut parts = Vec::new();
        let mut place = expr;
        loop {
            match &place.expr {
                Expr::Call(CallExpr {
                    func_name, args, ..
                }) if func_name == op::SUBSTRACT => {
                    let [left, right] = args.as_slice() else {
                        return Ok(());
                    };
                    let Expr::Ident(part) = &right.expr else {
                        return Ok(());
                    };
                    parts.push(part.as_str());
                    place = left;
                }
                Expr::Select(SelectExpr { operand, field, .. }) => {
                    let Some(root) = self.declaring_root(operand) else {
                        return Ok(());
                    };
                    parts.push(field);
                    parts.reverse();
                    return self.check_joined(place, root, &parts);
                }
                _ => return Ok(()),
            }
        }
    }

    fn check_joined(
        &self,
        at: &IdedExpr,
        root: &str,
        parts: &[&str],
    ) -> Result<(), ExpressionError> {
        let declared = if root == "params" {
            &self.scope.parameters
        } else {
            &self.scope.variables
        };
        let joined = parts.join("_");
        if parts.len() < 2 || !declared.contains_key(&joined) {
            return Ok(());
        }
        let written = parts.join("-");
        Err(self
            .error(at, format!("`{root}.{written}` is read as a subtraction"))
            .hint(format!("write `{root}.{joined}`")))
    }
}

/// `a + b + c` as one call, so that a long text of many parts is neither deep nor copied again
/// with each part.
fn flat_sum(tree: IdedExpr) -> IdedExpr {
    let is_sum = |expr: &IdedExpr| match &expr.expr {
        Expr::Call(call) => call.func_name == "@plus",
        _ => false,
    };
    match tree.expr {
        Expr::Call(CallExpr {
            func_name,
            mut args,
            target,
        }) if func_name == "@plus" && args.first().is_some_and(is_sum) => {
            let left = args.remove(0);
            if let Expr::Call(CallExpr {
                args: mut terms, ..
            }) = left.expr
            {
                terms.append(&mut args);
                args = terms;
            }
            let sum = Expr::Call(CallExpr {
                func_name,
                args,
                target,
            });
            IdedExpr {
                id: tree.id,
                expr: sum,
            }
        }
        expr => IdedExpr { id: tree.id, expr },
    }
}
