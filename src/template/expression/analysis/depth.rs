//! How deep a tree is: the interpreter recurses as deep.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// The depth of a tree. A loop counts twice, as it has frames of its own.
pub(super) fn of(tree: &IdedExpr) -> usize {
    let deepest = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(of).max().unwrap_or(0);
    1 + match &tree.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
        Expr::Select(select) => field_depth(&select.operand),
        Expr::Call(call) => deepest(&mut call.args.iter().chain(call.target.as_deref())),
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => map
            .entries
            .iter()
            .map(|entry| of_entry(&entry.expr))
            .max()
            .unwrap_or(0),
        Expr::Struct(object) => object
            .entries
            .iter()
            .map(|entry| of_entry(&entry.expr))
            .max()
            .unwrap_or(0),
        Expr::Comprehension(parts) => {
            1 + deepest(
                &mut [
                    &parts.iter_range,
                    &parts.accu_init,
                    &parts.loop_cond,
                    &parts.loop_step,
                    &parts.result,
                ]
                .into_iter(),
            )
        }
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

fn of_entry(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::MapEntry(entry) => of(&entry.key).max(of(&entry.value)),
        EntryExpr::StructField(field) => of(&field.value),
    }
}
