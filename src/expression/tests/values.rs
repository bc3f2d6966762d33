//! What expressions give.

use super::*;

/// Each function of the table, and what it gives.
const FUNCTIONS: &[(&str, &str)] = &[
    ("size('añb')", "3"),
    ("size([1, 2])", "2"),
    ("size({'a': 1})", "1"),
    ("'ab'.size()", "2"),
    ("[1].size()", "1"),
    ("{'a': 1}.size()", "1"),
    ("'abc'.contains('b')", "true"),
    ("'abc'.startsWith('b')", "false"),
    ("'abc'.endsWith('c')", "true"),
    ("'abc'.matches('^a.c$')", "true"),
    ("matches('abc', '^b')", "false"),
    ("string('x')", "\"x\""),
    ("string(-5)", "\"-5\""),
    ("string(1.0)", "\"1\""),
    ("string(2.5)", "\"2.5\""),
    ("string(true)", "\"true\""),
    ("int(5)", "5"),
    ("int(5.9)", "5"),
    ("int('-12')", "-12"),
    ("double(2)", "2.0"),
    ("double('2.5')", "2.5"),
    ("double(1.5)", "1.5"),
    ("bool('T')", "true"),
    ("bool(false)", "false"),
    ("dyn('x')", "\"x\""),
    ("'añb'.charAt(1)", "\"ñ\""),
    ("'aña'.indexOf('a')", "0"),
    ("'aña'.lastIndexOf('a')", "2"),
    ("'abc'.indexOf('z')", "-1"),
    ("'AbC'.lowerAscii()", "\"abc\""),
    ("'AbC'.upperAscii()", "\"ABC\""),
    ("'  x '.trim()", "\"x\""),
    ("'hello'.substring(1)", "\"ello\""),
    ("'hello'.substring(1, 3)", "\"el\""),
    ("'a-b-c'.replace('-', '+')", "\"a+b+c\""),
    ("'a-b-c'.replace('-', '+', 1)", "\"a+b-c\""),
    ("'ab'.replace('', '_')", "\"_a_b_\""),
    ("'a,b'.split(',')", "[\"a\",\"b\"]"),
    ("'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"),
    ("'añ'.split('')", "[\"a\",\"ñ\"]"),
    ("'abc'.split('', 2)", "[\"a\",\"bc\"]"),
    ("'a,b'.split(',', 0)", "[]"),
    ("['a', 'b'].join()", "\"ab\""),
    ("['a', 'b'].join(', ')", "\"a, b\""),
    ("[1, 2, 2].isSorted()", "true"),
    ("['b', 'a'].isSorted()", "false"),
    ("[1, 2, 3].sum()", "6"),
    ("[0.5, 0.25].sum()", "0.75"),
    ("[].sum()", "0"),
    ("[2, 1, 3].min()", "1"),
    ("['b', 'c', 'a'].max()", "\"c\""),
    ("[1, 2, 2].indexOf(2)", "1"),
    ("[1, 2, 2].lastIndexOf(2)", "2"),
    ("['a'].indexOf('b')", "-1"),
    ("lists.range(3)", "[0,1,2]"),
    ("[[1], [2, 3]].flatten()", "[1,2,3]"),
    ("[1, 2, 3].slice(1, 3)", "[2,3]"),
    ("[1, 2, 1].distinct()", "[1,2]"),
    ("[1, 2].reverse()", "[2,1]"),
    ("['b', 'a'].sort()", "[\"a\",\"b\"]"),
    ("optional.none().hasValue()", "false"),
    ("optional.of(1).value()", "1"),
    ("optional.ofNonZeroValue('').orValue('x')", "\"x\""),
    ("optional.none().or(optional.of(2)).value()", "2"),
    ("optional.of(1).optMap(x, x + 1).value()", "2"),
    (
        "optional.of(1).optFlatMap(x, optional.of(x + 2)).value()",
        "3",
    ),
    ("quantity('1Gi') == quantity('1024Mi')", "true"),
    ("isQuantity('1,5G')", "false"),
    ("sign(quantity('-1'))", "-1"),
    ("quantity('2').isGreaterThan(quantity('1500m'))", "true"),
    ("quantity('2').isLessThan(quantity('1500m'))", "false"),
    ("quantity('50M').compareTo(quantity('50Mi'))", "-1"),
    ("quantity('1500m').asApproximateFloat()", "1.5"),
    ("quantity('50k').asInteger()", "50000"),
    ("quantity('500m').isInteger()", "false"),
    (
        "quantity('50k').add(quantity('20k')) == quantity('70k')",
        "true",
    ),
    ("quantity('50k').add(20).asInteger()", "50020"),
    ("quantity('50k').sub(quantity('20k')).asInteger()", "30000"),
    ("quantity('50k').sub(20000).asInteger()", "30000"),
];

#[test]
fn every_function_of_the_table_gives_what_it_gives_in_the_api_server() {
    for (source, wanted) in FUNCTIONS {
        let wanted: Value = serde_json::from_str(wanted).unwrap();
        assert_eq!(evaluate(source), wanted, "{source}");
    }
    for function in functions::FUNCTIONS {
        let short = function.name.rsplit('.').next().unwrap();
        let called = format!("{short}(");
        assert!(
            FUNCTIONS.iter().any(|(source, _)| source.contains(&called)),
            "{} is not tested",
            function.name
        );
    }
}

#[test]
fn operators_and_macros() {
    for (source, wanted) in [
        ("params.port != 6432", json!(true)),
        (
            "params.host + ':' + string(params.port)",
            json!("db.example:5432"),
        ),
        ("[1] + [2, 3]", json!([1, 2, 3])),
        ("7 / 2 * 2 + 7 % 2 - -1", json!(8)),
        ("1 < 1.5 && 'a' < 'b' || false", json!(true)),
        ("!params.verbose ? 'loud' : 'quiet'", json!("quiet")),
        ("'users' in params.databases", json!(true)),
        ("'q' in params.secret", json!(false)),
        ("params.databases.all(d, d.size() > 4)", json!(true)),
        ("params.databases.exists(d, d == 'users')", json!(true)),
        (
            "params.databases.exists_one(d, d.startsWith('o'))",
            json!(true),
        ),
        (
            "params.databases.map(d, d + '!')",
            json!(["orders!", "users!"]),
        ),
        (
            "params.databases.map(d, d != 'users', d)",
            json!(["orders"]),
        ),
        (
            "params.databases.filter(d, d.contains('s'))",
            json!(["orders", "users"]),
        ),
        ("params.databases[1]", json!("users")),
        ("params.databases[?9].orValue('none')", json!("none")),
        ("params.secret['a']", json!("first")),
        ("params.secret.m", json!("middle")),
        ("has(params.secret.q)", json!(false)),
        ("kubernetes.minor >= 33", json!(true)),
        ("self.name + app.name", json!("metricsweb")),
        ("namespaceObject.metadata.labels['team']", json!("blue")),
        ("pod.metadata.annotations['x/y']", json!("1")),
        ("pod.spec.?hostNetwork.orValue(false)", json!(false)),
        ("has(pod.spec.hostNetwork)", json!(false)),
        (
            "pod.?spec.?volumes.orValue([]).map(v, v.name)",
            json!(["v", "w"]),
        ),
        ("pod.spec.priority + 1", json!(1)),
        (
            "apps.filter(a, has(a.ports)).map(a, a.name)",
            json!(["web"]),
        ),
        ("apps[0].env.map(e, e.?value)", json!(["1"])),
        ("[?app.?missing, ?app.?name]", json!(["web"])),
        (
            "{'a': 1, ?'b': app.?missing, 'c': null}",
            json!({"a": 1, "c": null}),
        ),
        ("// the port\nparams.port", json!(5432)),
        ("r'\\d' + \"\"\"a\n'b'\"\"\"", json!("\\da\n'b'")),
        ("[1, 'a', null]", json!([1, "a", null])),
        ("params.verbose ? 'x' : null", json!("x")),
        ("0.5 * 4.0", json!(2.0)),
    ] {
        assert_eq!(evaluate(source), wanted, "{source}");
    }
}

#[test]
fn null_and_an_absent_optional_give_nothing() {
    for source in [
        "null",
        "app.?missing",
        "optional.none()",
        "params.verbose ? null : 'x'",
    ] {
        assert_eq!(try_evaluate(source), Ok(None), "{source}");
    }
}

#[test]
fn a_value_stays_a_value() {
    let text = data().parameters["quoted"].clone();
    assert_eq!(evaluate("params.quoted"), text);
    assert_eq!(evaluate("[params.quoted][0]"), text);
    assert_eq!(evaluate("{'k': params.quoted}.k"), text);
}

#[test]
fn maps_are_gone_over_in_the_order_of_their_keys_every_time() {
    for _ in 0..100 {
        assert_eq!(evaluate("params.secret.map(k, k)"), json!(["a", "m", "z"]));
        assert_eq!(
            evaluate("params.secret.map(k, params.secret[k]).join()"),
            json!("firstmiddlelast")
        );
        let built = evaluate("{'z': 1, 'y': 2, 'x': {'b': 1, 'a': 2}}");
        assert_eq!(built.to_string(), r#"{"x":{"a":2,"b":1},"y":2,"z":1}"#);
        assert_eq!(
            evaluate("dyn(params.secret).filter(k, k != 'm')"),
            json!(["a", "z"])
        );
    }
}

#[test]
fn results_have_types() {
    for (source, ty) in [
        ("params.port", Type::Integer),
        ("params.databases", Type::list(Type::Text)),
        (
            "params.databases.map(d, {'name': d})",
            Type::list(Type::map(Type::Text)),
        ),
        ("params.secret.filter(k, k != '')", Type::list(Type::Text)),
        ("apps.map(a, a.name)", Type::list(Type::Any)),
        ("['a'] + params.databases", Type::list(Type::Text)),
        ("params.host.split(',')", Type::list(Type::Text)),
        ("lists.range(5)", Type::list(Type::Integer)),
        ("app.?name", Type::optional(Type::Any)),
        (
            "params.verbose ? params.databases : []",
            Type::list(Type::Any),
        ),
        ("pod.spec.hostname", Type::Any),
    ] {
        let expression = compiled(source);
        assert_eq!(*expression.result(), ty, "{source}");
    }
}

#[test]
fn reads_are_the_paths_that_are_named() {
    let paths = |paths: &Paths| paths.iter().map(|p| p.join(".")).collect::<Vec<_>>();
    let reads = compiled(
        "pod.spec.?hostNetwork.orValue(false) || has(pod.metadata.labels.app) \
         || pod.spec.volumes.exists(v, v.name == params.host) || pod['spec']['volumes'][0].x == 1",
    )
    .reads()
    .clone();
    assert_eq!(
        paths(&reads.pod),
        ["metadata.labels.app", "spec.hostNetwork", "spec.volumes"]
    );
    assert!(reads.parameters.contains("host"));
    let reads = compiled("apps.filter(a, has(a.ports)).map(b, b.image.tag)")
        .reads()
        .clone();
    assert_eq!(paths(&reads.apps), ["image.tag", "ports"]);
    assert_eq!(
        paths(compiled("apps[0].?name").reads().apps_ref()),
        ["name"]
    );
    assert!(
        compiled("apps.filter(a, true)")
            .reads()
            .apps
            .is_everything()
    );
    assert!(compiled("size(apps)").reads().apps.is_everything());
    assert!(compiled("app.?env").reads().only_app_or_self());
    assert!(
        !compiled("app.env.map(e, e.name + params.host)")
            .reads()
            .only_app_or_self()
    );
    for (source, is_copy) in [
        ("app.?env", true),
        ("app.env.filter(e, e.name != 'A').map(e, e)", true),
        ("app.?env.orValue([]) + self.?env.orValue([])", true),
        ("app.?ports.orValue([])[0]", true),
        ("app.?env.orValue([]) + [{'name': 'A'}]", true),
        ("app.?readinessProbe.optMap(p, p)", true),
        ("has(app.env) ? app.env : []", true),
        ("app.name + self.name", false),
        ("app.ports[0].containerPort + 1", false),
        ("app.?env.orValue([{'name': 'A'}])", false),
        ("app.env.map(e, {'name': e.name})", false),
        ("params.host", false),
    ] {
        assert_eq!(compiled(source).copies_from_app(), is_copy, "{source}");
    }
    assert!(compiled("kubernetes.minor > 1").reads().kubernetes);
    assert_eq!(
        paths(&compiled("namespaceObject.metadata.name").reads().namespace),
        ["metadata.name"]
    );
}

impl Reads {
    fn apps_ref(&self) -> &Paths {
        &self.apps
    }
}

#[test]
fn a_plain_parameter_needs_no_interpreter() {
    assert_eq!(compiled(" params.host ").plain_parameter(), Some("host"));
    assert_eq!(compiled("(params.host)").plain_parameter(), Some("host"));
    assert_eq!(compiled("params.host + ''").plain_parameter(), None);
    assert_eq!(compiled("params.secret.a").plain_parameter(), None);
}

#[test]
fn each_root_is_asked_for_once() {
    let expression = compiled("pod.spec.priority == 0 && pod.spec.restartPolicy == 'Always'");
    let data = data();
    let budget = Budget::new();
    let bindings = Bindings::new(&data, expression.reads(), &[], &budget);
    for _ in 0..3 {
        assert_eq!(expression.evaluate_boolean(&bindings), Ok(true));
    }
    assert_eq!(data.asked.load(Ordering::Relaxed), 1);
}

/// Compiles variables in order, each seeing those before it.
pub(super) fn variables(sources: &[(&str, &str)]) -> (Scope, Vec<(String, Expression)>) {
    let mut scope = scope();
    let mut variables = Vec::new();
    for (name, source) in sources {
        let expression = Expression::compile(source, &scope).unwrap();
        scope = scope.variable(name, expression.result().clone());
        variables.push(((*name).to_owned(), expression));
    }
    (scope, variables)
}

#[test]
fn variables_are_evaluated_when_used_and_fail_only_where_used() {
    let (scope, variables) = variables(&[
        ("target", "params.host + ':' + string(params.port)"),
        ("list", "[variables.target, 'x']"),
        ("broken", "1 / (params.port - 5432)"),
        ("above", "variables.broken + 1"),
        ("higher", "variables.above + 1"),
        ("highest", "variables.higher + 1"),
    ]);
    let mut reads = Reads::default();
    for (_, expression) in &variables {
        reads.extend(expression.reads());
    }
    reads.parameters.insert("verbose".into());
    let data = data();
    let budget = Budget::new();
    let bindings = Bindings::new(&data, &reads, &variables, &budget);
    let run = |source: &str| {
        let expression = Expression::compile(source, &scope).unwrap();
        expression.evaluate(&bindings)
    };
    assert_eq!(run("variables.list[0]"), Ok(Some(json!("db.example:5432"))));
    assert_eq!(
        run("params.verbose ? 1 : variables.broken"),
        Ok(Some(json!(1)))
    );
    assert_eq!(run("variables.broken == 1 || true"), Ok(Some(json!(true))));
    let error = run("variables.above").unwrap_err();
    assert_eq!(error.to_string(), "the variable `above` failed");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the variable `broken` failed");
    // Of a long chain both ends are named.
    let error = run("variables.highest").unwrap_err();
    assert_eq!(
        crate::wording::with_sources(&error),
        "the variable `highest` failed: the variable `broken` failed: division by zero"
    );
}

#[test]
fn a_long_chain_of_variables_needs_no_deep_stack() {
    let mut sources = vec![("v0".to_owned(), "1".to_owned())];
    for index in 1..500 {
        sources.push((format!("v{index}"), format!("variables.v{} + 1", index - 1)));
    }
    let borrowed: Vec<_> = sources
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let (scope, variables) = variables(&borrowed);
    let reads = Reads::default();
    let data = data();
    let last = Expression::compile("variables.v499", &scope).unwrap();
    let result = std::thread::scope(|threads| {
        let small = std::thread::Builder::new().stack_size(512 * 1024);
        let run = || {
            let budget = Budget::new();
            last.evaluate(&Bindings::new(&data, &reads, &variables, &budget))
        };
        small.spawn_scoped(threads, run).unwrap().join().unwrap()
    });
    assert_eq!(result, Ok(Some(json!(500))));
}

#[test]
fn failures_are_told_in_words_and_without_values() {
    for (source, message) in [
        (
            "app.missing",
            "there is no field or key `missing`; test it with `has(…)`, or read it with `.?`",
        ),
        ("1 / (params.port - 5432)", "division by zero"),
        ("1 % (params.port - 5432)", "division by zero"),
        (
            "params.databases[7]",
            "a list was indexed outside its bounds",
        ),
        (
            "9223372036854775807 + params.port",
            "an integer calculation overflowed",
        ),
        ("app.name + 1", "`+` does not take text and integer"),
        ("app.name - 1", "`-` does not take text and integer"),
        ("app.name < 1", "`<` does not take text and integer"),
        (
            "int(app.name)",
            "`int` failed: the text does not name such a value",
        ),
        (
            "app.?missing.value()",
            "`value` failed: the optional is absent; use `orValue(…)`",
        ),
        (
            "quantity(app.name)",
            "`quantity` failed: not a quantity: a number and a suffix are wanted, such as `500m`, `2` or `1Gi`",
        ),
        (
            "1.0 / 0.0",
            "the result is not a number, or infinite, which no field of a pod can hold",
        ),
        (
            "quantity('1')",
            "the result is a quantity, which no field of a pod can hold",
        ),
        (
            "{app.name: 1, app.name + '': 2}",
            "a map was given the same key twice",
        ),
        ("[].min()", "`min` failed: the list is empty"),
        (
            "dyn([1]) + dyn(params.secret)",
            "`+` does not take list and map",
        ),
        (
            "lists.range(params.port)",
            "a list or map has more than 1024 elements, more than an expression may go over",
        ),
    ] {
        let error = try_evaluate(source).expect_err(source).to_string();
        assert_eq!(error, message, "{source}");
        assert!(!error.contains("web"), "{source}: {error}");
    }
    let expression = compiled("dyn(params.port)");
    let data = data();
    let budget = Budget::new();
    let bindings = Bindings::new(&data, expression.reads(), &[], &budget);
    assert_eq!(
        expression
            .evaluate_boolean(&bindings)
            .unwrap_err()
            .to_string(),
        "the result is an integer, but true or false was asked for"
    );
}
