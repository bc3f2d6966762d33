//! Every finding about resources, with the pods that it is not about.

mod namespace;

use serde_json::{Value, json};

use super::qos::QosClass;
use super::*;
use crate::check::pod::Resources;
use crate::check::test_support::Scene;

/// Containers, each `name cpu/memory cpu/memory`: requests and limits; `-` for none.
fn containers(text: &str) -> Vec<Value> {
    let amounts = |text: Option<&str>| {
        let names = ["cpu", "memory"].into_iter();
        let said = names.zip(text.unwrap_or_default().split('/'));
        let said = said.filter(|(_, amount)| !matches!(*amount, "-" | ""));
        let said = said.map(|(name, amount)| (name.to_owned(), json!(amount)));
        Value::Object(said.collect())
    };
    let container = |text: &str| {
        let mut words = text.split_whitespace();
        json!({"name": words.next(), "resources": {
            "requests": amounts(words.next()), "limits": amounts(words.next())}})
    };
    text.split(',').map(container).collect()
}

fn pod(app: &str, spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["containers"] = containers(app).into();
    json!({"spec": spec})
}

fn found(scene: &Scene, pod: &Value) -> Vec<String> {
    scene.found(&Scene::pod(pod), check)
}

/// The codes with templates and paths, separated by commas.
fn codes(found: &[String]) -> String {
    let words = found.iter().map(|line| line.split_once(':').unwrap().0);
    words.collect::<Vec<_>>().join(", ")
}

/// `spec.resources`: requests, limits, and what is found.
const OWN: [(&str, &str, &str); 7] = [
    (r#"{"cpu": "1300m"}"#, r#"{"cpu": "2"}"#, ""),
    (
        r#"{"cpu": "1250m"}"#,
        "{}",
        "logs spec.containers[2].resources",
    ),
    (
        r#"{"cpu": "1100m"}"#,
        "{}",
        "mesh spec.containers[1].resources",
    ),
    // The user's own exceeds it already.
    (r#"{"cpu": "500m"}"#, "{}", ""),
    (
        r#"{"cpu": "2"}"#,
        r#"{"cpu": "250m"}"#,
        "mesh spec.containers[1].resources.limits.cpu",
    ),
    (
        "{}",
        r#"{"cpu": "1200m"}"#,
        "logs spec.containers[2].resources",
    ),
    ("{}", "{}", ""),
];

#[test]
fn pods_with_resources_of_their_own_have_to_hold_the_helpers() {
    let all = "app 1/1Gi -/-, mesh-proxy 200m/- 300m/-, logs-agent 100m/- -/-";
    let own = |requests: &str, limits: &str| {
        let read = |text| serde_json::from_str::<Value>(text).unwrap();
        json!({"resources": {"requests": read(requests), "limits": read(limits)}})
    };
    for (requests, limits, expected) in OWN {
        let mut found = found(&Scene::new(), &pod(all, &own(requests, limits)));
        found.retain(|line| line.starts_with("PodResourcesExceeded"));
        let expected = match expected {
            "" => String::new(),
            expected => format!("PodResourcesExceeded {expected}"),
        };
        assert_eq!(codes(&found), expected, "{requests} {limits}");
    }
    let tight = pod(all, &own(r#"{"cpu": "1100m"}"#, "{}"));
    assert_eq!(
        found(&Scene::new(), &tight)[0],
        "PodResourcesExceeded mesh spec.containers[1].resources: the pod's own resources leave no \
         room for the template mesh: with it its containers together request 1300m cpu, and \
         spec.resources.requests has 1100m"
    );
}

#[test]
fn a_pod_with_limits_of_its_own_gets_requests() {
    let table = [
        ("app", json!({"memory": "4Gi"}), json!({"memory": "4Gi"})),
        (
            "app 1/1Gi",
            json!({"memory": "4Gi"}),
            json!({"cpu": "1", "memory": "1Gi"}),
        ),
        (
            "app -/- 2/-, b 500m/-",
            json!({"memory": "4Gi"}),
            json!({"cpu": "2500m", "memory": "4Gi"}),
        ),
        (
            "app",
            json!({"hugepages-2Mi": "8Mi", "example.com/x": "1"}),
            json!({"hugepages-2Mi": "8Mi"}),
        ),
        ("app 1/1Gi", json!({}), json!({})),
    ];
    for (app, limits, expected) in table {
        let pod = pod(app, &json!({"resources": {"limits": limits}}));
        let requests: BTreeMap<_, _> = default_pod_requests(&Scene::pod(&pod))
            .into_iter()
            .map(|(name, amount)| (name, amount.to_string()))
            .collect();
        assert_eq!(json!(requests), expected, "{app} {limits}");
    }
    let written =
        json!({"resources": {"limits": {"cpu": "2", "memory": "4Gi"}, "requests": {"cpu": "1"}}});
    let requests = default_pod_requests(&Scene::pod(&pod("app 1/1Gi", &written)));
    assert_eq!(requests.into_keys().collect::<Vec<_>>(), ["memory"]);
    assert!(default_pod_requests(&Scene::pod(&pod("app 1/1Gi", &json!({})))).is_empty());
}

/// What is tried, the containers, and what is found.
const HELPERS: [(&str, &str, &str); 9] = [
    ("alike", "app 1/1Gi 1/1Gi, mesh-a 1/1Mi 1/1Mi", ""),
    ("limits alone", "app 1/1Gi 1/1Gi, mesh-a -/- 1/1Mi", ""),
    (
        "no limits",
        "app 1/1Gi 1/1Gi, mesh-a 1m/1Mi -/-",
        "QosClassChanged mesh spec.containers[1].resources",
    ),
    (
        "the second",
        "app 1/1Gi 1/1Gi, mesh-a 1m/1Mi 1m/1Mi, logs-a 1m/1Mi 2m/1Mi",
        "QosClassChanged logs spec.containers[2].resources",
    ),
    (
        "nothing",
        "app 1/1Gi 1/1Gi, mesh-a -/- -/-",
        "RequestsMissing mesh spec.containers[1].resources.requests, \
         QosClassChanged mesh spec.containers[1].resources",
    ),
    ("an app without requests", "app -/- -/-, mesh-a -/- -/-", ""),
    (
        "lifted out of BestEffort",
        "app -/- -/-, mesh-a 1m/1Mi 1m/1Mi",
        "",
    ),
    (
        "one request of two",
        "app 1/- -/-, mesh-a -/1Gi -/-",
        "RequestsMissing mesh spec.containers[1].resources.requests",
    ),
    (
        "larger",
        "app 100m/1Gi -/-, mesh-a 60m/1Mi -/-, logs-a 60m/1Mi -/-",
        "HelperLargerThanApp logs spec.containers[2].resources",
    ),
];

#[test]
fn helpers_may_not_break_scaling_or_cost_the_class() {
    for (what, containers, expected) in HELPERS {
        let found = found(&Scene::new(), &pod(containers, &json!({})));
        assert_eq!(codes(&found), expected, "{what}: {found:?}");
    }
    let step = json!({"initContainers": containers("mesh-a -/- -/-")});
    let step = found(&Scene::new(), &pod("app 1/1Gi -/-", &step));
    assert!(
        step.is_empty(),
        "a step has ended when the app is scaled: {step:?}"
    );
    let own = json!({"resources": {"requests": {"cpu": "2"}}});
    let own = found(&Scene::new(), &pod("app 1/1Gi -/-, mesh-a -/- -/-", &own));
    assert!(
        own.is_empty(),
        "scaling goes by the pod's own request: {own:?}"
    );
}

#[test]
fn what_a_template_adds_to_the_users_container_is_its_own() {
    let value = pod(
        "app 1/1Gi 1/2Gi",
        &json!({"resources": {"requests": {"memory": "512Mi"}}}),
    );
    let mut view = Scene::pod(&value);
    view.containers[0].fields_by.push(("resources", "logs"));
    view.containers[0].resources_before = Some(Resources::default());
    let found = Scene::new().found(&view, check);
    assert_eq!(
        codes(&found),
        "PodResourcesExceeded logs spec.containers[0].resources"
    );
}

#[test]
fn the_effect_shows_both_sides() {
    let value = pod(
        "app 500m/1Gi 500m/1Gi, mesh-a 1/- -/1Gi",
        &json!({"overhead": {"cpu": "10m", "memory": "1Mi"},
            "initContainers": containers("logs-a 2/- -/-, step -/4Gi -/-")}),
    );
    let found = effect(&Scene::pod(&value));
    let text = |amount: Option<crate::kubernetes::quantity::Quantity>| {
        amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string())
    };
    let line = |a: &Amounts| {
        let amounts = [
            a.request_before,
            a.request_after,
            a.limit_before,
            a.limit_after,
        ];
        format!("{} {}", a.resource, amounts.map(text).join(" "))
    };
    let lines: Vec<_> = found.amounts.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "cpu 510m 2010m 510m 510m",
            "memory 4097Mi 4097Mi 1025Mi 2049Mi"
        ]
    );
    assert_eq!(
        (found.class_before, found.class_after),
        (QosClass::Burstable, QosClass::Burstable)
    );
}
