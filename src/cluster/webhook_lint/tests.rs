//! Every misconfiguration is found, and none where there is none: the shipped entries, changed one field at
//! a time.

use serde_json::json;

use super::*;

const MUTATING: &str = include_str!("../../../deploy/kustomize/base/mutating-webhook.yaml");
const VALIDATING: &str = include_str!("../../../deploy/kustomize/base/validating-webhook.yaml");

/// The shipped configuration.
fn shipped(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn installation() -> Installation {
    Installation {
        namespace: "pillion-system".to_owned(),
        service: "pillion".to_owned(),
        replicas: Some(2),
    }
}

fn entry<'c>(configuration: &'c mut Value, name: &str) -> &'c mut Value {
    let name = format!("{name}.pillion.dev");
    let entries = configuration["webhooks"].as_array_mut().unwrap();
    entries.iter_mut().find(|one| one["name"] == *name).unwrap()
}

fn found(configuration: &Value) -> Vec<(Severity, MisconfigurationKind)> {
    let found = lint(configuration, &installation());
    let pairs = found.into_iter().map(|one| (one.severity, one.kind));
    pairs.collect()
}

#[test]
fn shipped_entries_have_no_misconfiguration() {
    for text in [MUTATING, VALIDATING] {
        let configuration = shipped(text);
        let found = lint(&configuration, &installation());
        assert_eq!(found, []);
        let entries = configuration["webhooks"].as_array().unwrap();
        let names: Vec<_> = entries.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(json!(names), json!(shipped_entries(&configuration)));
    }
}

/// An entry, a field of it, what is put there, and what is found then.
type Case = (
    &'static str,
    &'static str,
    Value,
    Vec<(Severity, MisconfigurationKind)>,
);

#[test]
fn every_misconfiguration_is_found_in_its_entry() {
    use MisconfigurationKind as Kind;
    use Severity::{Deadlock, Mistake, Tolerated};
    let names = "kubernetes.io/metadata.name";
    let not_in = |list: &[&str]| json!({"key": names, "operator": "NotIn", "values": list});
    let mandatory = json!({"key": "pillion.dev/mandatory", "operator": "Exists"});
    let namespaces = "/namespaceSelector/matchExpressions";
    let all = |group: &str, resource: &str| json!([{"operations": ["*"], "apiGroups": [group], "apiVersions": ["*"], "resources": [resource]}]);
    #[rustfmt::skip]
    let table: Vec<Case> = vec![
        ("mandatory", namespaces, json!([mandatory, not_in(&["kube-system", "kube-node-lease"])]), vec![(Deadlock, Kind::OwnNamespace)]),
        ("mandatory", namespaces, json!([mandatory, not_in(&["pillion-system"])]), vec![(Deadlock, Kind::SystemNamespace)]),
        ("namespace", namespaces, json!([
            {"key": "pillion.dev/mandatory", "operator": "DoesNotExist"},
            {"key": "pillion.dev/injection", "operator": "In", "values": ["enabled"]},
            not_in(&["pillion-system"]),
        ]), vec![(Mistake, Kind::SystemNamespace)]),
        ("mandatory", namespaces, json!([not_in(&["kube-system", "pillion-system"])]), vec![(Mistake, Kind::SelectorLost)]),
        ("pod", "/matchConditions", json!([]), vec![(Deadlock, Kind::MirrorPods)]),
        ("pod", "/matchConditions", json!([{"name": "x", "expression": "true"}]), vec![(Deadlock, Kind::MirrorPods)]),
        ("namespace", "/matchConditions", json!([]), vec![(Mistake, Kind::MirrorPods)]),
        ("pod", "/rules/0/operations", json!(["CREATE", "UPDATE"]), vec![(Mistake, Kind::WideRules)]),
        ("pod", "/rules/0/resources", json!(["pods", "pods/status"]), vec![(Mistake, Kind::WideRules)]),
        ("pod", "/rules/0/operations", json!(["UPDATE"]), vec![(Mistake, Kind::WideRules), (Mistake, Kind::NarrowRules)]),
        ("pod", "/timeoutSeconds", json!(30), vec![(Mistake, Kind::Timeout)]),
        ("pod", "/matchPolicy", json!("Exact"), vec![(Mistake, Kind::MatchPolicy)]),
        ("pod", "/reinvocationPolicy", json!("Never"), vec![(Mistake, Kind::Reinvocation)]),
        ("pod", "/failurePolicy", json!("Ignore"), vec![(Mistake, Kind::FailurePolicy)]),
        ("namespace", "/failurePolicy", json!("Fail"), vec![]),
        ("pod", "/clientConfig/service/name", json!("other"), vec![(Mistake, Kind::Service)]),
        ("pod", "/clientConfig/service/path", json!("/"), vec![(Mistake, Kind::Service)]),
        ("pod", "/name", json!("mine.pillion.dev"), vec![(Mistake, Kind::UnknownEntry)]),
        ("pod", "/rules", json!("all"), vec![(Deadlock, Kind::Unreadable)]),
        ("pod", "/objectSelector/matchExpressions", json!([{"key": "a", "operator": "Sounds"}]), vec![(Deadlock, Kind::Unreadable)]),
        ("mandatory", "/objectSelector", json!({"matchLabels": {"a": "1"}}), vec![(Mistake, Kind::SelectorAdded)]),
        ("mandatory", "/rules", all("coordination.k8s.io", "leases"), vec![(Mistake, Kind::WideRules), (Mistake, Kind::NarrowRules)]),
        ("mandatory", namespaces, json!([mandatory, not_in(&["kube-system", "pillion-system", "gke-gmp-system"])]), vec![(Tolerated, Kind::SelectorAdded)]),
    ];
    for (name, pointer, value, expected) in table {
        let mut configuration = shipped(MUTATING);
        let case = format!("{name} {pointer} {value}");
        let entry = entry(&mut configuration, name);
        // Absent fields have their default.
        for field in ["matchPolicy", "objectSelector"] {
            if entry[field].is_null() {
                entry[field] = json!(null);
            }
        }
        *entry.pointer_mut(pointer).unwrap() = value;
        assert_eq!(found(&configuration), expected, "{case}");
    }
}

#[test]
fn the_whole_cluster_is_a_deadlock() {
    use MisconfigurationKind as Kind;
    let mut configuration = shipped(MUTATING);
    let entry = entry(&mut configuration, "mandatory");
    entry["namespaceSelector"] = json!({});
    entry["rules"] = json!([{
        "operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"],
    }]);
    let one = Installation {
        replicas: Some(1),
        ..installation()
    };
    let deadlocks = |installation: &Installation| {
        let found = lint(&configuration, installation).into_iter();
        found
            .filter(|one| one.severity == Severity::Deadlock)
            .map(|one| one.kind)
            .collect::<Vec<_>>()
    };
    let always = [
        Kind::OwnNamespace,
        Kind::SystemNamespace,
        Kind::Leases,
        Kind::ControlPlane,
    ];
    assert_eq!(deadlocks(&installation()), always);
    let mut with_one = always.to_vec();
    with_one.push(Kind::EveryPod);
    assert_eq!(deadlocks(&one), with_one);
}

#[test]
fn every_pod_needs_more_than_one_replica() {
    let mut configuration = shipped(MUTATING);
    let entry = entry(&mut configuration, "mandatory");
    let kept = json!([{
        "key": "kubernetes.io/metadata.name", "operator": "NotIn",
        "values": ["kube-system", "kube-node-lease", "pillion-system"],
    }]);
    entry["namespaceSelector"]["matchExpressions"] = kept;
    for (replicas, expected) in [
        (Some(0), true),
        (Some(1), true),
        (Some(2), false),
        (None, false),
    ] {
        let installation = Installation {
            replicas,
            ..installation()
        };
        let found = lint(&configuration, &installation);
        let is_found = found
            .iter()
            .any(|one| one.kind == MisconfigurationKind::EveryPod);
        assert_eq!(is_found, expected, "{replicas:?}");
    }
}

#[test]
fn what_aks_adds_is_tolerated_and_named() {
    for text in [MUTATING, VALIDATING] {
        let mut configuration = shipped(text);
        for entry in configuration["webhooks"].as_array_mut().unwrap() {
            let selected = &mut entry["namespaceSelector"]["matchExpressions"];
            let selected = selected.as_array_mut().unwrap();
            selected.push(json!({"key": "control-plane", "operator": "NotIn", "values": ["true"]}));
            selected.push(json!({"key": "control-plane", "operator": "DoesNotExist"}));
            selected.push(json!({
                "key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"],
            }));
        }
        let found = lint(&configuration, &installation());
        let entries = configuration["webhooks"].as_array().unwrap().len();
        assert_eq!(found.len(), 3 * entries);
        for one in found {
            assert_eq!(one.severity, Severity::Tolerated, "{one}");
            assert!(one.what.starts_with("AKS added"), "{one}");
        }
    }
}

#[test]
fn a_selector_that_nothing_satisfies_is_no_deadlock() {
    let mut configuration = shipped(MUTATING);
    let entry = entry(&mut configuration, "pod");
    entry["namespaceSelector"] = json!({});
    entry["objectSelector"] = json!({"matchExpressions": [
        {"key": "a", "operator": "Exists"}, {"key": "a", "operator": "DoesNotExist"},
    ]});
    let found = found(&configuration);
    assert!(
        !found.iter().any(|one| one.0 == Severity::Deadlock),
        "{found:?}"
    );
}

/// What is known of the condition's text is true of it: the API server's rules, evaluated.
#[test]
fn the_known_condition_leaves_out_mirror_pods_of_nodes_alone() {
    use crate::expression::{AdmissionCondition, AdmissionData};
    let condition = AdmissionCondition::compile(NOT_A_MIRROR_POD).unwrap();
    let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}});
    let other = json!({"metadata": {"annotations": {"a": "b"}}});
    let bare = json!({"metadata": {}});
    let node = json!({"userInfo": {"groups": ["system:nodes", "system:authenticated"]}});
    let person = json!({"userInfo": {"groups": ["system:authenticated"]}});
    let nobody = json!({"userInfo": {}});
    for (object, request, expected) in [
        (&mirror, &node, false),
        (&mirror, &person, true),
        (&mirror, &nobody, true),
        (&other, &node, true),
        (&bare, &node, true),
        (&bare, &nobody, true),
    ] {
        let data = AdmissionData::of_creation(object, request);
        assert_eq!(
            condition.holds(&data).unwrap(),
            expected,
            "{object} {request}"
        );
    }
}
