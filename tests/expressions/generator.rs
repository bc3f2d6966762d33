//! Expressions that are well typed, made by chance, over data that may be absent or of another
//! type.

use super::data::{Kind, OPTIONALS, PATHS, PATTERNS, TEXTS, VARIABLES};

/// Makes expressions; the same ones from the same seed.
pub(crate) struct Generator {
    state: u64,
    /// The variables of the loops around.
    locals: Vec<(String, Kind)>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed | 1,
            locals: Vec::new(),
        }
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % bound
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    /// An expression with a result that both sides can name.
    pub(crate) fn expression(&mut self) -> (Kind, String) {
        let kinds = [
            Kind::Text,
            Kind::Integer,
            Kind::Number,
            Kind::Boolean,
            Kind::Boolean,
            Kind::Texts,
            Kind::Integers,
            Kind::TextMap,
            Kind::Unknown,
        ];
        let kind = kinds[self.below(kinds.len())];
        let depth = 1 + self.below(4);
        (kind, self.of(kind, depth))
    }

    fn of(&mut self, kind: Kind, depth: usize) -> String {
        if depth == 0 || self.below(8) == 0 {
            return self.leaf(kind);
        }
        let depth = depth - 1;
        // What any type can be made by.
        match self.below(14) {
            0 => {
                let (a, b, c) = (
                    self.of(Kind::Boolean, depth),
                    self.of(kind, depth),
                    self.of(kind, depth),
                );
                return format!("({a} ? {b} : {c})");
            }
            1 => {
                let (a, b) = (self.of(kind, depth), self.of(kind, depth));
                let wrap = self.pick(&["optional.of", "optional.ofNonZeroValue"]);
                return format!("{wrap}({a}).orValue({b})");
            }
            2 => {
                let (a, b) = (self.of(kind, depth), self.of(kind, depth));
                return format!("[{a}, {b}][{}]", self.of(Kind::Integer, depth.min(1)));
            }
            3 => {
                let (a, b) = (self.of(kind, depth), self.of(kind, depth));
                let key = self.pick(&["a", "b", "c"]);
                return format!("{{'a': {a}, 'b': {b}}}.{key}");
            }
            _ => {}
        }
        match kind {
            Kind::Text => self.text(depth),
            Kind::Integer => self.integer(depth),
            Kind::Number => self.number(depth),
            Kind::Boolean => self.boolean(depth),
            Kind::Texts => self.list(Kind::Text, depth),
            Kind::Integers => self.list(Kind::Integer, depth),
            Kind::TextMap => {
                let (a, b) = (self.of(Kind::Text, depth), self.of(Kind::Text, depth));
                let key = self.of(Kind::Text, depth.min(1));
                format!("{{{key}: {a}, 'k': {b}, ?'o': optional.ofNonZeroValue({a})}}")
            }
            Kind::Unknown => self.unknown(depth),
        }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let locals: Vec<_> = self.locals.iter().filter(|(_, of)| *of == kind).collect();
        let locals: Vec<_> = locals.into_iter().map(|(name, _)| name.clone()).collect();
        if !locals.is_empty() && self.below(2) == 0 {
            return locals[self.below(locals.len())].clone();
        }
        let variables: Vec<_> = VARIABLES.iter().filter(|(_, of, _)| *of == kind).collect();
        if !variables.is_empty() && self.below(2) == 0 {
            return format!("variables.{}", variables[self.below(variables.len())].0);
        }
        let literals: &[&str] = match kind {
            Kind::Text => TEXTS,
            Kind::Integer => &[
                "0",
                "1",
                "-1",
                "2",
                "7",
                "1024",
                "-9223372036854775808",
                "9007199254740993",
            ],
            Kind::Number => &[
                "0.0",
                "1.0",
                "-0.5",
                "2.5",
                "1e10",
                "1e21",
                "123456.0",
                "1e-7",
                "9007199254740992.0",
            ],
            Kind::Boolean => &["true", "false"],
            Kind::Texts => &["['b', 'a', 'b']", "['ñ', 'n', '日']", "['x']"],
            Kind::Integers => &["[1, 2, 2]", "[9223372036854775807, 1]", "[0]"],
            Kind::TextMap => &["{'a': 'x'}", "{'b': 'y', 'a': 'z'}"],
            Kind::Unknown => PATHS,
        };
        self.pick(literals).to_owned()
    }

    fn text(&mut self, depth: usize) -> String {
        let a = self.of(Kind::Text, depth);
        match self.below(13) {
            0 => format!("({a} + {})", self.of(Kind::Text, depth)),
            1 => format!("{a}.{}()", self.pick(&["lowerAscii", "upperAscii", "trim"])),
            2 => format!("{a}.substring({})", self.of(Kind::Integer, depth.min(1))),
            3 => {
                let (start, end) = (self.below(4), self.below(6));
                format!("{a}.substring({start}, {end})")
            }
            4 => format!("{a}.charAt({})", self.below(5)),
            5 => {
                let (b, c) = (
                    self.of(Kind::Text, depth.min(1)),
                    self.of(Kind::Text, depth.min(1)),
                );
                format!("{a}.replace({b}, {c})")
            }
            6 => {
                let (b, c) = (self.leaf(Kind::Text), self.leaf(Kind::Text));
                let count = self.pick(&["-1", "0", "1", "2"]);
                format!("{a}.replace({b}, {c}, {count})")
            }
            7 => format!("{}.join({a})", self.of(Kind::Texts, depth)),
            8 => format!("string({})", self.of(Kind::Number, depth)),
            9 => format!("string({})", self.of(Kind::Integer, depth)),
            10 => format!("string({})", self.of(Kind::Boolean, depth)),
            11 => format!("{}[{a}]", self.of(Kind::TextMap, depth)),
            _ => format!(
                "{}.{}()",
                self.of(Kind::Texts, depth),
                self.pick(&["min", "max"])
            ),
        }
    }

    fn integer(&mut self, depth: usize) -> String {
        match self.below(13) {
            0..=3 => {
                let (a, b) = (self.of(Kind::Integer, depth), self.of(Kind::Integer, depth));
                format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%"]))
            }
            4 => format!("size({})", self.of(Kind::Text, depth)),
            5 => format!("{}.size()", self.of(Kind::Texts, depth)),
            6 => {
                let (a, b) = (
                    self.of(Kind::Text, depth),
                    self.of(Kind::Text, depth.min(1)),
                );
                format!("{a}.{}({b})", self.pick(&["indexOf", "lastIndexOf"]))
            }
            7 => format!("(-({}))", self.of(Kind::Integer, depth)),
            8 => format!("int({})", self.of(Kind::Number, depth)),
            9 => format!("int({})", self.of(Kind::Text, depth)),
            10 => format!(
                "{}.{}()",
                self.of(Kind::Integers, depth),
                self.pick(&["sum", "min", "max"])
            ),
            11 => {
                let (a, b) = (
                    self.of(Kind::Integers, depth),
                    self.of(Kind::Integer, depth),
                );
                format!("{a}.{}({b})", self.pick(&["indexOf", "lastIndexOf"]))
            }
            _ => {
                let (a, b) = (self.quantity(), self.quantity());
                self.pick(&[
                    "A.asInteger()",
                    "sign(A)",
                    "A.compareTo(B)",
                    "A.add(B).asInteger()",
                    "A.sub(B).asInteger()",
                ])
                .replace('A', &a)
                .replace('B', &b)
            }
        }
    }

    fn quantity(&mut self) -> String {
        let text = self.pick(&[
            "'1'", "'500m'", "'1Gi'", "'2k'", "'-1'", "'1.5'", "'0'", "'1e3'", "'lots'",
        ]);
        format!("quantity({text})")
    }

    fn number(&mut self, depth: usize) -> String {
        match self.below(6) {
            0..=1 => {
                let (a, b) = (self.of(Kind::Number, depth), self.of(Kind::Number, depth));
                format!("({a} {} {b})", self.pick(&["+", "-", "*", "/"]))
            }
            2 => format!("double({})", self.of(Kind::Integer, depth)),
            3 => format!("double({})", self.of(Kind::Text, depth)),
            4 => format!("(-({}))", self.of(Kind::Number, depth)),
            _ => format!("{}.asApproximateFloat()", self.quantity()),
        }
    }

    fn boolean(&mut self, depth: usize) -> String {
        match self.below(18) {
            0..=1 => {
                let (a, b) = (self.of(Kind::Boolean, depth), self.of(Kind::Boolean, depth));
                format!("({a} {} {b})", self.pick(&["&&", "||"]))
            }
            2 => {
                let (a, b) = (self.of(Kind::Unknown, depth), self.of(Kind::Boolean, depth));
                let sign = self.pick(&["&&", "||"]);
                if self.below(2) == 0 {
                    format!("({a} {sign} {b})")
                } else {
                    format!("({b} {sign} {a})")
                }
            }
            3 => format!("!{}", self.of(Kind::Boolean, depth)),
            4..=10 => self.comparison(depth),
            11 => {
                let (a, b) = (
                    self.of(Kind::Text, depth),
                    self.of(Kind::Text, depth.min(1)),
                );
                format!(
                    "{a}.{}({b})",
                    self.pick(&["contains", "startsWith", "endsWith"])
                )
            }
            12 => format!(
                "{}.matches({})",
                self.of(Kind::Text, depth),
                self.pick(PATTERNS)
            ),
            13 => {
                let (list, item) = self.listed(depth);
                let name = format!("v{}", self.locals.len());
                self.locals.push((name.clone(), item));
                let condition = self.of(Kind::Boolean, depth);
                self.locals.pop();
                let macro_name = self.pick(&["all", "exists", "exists_one"]);
                format!("{list}.{macro_name}({name}, {condition})")
            }
            14 => {
                let path = self.pick(&[
                    "pod.spec.hostNetwork",
                    "pod.metadata.labels.app",
                    "pod.metadata.labels.no",
                    "pod.spec.restartPolicy.x",
                    "pod.spec.containers[0].env",
                    "pod.spec.no.more",
                ]);
                format!("has({path})")
            }
            15 => format!("{}.hasValue()", self.pick(OPTIONALS)),
            16 => format!("{}.isSorted()", self.of(Kind::Integers, depth)),
            _ => format!("bool({})", self.of(Kind::Text, depth)),
        }
    }

    /// A comparison.
    fn comparison(&mut self, depth: usize) -> String {
        let comparison = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
        match self.below(7) {
            0 => {
                let kinds = [Kind::Text, Kind::Integer, Kind::Number, Kind::Boolean];
                let kind = kinds[self.below(kinds.len())];
                let (a, b) = (self.of(kind, depth), self.of(kind, depth));
                format!("({a} {comparison} {b})")
            }
            1 => {
                let (a, b) = (self.of(Kind::Integer, depth), self.of(Kind::Number, depth));
                let comparison = self.pick(&["<", "<=", ">", ">="]);
                if self.below(2) == 0 {
                    format!("({a} {comparison} {b})")
                } else {
                    format!("({b} {comparison} {a})")
                }
            }
            2 => {
                let (a, b) = (self.of(Kind::Unknown, depth), self.of(Kind::Unknown, depth));
                format!("({a} {comparison} {b})")
            }
            3 => {
                let kinds = [Kind::Texts, Kind::Integers, Kind::TextMap];
                let kind = kinds[self.below(kinds.len())];
                let (a, b) = (self.of(kind, depth), self.of(kind, depth));
                format!("({a} {} {b})", self.pick(&["==", "!="]))
            }
            4 => format!(
                "({} in {})",
                self.of(Kind::Text, depth),
                self.of(Kind::Texts, depth)
            ),
            5 => format!(
                "({} in {})",
                self.of(Kind::Text, depth),
                self.of(Kind::TextMap, depth)
            ),
            _ => format!(
                "({} in {})",
                self.of(Kind::Unknown, depth),
                self.of(Kind::Unknown, depth)
            ),
        }
    }

    /// Something to go over, and the kind of its elements.
    fn listed(&mut self, depth: usize) -> (String, Kind) {
        match self.below(5) {
            0 => (self.of(Kind::Texts, depth), Kind::Text),
            1 => (self.of(Kind::Integers, depth), Kind::Integer),
            2 => (self.of(Kind::TextMap, depth), Kind::Text),
            3 => ("pod.spec.containers".to_owned(), Kind::Unknown),
            _ => (self.of(Kind::Unknown, depth), Kind::Unknown),
        }
    }

    fn list(&mut self, item: Kind, depth: usize) -> String {
        let kind = if item == Kind::Text {
            Kind::Texts
        } else {
            Kind::Integers
        };
        match self.below(9) {
            0 => format!("({} + {})", self.of(kind, depth), self.of(kind, depth)),
            1 => format!(
                "{}.{}()",
                self.of(kind, depth),
                self.pick(&["reverse", "distinct", "sort"])
            ),
            2 => {
                let (start, end) = (self.below(3), self.below(4));
                format!("{}.slice({start}, {end})", self.of(kind, depth))
            }
            3 => format!(
                "[{}, {}].flatten()",
                self.of(kind, depth),
                self.of(kind, depth)
            ),
            4 | 5 => {
                let (list, of) = self.listed(depth);
                let name = format!("v{}", self.locals.len());
                self.locals.push((name.clone(), of));
                let made = self.of(item, depth);
                self.locals.pop();
                format!("{list}.map({name}, {made})")
            }
            6 => {
                let list = self.of(kind, depth);
                let name = format!("v{}", self.locals.len());
                self.locals.push((name.clone(), item));
                let condition = self.of(Kind::Boolean, depth);
                self.locals.pop();
                format!("{list}.filter({name}, {condition})")
            }
            7 if item == Kind::Text => {
                let (a, b) = (self.of(Kind::Text, depth), self.leaf(Kind::Text));
                match self.below(2) {
                    0 => format!("{a}.split({b})"),
                    _ => format!("{a}.split({b}, {})", self.pick(&["-1", "0", "1", "2"])),
                }
            }
            7 => format!(
                "lists.range({})",
                self.pick(&["0", "3", "-1", "variables.zero + 2"])
            ),
            _ => format!(
                "[{}, ?optional.ofNonZeroValue({})]",
                self.of(item, depth),
                self.of(item, depth)
            ),
        }
    }

    fn unknown(&mut self, depth: usize) -> String {
        match self.below(9) {
            0 => {
                let kinds = [
                    Kind::Text,
                    Kind::Integer,
                    Kind::Number,
                    Kind::Boolean,
                    Kind::Texts,
                    Kind::TextMap,
                ];
                let kind = kinds[self.below(kinds.len())];
                format!("dyn({})", self.of(kind, depth))
            }
            1 => {
                let (a, b) = (self.of(Kind::Unknown, depth), self.of(Kind::Unknown, depth));
                format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%"]))
            }
            2 => format!(
                "dyn({})[{}]",
                self.of(Kind::Texts, depth),
                self.of(Kind::Unknown, depth)
            ),
            3 => format!(
                "dyn({}).{}",
                self.of(Kind::TextMap, depth),
                self.pick(&["a", "k", "missing"])
            ),
            4 => format!(
                "dyn({}.optMap(o, [o, o]).orValue([]))",
                self.pick(OPTIONALS)
            ),
            5 => {
                let (a, b) = (self.pick(OPTIONALS), self.pick(OPTIONALS));
                format!(
                    "{a}.or({b}).orValue({})",
                    self.pick(&["null", "'none'", "0"])
                )
            }
            6 => format!("{}.value()", self.pick(OPTIONALS)),
            7 => format!(
                "dyn([dyn(1), 'a', null, {}])",
                self.of(Kind::Unknown, depth)
            ),
            _ => self.leaf(Kind::Unknown),
        }
    }
}
