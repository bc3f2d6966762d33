//! Whose text an expression's value can hold.
//!
//! `params.secret == '' ? 'any' : 'scram'` reads a parameter and holds nothing of it; what is only
//! compared, counted, matched or looked up by does not come through. Where that cannot be told, a
//! value counts as held.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr};

/// Functions and operators whose result is a boolean or a number, so that no text comes through.
const OPAQUE: [&str; 26] = [
    "!_",
    "_!=_",
    "_&&_",
    "_<=_",
    "_<_",
    "_==_",
    "_>=_",
    "_>_",
    "_||_",
    "_in_",
    "in",
    "not_strictly_false",
    "asInteger",
    "bool",
    "compareTo",
    "contains",
    "double",
    "endsWith",
    "indexOf",
    "int",
    "isQuantity",
    "lastIndexOf",
    "matches",
    "size",
    "startsWith",
    "uint",
];

/// Names of parameters and variables, as expressions write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Parameters.
    pub parameters: BTreeSet<String>,
    /// Variables; what these hold in turn is not included.
    pub variables: BTreeSet<String>,
}

/// What the value of a checked tree can hold.
pub(super) fn of(tree: &IdedExpr) -> Carried {
    let mut carried = Carried::default();
    collect(&tree.expr, &mut carried);
    carried
}

fn collect(expr: &Expr, carried: &mut Carried) {
    match expr {
        Expr::Unspecified | Expr::Literal(_) => {}
        Expr::Ident(name) => {
            if let Some(name) = name.strip_prefix("params.") {
                carried.parameters.insert(name.to_owned());
            } else if let Some(name) = name.strip_prefix("variables.") {
                carried.variables.insert(name.to_owned());
            }
        }
        Expr::Call(call) => collect_call(call, carried),
        Expr::Comprehension(comprehension) => {
            let parts = [
                &comprehension.iter_range,
                &comprehension.accu_init,
                &comprehension.loop_step,
                &comprehension.result,
            ];
            for part in parts {
                collect(&part.expr, carried);
            }
        }
        Expr::List(list) => list
            .elements
            .iter()
            .for_each(|part| collect(&part.expr, carried)),
        Expr::Map(map) => {
            for entry in &map.entries {
                collect_entry(&entry.expr, carried);
            }
        }
        Expr::Select(select) if select.test => {}
        Expr::Select(select) => collect(&select.operand.expr, carried),
        Expr::Struct(structure) => {
            for entry in &structure.entries {
                collect_entry(&entry.expr, carried);
            }
        }
    }
}

fn collect_entry(entry: &EntryExpr, carried: &mut Carried) {
    match entry {
        EntryExpr::StructField(field) => collect(&field.value.expr, carried),
        EntryExpr::MapEntry(entry) => {
            collect(&entry.key.expr, carried);
            collect(&entry.value.expr, carried);
        }
    }
}

fn collect_call(call: &CallExpr, carried: &mut Carried) {
    let name = call.func_name.trim_start_matches('@');
    if OPAQUE.contains(&name) {
        return;
    }
    let held = match name {
        // The condition only chooses.
        "_?_:_" => call.args.get(1..),
        // The key only looks up.
        "_[_]" | "_[?_]" => call.args.get(..1),
        _ => call.args.get(..),
    };
    let target = call.target.iter().map(AsRef::as_ref);
    for part in target.chain(held.unwrap_or_default()) {
        collect(&part.expr, carried);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Expression, Scope, Type};

    #[test]
    fn what_only_decides_is_not_held() {
        let scope = Scope::new()
            .parameter("a", Type::Text, None)
            .parameter("b", Type::Text, None)
            .parameter("l", Type::List(Box::new(Type::Text)), Some(8))
            .variable("v", Type::Text, None);
        let table: &[(&str, &[&str])] = &[
            ("params.a", &["a"]),
            ("params.a + ':' + params.b", &["a", "b"]),
            ("params.a == '' ? 'x' : 'y'", &[]),
            ("params.a == '' ? 'x' : params.b", &["b"]),
            ("{'x': 'y'}[params.a]", &[]),
            ("{'x': params.b}[params.a]", &["b"]),
            ("{'x': params.b}[?params.a].orValue(params.a)", &["a", "b"]),
            ("size(params.a)", &[]),
            ("params.a.contains('x') && params.b.matches('y')", &[]),
            ("params.a in params.l", &[]),
            ("params.l.map(x, 'y' + x).join(',')", &["l"]),
            ("params.l.filter(x, x != params.a)", &["l"]),
            ("[params.a, {'k': params.b}]", &["a", "b"]),
            ("variables.v + params.a", &["a", "variables.v"]),
            ("app.name", &[]),
            ("params.a.replace('x', params.b)", &["a", "b"]),
        ];
        for (source, expected) in table {
            let expression = Expression::compile(source, &scope);
            let expression = expression.unwrap_or_else(|error| panic!("{source}: {error}"));
            let carried = expression.carried();
            let variables = carried
                .variables
                .iter()
                .map(|name| format!("variables.{name}"));
            let found: Vec<_> = carried
                .parameters
                .iter()
                .cloned()
                .chain(variables)
                .collect();
            assert_eq!(found, *expected, "{source}");
        }
    }
}
