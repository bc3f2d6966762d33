//! Inputs made to exhaust time, memory or the stack.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The stack of a thread that the server runs on.
const STACK: usize = 2 * 1024 * 1024;
/// Far above what is measured, as other work runs on the machine at the same time.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Compiles, and evaluates what compiles. The result is no larger than what was paid for.
fn run(source: &str) -> Result<(), String> {
    let expression = compile(source).map_err(|error| error.to_string())?;
    let data = data();
    let budget = Budget::new();
    let bindings = Bindings::new(&data, expression.reads(), &[], &budget);
    let result = expression.evaluate(&bindings).map_err(|e| e.to_string())?;
    if let Some(result) = result
        && expression.plain_parameter().is_none()
    {
        assert!(bytes_of(&result) <= budget.bytes_made(), "{source}");
    }
    Ok(())
}

/// How many bytes a value takes: its text, and 32 for each of its parts.
fn bytes_of(value: &Value) -> u64 {
    32 + match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(bytes_of).sum(),
        Value::Object(fields) => {
            let sizes = fields
                .iter()
                .map(|(key, value)| key.len() as u64 + bytes_of(value));
            sizes.sum()
        }
        _ => 0,
    }
}

/// The same on a thread with a small stack, and how long it takes.
pub(super) fn endure(source: String) -> (Result<(), String>, Duration) {
    let run = move || {
        let start = Instant::now();
        (run(&source), start.elapsed())
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    thread.unwrap().join().expect("the stack must be enough")
}

/// Repeats `part` about as often as is parsed.
fn at_the_limit(build: impl Fn(usize) -> String) -> String {
    let is_parsed = |count: &usize| parser::check(&build(*count)).is_ok();
    let (mut most, mut refused) = (1, 8 * 1024_usize);
    while refused - most > 1 {
        let middle = most.midpoint(refused);
        if is_parsed(&middle) {
            most = middle;
        } else {
            refused = middle;
        }
    }
    build(most)
}

fn nested(open: &str, inner: &str, close: &str) -> String {
    at_the_limit(|n| format!("{}{inner}{}", open.repeat(n), close.repeat(n)))
}

fn enclosed(first: &str, part: &str, close: &str) -> String {
    at_the_limit(|n| format!("{first}{}{close}", part.repeat(n)))
}

fn repeated(first: &str, part: &str) -> String {
    at_the_limit(|n| format!("{first}{}", part.repeat(n)))
}

/// Shapes of expressions, each as large as the scan lets it be.
fn shapes() -> Vec<String> {
    vec![
        nested("(", "1", ")"),
        nested("!(", "true", ")"),
        nested("!!(", "true", ")"),
        nested("-(", "1", ")"),
        nested("--(", "1", ")"),
        nested("(1+", "1", ")"),
        nested("(1+-", "1", ")"),
        nested("[", "", "]"),
        nested("[?", "optional.none()", "]"),
        nested("{'a':", "1", "}"),
        nested("size([", "1", "])"),
        nested("[[1]].map(x,", "1", ")"),
        nested("[1].all(x, x == 1 && ", "true", ")"),
        nested("[1].filter(x, ", "true", ") == [1]"),
        nested("(true ? ", "1", " : 2)"),
        nested("(false ? 1 : ", "1", ")"),
        nested("string(", "1", ")"),
        nested("optional.of(", "1", ")"),
        nested("(true || ", "true", ")"),
        nested("params.databases[", "0", "].size()"),
        nested("[1].exists_one(x, [x].exists(y, ", "true", "))"),
        repeated("1", " + 1"),
        repeated("'a'", " + 'a'"),
        repeated("true", " && true"),
        repeated("true", " || false"),
        repeated("true", " ? true : true"),
        repeated("1", " == 1"),
        repeated("app", ".a"),
        repeated("app", ".?a"),
        repeated("app", "[0]"),
        repeated("app", "[?0]"),
        repeated("'a'", ".trim()"),
        repeated("[1]", ".map(x, x)"),
        repeated("optional.of(1)", ".optMap(x, x)"),
        repeated("!", "!") + "true",
        repeated("-", "-") + "1",
        enclosed("[1", ", 1", "]"),
        enclosed("[[]", ", []", "]"),
        enclosed("{'a': 1", ", 'a': 1", "}"),
        enclosed("[(1)", ", (1)", "]"),
        enclosed("[!(!(true))", ", !(!(true))", "]"),
        enclosed("[1", ", 1 + 1 * 1 - 1", "]"),
        enclosed("[true", ", true ? true ? 1 : 2 : 3", "]"),
        format!("'{}'", "a".repeat(4000)),
        format!("1 // {}", "(".repeat(4000)),
        format!("1{}", " ".repeat(4000)),
    ]
}

#[test]
fn what_is_parsed_is_parsed_and_evaluated_in_time_and_stack() {
    let mut slowest = (Duration::ZERO, String::new());
    for shape in shapes() {
        let (_, took) = endure(shape.clone());
        if took > slowest.0 {
            slowest = (took, shape.chars().take(60).collect());
        }
        assert!(took < PATIENCE, "{took:?} for {shape}");
    }
    println!("slowest: {slowest:?}");
}

#[test]
fn broken_input_at_the_limits_comes_back_in_time() {
    for part in [
        "(", "[", "{", "!", "-", "? ", ": ", "'", "a ", "1 ", ", ", ". ", "a.", "a(", "+", "!(",
        "-[", "{a:", "a?b:", "in ", "\\", "`", "@", "#", "\u{e9}", "a[?", "=", "&&", "||", "'a'r",
        "0x", "1e", "((a)", "[a(", "true?", "!a)", "a b(", "1 2[", "(a b)", "[a b]", "x.all(y,",
    ] {
        for closed in ["", ")", "]", "}", "'", "1"] {
            let source = at_the_limit(|n| format!("{}{closed}", part.repeat(n)));
            let (_, took) = endure(source.clone());
            assert!(took < PATIENCE, "{took:?} for {source}");
        }
    }
}

/// A source with one large text and one long list.
fn large() -> Data {
    let mut data = data();
    data.parameters
        .insert("host".into(), json!("x".repeat(300_000)));
    data.parameters
        .insert("databases".into(), json!(vec!["x"; 1025]));
    data.pod["spec"]["volumes"] = json!(vec![json!({"name": "v"}); 1025]);
    data
}

#[test]
fn bounds_hold_when_evaluated() {
    let long = EvaluationError::TooManyItems(1024);
    let large_text = EvaluationError::TextTooLong(1024 * 1024);
    let bytes = EvaluationError::BudgetExceeded(Exhausted::Bytes);
    let steps = EvaluationError::BudgetExceeded(Exhausted::Steps);
    for (source, wanted) in [
        ("params.databases.map(d, d)", &long),
        ("params.databases.join()", &long),
        ("pod.spec.volumes.map(v, v.name)", &long),
        ("params.host.split('')", &long),
        (
            "params.host + params.host + params.host + params.host",
            &large_text,
        ),
        ("params.host.replace('x', 'yyyyyyyy')", &large_text),
        (
            "[params.host, params.host].join(params.host + params.host)",
            &large_text,
        ),
        ("lists.range(1000).map(i, params.host)", &bytes),
        ("lists.range(1000).map(i, {'a': params.host})", &bytes),
        (
            "lists.range(1000).map(i, optional.of(params.host).optMap(h, h + 'x'))",
            &bytes,
        ),
        (
            "lists.range(1000).filter(i, params.host == params.host + 'y')",
            &bytes,
        ),
        (
            "lists.range(1000).exists(i, params.host.contains('y'))",
            &steps,
        ),
        (
            "lists.range(1000).exists(i, params.host.matches('y'))",
            &steps,
        ),
        (
            "lists.range(1000).exists(i, params.host.matches('y') || true && false)",
            &steps,
        ),
        (
            "[lists.range(1000)].all(r, r.all(a, r.all(b, r.all(c, a != -1))))",
            &steps,
        ),
        (
            "lists.range(1000).map(a, lists.range(1000).map(b, b))",
            &bytes,
        ),
        // A list costs little to put into others again and again; what is made of it does not.
        (
            "[lists.range(1000)].map(l, lists.range(1000).map(i, l))",
            &bytes,
        ),
        (
            "[lists.range(1000)].map(l, lists.range(1000).map(i, (l + [i]).size()))",
            &bytes,
        ),
    ] {
        let expression = compiled(source);
        let data = large();
        let budget = Budget::new();
        let bindings = Bindings::new(&data, expression.reads(), &[], &budget);
        let start = Instant::now();
        assert_eq!(
            expression.evaluate(&bindings).as_ref(),
            Err(wanted),
            "{source}"
        );
        assert!(start.elapsed() < PATIENCE, "{source}");
        let is_final = matches!(wanted, EvaluationError::BudgetExceeded(_));
        assert_eq!(budget.ended().is_some(), is_final, "{source}");
    }
}

#[test]
fn a_budget_is_shared_and_its_end_is_hidden_by_nothing() {
    let half = compiled("[lists.range(800)].all(r, r.all(a, r.all(b, params.port != a)))");
    let other = compiled("true || params.verbose");
    let data = data();
    let mut reads = half.reads().clone();
    reads.extend(other.reads());
    let budget = Budget::new();
    let bindings = Bindings::new(&data, &reads, &[], &budget);
    assert_eq!(half.evaluate_boolean(&bindings), Ok(true));
    let ended = Err(EvaluationError::BudgetExceeded(Exhausted::Steps));
    assert_eq!(half.evaluate_boolean(&bindings), ended);
    let absorbing = compiled("params.port == 0 || params.verbose");
    assert_eq!(absorbing.evaluate_boolean(&bindings), ended);
}

/// Parts that expressions are made of.
const PARTS: [&str; 62] = [
    "params.",
    "params.host",
    "params.port",
    "params.databases",
    "params.secret",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "<",
    "&&",
    "||",
    "?",
    ":",
    ",",
    ".",
    ".?",
    "[?",
    "'a'",
    "'ñ'",
    "1",
    "1.5",
    "true",
    "null",
    "apps",
    "pod.spec.",
    "app",
    ".map(x, ",
    ".all(x, ",
    ".filter(y, ",
    "x",
    "y",
    "size(",
    "string(",
    " in ",
    "'''",
    "r\"",
    "//",
    "\n",
    "has(",
    ".optMap(y, ",
    "optional.of(",
    ".orValue(",
    "quantity(",
    "\\",
    "`",
    "ñ",
    "@result",
    ".split(",
    ".join(",
    ".sort()",
    "lists.range(",
    ".replace(",
];

/// Expressions that others are made of by mutation.
const SEEDS: [&str; 14] = [
    "params.databases.map(d, d + ' = host=' + params.host + ' port=' + string(params.port)).join('\n')",
    "pod.spec.?hostNetwork.orValue(false) || has(pod.metadata.labels.app)",
    "apps.filter(a, has(a.ports)).map(b, b.ports[0].containerPort).sum()",
    "{'a': 1, ?'b': app.?missing, 'c': [1, 'x', null]}",
    "lists.range(params.port % 7).map(x, {string(x): x * 2}).map(m, m.size())",
    "optional.of(params.host).optMap(h, h.upperAscii()).orValue('none')",
    "params.host.split('.').reverse().join('-').replace('e', 'é', 1).substring(1, 4)",
    "quantity(params.memory).add(quantity('1Mi')).isGreaterThan(quantity('1Gi')) ? 'big' : 'small'",
    "[3, 1, 2].sort().distinct().slice(0, 2).flatten().indexOf(2) < params.port / 2 - 1",
    "params.secret.exists_one(k, k.matches('^[a-m]$') && params.secret[k] != '')",
    "app.env.filter(e, e.?value.orValue('') != '').map(e, e.name in params.secret)",
    "-params.port * 2 + int('5') - int(2.5) % 3",
    "params.ratio > 0.1 && !(1 / (params.port - 5432) == 1) || params.verbose",
    "[params.host.charAt(0), params.host.lastIndexOf('e') == 1 ? 'x' : params.quoted.trim()]",
];

/// Cuts an expression into words and signs.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for c in source.chars() {
        match tokens.last_mut() {
            Some(last) if is_word(c) && last.chars().all(is_word) => last.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}

/// A small generator of numbers, always the same from the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

/// An expression of random parts, or a seed with a few tokens changed.
fn any_expression(numbers: &mut Numbers) -> String {
    if numbers.below(4) == 0 {
        let count = numbers.below(40);
        return (0..count)
            .map(|_| PARTS[numbers.below(PARTS.len())])
            .collect();
    }
    let mut tokens = tokens(SEEDS[numbers.below(SEEDS.len())]);
    for _ in 0..=numbers.below(2) {
        let at = numbers.below(tokens.len());
        match numbers.below(5) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, PARTS[numbers.below(PARTS.len())].to_owned()),
            2 => {
                let other = numbers.below(tokens.len());
                tokens.swap(at, other);
            }
            3 => tokens[at] = PARTS[numbers.below(PARTS.len())].to_owned(),
            _ => {
                let other = self::tokens(SEEDS[numbers.below(SEEDS.len())]);
                let start = numbers.below(other.len());
                let end = (start + numbers.below(8)).min(other.len());
                tokens.splice(at..at, other[start..end].iter().cloned());
            }
        }
        if tokens.is_empty() {
            break;
        }
    }
    tokens.concat()
}

/// Runs as many expressions as asked for, and says how many were evaluated.
fn fuzz(seed: u64, count: usize) -> usize {
    let mut numbers = Numbers(seed);
    let mut evaluated = 0;
    for _ in 0..count {
        let source = any_expression(&mut numbers);
        let start = Instant::now();
        evaluated += usize::from(run(&source).is_ok());
        let took = start.elapsed();
        assert!(took < PATIENCE, "{took:?} for {source}");
    }
    evaluated
}

#[test]
fn random_and_mutated_expressions_neither_panic_nor_overrun_their_budget() {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let count = crate::sampling::cases(1500) as usize;
    let evaluated = fuzz(seed.unwrap_or(0x9e37_79b9_7f4a_7c15) | 1, count);
    assert!(evaluated > 50, "{evaluated}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::sampling::cases(100)))]

    #[test]
    fn no_text_makes_compiling_panic_or_long(source in "\\PC{0,80}") {
        let (_, took) = endure(source);
        prop_assert!(took < PATIENCE);
    }
}

#[test]
fn a_text_of_many_parts_is_not_deep_and_a_long_chain_is_refused() {
    let parts = vec!["params.host"; 300].join(" + ' ' + ");
    assert_eq!(
        evaluate(&parts).as_str().map(str::len),
        Some(300 * 10 + 299)
    );
    let chain = format!("app{}", ".?a".repeat(60));
    assert_eq!(evaluate(&chain), Value::Null);
    let chain = format!("app{}", ".?a".repeat(400));
    assert_eq!(
        refusal(&chain),
        "too many operators and calls of the expression depend on one another; \
         split it into `variables`"
    );
}
