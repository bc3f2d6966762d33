//! Names, types and reads of a parsed expression, which becomes a program.
//!
//! One walk over the tree checks what would else be noticed on a pod only, as the API server does
//! before it takes a policy, and lowers what it has checked.

mod access;
mod calls;
mod comprehension;
mod literals;
mod operators;

use cel::IdedExpr;
use cel::common::ast::{Expr, SourceInfo};

use super::error::ExpressionError;
use super::parser::{Parsed, byte_offset};
use super::program::{self, Node, Root};
use super::reads::{Paths, Reads};
use super::scope::Scope;
use super::types::Type;

/// How deep the parsed tree may be. Macros make it deeper than the text is; the evaluator recurses
/// as deep, and takes less than 1 KiB of stack for each level in a release build.
const MAX_DEPTH: usize = 160;

pub(super) struct Analysed {
    pub(super) program: Node,
    pub(super) result: Type,
    pub(super) reads: Reads,
}

/// Checks a parsed expression against the names of `scope`.
pub(super) fn analyse(
    parsed: &Parsed,
    source: &str,
    scope: &Scope,
) -> Result<Analysed, ExpressionError> {
    let mut analyser = Analyser {
        positions: &parsed.positions,
        source,
        scope,
        reads: Reads::default(),
        locals: Vec::new(),
        depth: 0,
    };
    let Checked { mut node, info } = analyser.value(&parsed.tree)?;
    program::fold(&mut node);
    Ok(Analysed {
        program: node,
        result: info.ty,
        reads: analyser.reads,
    })
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
    origin: Option<Origin>,
}

impl Info {
    fn new(ty: Type) -> Self {
        Self { ty, origin: None }
    }
}

/// A checked and lowered part of an expression.
struct Checked {
    node: Node,
    info: Info,
}

impl Checked {
    fn new(node: Node, ty: Type) -> Self {
        Self {
            node,
            info: Info::new(ty),
        }
    }
}

/// A variable of a loop or binding.
struct Local {
    name: String,
    info: Info,
}

struct Analyser<'s> {
    positions: &'s SourceInfo,
    source: &'s str,
    scope: &'s Scope,
    reads: Reads,
    locals: Vec<Local>,
    depth: usize,
}

type Check = Result<Checked, ExpressionError>;

impl Analyser<'_> {
    /// The byte offset of a part. The parser counts characters.
    fn offset(&self, id: u64) -> usize {
        let start = self.positions.offset_for(id).map_or(0, |(start, _)| start);
        byte_offset(self.source, usize::try_from(start).unwrap_or(usize::MAX))
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
            Root::Object | Root::OldObject | Root::Request => &mut self.reads.other,
        }
    }

    /// Checks a part of which a field may yet be taken.
    fn open(&mut self, expr: &IdedExpr) -> Check {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.too_deep(expr));
        }
        let checked = match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => self.list(list),
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

    fn too_deep(&self, at: &IdedExpr) -> ExpressionError {
        self.error(
            at,
            "too many operators and calls of the expression depend on one another",
        )
        .hint("split it into `variables`")
    }
}
