//! The typed program that a checked expression becomes.

use serde_json::Value;

use super::functions::{Function, Run};

mod constants;
mod pattern;

pub(super) use constants::fold;
pub(super) use pattern::MAX_SIZE;
pub(crate) use pattern::Pattern;

/// A root whose fields are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Pod,
    App,
    Own,
    Apps,
    Namespace,
    /// Of a webhook's match condition.
    Object,
    OldObject,
    Request,
}

impl Root {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::App => "app",
            Self::Own => "self",
            Self::Apps => "apps",
            Self::Namespace => "namespaceObject",
            Self::Object => "object",
            Self::OldObject => "oldObject",
            Self::Request => "request",
        }
    }
}

/// An operator on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    /// How it is written.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// One operation of a program.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Value),
    Parameter(String),
    /// A variable, by its place among those of its template.
    Variable(usize, String),
    Root(Root),
    KubernetesMinor,
    /// The variable of a loop or binding: 0 for the innermost around it.
    Local(usize),
    /// `a.field`, or `a.?field`.
    Field(Box<Self>, String, Access),
    /// `a[b]`, or `a[?b]`.
    Index(Box<[Self; 2]>, Access),
    /// `has(a.field)`.
    Has(Box<Self>, String),
    Not(Box<Self>),
    Negate(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    /// `a ? b : c`.
    Choice(Box<[Self; 3]>),
    /// `a + b + c`.
    Sum(Vec<Self>),
    Binary(Operator, Box<[Self; 2]>),
    List(Vec<Element>),
    Map(Vec<(Self, Element)>),
    Call(&'static Function, Vec<Self>),
    Matches(Box<Self>, Pattern),
    Loop(Box<Loop>),
    /// A value with a name, and what is evaluated with it.
    Let(Box<[Self; 2]>),
}

/// Whether something that is absent is an error, or an absent optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Required,
    Optional,
}

/// An element of a list, or a value of a map.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) value: Node,
    /// Whether it is written with `?`, and left out where it is absent.
    pub(super) is_optional: bool,
}

/// What a loop gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    /// `exists_one`.
    One,
    /// `map` and `filter`.
    List,
}

/// A loop over a list, or over the keys of a map.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) over: Node,
    /// The condition; of `map` and `filter` only elements are taken for which it is true.
    pub(super) condition: Option<Node>,
    /// What `map` and `filter` take for an element.
    pub(super) item: Option<Node>,
}

/// Calls a function on the nodes that a node is made of, by `iter` or by `iter_mut`.
macro_rules! visit_parts {
    ($node:expr, $visit:expr, $iter:ident $(, $mut:tt)?) => {
        match $node {
            Self::Constant(_)
            | Self::Parameter(_)
            | Self::Variable(..)
            | Self::Root(_)
            | Self::KubernetesMinor
            | Self::Local(_) => {}
            Self::Field(of, ..)
            | Self::Has(of, _)
            | Self::Not(of)
            | Self::Negate(of)
            | Self::Matches(of, _) => $visit(of),
            Self::Index(parts, _) | Self::Binary(_, parts) | Self::Let(parts) => {
                parts.$iter().for_each($visit);
            }
            Self::Choice(parts) => parts.$iter().for_each($visit),
            Self::And(parts) | Self::Or(parts) | Self::Sum(parts) | Self::Call(_, parts) => {
                parts.$iter().for_each($visit);
            }
            Self::List(elements) => {
                for element in elements.$iter() {
                    $visit(&$($mut)? element.value);
                }
            }
            Self::Map(entries) => entries.$iter().for_each(|(key, element)| {
                $visit(key);
                $visit(&$($mut)? element.value);
            }),
            Self::Loop(of) => {
                $visit(&$($mut)? of.over);
                of.condition.$iter().chain(of.item.$iter()).for_each($visit);
            }
        }
    };
}

impl Node {
    /// Calls `visit` on the nodes that this one is made of.
    pub(super) fn parts<'n>(&'n self, visit: &mut dyn FnMut(&'n Self)) {
        visit_parts!(self, visit, iter);
    }

    /// Whether its value is one of what it reads, or has elements of that, and is not made anew. An
    /// empty list or map, as what is absent is replaced by, is nobody's.
    pub(super) fn selects(&self) -> bool {
        match self {
            Self::Root(_) | Self::Local(_) => true,
            Self::Constant(Value::Array(items)) => items.is_empty(),
            Self::Constant(Value::Object(fields)) => fields.is_empty(),
            Self::List(elements) => elements.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Field(of, ..) => of.selects(),
            Self::Index(parts, _) => parts.first().is_some_and(Self::selects),
            Self::Choice(parts) => parts.iter().skip(1).all(Self::selects),
            // Of lists, which may have others beside them: text that is joined, and numbers that are added, are
            // made anew.
            Self::Sum(parts) => {
                parts.iter().any(Self::selects) && parts.iter().any(Self::gives_list)
            }
            Self::Call(function, parts) if matches!(function.run, Run::OrElse { .. }) => {
                parts.iter().all(Self::selects)
            }
            Self::Call(function, parts) => {
                function.selects() && parts.iter().take(1).all(Self::selects)
            }
            Self::Loop(of) => {
                let items = [Some(&of.over), of.item.as_ref()];
                of.kind == LoopKind::List && items.into_iter().flatten().all(Self::selects)
            }
            Self::Let(parts) => parts.iter().all(Self::selects),
            _ => false,
        }
    }

    /// Whether it surely gives a list, as far as that is written.
    fn gives_list(&self) -> bool {
        match self {
            Self::Constant(value) => value.is_array(),
            Self::List(_) => true,
            Self::Loop(of) => of.kind == LoopKind::List,
            Self::Call(_, parts) => parts.iter().any(Self::gives_list),
            Self::Choice(parts) => parts.iter().skip(1).any(Self::gives_list),
            _ => false,
        }
    }

    fn parts_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        visit_parts!(self, visit, iter_mut, mut);
    }
}
