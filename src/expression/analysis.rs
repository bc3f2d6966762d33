//! Names, types, reads and bounds of a parsed expression.
//!
//! One walk over the tree checks what the interpreter would only notice on a pod, and builds the
//! tree that is evaluated:
//!
//! * `params.x` becomes one name, so that it is found at once;
//! * what a comprehension goes over is wrapped in `@items`, which bounds it and sorts the keys of
//!   a map; functions that go over a list get it through `@bounded`;
//! * what is made or copied is paid for by `@made`, and what a loop looks at by `@seen`;
//! * `+` on anything but numbers becomes `@plus`, and patterns are compiled.

mod access;
mod calls;
mod comprehension;
pub(super) mod depth;
mod literals;
mod operators;

use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo};
use cel::{IdedExpr, Program};

use super::error::ExpressionError;
use super::library::Pattern;
use super::reads::{Paths, Reads};
use super::scope::Scope;
use super::types::Type;

/// How many steps an expression may take at most: comprehensions multiply.
const MAX_STEPS: u64 = 1_000_000;

/// How deep the parsed tree may be. Macros make it deeper than the text is.
const MAX_TREE_DEPTH: usize = 160;

/// How deep the tree to evaluate may be. The interpreter takes up to 45 KiB of stack for each
/// level in a debug build, and a thread of the server has 2 MiB.
pub(super) const MAX_EVALUATION_DEPTH: usize = 32;

/// What the analysis found.
pub(super) struct Analysed {
    /// The tree to evaluate.
    pub(super) tree: IdedExpr,
    pub(super) result: Type,
    pub(super) max_items: Option<u64>,
    pub(super) reads: Reads,
    pub(super) patterns: Vec<Pattern>,
    pub(super) plain_parameter: Option<String>,
}

/// Checks a parsed expression against the names of `scope`.
pub(super) fn analyse(
    program: &Program,
    source: &str,
    scope: &Scope,
) -> Result<Analysed, ExpressionError> {
    let mut analyser = Analyser {
        positions: program.source_info(),
        source,
        scope,
        reads: Reads::default(),
        patterns: Vec::new(),
        locals: Vec::new(),
        loops: Vec::new(),
        widest: Vec::new(),
        depth: 0,
    };
    let root = program.expression();
    let checked = analyser.value(root)?;
    if checked.info.cost > MAX_STEPS {
        return Err(analyser.too_many_steps());
    }
    if depth::of(&checked.tree) > MAX_EVALUATION_DEPTH {
        return Err(analyser.too_deep(root));
    }
    Ok(Analysed {
        max_items: checked.info.items,
        result: checked.info.ty,
        plain_parameter: plain_parameter(&checked.tree),
        tree: checked.tree,
        reads: analyser.reads,
        patterns: analyser.patterns,
    })
}

fn plain_parameter(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Ident(name) => name.strip_prefix("params.").map(str::to_owned),
        _ => None,
    }
}

/// A root whose fields are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Pod,
    App,
    Own,
    Apps,
    Namespace,
}

impl Root {
    fn name(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::App => "app",
            Self::Own => "self",
            Self::Apps => "apps",
            Self::Namespace => "namespaceObject",
        }
    }
}

/// Where in the data of a root a value lies, while that is still being spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    root: Root,
    path: Vec<String>,
    /// The value is a list whose elements lie there.
    each: bool,
}

/// What is known of a value before it exists.
#[derive(Clone, Debug)]
struct Info {
    ty: Type,
    /// How many elements it has at most, where that is known.
    items: Option<u64>,
    /// How many steps it takes.
    cost: u64,
    origin: Option<Origin>,
}

impl Info {
    fn new(ty: Type, cost: u64) -> Self {
        Self {
            ty,
            items: None,
            cost: cost.saturating_add(1),
            origin: None,
        }
    }

    fn with_items(mut self, items: Option<u64>) -> Self {
        self.items = items;
        self
    }
}

/// A checked and rewritten part of an expression.
struct Checked {
    tree: IdedExpr,
    info: Info,
}

/// A variable of a comprehension.
struct Local {
    name: String,
    info: Info,
}

/// A comprehension around the current place.
#[derive(Clone)]
struct Loop {
    /// What it goes over, as it is written.
    over: String,
    bound: u64,
}

struct Analyser<'s> {
    positions: &'s SourceInfo,
    source: &'s str,
    scope: &'s Scope,
    reads: Reads,
    patterns: Vec<Pattern>,
    locals: Vec<Local>,
    loops: Vec<Loop>,
    /// The nest of comprehensions that multiplies most.
    widest: Vec<Loop>,
    depth: usize,
}

type Check = Result<Checked, ExpressionError>;

impl Analyser<'_> {
    /// The byte offset of a part. The parser counts characters.
    fn offset(&self, id: u64) -> usize {
        let characters = self.positions.offset_for(id).map_or(0, |(start, _)| start);
        let characters = usize::try_from(characters).unwrap_or(usize::MAX);
        self.source
            .char_indices()
            .nth(characters)
            .map_or(self.source.len(), |(offset, _)| offset)
    }

    fn error(&self, at: &IdedExpr, message: impl Into<String>) -> ExpressionError {
        ExpressionError::at(self.offset(at.id), message)
    }

    /// Checks a part whose value is used as it is: if it is a field of the data, that is read.
    fn value(&mut self, expr: &IdedExpr) -> Check {
        let mut checked = self.open(expr)?;
        self.settle(expr, &mut checked.info)?;
        Ok(checked)
    }

    /// Notes a field of the data as read.
    fn settle(&mut self, at: &IdedExpr, info: &mut Info) -> Result<(), ExpressionError> {
        let Some(origin) = info.origin.take() else {
            return Ok(());
        };
        self.check_path(at, &origin)?;
        self.paths(origin.root).insert(origin.path);
        Ok(())
    }

    fn paths(&mut self, root: Root) -> &mut Paths {
        match root {
            Root::Pod => &mut self.reads.pod,
            Root::App => &mut self.reads.app,
            Root::Own => &mut self.reads.own,
            Root::Apps => &mut self.reads.apps,
            Root::Namespace => &mut self.reads.namespace,
        }
    }

    /// Checks a part of which a field may yet be taken.
    fn open(&mut self, expr: &IdedExpr) -> Check {
        self.depth += 1;
        if self.depth > MAX_TREE_DEPTH {
            return Err(self.too_deep(expr));
        }
        let checked = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => self.list(expr, list),
            Expr::Map(map) => self.map(expr, map),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Struct(_) => Err(self
                .error(expr, "objects of named types cannot be made")
                .hint("write a map: `{'name': …}`")),
            Expr::Unspecified => Err(self.error(expr, "the expression is not complete")),
        };
        self.depth -= 1;
        checked
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    /// A value that an operator or function looks at: paid for in loops where it can be large.
    fn seen(&self, checked: Checked) -> Checked {
        // What is written out is small, and what one of our functions made is paid for.
        let paid = match &checked.tree.expr {
            Expr::Literal(_) => true,
            Expr::Call(call) => call.func_name.starts_with('@'),
            _ => false,
        };
        if self.loops.is_empty() || paid || checked.info.ty.is_small() {
            return checked;
        }
        Checked {
            tree: call(checked.tree.id, "@seen", vec![checked.tree]),
            info: checked.info,
        }
    }

    fn too_deep(&self, at: &IdedExpr) -> ExpressionError {
        self.error(
            at,
            "too many operators and calls of the expression depend on one another",
        )
        .hint("split it into `variables`")
    }

    fn too_many_steps(&self) -> ExpressionError {
        let nest: Vec<String> = self
            .widest
            .iter()
            .map(|nested| format!("{} (up to {})", nested.over, nested.bound))
            .collect();
        let message = if nest.is_empty() {
            format!("the expression takes more than {MAX_STEPS} steps")
        } else {
            format!(
                "the expression goes over {} and takes more than {MAX_STEPS} steps",
                nest.join(" times "),
            )
        };
        ExpressionError::at(0, message)
            .hint("declare smaller `maxItems`, or go over fewer lists inside one another")
    }
}

/// A value that the interpreter makes or copies: paid for where it can be large.
fn made(checked: Checked) -> Checked {
    if checked.info.ty.is_small() {
        return checked;
    }
    Checked {
        tree: call(checked.tree.id, "@made", vec![checked.tree]),
        info: checked.info,
    }
}

/// A call of one of our own functions.
fn call(id: u64, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr {
        id,
        expr: Expr::Call(CallExpr {
            func_name: name.to_owned(),
            target: None,
            args,
        }),
    }
}

fn integer_literal(id: u64, value: u64) -> IdedExpr {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    IdedExpr {
        id,
        expr: Expr::Literal(LiteralValue::Int(value.into())),
    }
}

fn ident(id: u64, name: String) -> IdedExpr {
    IdedExpr {
        id,
        expr: Expr::Ident(name),
    }
}
