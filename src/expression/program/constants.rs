//! What depends on no pod is evaluated when its template is loaded.

use serde_json::Value;

use super::{Node, Root};
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::evaluator::{Data, Evaluator};
use crate::expression::value::Val;

/// The longest JSON of a value that is kept in its place: a short expression can make a long one,
/// which a template would hold for ever.
const MOST_KEPT: usize = 256;

/// Where there is no data.
struct NoData;

impl<'x> Data<'x> for NoData {
    fn parameter(&self, name: &str) -> Result<Val<'x>, EvaluationError> {
        Err(EvaluationError::Unbound(name.to_owned()))
    }

    fn variable(&self, _: usize, name: &str) -> Result<Val<'x>, EvaluationError> {
        Err(EvaluationError::Unbound(name.to_owned()))
    }

    fn root(&self, root: Root) -> Result<&'x Value, EvaluationError> {
        Err(EvaluationError::Unbound(root.name().to_owned()))
    }

    fn kubernetes_minor(&self) -> Result<i64, EvaluationError> {
        Err(EvaluationError::Unbound("kubernetes.minor".to_owned()))
    }
}

/// Replaces what is constant by its value. What fails, or JSON cannot hold, stays as it is, and
/// fails on a pod.
pub(in crate::expression) fn fold(node: &mut Node) {
    fold_within(node, &Budget::for_constants());
}

fn fold_within(node: &mut Node, budget: &Budget<'_>) {
    if matches!(node, Node::Constant(_)) {
        return;
    }
    node.parts_mut(&mut |part| fold_within(part, budget));
    if is_closed(node, 0)
        && let Some(value) = value(node, budget)
    {
        *node = Node::Constant(value);
    }
}

/// Whether a node needs nothing from outside; `depth`: the variables around it that stand inside
/// what is looked at.
fn is_closed(node: &Node, depth: usize) -> bool {
    let mut closed = match node {
        Node::Parameter(_) | Node::Variable(..) | Node::Root(_) | Node::KubernetesMinor => false,
        Node::Local(distance) => *distance < depth,
        _ => true,
    };
    match node {
        Node::Loop(of) => {
            let inner = of.condition.iter().chain(&of.item);
            return is_closed(&of.over, depth) && { inner }.all(|part| is_closed(part, depth + 1));
        }
        Node::Let(parts) => {
            let [value, body] = parts.as_ref();
            return is_closed(value, depth) && is_closed(body, depth + 1);
        }
        _ => node.parts(&mut |part| closed = closed && is_closed(part, depth)),
    }
    closed
}

fn value(node: &Node, budget: &Budget<'_>) -> Option<Value> {
    let value = Evaluator::new(&NoData, budget).value(node).ok()?;
    let json = is_plain(&value, budget).then(|| value.into_json(budget).ok()?)?;
    json.filter(|value| value.to_string().len() <= MOST_KEPT)
}

/// Whether JSON tells the value from every other.
fn is_plain(value: &Val<'_>, budget: &Budget<'_>) -> bool {
    if budget.step(1).is_err() {
        return false;
    }
    match value {
        Val::Quantity(_) | Val::Optional(..) => false,
        Val::List(items, _) => items.iter().all(|item| is_plain(item, budget)),
        Val::Map(entries, _) => entries
            .iter()
            .all(|(key, value)| matches!(key, Val::Text(_)) && is_plain(value, budget)),
        _ => true,
    }
}
