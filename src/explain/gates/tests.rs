//! The shipped configuration against the precedence table, and conditions that fail.

use serde_json::json;

use super::*;

fn shipped() -> WebhookConfiguration {
    let text = include_str!("../../../deploy/kustomize/base/mutating-webhook.yaml");
    let options = crate::template::node::yaml_options();
    let document: Value = serde_saphyr::from_str_with_options(text, options).unwrap();
    WebhookConfiguration::read(&document).unwrap()
}

fn labels<'a, T: From<&'a str> + Ord>(list: &[(&'a str, Option<&'a str>)]) -> BTreeMap<T, T> {
    let present = list
        .iter()
        .filter_map(|(key, value)| Some((*key, (*value)?)));
    present
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

fn called(configuration: &WebhookConfiguration, arrival: Arrival<'_>) -> Vec<String> {
    evaluate(configuration, arrival)
        .into_iter()
        .inspect(|entry| {
            let passes = entry.first_stop().is_none();
            assert_eq!(passes, entry.call == Call::Called, "{entry:#?}");
        })
        .filter(|entry| entry.call == Call::Called)
        .map(|entry| entry.entry)
        .collect()
}

/// The table that `tests/end_to_end/precedence` holds the real API server to.
#[test]
fn the_shipped_entries_are_called_as_the_table_says() {
    let shipped = shipped();
    let none = None;
    for namespace in [none, Some("enabled"), Some("disabled")] {
        for mandatory in [none, Some("")] {
            for label in [none, Some("true"), Some("false"), Some("yes")] {
                for asks in [false, true] {
                    let expected = match (mandatory, label, namespace, asks) {
                        (Some(_), ..) => "mandatory",
                        (_, Some("false"), ..) => "",
                        (_, Some(_), ..) => "pod",
                        (_, _, Some("disabled"), _) => "",
                        (_, _, _, true) => "annotation",
                        (_, _, Some("enabled"), _) => "namespace",
                        _ => "",
                    };
                    let namespace_labels = labels(&[
                        ("pillion.dev/injection", namespace),
                        ("pillion.dev/mandatory", mandatory),
                        ("kubernetes.io/metadata.name", Some("shop")),
                    ]);
                    let mut object = json!({"metadata": {"name": "web"}});
                    if asks {
                        object["metadata"]["annotations"] = json!({"pillion.dev/inject": "a"});
                    }
                    let arrival = Arrival {
                        operation: "CREATE",
                        namespace_labels: &namespace_labels,
                        labels: &labels(&[("pillion.dev/inject", label)]),
                        object: &object,
                        request: &json!({}),
                    };
                    let expected: Vec<_> = Some(expected)
                        .filter(|name| !name.is_empty())
                        .map(|name| format!("{name}.pillion.dev"))
                        .into_iter()
                        .collect();
                    assert_eq!(
                        called(&shipped, arrival),
                        expected,
                        "{namespace:?} {mandatory:?} {label:?} {asks}"
                    );
                }
            }
        }
    }
}

fn one_entry(entry: &Value) -> WebhookConfiguration {
    let mut webhook = json!({
        "name": "test.pillion.dev",
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"],
            "resources": ["pods"]}],
    });
    for (key, value) in entry.as_object().unwrap() {
        webhook[key] = value.clone();
    }
    let foreign = json!({"name": "sidecar-injector.istio.io"});
    let document = json!({"kind": "MutatingWebhookConfiguration", "metadata": {"name": "test"},
        "webhooks": [foreign, webhook]});
    WebhookConfiguration::read(&document).unwrap()
}

fn only(entry: &Value, operation: &str) -> EntryGates {
    let team = [("team", Some("web"))];
    let arrival = Arrival {
        operation,
        namespace_labels: &labels(&team),
        labels: &labels(&team),
        object: &json!({"metadata": {"name": "web"}}),
        request: &json!({"operation": "CREATE"}),
    };
    let mut gates = evaluate(&one_entry(entry), arrival);
    assert_eq!(gates.len(), 1, "entries of others are left out");
    gates.remove(0)
}

#[test]
fn every_gate_says_why_it_stops() {
    let condition =
        |expression: &str| json!({"matchConditions": [{"name": "c", "expression": expression}]});
    let table = [
        (json!({}), Call::Called, "", ""),
        (
            json!({"rules": []}),
            Call::NotCalled,
            "rules",
            "no rule is about pods",
        ),
        (
            json!({"rules": [{"operations": ["UPDATE"], "apiGroups": ["*"], "apiVersions": ["*"],
                "resources": ["*/*"], "scope": "*"}]}),
            Call::NotCalled,
            "rules",
            "no rule is about CREATE of pods",
        ),
        (
            json!({"namespaceSelector": {"matchLabels": {"team": "db"}}}),
            Call::NotCalled,
            "namespaceSelector",
            "`team in (db)` asked for; the namespace has the label team=web",
        ),
        (
            json!({"objectSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}),
            Call::NotCalled,
            "objectSelector",
            "`a exists` asked for; the pod has no label a",
        ),
        (
            condition("false"),
            Call::NotCalled,
            "matchConditions",
            "`false` is false",
        ),
        (
            condition("object.spec.x"),
            Call::Refused,
            "matchConditions",
            "`object.spec.x` fails: there is no field",
        ),
        (
            condition("request.userInfo.username == 'a'"),
            Call::Unknown,
            "matchConditions",
            "only the API server can tell",
        ),
        (
            condition("authorizer.path('/x').check('get').allowed()"),
            Call::Unknown,
            "matchConditions",
            "only the API server can tell",
        ),
    ];
    for (entry, call, field, why) in table {
        let gates = only(&entry, "CREATE");
        assert_eq!(gates.call, call, "{entry}: {gates:#?}");
        let stop = gates.first_stop();
        assert_eq!(stop.map_or("", |gate| gate.gate), field, "{entry}");
        let told = stop.map_or("", |gate| gate.why.as_str());
        assert!(told.starts_with(why), "{entry}: {told}");
    }
    assert_eq!(only(&json!({}), "UPDATE").call, Call::NotCalled);
}

#[test]
fn a_failing_condition_follows_the_failure_policy_unless_another_is_false() {
    let table = [
        ("Fail", "true", Call::Refused),
        ("Ignore", "true", Call::NotCalled),
        ("Fail", "false", Call::NotCalled),
    ];
    for (policy, second, call) in table {
        let entry = json!({"failurePolicy": policy, "matchConditions": [
            {"name": "a", "expression": "object.spec.x"}, {"name": "b", "expression": second},
        ]});
        assert_eq!(only(&entry, "CREATE").call, call, "{policy} {second}");
    }
}
