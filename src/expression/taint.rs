//! Whose text an expression's value can hold.
//!
//! `params.secret == '' ? 'any' : 'scram'` reads a parameter and holds nothing of it; what is only
//! compared, counted, matched or looked up by does not come through. Where that cannot be told, a
//! value counts as held.

use std::collections::BTreeSet;

use super::functions::Gives;
use super::program::{Node, Operator};

/// Names of parameters and variables, as expressions write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) parameters: BTreeSet<String>,
    /// Variables; what these hold in turn is not included.
    pub(crate) variables: BTreeSet<String>,
}

/// What the value of a program can hold.
pub(super) fn of(program: &Node) -> Carried {
    let mut carried = Carried::default();
    collect(program, &mut carried);
    carried
}

fn collect(node: &Node, carried: &mut Carried) {
    match node {
        Node::Parameter(name) => drop(carried.parameters.insert(name.clone())),
        Node::Variable(_, name) => drop(carried.variables.insert(name.clone())),
        // The condition only chooses.
        Node::Choice(parts) => {
            let [_, yes, no] = parts.as_ref();
            collect(yes, carried);
            collect(no, carried);
        }
        // The key only looks up.
        Node::Index(parts, _) => {
            let [of, _] = parts.as_ref();
            collect(of, carried);
        }
        node if is_opaque(node) => {}
        node => node.parts(&mut |part| collect(part, carried)),
    }
}

/// Whether a value is a boolean or a number, so that no text comes through.
fn is_opaque(node: &Node) -> bool {
    match node {
        Node::Has(..) | Node::Not(_) | Node::And(_) | Node::Or(_) | Node::Matches(..) => true,
        Node::Binary(operator, _) => matches!(
            operator,
            Operator::Equal
                | Operator::NotEqual
                | Operator::Less
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::GreaterOrEqual
                | Operator::In
        ),
        Node::Call(function, _) => {
            matches!(
                function.gives,
                Gives::Boolean | Gives::Integer | Gives::Number
            )
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Expression, Scope, Type};

    #[test]
    fn what_only_decides_is_not_held() {
        let scope = Scope::new()
            .parameter("a", Type::Text)
            .parameter("b", Type::Text)
            .parameter("l", Type::List(Box::new(Type::Text)))
            .variable("v", Type::Text);
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
