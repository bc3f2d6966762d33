//! The match conditions of a webhook configuration, as the API server evaluates them.
//!
//! They are CEL as well, but not a template's: they see `object`, `oldObject` and `request`, they
//! are not typed, and their author may use every function of the API server. So they are parsed
//! and evaluated here without the analysis, behind the same scan. What this interpreter does not
//! have (`authorizer`, URLs, addresses) is an error of its own and never a guess.

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, IdedExpr, Value as CelValue};
use serde_json::Value;

use super::analysis::{MAX_EVALUATION_DEPTH, depth};
use super::budget::Budget;
use super::compiled::{ENVIRONMENT, parse_with_much_stack};
use super::convert::{kind_name, to_cel};
use super::error::{EvaluationError, ExpressionError};
use super::{failure, scan};

/// Loops inside one another multiply; the API server's own budget ends more of them than this.
const MAX_LOOPS: usize = 2;

/// A compiled match condition.
pub struct AdmissionCondition {
    tree: IdedExpr,
}

impl fmt::Debug for AdmissionCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionCondition").finish_non_exhaustive()
    }
}

/// What a match condition reads.
pub struct AdmissionData {
    object: Box<dyn Val>,
    request: Box<dyn Val>,
}

impl fmt::Debug for AdmissionData {
    /// Without values: these may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionData").finish_non_exhaustive()
    }
}

impl AdmissionData {
    /// The data of a creation: `oldObject` is null.
    pub fn of_creation(object: &Value, request: &Value) -> Self {
        Self {
            object: to_cel(object),
            request: to_cel(request),
        }
    }
}

/// `oldObject` of a creation.
static NULL: LazyLock<Box<dyn Val>> = LazyLock::new(|| to_cel(&Value::Null));

impl VariableResolver for AdmissionData {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let value = match name {
            "object" => &self.object,
            "oldObject" => &*NULL,
            "request" => &self.request,
            _ => return None,
        };
        Some(CowVal::Borrowed(value.as_ref()))
    }
}

impl AdmissionCondition {
    /// Parses a condition. The error says what this interpreter does not take; the API server may
    /// take it all the same.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        scan::scan(source)?;
        parse_with_much_stack(|| Self::parse(source))
    }

    fn parse(source: &str) -> Result<Self, ExpressionError> {
        let program = ENVIRONMENT
            .compile(source)
            .map_err(|errors| failure::of_parsing(source, &errors))?;
        let tree = program.expression().clone();
        if depth::of(&tree) > MAX_EVALUATION_DEPTH {
            return Err(ExpressionError::at(0, "the expression is nested too deep"));
        }
        if depth::loops(&tree) > MAX_LOOPS {
            let message = format!("more than {MAX_LOOPS} loops stand inside one another");
            return Err(ExpressionError::at(0, message));
        }
        Ok(Self { tree })
    }

    /// Whether the condition is true.
    pub fn holds(&self, data: &AdmissionData) -> Result<bool, EvaluationError> {
        let _budget = Budget::start();
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(data);
        let value = CelValue::resolve_val(&self.tree, &context)
            .map_err(|error| failure::of_evaluation(&error, None))?;
        match value.as_ref().downcast_ref::<CelBool>() {
            Some(flag) => Ok(*flag.inner()),
            None => Err(EvaluationError::NotBoolean(kind_name(value.as_ref()))),
        }
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
        let nested = "!!(".repeat(40);
        let loops = "object.a.all(a, object.a.all(b, object.a.all(c, true)))";
        for source in [nested.as_str(), loops] {
            assert!(AdmissionCondition::compile(source).is_err(), "{source}");
        }
    }
}
