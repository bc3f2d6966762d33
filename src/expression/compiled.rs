//! A compiled expression, and how it is evaluated.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread;

use cel::common::types::CelBool;
use cel::common::value::Val;
use cel::{Context, Env, IdedExpr, Value as CelValue};
use serde_json::Value;

use super::analysis::{self, Analysed};
use super::bindings::{Bindings, Resolver};
use super::budget::Budget;
use super::convert::{kind_name, to_json};
use super::direct::Direct;
use super::error::{EvaluationError, ExpressionError};
use super::failure;
use super::library::{self, Pattern};
use super::reads::Reads;
use super::scan;
use super::scope::Scope;
use super::taint::{self, Carried};
use super::types::Type;

/// The functions, built once: an environment takes longer to build than most expressions to run.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(library::environment()));

/// The stack for compiling, in bytes. The parser takes up to 200 KiB for each bracket in a debug
/// build, more than a thread of the server has for the nesting that the scan allows. Only what is
/// touched is really used.
const COMPILER_STACK: usize = 16 * 1024 * 1024;

/// A compiled expression. Cheap to clone.
#[derive(Clone)]
pub struct Expression {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    tree: IdedExpr,
    result: Type,
    max_items: Option<u64>,
    reads: Reads,
    plain_parameter: Option<String>,
    patterns: Vec<Pattern>,
    direct: Option<Direct>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

thread_local! {
    /// Whether this thread has a stack that is large enough for the parser.
    static HAS_MUCH_STACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs what calls the parser on a thread with a stack that is large enough for it: on this one where
/// it is such a thread already. `None` where it panicked, or no thread could be started.
pub fn with_much_stack<T: Send>(run: impl FnOnce() -> T + Send) -> Option<T> {
    if HAS_MUCH_STACK.get() {
        return Some(run());
    }
    let builder = thread::Builder::new().stack_size(COMPILER_STACK);
    thread::scope(|threads| {
        let running = builder.spawn_scoped(threads, || {
            HAS_MUCH_STACK.set(true);
            run()
        });
        running.ok()?.join().ok()
    })
}

/// The same for what fails with an error of its own.
pub(super) fn parse_with_much_stack<T: Send>(
    parse: impl FnOnce() -> Result<T, ExpressionError> + Send,
) -> Result<T, ExpressionError> {
    let problem = "the parser failed on this expression";
    with_much_stack(parse).unwrap_or_else(|| Err(ExpressionError::at(0, problem)))
}

impl Expression {
    /// Compiles `source` and checks it against the names of `scope`.
    ///
    /// The error holds a byte offset inside `source`, what is wrong, and mostly what would be
    /// right.
    pub fn compile(source: &str, scope: &Scope) -> Result<Self, ExpressionError> {
        scan::scan(source)?;
        parse_with_much_stack(|| Self::parse(source, scope))
    }

    /// Parses and checks, with much stack.
    fn parse(source: &str, scope: &Scope) -> Result<Self, ExpressionError> {
        let program = ENVIRONMENT
            .compile(source)
            .map_err(|errors| failure::of_parsing(source, &errors))?;
        let Analysed {
            tree,
            result,
            max_items,
            reads,
            patterns,
            plain_parameter,
        } = analysis::analyse(&program, source, scope)?;
        Ok(Self {
            inner: Arc::new(Inner {
                source: source.to_owned(),
                direct: Direct::of(&tree),
                tree,
                result,
                max_items,
                reads,
                plain_parameter,
                patterns,
            }),
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The type of its value.
    pub fn result(&self) -> &Type {
        &self.inner.result
    }

    /// How many elements a list or map that it gives can have at most, where that is known.
    pub fn max_items(&self) -> Option<u64> {
        self.inner.max_items
    }

    /// Which data it reads.
    pub fn reads(&self) -> &Reads {
        &self.inner.reads
    }

    /// Whose text its value can hold.
    pub fn carried(&self) -> Carried {
        taint::of(&self.inner.tree)
    }

    /// The parameter, where the expression is nothing but `params.<name>`: its value can then be
    /// used without the interpreter.
    pub fn plain_parameter(&self) -> Option<&str> {
        self.inner.plain_parameter.as_deref()
    }

    /// Evaluates to JSON; `None` for null and for an absent optional.
    ///
    /// Keys of maps that expressions make are sorted. An absent optional inside a list or map is
    /// left out; null stays.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Result<Option<Value>, EvaluationError> {
        if let Some(name) = self.plain_parameter() {
            let value = bindings.source().parameter(name);
            return match value {
                Some(value) => Ok(Some(value.clone()).filter(|value| !value.is_null())),
                None => Err(EvaluationError::Unbound(format!("params.{name}"))),
            };
        }
        let direct = self.inner.direct.as_ref();
        match direct.and_then(|direct| direct.value(bindings.source())) {
            Some(value) => Ok(Some(value)),
            None => self.interpret(bindings),
        }
    }

    /// Evaluates to JSON by the interpreter.
    pub(super) fn interpret(
        &self,
        bindings: &Bindings<'_>,
    ) -> Result<Option<Value>, EvaluationError> {
        self.run(bindings, |value| to_json(value))
    }

    /// How it is answered without the interpreter.
    #[cfg(test)]
    pub(super) fn direct(&self) -> Option<&Direct> {
        self.inner.direct.as_ref()
    }

    /// Evaluates a condition.
    pub fn evaluate_boolean(&self, bindings: &Bindings<'_>) -> Result<bool, EvaluationError> {
        let direct = self.inner.direct.as_ref();
        if let Some(truth) = direct.and_then(|direct| direct.truth(bindings.source())) {
            return Ok(truth);
        }
        self.run(bindings, |value| match value.downcast_ref::<CelBool>() {
            Some(flag) => Ok(*flag.inner()),
            None => Err(EvaluationError::NotBoolean(kind_name(value))),
        })
    }

    /// Evaluates to a value that other expressions can use.
    pub(super) fn evaluate_to_value(
        &self,
        bindings: &Bindings<'_>,
    ) -> Result<Box<dyn Val>, EvaluationError> {
        self.run(bindings, |value| library::into_static(value))
    }

    fn run<T>(
        &self,
        bindings: &Bindings<'_>,
        finish: impl FnOnce(&dyn Val) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        let _budget = Budget::start();
        let resolver = Resolver {
            bindings,
            patterns: &self.inner.patterns,
            failed: OnceLock::new(),
        };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&resolver);
        match CelValue::resolve_val(&self.inner.tree, &context) {
            Ok(value) => finish(value.as_ref()),
            Err(error) => Err(failure::of_evaluation(&error, resolver.failed.get())),
        }
    }
}
