//! The match conditions of a webhook configuration, as the API server evaluates them.
//!
//! They are CEL as well, but not a template's: they see `object`, `oldObject` and `request`, of which
//! no type is known, and their author may use every function of the API server. What is not known
//! here (`authorizer`, URLs, addresses) is an error of its own and never a guess.

use serde_json::Value;

use super::analysis;
use super::budget::Budget;
use super::compiled::truth;
use super::error::{EvaluationError, ExpressionError};
use super::evaluator::{Data, Evaluator};
use super::parser;
use super::program::{Node, Root};
use super::scope::Scope;
use super::value::Val;

/// A compiled match condition.
#[derive(Debug)]
pub(crate) struct AdmissionCondition {
    program: Node,
}

/// What a match condition reads.
#[derive(Clone, Copy)]
pub(crate) struct AdmissionData<'v> {
    object: &'v Value,
    request: &'v Value,
}

impl<'v> AdmissionData<'v> {
    /// The data of a creation: `oldObject` is null.
    pub(crate) fn of_creation(object: &'v Value, request: &'v Value) -> Self {
        Self { object, request }
    }
}

impl<'v: 'x, 'x> Data<'x> for AdmissionData<'v> {
    fn parameter(&self, name: &str) -> Result<Val<'x>, EvaluationError> {
        Err(EvaluationError::Unbound(name.to_owned()))
    }

    fn variable(&self, _: usize, name: &str) -> Result<Val<'x>, EvaluationError> {
        Err(EvaluationError::Unbound(name.to_owned()))
    }

    fn root(&self, root: Root) -> Result<&'x Value, EvaluationError> {
        match root {
            Root::Object => Ok(self.object),
            Root::OldObject => Ok(&Value::Null),
            Root::Request => Ok(self.request),
            _ => Err(EvaluationError::Unbound(root.name().to_owned())),
        }
    }

    fn kubernetes_minor(&self) -> Result<i64, EvaluationError> {
        Err(EvaluationError::Unbound("kubernetes.minor".to_owned()))
    }
}

impl AdmissionCondition {
    /// Compiles a condition. The error says what is not known here; the API server may take it all
    /// the same.
    pub(crate) fn compile(source: &str) -> Result<Self, ExpressionError> {
        let parsed = parser::parse(source)?;
        let scope = Scope::of_match_condition();
        let program = analysis::analyse(&parsed, source, &scope)?.program;
        Ok(Self { program })
    }

    /// Whether the condition is true.
    pub(crate) fn holds(&self, data: &AdmissionData<'_>) -> Result<bool, EvaluationError> {
        let budget = Budget::new();
        truth(&Evaluator::new(data, &budget).value(&self.program)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluate(source: &str) -> Result<bool, String> {
        let object = json!({
            "metadata": {"name": "web", "annotations": {"pillion.dev/inject": "pgbouncer"}},
            "spec": {"containers": [{"name": "app"}], "hostNetwork": true},
        });
        let request = json!({"operation": "CREATE", "namespace": "shop",
            "userInfo": {"username": "jane", "groups": ["system:authenticated"]}});
        let data = AdmissionData::of_creation(&object, &request);
        let condition = AdmissionCondition::compile(source).map_err(|error| error.to_string())?;
        condition.holds(&data).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_see_what_the_api_server_gives_them() {
        let table = [
            (
                "object.metadata.?annotations['pillion.dev/inject'].hasValue()",
                true,
            ),
            (
                "!object.metadata.?annotations['pillion.dev/inject'].hasValue()",
                false,
            ),
            ("object.metadata.?labels['a'].hasValue()", false),
            ("object.metadata.?labels['a'].orValue('x') == 'x'", true),
            (
                "has(object.spec.hostNetwork) && object.spec.hostNetwork",
                true,
            ),
            ("oldObject == null", true),
            (
                "request.operation == 'CREATE' && request.namespace == 'shop'",
                true,
            ),
            ("!('system:nodes' in request.userInfo.groups)", true),
            (
                "request.userInfo.groups.exists(g, g.startsWith('system:'))",
                true,
            ),
            (
                "object.spec.containers.all(c, c.name != 'istio-proxy')",
                true,
            ),
            ("object.spec.containers.size() == 1", true),
            ("object.metadata.name.matches('^w')", true),
        ];
        for (source, expected) in table {
            assert_eq!(evaluate(source), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_an_error_and_no_guess() {
        let table = [
            (
                "authorizer.group('').resource('pods').check('get').allowed()",
                "authorizer",
            ),
            ("object.spec.nodeName == 'a'", "nodeName"),
            ("object.metadata.name", "true or false"),
            ("object.", "not a CEL expression"),
            ("nothing == 1", "nothing"),
        ];
        for (source, expected) in table {
            let error = evaluate(source).unwrap_err();
            assert!(error.contains(expected), "{source}: {error}");
        }
    }

    #[test]
    fn hostile_conditions_are_refused_before_they_are_parsed() {
        assert!(AdmissionCondition::compile(&"!!(".repeat(40)).is_err());
        let loops = "[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]].all(r, r.all(a, r.all(b, r.all(c, r.all(d, \
                     r.all(e, r.all(f, r.all(g, object != null && a > -1))))))))";
        let error = evaluate(loops).unwrap_err();
        assert!(error.contains("steps"), "{error}");
    }
}
