//! How deep a tree is: the interpreter recurses as deep. And how many loops multiply in it.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// The depth of a tree. A loop counts twice, as it has frames of its own.
pub(in crate::expression) fn of(tree: &IdedExpr) -> usize {
    let deepest = || parts(tree).into_iter().map(of).max().unwrap_or(0);
    1 + match &tree.expr {
        Expr::Select(select) => field_depth(&select.operand),
        Expr::Comprehension(_) => 1 + deepest(),
        _ => deepest(),
    }
}

/// How many loops stand inside one another.
pub(in crate::expression) fn loops(tree: &IdedExpr) -> usize {
    let below = parts(tree).into_iter().map(loops).max().unwrap_or(0);
    below + usize::from(matches!(tree.expr, Expr::Comprehension(_)))
}

/// The trees that a tree is made of.
fn parts(tree: &IdedExpr) -> Vec<&IdedExpr> {
    match &tree.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call.args.iter().chain(call.target.as_deref()).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|e| of_entry(&e.expr)).collect(),
        Expr::Struct(object) => {
            let entries = object.entries.iter();
            entries.flat_map(|entry| of_entry(&entry.expr)).collect()
        }
        Expr::Comprehension(of) => vec![
            &of.iter_range,
            &of.accu_init,
            &of.loop_cond,
            &of.loop_step,
            &of.result,
        ],
    }
}

/// Fields of a name are looked up together, without recursion.
fn field_depth(operand: &IdedExpr) -> usize {
    let mut place = operand;
    while let Expr::Select(select) = &place.expr {
        place = &select.operand;
    }
    match &place.expr {
        Expr::Ident(_) => 0,
        _ => of(operand),
    }
}

fn of_entry(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}
