//! Every finding about resources, with the pods that it is not about.

use serde_json::{Value, json};

use super::*;
use crate::check::scene::Scene;

/// A container with requests and limits, each `cpu/memory`; `-` for none.
fn container(name: &str, requests: &str, limits: &str) -> Value {
    let amounts = |text: &str| {
        let names = ["cpu", "memory"].into_iter().zip(text.split('/'));
        let said = names.filter(|(_, amount)| *amount != "-");
        let said = said.map(|(name, amount)| (name.to_owned(), json!(amount)));
        Value::Object(said.collect())
    };
    json!({"name": name, "resources": {"requests": amounts(requests), "limits": amounts(limits)}})
}

fn pod(containers: &[Value], spec: Value) -> Value {
    let mut pod = json!({"spec": spec});
    pod["spec"]["containers"] = containers.into();
    pod
}

fn found(scene: &Scene, pod: &Value) -> Vec<String> {
    scene.found(&Scene::pod(pod), check)
}

fn codes(found: &[String]) -> Vec<&str> {
    found
        .iter()
        .map(|line| line.split_once(':').unwrap().0)
        .collect()
}

#[test]
fn pods_with_resources_of_their_own_have_to_hold_the_helpers() {
    let app = container("app", "1/1Gi", "-/-");
    let mesh = container("mesh-proxy", "200m/-", "300m/-");
    let logs = container("logs-agent", "100m/-", "-/-");
    let all = [app.clone(), mesh, logs];
    let own = |requests: Value, limits: Value| json!({"resources": {"requests": requests, "limits": limits}});
    type Row<'r> = (Value, &'r [&'r str]);
    let code = "PodResourcesExceeded";
    let table: [Row<'_>; 7] = [
        (own(json!({"cpu": "1300m"}), json!({"cpu": "2"})), &[]),
        (
            own(json!({}), json!({"cpu": "1200m", "memory": "2Gi"})),
            &["logs spec.containers[2].resources"],
        ),
        (
            own(json!({"cpu": "1250m"}), json!({})),
            &["logs spec.containers[2].resources"],
        ),
        (
            own(json!({"cpu": "1100m"}), json!({})),
            &["mesh spec.containers[1].resources"],
        ),
        (own(json!({"cpu": "500m"}), json!({})), &[]),
        (
            own(json!({"cpu": "2"}), json!({"cpu": "250m"})),
            &["mesh spec.containers[1].resources.limits.cpu"],
        ),
        (own(json!({}), json!({})), &[]),
    ];
    for (own, expected) in table {
        let found = found(&Scene::new(), &pod(&all, own.clone()));
        let ours = found.iter().filter(|line| line.starts_with(code));
        let ours: Vec<String> = ours.cloned().collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|rest| format!("{code} {rest}"))
            .collect();
        assert_eq!(codes(&ours), expected, "{own}");
    }
    let tight = pod(&all, own(json!({"cpu": "1100m"}), json!({})));
    assert_eq!(
        found(&Scene::new(), &tight)[0],
        "PodResourcesExceeded mesh spec.containers[1].resources: the pod's own resources leave no \
         room for the template mesh: with it its containers together request 1300m cpu, and \
         spec.resources.requests has 1100m"
    );
}

#[test]
fn helpers_may_not_break_scaling_or_cost_the_class() {
    type Row<'r> = (&'r str, Vec<Value>, &'r [&'r str]);
    let guaranteed = container("app", "1/1Gi", "1/1Gi");
    let table: [Row<'_>; 9] = [
        (
            "alike",
            vec![guaranteed.clone(), container("mesh-a", "1/1Mi", "1/1Mi")],
            &[],
        ),
        (
            "limits alone",
            vec![guaranteed.clone(), container("mesh-a", "-/-", "1/1Mi")],
            &[],
        ),
        (
            "no limits",
            vec![guaranteed.clone(), container("mesh-a", "1m/1Mi", "-/-")],
            &["QosClassChanged mesh spec.containers[1].resources"],
        ),
        (
            "the second",
            vec![
                guaranteed.clone(),
                container("mesh-a", "1m/1Mi", "1m/1Mi"),
                container("logs-a", "1m/1Mi", "2m/1Mi"),
            ],
            &["QosClassChanged logs spec.containers[2].resources"],
        ),
        (
            "nothing",
            vec![guaranteed, container("mesh-a", "-/-", "-/-")],
            &[
                "RequestsMissing mesh spec.containers[1].resources.requests",
                "QosClassChanged mesh spec.containers[1].resources",
            ],
        ),
        (
            "an app without requests",
            vec![
                container("app", "-/-", "-/-"),
                container("mesh-a", "-/-", "-/-"),
            ],
            &[],
        ),
        (
            "lifted out of BestEffort",
            vec![
                container("app", "-/-", "-/-"),
                container("mesh-a", "1m/1Mi", "1m/1Mi"),
            ],
            &[],
        ),
        (
            "one request of two",
            vec![
                container("app", "1/-", "-/-"),
                container("mesh-a", "-/1Gi", "-/-"),
            ],
            &["RequestsMissing mesh spec.containers[1].resources.requests"],
        ),
        (
            "larger",
            vec![
                container("app", "100m/1Gi", "-/-"),
                container("mesh-a", "60m/1Mi", "-/-"),
                container("logs-a", "60m/1Mi", "-/-"),
            ],
            &["HelperLargerThanApp logs spec.containers[2].resources"],
        ),
    ];
    for (what, containers, expected) in table {
        let found = found(&Scene::new(), &pod(&containers, json!({})));
        assert_eq!(codes(&found), expected, "{what}: {found:?}");
    }
    let app = container("app", "1/1Gi", "-/-");
    let step = pod(
        &[app.clone()],
        json!({"initContainers": [container("mesh-a", "-/-", "-/-")]}),
    );
    assert!(
        found(&Scene::new(), &step).is_empty(),
        "a step has ended when the app is scaled"
    );
    let whole = pod(
        &[app, container("mesh-a", "-/-", "-/-")],
        json!({"resources": {"requests": {"cpu": "2"}}}),
    );
    assert!(
        found(&Scene::new(), &whole).is_empty(),
        "scaling goes by the pod's own request"
    );
}

fn limit_range(limits: Value) -> Scene {
    let mut scene = Scene::new();
    let object = json!({"metadata": {"name": "bounds"}, "spec": {"limits": limits}});
    scene.limit_ranges.push(LimitRange::read(&object));
    scene
}

#[test]
fn limit_ranges_bound_what_we_add() {
    type Row<'r> = (&'r str, Value, &'r str, &'r str, Option<&'r str>);
    let kind = "Container";
    let table: [Row<'_>; 13] = [
        (
            "min",
            json!([{"type": kind, "min": {"cpu": "50m"}}]),
            "50m/-",
            "-/-",
            None,
        ),
        (
            "below min",
            json!([{"type": kind, "min": {"cpu": "50m"}}]),
            "49m/-",
            "-/-",
            Some("minimum cpu usage per Container is 50m, but request is 49m"),
        ),
        (
            "min is a default",
            json!([{"type": kind, "min": {"cpu": "50m"}}]),
            "-/-",
            "-/-",
            None,
        ),
        (
            "above max",
            json!([{"type": kind, "max": {"cpu": "1"}}]),
            "-/-",
            "1001m/-",
            Some("maximum cpu usage per Container is 1, but limit is 1001m"),
        ),
        (
            "max is a default",
            json!([{"type": kind, "max": {"cpu": "1"}}]),
            "-/-",
            "-/-",
            None,
        ),
        (
            "finer than thousandths",
            json!([{"type": kind, "max": {"cpu": "1"}}]),
            "1m/-",
            "1000000001n/-",
            Some("maximum cpu usage per Container is 1, but limit is 1000000001n"),
        ),
        (
            "ratio",
            json!([{"type": kind, "maxLimitRequestRatio": {"memory": 2}}]),
            "-/1Gi",
            "-/2Gi",
            None,
        ),
        (
            "beyond the ratio",
            json!([{"type": kind, "maxLimitRequestRatio": {"memory": 2}}]),
            "-/1Gi",
            "-/3Gi",
            Some(
                "memory max limit to request ratio per Container is 2, but provided ratio is 3.000000",
            ),
        ),
        (
            "no limit for the ratio",
            json!([{"type": kind, "maxLimitRequestRatio": {"cpu": 2}}]),
            "1/-",
            "-/-",
            Some(
                "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
            ),
        ),
        (
            "a default below the request",
            json!([{"type": kind, "default": {"memory": "64Mi"}}]),
            "-/65Mi",
            "-/-",
            Some("gives `mesh-a` (template mesh) a limit of 64Mi memory, and it requests 65Mi"),
        ),
        (
            "a pod's max",
            json!([{"type": "Pod", "max": {"cpu": "1"}}]),
            "-/-",
            "600m/-",
            Some(
                "the pod with the template mesh: maximum cpu usage per Pod is 1, but limit is 1100m",
            ),
        ),
        (
            "a pod's max held",
            json!([{"type": "Pod", "max": {"cpu": "2"}}]),
            "-/-",
            "600m/-",
            None,
        ),
        (
            "claims",
            json!([{"type": "PersistentVolumeClaim", "max": {"cpu": "1m"}}]),
            "1/-",
            "2/-",
            None,
        ),
    ];
    for (what, limits, requests, most, expected) in table {
        let containers = [
            container("app", "500m/64Mi", "500m/64Mi"),
            container("mesh-a", requests, most),
        ];
        let found = found(&limit_range(limits), &pod(&containers, json!({})));
        let ours = found
            .iter()
            .filter(|line| line.starts_with("LimitRangeViolated mesh"));
        let ours: Vec<_> = ours.collect();
        match expected {
            None => assert!(ours.is_empty(), "{what}: {ours:?}"),
            Some(words) => assert!(
                ours.iter().any(|line| line.contains(words)),
                "{what}: {found:?}"
            ),
        }
    }
    let scene = limit_range(json!([{"type": "Container", "max": {"cpu": "1"}},
        {"type": "Pod", "max": {"cpu": "1"}}]));
    let own = [
        container("app", "2/-", "2/-"),
        container("mesh-a", "1m/-", "1m/-"),
    ];
    let found = found(&scene, &pod(&own, json!({})));
    assert!(
        !found.iter().any(|line| line.contains("LimitRange")),
        "the user's own: {found:?}"
    );
}

fn quota(spec: Value, used: Value) -> Scene {
    let mut scene = Scene::new();
    let status = json!({"hard": spec["hard"], "used": used});
    let object = json!({"metadata": {"name": "team"}, "spec": spec, "status": status});
    scene.quotas.push(Quota::read(&object));
    scene
}

#[test]
fn quotas_count_the_whole_pod() {
    type Row<'r> = (&'r str, Value, Value, &'r str, Option<&'r str>);
    let table: [Row<'_>; 12] = [
        (
            "room",
            json!({"hard": {"requests.cpu": "4"}}),
            json!({"requests.cpu": "2"}),
            "1/-",
            None,
        ),
        (
            "no room",
            json!({"hard": {"requests.cpu": "4"}}),
            json!({"requests.cpu": "2500m"}),
            "1/-",
            Some("(requests.cpu: the pod needs 2, 2500m of 4 are used)"),
        ),
        (
            "none for the app either",
            json!({"hard": {"cpu": "4"}}),
            json!({"cpu": "4"}),
            "1/-",
            None,
        ),
        (
            "nothing said",
            json!({"hard": {"requests.cpu": "4", "limits.memory": "1Gi"}}),
            json!({}),
            "-/1Mi",
            Some(
                "wants limits.memory, requests.cpu of every container, and `mesh-a` \
                           (template mesh) does not say",
            ),
        ),
        (
            "pods",
            json!({"hard": {"pods": "4"}}),
            json!({"pods": "4"}),
            "1/-",
            None,
        ),
        (
            "pods that are not BestEffort",
            json!({"hard": {"pods": "4"}, "scopes": ["NotBestEffort"]}),
            json!({"pods": "4"}),
            "1/1Gi",
            None,
        ),
        (
            "pods that end",
            json!({"hard": {"cpu": "1"}, "scopes": ["Terminating"]}),
            json!({"cpu": "1"}),
            "1/-",
            None,
        ),
        (
            "a class",
            json!({"hard": {"cpu": "2"}, "scopeSelector": {"matchExpressions":
            [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}),
            json!({"cpu": "1"}),
            "1/-",
            Some("ResourceQuota `team`"),
        ),
        (
            "other classes",
            json!({"hard": {"cpu": "1"}, "scopeSelector": {"matchExpressions":
            [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}]}}),
            json!({"cpu": "1"}),
            "1/-",
            None,
        ),
        (
            "a scope of the future",
            json!({"hard": {"cpu": "1"}, "scopes": ["Lunar"]}),
            json!({"cpu": "1"}),
            "1/-",
            None,
        ),
        (
            "other objects",
            json!({"hard": {"count/secrets": "0", "requests.storage": "0"}}),
            json!({}),
            "1/-",
            None,
        ),
        (
            "memory",
            json!({"hard": {"memory": "1Gi"}}),
            json!({"memory": "0"}),
            "-/1Gi",
            Some("memory: the pod needs 1025Mi, 0 of 1Gi are used"),
        ),
    ];
    for (what, spec, used, requests, expected) in table {
        let containers = [
            container("app", "1/1Mi", "-/-"),
            container("mesh-a", requests, "-/-"),
        ];
        let pod = pod(&containers, json!({"priorityClassName": "high"}));
        let found = found(&quota(spec, used), &pod);
        let ours = found
            .iter()
            .filter(|line| line.starts_with("QuotaExceeded mesh"));
        let ours: Vec<_> = ours.collect();
        match expected {
            None => assert!(ours.is_empty(), "{what}: {ours:?}"),
            Some(words) => assert!(
                ours.iter().any(|line| line.contains(words)),
                "{what}: {found:?}"
            ),
        }
    }
}

#[test]
fn a_helper_can_bring_a_pod_under_another_quota() {
    let full = json!({"hard": {"pods": "4"}, "scopes": ["NotBestEffort"]});
    let scene = quota(full, json!({"pods": "4"}));
    let containers = [
        container("app", "-/-", "-/-"),
        container("mesh-a", "1m/-", "-/-"),
    ];
    let found = found(&scene, &pod(&containers, json!({})));
    assert_eq!(
        codes(&found),
        ["QuotaExceeded mesh spec.containers[1].resources"]
    );
    assert!(
        found[0].ends_with("does not count the pod without it"),
        "{found:?}"
    );
}

#[test]
fn the_effect_shows_both_sides() {
    let value = pod(
        &[
            container("app", "500m/1Gi", "500m/1Gi"),
            container("mesh-a", "1/-", "-/1Gi"),
        ],
        json!({"overhead": {"cpu": "10m", "memory": "1Mi"}, "initContainers": [
            container("logs-a", "2/-", "-/-"), container("step", "-/4Gi", "-/-")]}),
    );
    let found = effect(&Scene::pod(&value));
    let text = |amount: Option<crate::template::quantity::Quantity>| {
        amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string())
    };
    let lines: Vec<_> = found
        .amounts
        .iter()
        .map(|a| {
            let amounts = [
                a.request_before,
                a.request_after,
                a.limit_before,
                a.limit_after,
            ];
            format!("{} {}", a.resource, amounts.map(text).join(" "))
        })
        .collect();
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
