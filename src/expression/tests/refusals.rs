//! What is refused when a template is loaded, and what is said then.

use super::*;

/// Names that are not there.
const NAMES: &[(&str, &str)] = &[
    (
        "parms.host",
        "`parms` is not a name that is known here; did you mean `params`?",
    ),
    (
        "host",
        "`host` is not a name that is known here; did you mean `params.host`?",
    ),
    (
        "params.hots",
        "there is no parameter `hots`; did you mean `params.host`?",
    ),
    ("params.zzzzzzzzz", "there is no parameter `zzzzzzzzz`"),
    ("variables.x", "there is no variable `x`"),
    (
        "params.pool-mode",
        "`params.pool-mode` is read as a subtraction; write `params.pool_mode`",
    ),
    (
        "'a' + (params.pool-mode)",
        "`params.pool-mode` is read as a subtraction; write `params.pool_mode`",
    ),
    (
        "params['host']",
        "`params` can only be read by name; write `params.<name>`",
    ),
    (
        "params[params.host]",
        "`params` can only be read by name; write `params.<name>`",
    ),
    (
        "params",
        "`params` cannot be used as a whole; write `params.<name>`",
    ),
    (
        "kubernetes",
        "`kubernetes` cannot be used as a whole; write `kubernetes.minor`",
    ),
    (
        "kubernetes.major",
        "there is no field of `kubernetes` `major`; did you mean `kubernetes.minor`?",
    ),
    (
        "has(params.host)",
        "`has(params.host)` is always true; parameters and variables always have a value",
    ),
];

/// Data that an expression may not read as a whole.
const READS: &[(&str, &str)] = &[
    (
        "pod",
        "`pod` cannot be read as a whole; name the field that is needed, such as `pod.spec.hostNetwork`",
    ),
    (
        "pod.spec",
        "`pod.spec` cannot be read as a whole; name the field that is needed, such as `pod.spec.hostNetwork`",
    ),
    (
        "has(pod.metadata)",
        "`pod.metadata` cannot be read as a whole; name the field that is needed, such as `pod.metadata.labels`",
    ),
    (
        "pod.spec[params.host]",
        "`pod.spec` cannot be read as a whole; name the field that is needed, such as `pod.spec.hostNetwork`",
    ),
    (
        "pod[params.host]",
        "`pod` cannot be read as a whole; name the field that is needed, such as `pod.spec.hostNetwork`",
    ),
    (
        "pod.spec.map(k, k)",
        "`pod.spec` cannot be read as a whole; name the field that is needed, such as `pod.spec.hostNetwork`",
    ),
    (
        "pod.sepc.hostNetwork",
        "`pod.sepc` cannot be read here; did you mean `pod.spec`?",
    ),
    (
        "pod.status.phase",
        "`pod.status` cannot be read here; `pod.` has spec, metadata, kind, apiVersion",
    ),
    (
        "namespaceObject.spec",
        "`namespaceObject.spec` cannot be read here; `namespaceObject.` has metadata",
    ),
    (
        "namespaceObject.metadata.label",
        "`namespaceObject.metadata.label` cannot be read here; did you mean `namespaceObject.metadata.labels`?",
    ),
];

/// Functions and their arguments.
const FUNCTIONS: &[(&str, &str)] = &[
    ("frobnicate(1)", "there is no function `frobnicate(…)`"),
    (
        "params.host.startWith('a')",
        "there is no function `.startWith(…)`; did you mean `startsWith`?",
    ),
    (
        "startsWith('a', 'b')",
        "there is no function `startsWith(…)`; it is called as `x.startsWith()`",
    ),
    (
        "'a'.string()",
        "there is no function `.string(…)`; it is called as `string(x)`",
    ),
    (
        "[1].map(x)",
        "there is no function `.map(…)`; it is a macro, and takes other arguments",
    ),
    (
        "params.host.startsWith()",
        "`startsWith` does not take 0 arguments",
    ),
    (
        "params.port.startsWith('a')",
        "`startsWith` does not take integer, text",
    ),
    (
        "string(params.secret)",
        "`string` does not take map of text",
    ),
    ("params.secret.join()", "`join` does not take map of text"),
    (
        "app.?name.startsWith('x')",
        "`startsWith` does not take optional any value, text; take the value out with `orValue(…)`",
    ),
    (
        "params.host.matches(params.host)",
        "the pattern of `matches` must be written out; a pattern that is computed could be one that never ends",
    ),
    (
        "params.host.matches('(')",
        "the pattern of `matches` is wrong: unclosed group",
    ),
    (
        "[[1]].sum()",
        "`sum` does not take a list of list of integer",
    ),
    ("timestamp('x')", "there is no function `timestamp(…)`"),
    (
        "'%d'.format([1])",
        "there is no function `.format(…)`; did you mean `sort`?",
    ),
    ("type(1)", "there is no function `type(…)`"),
];

/// Operators and their types.
const TYPES: &[(&str, &str)] = &[
    (
        "params.host + 1",
        "`+` does not take text and integer; convert it with `string(…)`",
    ),
    (
        "1 + params.host",
        "`+` does not take integer and text; convert it with `string(…)`",
    ),
    (
        "1 + 1.0",
        "`+` does not take integer and number; convert one with `double(…)` or `int(…)`",
    ),
    (
        "params.secret + params.secret",
        "`+` does not take map of text and map of text",
    ),
    (
        "[1] + params.secret",
        "`+` does not take list of integer and map of text",
    ),
    ("params.host * 2", "`*` does not take text and integer"),
    ("1.5 % 1.0", "`%` does not take number and number"),
    ("-params.host", "`-` does not take text"),
    ("!params.port", "`!` needs a boolean, not integer"),
    ("params.port && true", "`&&` needs a boolean, not integer"),
    ("params.host ? 1 : 2", "`? :` needs a boolean, not text"),
    (
        "params.verbose ? 1 : 'a'",
        "both sides of `:` must be of one type, not integer and text",
    ),
    (
        "params.port == '5432'",
        "`==` does not take integer and text",
    ),
    (
        "params.port == 1.0",
        "`==` does not take integer and number; convert one with `double(…)` or `int(…)`",
    ),
    (
        "params.port != null",
        "`!=` does not take integer and null; parameters and variables of this type are never null",
    ),
    ("params.host < 1", "`<` does not take text and integer"),
    (
        "params.databases < params.databases",
        "`<` does not take list of text and list of text",
    ),
    (
        "quantity('1') < quantity('2')",
        "`<` does not take quantity and quantity; use `isLessThan`, `isGreaterThan` or `compareTo`",
    ),
    (
        "1 in params.databases",
        "`in` does not take integer and list of text",
    ),
    (
        "'a' in params.host",
        "`in` does not take text and text; use `contains`",
    ),
    (
        "app.?name == 'x' && pod.spec.?a + 1 == 2",
        "`==` does not take optional any value and text; take the value out with `orValue(…)`",
    ),
    ("params.host.name", "text has no field `name`"),
    ("params.host[0]", "text cannot be indexed"),
    (
        "params.databases['a']",
        "a list of text is indexed by integer, not by text",
    ),
    ("params.host.map(c, c)", "text has no elements to go over"),
    (
        "app.?env.map(e, e)",
        "optional any value has no elements to go over; take the value out with `orValue([])`",
    ),
    (
        "params.databases.filter(d, d.size())",
        "the condition of a loop needs a boolean, not integer",
    ),
    ("{1: 'a'}", "keys of a map are text, not integer"),
    (
        "[?params.host]",
        "`?` needs an optional value, not text; leave out the `?`, or read the value with `.?`",
    ),
    (
        "optional.of(1).orValue('a')",
        "`orValue` needs integer, not text",
    ),
];

/// What the language does not have here.
const LANGUAGE: &[(&str, &str)] = &[
    (
        "1u",
        "unsigned integers are not used here; leave out the `u`",
    ),
    ("b'x'", "bytes are not used here; leave out the `b`"),
    (
        "Foo{a: 1}",
        "objects of named types cannot be made; write a map: `{'name': …}`",
    ),
    (
        "[1].map(params, 1)",
        "`params` cannot be the name of a loop variable; it has a meaning of its own",
    ),
    ("HOME", "`HOME` is not a name that is known here"),
    ("", "the expression is empty"),
    ("'abc", "a string is not closed"),
    ("'''abc'", "a string is not closed"),
    ("(1", "a bracket is not closed"),
    ("(1]", "`]` closes nothing"),
    (
        "a\u{7}",
        "the expression holds a control character; write it as an escape, such as `\\u0007`",
    ),
];

/// Every source is refused with exactly this message.
fn check(table: &[(&str, &str)]) {
    for (source, message) in table {
        assert_eq!(refusal(source), *message, "{source}");
    }
}

#[test]
fn each_mistake_is_refused_with_what_would_be_right() {
    for table in [NAMES, READS, FUNCTIONS, TYPES, LANGUAGE] {
        check(table);
    }
}

#[test]
fn syntax_errors_say_where() {
    for (source, offset) in [("1 +", 3), ("'ñ' + + 1", 7), ("a b", 2), ("1 +\n  )", 6)] {
        let error = compile(source).unwrap_err();
        assert_eq!(error.offset, offset, "{source}: {error}");
    }
}

#[test]
fn syntax_errors_are_in_plain_words() {
    for (source, words) in [
        ("1 +", "it ends where more is expected"),
        ("1 + (2 3)", "`3` is not expected here"),
        ("a b", "`b` is not expected here"),
        ("params. + 1", "`. +` is not expected here"),
        ("1 # 2", "`#` is no part of an expression"),
    ] {
        let error = compile(source).unwrap_err();
        let expected = format!("not a CEL expression: {words}");
        assert_eq!(error.to_string(), expected, "{source}");
    }
}

#[test]
fn the_offset_is_that_of_the_mistake_in_bytes() {
    for (source, wrong) in [
        ("'ñandú' + params.hots", "params.hots"),
        ("params.host +\n  hots", "hots"),
        ("[1, 2].map(x, y)", "y)"),
    ] {
        let error = compile(source).unwrap_err();
        let start = source.find(wrong).unwrap();
        let inside = start..start + wrong.len();
        assert!(inside.contains(&error.offset), "{source}: {error:?}");
    }
}

#[test]
fn what_a_place_does_not_have_is_refused_there() {
    let narrow = scope().only_parameters_and_app();
    assert!(Expression::compile("params.host + app.name", &narrow).is_ok());
    for source in [
        "pod.spec.hostNetwork",
        "variables.x",
        "kubernetes.minor",
        "self.name",
    ] {
        assert!(Expression::compile(source, &narrow).is_err(), "{source}");
    }
    let error = Expression::compile("self.name", &Scope::new()).unwrap_err();
    assert_eq!(
        error.hint.as_deref(),
        Some("`self` exists only inside `app:`")
    );
}
