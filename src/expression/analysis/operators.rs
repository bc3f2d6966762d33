//! Operators, with the types that the API server's checker takes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, SelectExpr, operators as op};

use super::{Analyser, Check, Checked};
use crate::expression::error::ExpressionError;
use crate::expression::program::{Node, Operator};
use crate::expression::types::Type;

/// An operator on two values, by the name that the parser gives it.
fn named(function: &str) -> Option<Operator> {
    Some(match function {
        op::EQUALS => Operator::Equal,
        op::NOT_EQUALS => Operator::NotEqual,
        op::LESS => Operator::Less,
        op::LESS_EQUALS => Operator::LessOrEqual,
        op::GREATER => Operator::Greater,
        op::GREATER_EQUALS => Operator::GreaterOrEqual,
        op::IN => Operator::In,
        op::SUBSTRACT => Operator::Subtract,
        op::MULTIPLY => Operator::Multiply,
        op::DIVIDE => Operator::Divide,
        op::MODULO => Operator::Remainder,
        _ => return None,
    })
}

impl Analyser<'_> {
    /// An operator, if the call is one.
    pub(super) fn operator(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<Check> {
        if call.target.is_some() {
            return None;
        }
        Some(match call.func_name.as_str() {
            op::CONDITIONAL => self.conditional(expr, call),
            op::LOGICAL_AND => self
                .logical(call, "`&&`")
                .map(|parts| of_truth(Node::And(parts))),
            op::LOGICAL_OR => self
                .logical(call, "`||`")
                .map(|parts| of_truth(Node::Or(parts))),
            op::LOGICAL_NOT => self.not(expr, call),
            op::ADD => self.sum(expr),
            op::NEGATE => self.negation(expr, call),
            op::INDEX | op::OPT_INDEX | op::OPT_SELECT => self.index(expr, call),
            name => self.binary(expr, call, named(name)?),
        })
    }

    /// The condition of something: a boolean.
    pub(super) fn condition(&mut self, expr: &IdedExpr, of: &str) -> Result<Node, ExpressionError> {
        let checked = self.value(expr)?;
        if checked.info.ty.fits(&Type::Boolean) {
            return Ok(checked.node);
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
        let ty = if null && a != b { Type::Any } else { a.join(b) };
        let node = Node::Choice(Box::new([condition, yes.node, no.node]));
        Ok(Checked::new(node, ty))
    }

    fn logical(&mut self, call: &CallExpr, of: &str) -> Result<Vec<Node>, ExpressionError> {
        call.args
            .iter()
            .map(|part| self.condition(part, of))
            .collect()
    }

    fn not(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let [operand] = call.args.as_slice() else {
            return Err(self.error(expr, "`!` needs a value"));
        };
        let operand = self.condition(operand, "`!`")?;
        Ok(of_truth(Node::Not(Box::new(operand))))
    }

    fn mismatch(&self, expr: &IdedExpr, sign: &str, a: &Type, b: &Type) -> ExpressionError {
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

    fn binary(&mut self, expr: &IdedExpr, call: &CallExpr, operator: Operator) -> Check {
        let [left, right] = call.args.as_slice() else {
            return Err(self.error(expr, "an operator needs two values"));
        };
        if operator == Operator::Subtract {
            self.check_dashed_name(expr)?;
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        let (a, b) = (&left.info.ty, &right.info.ty);
        let ty =
            result(operator, a, b).ok_or_else(|| self.mismatch(expr, operator.sign(), a, b))?;
        let node = Node::Binary(operator, Box::new([left.node, right.node]));
        Ok(Checked::new(node, ty))
    }

    /// `a + b + c` as one operation, however long it is.
    fn sum(&mut self, expr: &IdedExpr) -> Check {
        let mut sums = Vec::new();
        let mut first = expr;
        while let Expr::Call(CallExpr {
            func_name, args, ..
        }) = &first.expr
            && func_name == op::ADD
            && let [left, right] = args.as_slice()
        {
            sums.push((first, right));
            first = left;
        }
        let start = self.value(first)?;
        let mut ty = start.info.ty;
        let mut terms = vec![start.node];
        for (sum, term) in sums.into_iter().rev() {
            let term = self.value(term)?;
            let of_sum = added(&ty, &term.info.ty);
            ty = of_sum.ok_or_else(|| self.mismatch(sum, "+", &ty, &term.info.ty))?;
            terms.push(term.node);
        }
        Ok(Checked::new(Node::Sum(terms), ty))
    }

    fn negation(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        let [operand] = call.args.as_slice() else {
            return Err(self.error(expr, "`-` needs a value"));
        };
        let Checked { node, info } = self.value(operand)?;
        if !matches!(info.ty, Type::Any | Type::Integer | Type::Number) {
            let message = format!("`-` does not take {}", info.ty);
            return Err(self.error(expr, message));
        }
        Ok(Checked::new(Node::Negate(Box::new(node)), info.ty))
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
        let joined = parts.join("_");
        let is_declared = match root {
            "params" => self.scope.parameters.contains_key(&joined),
            _ => self.scope.variables.contains_key(&joined),
        };
        if parts.len() < 2 || !is_declared {
            return Ok(());
        }
        let written = parts.join("-");
        Err(self
            .error(at, format!("`{root}.{written}` is read as a subtraction"))
            .hint(format!("write `{root}.{joined}`")))
    }
}

fn of_truth(node: Node) -> Checked {
    Checked::new(node, Type::Boolean)
}

fn is_numeric(ty: &Type) -> bool {
    matches!(ty, Type::Integer | Type::Number)
}

/// The type of an operation; `None` where the operator does not take these types.
fn result(operator: Operator, a: &Type, b: &Type) -> Option<Type> {
    let ordered =
        |ty: &Type| is_numeric(ty) || matches!(ty, Type::Text | Type::Boolean | Type::Any);
    match operator {
        Operator::Equal | Operator::NotEqual => a.fits(b).then_some(Type::Boolean),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            let fits = a.fits(b) || is_numeric(a) && is_numeric(b);
            (ordered(a) && ordered(b) && fits).then_some(Type::Boolean)
        }
        Operator::In => {
            let fits = match b {
                Type::Any => true,
                Type::List(item) => a.fits(item),
                Type::Map(_) => a.fits(&Type::Text),
                _ => false,
            };
            fits.then_some(Type::Boolean)
        }
        _ => {
            let takes = |ty: &Type| match ty {
                Type::Any | Type::Integer => true,
                Type::Number => operator != Operator::Remainder,
                _ => false,
            };
            (takes(a) && takes(b) && a.fits(b)).then(|| known(a, b))
        }
    }
}

/// The type of a sum.
fn added(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::List(x), Type::List(y)) => return Some(Type::list(x.join(y))),
        (Type::Any, Type::List(_)) | (Type::List(_), Type::Any) => {
            return Some(Type::list(Type::Any));
        }
        _ => {}
    }
    let takes = |ty: &Type| is_numeric(ty) || matches!(ty, Type::Any | Type::Text | Type::List(_));
    (takes(a) && takes(b) && a.fits(b)).then(|| known(a, b))
}

/// The more exact of two types that fit.
fn known(a: &Type, b: &Type) -> Type {
    match a {
        Type::Any => b.clone(),
        known => known.clone(),
    }
}
