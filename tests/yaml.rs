//! Our reading of YAML and kubectl's, which is that of sigs.k8s.io/yaml, on the same documents: plain
//! and quoted scalars, as values and as keys, flow collections of them, and maps that merge others, made
//! by chance.
//!
//! Where kubectl reads a document we read the same, or refuse it and say why; where it does not, neither
//! do we.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pillion::cli::read_yaml;
use serde_json::Value;

use crate::sampling::cases;

/// The folder of the program that reads as kubectl does.
const TOOLS: &str = "PILLION_CHART_TOOLS";

const SCALARS: [&str; 118] = [
    "null",
    "NULL",
    "Null",
    "nULL",
    "~",
    "true",
    "True",
    "TRUE",
    "tRue",
    "false",
    "fALSE",
    "yes",
    "Yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "0",
    "1",
    "-1",
    "+1",
    "007",
    "0644",
    "0o17",
    "0x1F",
    "0X1F",
    "0b11",
    "1_000",
    "_1",
    "1_",
    "1e3",
    "1E3",
    "1e+3",
    ".5",
    "5.",
    "-.5",
    ".inf",
    "-.inf",
    ".Inf",
    ".INF",
    "+.inf",
    ".nan",
    ".NaN",
    "1.0",
    "1.10",
    "12:30",
    "12:30:45",
    "190:20:30",
    "2001-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "99999999999999999999",
    "18446744073709551615",
    "9223372036854775808",
    "-9223372036854775809",
    "0.1e-400",
    "1e400",
    "a",
    "a b",
    "a:b",
    "a: b",
    "a:",
    "-",
    "- a",
    "-a",
    "?",
    "?a",
    ":",
    ":a",
    "#",
    "#a",
    "a#b",
    "a #b",
    "@",
    "`",
    "%",
    "%a",
    "&a",
    "*",
    "!",
    "!!str 1",
    "!!int 1",
    "\"a\"",
    "'a'",
    "\"a\\nb\"",
    "'it''s'",
    "\"\\x41\\u00e9\"",
    "|",
    ">",
    "[",
    "a,b",
    "<<",
    "=",
    "é",
    "日本",
    "\\",
    "a\\b",
    "http://x:80/y",
    "--flag=a:",
    "1.2.3",
    "v1.0",
    "0x",
    "0b",
    "0o",
    "1e",
    "e1",
    "0.",
    "-0",
    "+0",
    "00",
    "08",
    "0899",
    "1__0",
    "Infinity",
    "NaN",
    "inf",
    "off ",
    "  x",
];

/// What scalars are made of where they are no words.
const CHARACTERS: &[u8] = b"0123456789abcxeEoO_.-+:~#!&*{}[],?|>'\"% yntf";

/// Makes documents; the same ones from the same seed.
struct Generator(u64);

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn scalar(&mut self) -> String {
        match self.below(20) {
            0..=15 => self.pick(&SCALARS).to_owned(),
            16 | 17 => {
                let length = 1 + self.below(8);
                let character = |_| char::from(CHARACTERS[self.below(CHARACTERS.len())]);
                (0..length).map(character).collect()
            }
            _ => {
                let parts = [
                    self.pick(&SCALARS),
                    self.pick(&["", ".", "_", "e", ":", " ", "x"]),
                    self.pick(&SCALARS),
                ];
                parts.concat()
            }
        }
    }

    fn flow(&mut self, depth: usize) -> String {
        let kind = if depth > 2 { 0 } else { self.below(10) };
        match kind {
            0..=4 => self.scalar(),
            5..=7 => {
                let count = self.below(5);
                let items: Vec<_> = (0..count).map(|_| self.flow(depth + 1)).collect();
                let separator = self.pick(&[",", ", ", " , "]);
                format!("[{}{}]", items.join(separator), self.pick(&["", ",", " "]))
            }
            _ => {
                let count = self.below(4);
                let entry = |_| {
                    let key = self.scalar();
                    let colon = self.pick(&[": ", ":", " : ", "?: "]);
                    format!("{key}{colon}{}", self.flow(depth + 1))
                };
                let entries: Vec<_> = (0..count).map(entry).collect();
                format!("{{{}{}}}", entries.join(", "), self.pick(&["", ","]))
            }
        }
    }

    /// A map of three keys in any order, perhaps with a merge between them.
    fn map(&mut self) -> String {
        let mut entries: Vec<String> = (0..self.below(4))
            .map(|value| format!("{}: {value}", ["a", "b", "c"][value]))
            .collect();
        for _ in 0..self.below(3) {
            let other = self.pick(&["*m", "*n", "[*m, *n]", "[*n, {a: 8}]", "{b: 9, <<: *n}"]);
            entries.insert(self.below(entries.len() + 1), format!("<<: {other}"));
        }
        format!("{{{}}}", entries.join(", "))
    }

    fn document(&mut self) -> String {
        match self.below(21) {
            20 => format!(
                "x:\n- &m {{a: 4, b: 5}}\n- &n {{c: 6, <<: *m, b: 7}}\n- {}\n- {}\n",
                self.map(),
                self.map()
            ),
            0..=8 => format!("x: {}\n", self.scalar()),
            9..=16 => format!("x: {}\n", self.flow(0)),
            17 | 18 => format!("x:\n  {}: {}\n", self.scalar(), self.scalar()),
            _ => format!("x:\n- {}\n- {}\n", self.scalar(), self.flow(0)),
        }
    }
}

/// What kubectl reads in each document; `Err`: why it reads none.
fn read_by_kubectl(documents: &[String]) -> Vec<Result<Value, String>> {
    let tools = std::env::var_os(TOOLS)
        .unwrap_or_else(|| panic!("{TOOLS} is not set: run the tests with `make test`"));
    let mut program = Command::new(PathBuf::from(tools).join("yamljson"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    for document in documents {
        write!(input, "{document}\0").unwrap();
    }
    drop(input);
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let read: Vec<_> = text
        .lines()
        .map(|line| match line.strip_prefix('!') {
            Some(why) => Err(why.to_owned()),
            None => Ok(serde_json::from_str(line).unwrap()),
        })
        .collect();
    assert_eq!(read.len(), documents.len());
    read
}

/// Whether two values are the same to a Kubernetes object.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(one), Value::Number(other)) => {
            // The tests' reader of JSON is one digit less exact than kubectl.
            let (one_value, other_value) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            one == other || (one_value - other_value).abs() <= one_value.abs() * 1e-15
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let is_there = |(key, value): (&String, &Value)| {
                theirs.get(key).is_some_and(|other| same(value, other))
            };
            ours.len() == theirs.len() && ours.iter().all(is_there)
        }
        _ => ours == theirs,
    }
}

#[test]
fn documents_are_read_as_kubectl_reads_them_or_refused_with_the_reason() {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let mut generator = Generator(seed.unwrap_or(20_261_130) | 1);
    let documents: Vec<_> = (0..cases(5_000)).map(|_| generator.document()).collect();
    let (mut read, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for (document, theirs) in documents.iter().zip(read_by_kubectl(&documents)) {
        let text = format!("apiVersion: v1\nkind: ConfigMap\n{document}");
        let ours = read_yaml(&text).map(|documents| documents[0]["x"].clone());
        let theirs = theirs.map(|value| value["x"].clone());
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if same(&ours, &theirs) => read += 1,
            (Err(why), Ok(_)) if !why.is_empty() => refused += 1,
            (Err(_), Err(_)) => {}
            (ours, theirs) => wrong.push(format!("{document:?}: {ours:?}, and kubectl {theirs:?}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // Refusing everything would be no difference either.
    assert!(
        read > 5 * refused,
        "{read} read alike, and {refused} refused"
    );
}
