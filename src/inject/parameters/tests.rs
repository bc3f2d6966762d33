//! Where values come from, and what a person reads who set one wrongly.

mod problems;
mod quantities;

use serde_json::json;

use std::collections::BTreeMap;

use super::*;
use crate::review::pod::Dictionary;
use crate::template::{Catalog, CatalogLookup, Source as File};

const PARAMETERS: &str = "
    host: {type: string, required: true, pattern: '[a-z.]+', description: the host}
    port: {type: integer, default: 5432, minimum: 1, maximum: 65535}
    ratio: {type: number, default: 0.5}
    debug: {type: boolean, default: false}
    memory: {type: quantity, default: 64Mi, maximum: 1Gi}
    wait: {type: duration, default: 30s}
    mode: {type: string, default: one, enum: [one, two]}
    free: {type: string}
    lines: {type: string, pattern: '(?s).*'}
    names: {type: list, maxItems: 3, items: {pattern: '[a-z]+'}}
    numbers: {type: list, items: {type: integer}, default: [1, 2]}
    secret: {type: map, maxItems: 2, items: {pattern: '[a-z]+'}}
    image: {type: string, default: 'image:1', setBy: [Namespace]}
    mine: {type: string, default: pod, setBy: [Pod]}
    fixed: {type: string, default: constant, setBy: []}
    target: {type: string, default: '${params.host}:${params.port}'}
    shout: {type: string, default: \"${params.target + '!'}\"}
";

/// Nothing besides parameters.
struct Nothing;

impl Source for Nothing {
    fn parameter(&self, _name: &str) -> Option<&Value> {
        None
    }
    fn pod(&self, _paths: &Paths) -> &Value {
        &Value::Null
    }
    fn apps(&self, _paths: &Paths) -> &Value {
        &Value::Null
    }
    fn app(&self, _paths: &Paths) -> &Value {
        static APP: std::sync::LazyLock<Value> =
            std::sync::LazyLock::new(|| json!({"name": "app"}));
        &APP
    }
    fn own(&self, _paths: &Paths) -> &Value {
        &Value::Null
    }
    fn namespace(&self, _paths: &Paths) -> &Value {
        &Value::Null
    }
    fn kubernetes_minor(&self) -> u32 {
        37
    }
}

type Settings<'s> = &'s [(&'s str, &'s str)];

/// Resolves with annotations of `t.pillion.dev/`, of pod and namespace, and a configuration.
fn resolve_with(
    declared: &str,
    pod: Settings<'_>,
    namespace: Settings<'_>,
    configuration: Settings<'_>,
) -> Result<Values<'static>, Refusal> {
    let text = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: t}}\n\
         spec:\n  parameters:{declared}"
    );
    let path = "t.yaml".to_owned();
    let (catalog, errors) = Catalog::load(&[File { path, text }], None);
    assert!(errors.is_empty(), "{errors:?}");
    let catalog: &'static Catalog = Box::leak(Box::new(catalog));
    let CatalogLookup::Template(template) = catalog.find("", "t") else {
        panic!("the template loads");
    };
    let annotations = |settings: Settings<'_>| -> BTreeMap<String, String> {
        settings
            .iter()
            .map(|(key, value)| (format!("t.pillion.dev/{key}"), (*value).to_owned()))
            .collect()
    };
    let of_pod = annotations(pod);
    let pod: Dictionary<'_> = of_pod
        .iter()
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
        .collect();
    let configuration = configuration
        .iter()
        .map(|(key, value)| (("t".to_owned(), (*key).to_owned()), (*value).to_owned()))
        .collect();
    let given = ParameterSources {
        trace: None,
        budget: &Budget::new(),
        pod: &pod,
        namespace: &annotations(namespace),
        configuration: &configuration,
    };
    resolve(template, given, &Nothing)
}

fn value(
    name: &str,
    pod: Settings<'_>,
    namespace: Settings<'_>,
    configuration: Settings<'_>,
) -> Value {
    let mut pod = pod.to_vec();
    if name != "host" && !pod.iter().any(|(key, _)| *key == "host") {
        pod.push(("host", "db"));
    }
    let values = resolve_with(PARAMETERS, &pod, namespace, configuration).unwrap();
    values.get(name).cloned().unwrap()
}

#[test]
fn the_nearest_setting_wins() {
    let (a, b, c) = (
        &[("port", "1")][..],
        &[("port", "2")][..],
        &[("port", "3")][..],
    );
    let none = &[][..];
    let table = [
        (a, b, c, 1),
        (a, none, c, 1),
        (a, none, none, 1),
        (none, b, c, 2),
        (none, b, none, 2),
        (none, none, c, 3),
        (none, none, none, 5432),
    ];
    for (pod, namespace, configuration, expected) in table {
        let found = value("port", pod, namespace, configuration);
        assert_eq!(
            found,
            json!(expected),
            "{pod:?} {namespace:?} {configuration:?}"
        );
    }
}

#[test]
fn values_have_their_declared_type() {
    let table = [
        ("host", "db.shop", json!("db.shop")),
        ("port", " 80 ", json!(80)),
        ("ratio", "1", json!(1.0)),
        ("debug", "true", json!(true)),
        ("memory", "1Gi", json!("1Gi")),
        ("wait", "1h30m", json!("1h30m")),
        (
            "free",
            " $(X) ${params.host} ",
            json!(" $(X) ${params.host} "),
        ),
        ("lines", "a\nb", json!("a\nb")),
        ("names", " a, b ,,c", json!(["a", "b", "c"])),
        ("names", "a\nb\n", json!(["a", "b"])),
        ("names", "", json!([])),
        ("numbers", "3", json!([3])),
        ("mine", "x", json!("x")),
        ("target", "other", json!("other")),
    ];
    for (name, text, expected) in table {
        assert_eq!(
            value(name, &[(name, text)], &[], &[]),
            expected,
            "{name} = {text:?}"
        );
    }
}

#[test]
fn absent_values_are_empty_or_the_default() {
    let table = [
        ("free", json!("")),
        ("names", json!([])),
        ("numbers", json!([1, 2])),
        ("secret", json!({})),
        ("ratio", json!(0.5)),
        ("memory", json!("64Mi")),
        ("image", json!("image:1")),
        ("fixed", json!("constant")),
        ("target", json!("db:5432")),
        ("shout", json!("db:5432!")),
    ];
    for (name, expected) in table {
        assert_eq!(value(name, &[], &[], &[]), expected, "{name}");
    }
    let computed = value("shout", &[("port", "1")], &[], &[]);
    assert_eq!(computed, json!("db:1!"), "a default reads what the pod set");
}

#[test]
fn maps_are_united_key_by_key() {
    let pod = &[("secret.a", "pod"), ("secret.with.dot", "x")][..];
    let namespace = &[("secret.a", "namespace")][..];
    assert_eq!(
        value("secret", pod, namespace, &[]),
        json!({"a": "pod", "with.dot": "x"})
    );
    let united = value("secret", &[("secret.b", "pod")], namespace, &[]);
    assert_eq!(united, json!({"a": "namespace", "b": "pod"}));
    let configured = value(
        "secret",
        &[("secret.b", "pod")],
        &[],
        &[("secret.c", "configuration")],
    );
    assert_eq!(configured, json!({"c": "configuration", "b": "pod"}));
}

#[test]
fn the_configuration_sets_what_nobody_may() {
    assert_eq!(value("fixed", &[], &[], &[("fixed", "set")]), json!("set"));
    assert_eq!(
        value("image", &[], &[("image", "mine:2")], &[]),
        json!("mine:2")
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn refusals_name_the_annotation_the_value_and_what_would_be_right() {
    let table: &[(Settings<'_>, Settings<'_>, Settings<'_>, &str, &str)] = &[
        (
            &[],
            &[],
            &[],
            "ParameterMissing",
            "annotation t.pillion.dev/host is required by the template `t` (the host)",
        ),
        (
            &[("host", "")],
            &[],
            &[],
            "ParameterInvalid",
            "matches the pattern `[a-z.]+`",
        ),
        (
            &[("host", "DB")],
            &[],
            &[],
            "ParameterInvalid",
            "annotation t.pillion.dev/host of the pod: `DB`: expected text that matches the pattern `[a-z.]+` as a whole",
        ),
        (
            &[("port", "http")],
            &[],
            &[],
            "ParameterInvalid",
            "annotation t.pillion.dev/port of the pod: `http`: expected a whole number, such as 8080",
        ),
        (
            &[("port", "0")],
            &[],
            &[],
            "ParameterInvalid",
            "`0`: expected at least 1",
        ),
        (
            &[],
            &[("port", "65536")],
            &[],
            "ParameterInvalid",
            "annotation t.pillion.dev/port of the namespace: `65536`: expected at most 65535",
        ),
        (
            &[],
            &[],
            &[("port", "x")],
            "ParameterInvalid",
            "configuration parameters.t.port: `x`: expected a whole number",
        ),
        (
            &[("mode", "three")],
            &[],
            &[],
            "ParameterInvalid",
            "`three`: expected one of: one, two",
        ),
        (
            &[("debug", "yes")],
            &[],
            &[],
            "ParameterInvalid",
            "`yes`: expected true or false",
        ),
        (
            &[("memory", "2Gi")],
            &[],
            &[],
            "ParameterInvalid",
            "`2Gi`: expected at most 1Gi",
        ),
        (
            &[("wait", "5")],
            &[],
            &[],
            "ParameterInvalid",
            "`5`: expected a duration, such as 30s or 1h30m",
        ),
        (
            &[("free", "a\nb")],
            &[],
            &[],
            "ParameterInvalid",
            "`a\\nb`: control characters",
        ),
        (
            &[("names", "a,B")],
            &[],
            &[],
            "ParameterInvalid",
            "`a,B`: expected text that matches",
        ),
        (
            &[("names", "a,b,c,d")],
            &[],
            &[],
            "ParameterInvalid",
            "4 elements are more than the 3",
        ),
        (
            &[("numbers", "1,x")],
            &[],
            &[],
            "ParameterInvalid",
            "`1,x`: expected a whole number",
        ),
        (
            &[("prot", "1")],
            &[],
            &[],
            "ParameterUnknown",
            "annotation t.pillion.dev/prot of the pod: the template `t` has no parameter `prot`; did you mean `port`?",
        ),
        (
            &[("something-else", "1")],
            &[],
            &[],
            "ParameterUnknown",
            "it has host, port,",
        ),
        (
            &[("image", "evil")],
            &[],
            &[],
            "ParameterNotAllowed",
            "can be set only by an annotation of the namespace",
        ),
        (
            &[],
            &[("mine", "x")],
            &[],
            "ParameterNotAllowed",
            "annotation t.pillion.dev/mine of the namespace: the parameter `mine` can be set only by an annotation of the pod",
        ),
        (
            &[("fixed", "x")],
            &[],
            &[],
            "ParameterNotAllowed",
            "can be set only by Pillion's configuration",
        ),
        (
            &[("secret", "x")],
            &[],
            &[],
            "ParameterInvalid",
            "the parameter is a map: set each key by `secret.<key>`",
        ),
        (
            &[("secret.", "x")],
            &[],
            &[],
            "ParameterInvalid",
            "the key behind the dot is empty",
        ),
        (
            &[("port.a", "x")],
            &[],
            &[],
            "ParameterInvalid",
            "the parameter `port` is no map and has no keys",
        ),
        (
            &[("secret.a", "A")],
            &[],
            &[],
            "ParameterInvalid",
            "annotation t.pillion.dev/secret.a of the pod: `A`: expected text that matches",
        ),
        (
            &[("secret.a", "x"), ("secret.b", "x"), ("secret.c", "x")],
            &[],
            &[],
            "ParameterInvalid",
            "3 elements are more than the 2",
        ),
        (
            &[],
            &[],
            &[("prot", "1")],
            "ParameterUnknown",
            "configuration parameters.t.prot: the template `t` has no parameter `prot`; did you mean `port`?",
        ),
    ];
    for (set, namespace, configuration, reason, expected) in table {
        let mut set = set.to_vec();
        let about_host =
            expected.contains("host is required") || set.iter().any(|(k, _)| *k == "host");
        if !about_host {
            set.push(("host", "db"));
        }
        let Err(Refusal {
            reason: found,
            message,
            ..
        }) = resolve_with(PARAMETERS, &set, namespace, configuration)
        else {
            panic!("{set:?} {namespace:?} {configuration:?} resolves");
        };
        assert_eq!(found.code(), *reason, "{message}");
        assert!(
            message.contains(expected),
            "{message}\nexpected: {expected}"
        );
    }
}

#[test]
fn long_values_are_not_repeated_in_full() {
    let long = "x".repeat(10_000);
    let set = [("host", "db"), ("port", long.as_str())];
    let Refusal { message, .. } = resolve_with(PARAMETERS, &set, &[], &[]).unwrap_err();
    assert!(message.len() < 250, "{message}");
}

#[test]
fn a_computed_default_is_checked_like_any_value() {
    let declared = "
    host: {type: string, required: true}
    short: {type: string, default: '${params.host}', pattern: '[a-z]{1,3}'}
";
    let resolve = |host: &str| resolve_with(declared, &[("host", host)], &[], &[]);
    assert!(resolve("abc").is_ok());
    let Refusal {
        reason, message, ..
    } = resolve("abcd").unwrap_err();
    assert_eq!(reason, Reason::EvaluationFailed);
    assert_eq!(
        message,
        "the default of the parameter `short`: expected text that matches the pattern \
         `[a-z]{1,3}` as a whole"
    );
}
