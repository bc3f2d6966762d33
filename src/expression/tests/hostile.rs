//! Inputs made to exhaust time, memory or the stack.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The stack of a thread that the server runs on.
const STACK: usize = 2 * 1024 * 1024;
/// Far above what is measured, as other work runs on the machine at the same time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Compiles, and evaluates what compiles, on a thread with a small stack.
fn endure(source: String) -> (Result<(), String>, Duration) {
    let run = move || {
        let start = Instant::now();
        let outcome = match compile(&source) {
            Ok(expression) => {
                let data = data();
                let bindings = Bindings::new(&data, expression.reads(), &[]);
                expression
                    .evaluate(&bindings)
                    .map(drop)
                    .map_err(|e| e.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        (outcome, start.elapsed())
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    thread.unwrap().join().expect("the stack must be enough")
}

/// Repeats `part` as often as the scan lets it through.
fn at_the_limit(build: impl Fn(usize) -> String) -> String {
    let mut best = build(1);
    for count in 2..4096 {
        let next = build(count);
        if scan::scan(&next).is_err() {
            break;
        }
        best = next;
    }
    best
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
fn what_the_scan_lets_through_is_parsed_and_evaluated_in_time_and_stack() {
    let shapes = shapes();
    let mut slowest = (Duration::ZERO, String::new());
    for shape in shapes {
        let (_, took) = endure(shape.clone());
        if took > slowest.0 {
            slowest = (took, shape.chars().take(60).collect());
        }
        assert!(took < PATIENCE, "{took:?} for {shape}");
    }
    println!("slowest: {slowest:?}");
}

#[test]
fn the_known_killer_is_refused_unparsed() {
    let killer = format!("{}1{}", "!!(".repeat(31), ")".repeat(31));
    assert_eq!(killer.len(), 125);
    let start = Instant::now();
    assert!(refusal(&killer).contains("too many `!` or `-`"));
    assert!(start.elapsed() < Duration::from_millis(50));
}

#[test]
fn broken_input_at_the_limits_comes_back_in_time() {
    for part in [
        "(", "[", "{", "!", "-", "? ", ": ", "'", "a ", "1 ", ", ", ". ", "a.", "a(", "+", "!(",
        "-[", "{a:", "a?b:", "in ", "\\", "`", "@", "#", "\u{e9}", "a[?", "=", "&&", "||", "'a'r",
        "0x", "1e", "((a)", "[a(", "true?", "!a)", "a b(", "1 2[", "(a b)", "[a b]",
    ] {
        for closed in ["", ")", "]", "}", "'", "1"] {
            let source = at_the_limit(|n| format!("{}{closed}", part.repeat(n)));
            let (_, took) = endure(source.clone());
            assert!(took < PATIENCE, "{took:?} for {source}");
            let long = format!("{}{closed}", part.repeat(4000 / part.len()));
            let (_, took) = endure(long);
            assert!(took < PATIENCE, "{took:?} for a long run of {part}");
        }
    }
}

#[test]
fn data_cannot_make_an_evaluation_long_or_large() {
    let grown = |part: &str| format!("{}{}", "[0,1,2,3,4,5,6,7].map(a,".repeat(4), part) + "))))";
    for source in [
        grown("pod.spec.?volumes"),
        grown("params.host.replace('', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"),
        "lists.range(1000).map(a, lists.range(900))".to_owned(),
        "lists.range(1000).map(a, params.quoted.split(''))".to_owned(),
        "lists.range(100).map(a, lists.range(100)).flatten().map(x, x)".to_owned(),
    ] {
        let (_, took) = endure(source.clone());
        assert!(took < PATIENCE, "{took:?} for {source}");
    }
}

/// A source with one large text and one long list.
fn large() -> Data {
    let mut data = data();
    data.parameters
        .insert("host".into(), json!("x".repeat(300_000)));
    data.parameters
        .insert("databases".into(), json!(vec!["x"; 65]));
    data.pod["spec"]["volumes"] = json!(vec![json!({"name": "v"}); 1025]);
    data
}

#[test]
fn bounds_hold_when_evaluated() {
    for (source, wanted) in [
        (
            "params.databases.map(d, d)",
            EvaluationError::TooManyItems { bound: 64 },
        ),
        (
            "params.databases.join()",
            EvaluationError::TooManyItems { bound: 64 },
        ),
        (
            "pod.spec.volumes.map(v, v.name)",
            EvaluationError::TooManyItems { bound: 1024 },
        ),
        (
            "params.host.split('')",
            EvaluationError::TooManyItems { bound: 1024 },
        ),
        (
            "params.host + params.host + params.host + params.host",
            EvaluationError::TextTooLong(1024 * 1024),
        ),
        (
            "params.host.replace('x', 'yyyyyyyy')",
            EvaluationError::TextTooLong(1024 * 1024),
        ),
        (
            "[params.host, params.host].join(params.host + params.host)",
            EvaluationError::TextTooLong(1024 * 1024),
        ),
        (
            "lists.range(1000).map(i, params.host)",
            EvaluationError::TooMuchWork,
        ),
        (
            "lists.range(1000).filter(i, params.host == 'y')",
            EvaluationError::TooMuchWork,
        ),
        (
            "lists.range(1000).map(i, {'a': params.host})",
            EvaluationError::TooMuchWork,
        ),
        (
            "lists.range(1000).map(i, optional.of(params.host).optMap(h, h))",
            EvaluationError::TooMuchWork,
        ),
        (
            "lists.range(1000).exists(i, params.host.contains('y'))",
            EvaluationError::TooMuchWork,
        ),
        (
            "lists.range(1000).exists(i, params.host.matches('y'))",
            EvaluationError::TooMuchWork,
        ),
    ] {
        let expression = compiled(source);
        let data = large();
        let bindings = Bindings::new(&data, expression.reads(), &[]);
        let start = Instant::now();
        assert_eq!(expression.evaluate(&bindings), Err(wanted), "{source}");
        assert!(start.elapsed() < PATIENCE, "{source}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::sampling::cases(300)))]

    #[test]
    fn no_text_makes_compiling_panic_or_long(source in "\\PC{0,80}") {
        let (_, took) = endure(source);
        prop_assert!(took < PATIENCE);
    }

    #[test]
    fn nothing_that_looks_like_cel_makes_it_panic_or_long(
        parts in prop::collection::vec(prop::sample::select(vec![
            "params.", "host", "port", "(", ")", "[", "]", "{", "}", "!", "-", "+", "==", "&&",
            "?", ":", ",", ".", ".?", "[?", "'a'", "1", "1.5", "true", "null", "apps", "pod.spec.",
            ".map(x, ", ".all(x, ", "x", "size(", " in ", "'''", "r\"", "//", "\n", "has(",
            ".optMap(y, ", "optional.of(", ".orValue(", "quantity(", "\\", "`", "ñ", "@result",
        ]), 0..60),
    ) {
        let (_, took) = endure(parts.concat());
        prop_assert!(took < PATIENCE);
    }
}

#[test]
fn a_text_of_many_parts_is_not_deep_and_a_long_chain_is_refused() {
    let parts = vec!["params.host"; 60].join(" + ' ' + ");
    assert!(refusal(&parts).contains("depend on one another"));
    let parts = vec!["params.host"; 30].join(" + ' ' + ");
    assert_eq!(evaluate(&parts).as_str().map(str::len), Some(30 * 10 + 29));
    let chain = format!("app{}", ".?a".repeat(40));
    assert_eq!(
        refusal(&chain),
        "too many operators and calls of the expression depend on one another; \
         split it into `variables`"
    );
}
