//! LimitRanges and quotas; that they refuse what is said is shown with a real API server
//! (`tests/pod_security`).

use super::*;

/// The one finding of this code about the template `mesh`, beside an app of 500m and 64Mi.
fn told(scene: &Scene, app: &str, helper: &str, code: &str) -> Vec<String> {
    let spec = json!({"priorityClassName": "high"});
    let mut found = found(scene, &pod(&format!("app {app}, mesh-a {helper}"), &spec));
    found.retain(|line| line.starts_with(&format!("{code} mesh ")));
    found
}

fn is_as_expected(found: &[String], expected: &str) -> bool {
    match expected {
        "" => found.is_empty(),
        words => found.iter().any(|line| line.contains(words)),
    }
}

fn limit_range(limits: &str) -> Scene {
    let limits: Value = serde_json::from_str(limits).unwrap();
    let object = json!({"metadata": {"name": "bounds"}, "spec": {"limits": limits}});
    let mut scene = Scene::new();
    scene.limit_ranges.push(LimitRange::read(&object));
    scene
}

/// `spec.limits`, the helper's requests and limits, and what is found.
const LIMITS: [(&str, &str, &str); 13] = [
    (
        r#"[{"type": "Container", "min": {"cpu": "50m"}}]"#,
        "50m/- -/-",
        "",
    ),
    (
        r#"[{"type": "Container", "min": {"cpu": "50m"}}]"#,
        "49m/- -/-",
        "minimum cpu usage per Container is 50m, but request is 49m",
    ),
    // A minimum is a default request too, and a maximum a default limit.
    (
        r#"[{"type": "Container", "min": {"cpu": "50m"}}]"#,
        "-/- -/-",
        "",
    ),
    (
        r#"[{"type": "Container", "max": {"cpu": "1"}}]"#,
        "-/- -/-",
        "",
    ),
    (
        r#"[{"type": "Container", "max": {"cpu": "1"}}]"#,
        "-/- 1001m/-",
        "maximum cpu usage per Container is 1, but limit is 1001m",
    ),
    // Anything finer than a thousandth is rounded up.
    (
        r#"[{"type": "Container", "max": {"cpu": "1"}}]"#,
        "1m/- 1000000001n/-",
        "maximum cpu usage per Container is 1, but limit is 1000000001n",
    ),
    (
        r#"[{"type": "Container", "maxLimitRequestRatio": {"memory": 2}}]"#,
        "-/1Gi -/2Gi",
        "",
    ),
    (
        r#"[{"type": "Container", "maxLimitRequestRatio": {"memory": 2}}]"#,
        "-/1Gi -/3Gi",
        "memory max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    ),
    (
        r#"[{"type": "Container", "maxLimitRequestRatio": {"cpu": 2}}]"#,
        "1/- -/-",
        "ratio per Container is 2, but no limit is specified or limit is 0",
    ),
    (
        r#"[{"type": "Container", "default": {"memory": "64Mi"}}]"#,
        "-/65Mi -/-",
        "LimitRange `bounds` of the namespace gives `mesh-a` (template mesh) a limit of 64Mi \
         memory, and it requests 65Mi",
    ),
    (
        r#"[{"type": "Pod", "max": {"cpu": "1"}}]"#,
        "-/- 600m/-",
        "the pod with the template mesh: maximum cpu usage per Pod is 1, but limit is 1100m",
    ),
    (
        r#"[{"type": "Pod", "max": {"cpu": "2"}}]"#,
        "-/- 600m/-",
        "",
    ),
    (
        r#"[{"type": "PersistentVolumeClaim", "max": {"cpu": "1m"}}]"#,
        "1/- 2/-",
        "",
    ),
];

#[test]
fn limit_ranges_bound_what_we_add() {
    for (limits, helper, expected) in LIMITS {
        let app = "500m/64Mi 500m/64Mi";
        let found = told(&limit_range(limits), app, helper, "LimitRangeViolated");
        assert!(
            is_as_expected(&found, expected),
            "{limits} {helper}: {found:?}"
        );
    }
    let scene = limit_range(
        r#"[{"type": "Container", "max": {"cpu": "1"}}, {"type": "Pod", "max": {"cpu": "1"}}]"#,
    );
    let own = told(&scene, "2/- 2/-", "1m/- 1m/-", "LimitRangeViolated");
    assert!(
        own.is_empty(),
        "what the app violates alone is the user's: {own:?}"
    );
}

fn quota(spec: &str, used: &str) -> Scene {
    let spec: Value = serde_json::from_str(spec).unwrap();
    let used: Value = serde_json::from_str(used).unwrap();
    let status = json!({"hard": spec["hard"], "used": used});
    let object = json!({"metadata": {"name": "team"}, "spec": spec, "status": status});
    let mut scene = Scene::new();
    scene.quotas.push(Quota::read(&object));
    scene
}

/// The quota's spec and what is used of it, the helper's requests, and what is found.
const QUOTAS: [(&str, &str, &str, &str); 12] = [
    (
        r#"{"hard": {"requests.cpu": "4"}}"#,
        r#"{"requests.cpu": "2"}"#,
        "1/-",
        "",
    ),
    (
        r#"{"hard": {"requests.cpu": "4"}}"#,
        r#"{"requests.cpu": "2500m"}"#,
        "1/-",
        "(requests.cpu: the pod needs 2, 2500m of 4 are used)",
    ),
    // There is no room for the app alone either.
    (r#"{"hard": {"cpu": "4"}}"#, r#"{"cpu": "4"}"#, "1/-", ""),
    (r#"{"hard": {"pods": "4"}}"#, r#"{"pods": "4"}"#, "1/-", ""),
    (
        r#"{"hard": {"pods": "4"}, "scopes": ["NotBestEffort"]}"#,
        r#"{"pods": "4"}"#,
        "1/1Gi",
        "",
    ),
    (
        r#"{"hard": {"requests.cpu": "4", "limits.memory": "1Gi"}}"#,
        "{}",
        "-/1Mi",
        "wants limits.memory, requests.cpu of every container, and `mesh-a` (template mesh) does \
         not say",
    ),
    (
        r#"{"hard": {"cpu": "1"}, "scopes": ["Terminating"]}"#,
        r#"{"cpu": "1"}"#,
        "1/-",
        "",
    ),
    (
        r#"{"hard": {"cpu": "2"}, "scopeSelector": {"matchExpressions":
            [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}"#,
        r#"{"cpu": "1"}"#,
        "1/-",
        "ResourceQuota `team`",
    ),
    (
        r#"{"hard": {"cpu": "1"}, "scopeSelector": {"matchExpressions":
            [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}]}}"#,
        r#"{"cpu": "1"}"#,
        "1/-",
        "",
    ),
    (
        r#"{"hard": {"cpu": "1"}, "scopes": ["Lunar"]}"#,
        r#"{"cpu": "1"}"#,
        "1/-",
        "",
    ),
    (
        r#"{"hard": {"count/secrets": "0", "requests.storage": "0"}}"#,
        "{}",
        "1/-",
        "",
    ),
    (
        r#"{"hard": {"memory": "1Gi"}}"#,
        r#"{"memory": "0"}"#,
        "-/1Gi",
        "memory: the pod needs 1025Mi, 0 of 1Gi are used",
    ),
];

#[test]
fn quotas_count_the_whole_pod() {
    for (spec, used, requests, expected) in QUOTAS {
        let helper = format!("{requests} -/-");
        let found = told(&quota(spec, used), "1/1Mi -/-", &helper, "QuotaExceeded");
        assert!(
            is_as_expected(&found, expected),
            "{spec} {requests}: {found:?}"
        );
    }
}

#[test]
fn a_helper_can_bring_a_pod_under_another_quota() {
    let full = r#"{"hard": {"pods": "4"}, "scopes": ["NotBestEffort"]}"#;
    let scene = quota(full, r#"{"pods": "4"}"#);
    let found = told(&scene, "-/- -/-", "1m/- -/-", "QuotaExceeded");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with("does not count the pod without it"),
        "{found:?}"
    );
}
