//! What covers what, and how lists merge by their map keys.

use super::*;
use serde_json::json;

/// Key paths without their digests.
fn key_paths(keys: &[(String, u64)]) -> Vec<&str> {
    keys.iter().map(|(key, _)| key.as_str()).collect()
}

fn filled(user: &Value, want: &Value) -> (Value, Fill) {
    let Value::Object(want) = want else {
        panic!("an object is wanted")
    };
    let want = &TemplateObject::from(want.clone());
    let text = user.to_string();
    let document = crate::review::Document::read(&text).unwrap();
    let from_raw = fill(
        View::Json(document.root()),
        want,
        "Container",
        InFront::default(),
    );
    let from_data = fill(View::Value(user), want, "Container", InFront::default());
    assert_eq!(from_raw, from_data, "views of JSON and of data agree");
    let mut result = user.clone();
    for operation in &from_raw.operations {
        assert!(
            operation.apply(&mut result),
            "{operation:?} applies to {result}"
        );
    }
    (result, from_raw)
}

#[test]
fn lists_merge_by_key_and_our_environment_comes_first() {
    let user = json!({"name": "app", "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 53, "protocol": "UDP"}],
        "volumeMounts": [{"name": "x", "mountPath": "/x"}]});
    let want = json!({
        "env": [{"name": "B", "value": "2"}, {"name": "A", "value": "9"}, {"name": "C", "value": "3"}],
        "ports": [{"containerPort": 53}],
        "volumeMounts": [{"name": "y", "mountPath": "/y"}, {"name": "z", "mountPath": "/x"}]});
    let (result, fill) = filled(&user, &want);
    let names: Vec<_> = result["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["name"])
        .collect();
    assert_eq!(names, ["B", "C", "A"]);
    assert_eq!(result["env"][2], json!({"name": "A", "value": "1"}));
    assert_eq!(result["ports"].as_array().unwrap().len(), 2);
    assert_eq!(
        result["volumeMounts"][0],
        json!({"name": "x", "mountPath": "/x"})
    );
    assert_eq!(fill.kept, ["env/A", "volumeMounts/~1x"]);
    assert_eq!(
        key_paths(&fill.added),
        ["env/B", "env/C", "ports/53~1TCP", "volumeMounts/~1y"]
    );
}

#[test]
fn unions_are_added_whole_or_not_at_all() {
    let user = json!({"name": "app", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
        "readinessProbe": {"tcpSocket": {"port": 1}},
        "lifecycle": {"preStop": {"exec": {"command": ["x"]}}}});
    let want = json!({"env": [{"name": "A", "value": "1"}],
        "readinessProbe": {"httpGet": {"port": 1}}, "livenessProbe": {"httpGet": {"port": 1}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}, "postStart": {"sleep": {"seconds": 1}}}});
    let (result, fill) = filled(&user, &want);
    assert_eq!(result["env"], user["env"]);
    assert_eq!(result["readinessProbe"], user["readinessProbe"]);
    assert_eq!(result["livenessProbe"], want["livenessProbe"]);
    assert_eq!(result["lifecycle"]["preStop"], user["lifecycle"]["preStop"]);
    assert_eq!(
        key_paths(&fill.added),
        ["livenessProbe", "lifecycle/postStart"]
    );
    assert_eq!(fill.kept, ["env/A", "readinessProbe", "lifecycle/preStop"]);
}

#[test]
fn no_request_rises_above_the_users_limit_and_no_limit_falls_below_the_users_request() {
    let user = json!({"name": "app", "resources": {
        "limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}}});
    let want = json!({"resources": {"requests": {"cpu": "2", "memory": "1Mi", "x/y": "1"},
        "limits": {"memory": "512Mi", "x/y": "1"}}});
    let (result, fill) = filled(&user, &want);
    assert_eq!(
        result["resources"]["requests"],
        json!({"memory": "1Gi", "x/y": "1"})
    );
    assert_eq!(
        result["resources"]["limits"],
        json!({"cpu": "1", "x/y": "1"})
    );
    // A request that there is not is not the user's: the limit is, of which it will be a copy.
    let keeps = ["resources/requests/memory", "resources/limits/cpu"];
    assert_eq!(fill.keeps(), keeps);
    // Nor is a limit that there is not: the wanted one is below the request.
    assert_eq!(fill.exceeded, ["resources/limits/memory"]);
    assert_eq!(fill.kept, ["resources/requests/memory"]);
    // Nor is it where the API server has copied it.
    let user = json!({"name": "app", "resources": {
        "limits": {"cpu": "1"}, "requests": {"cpu": "1000m", "memory": "1Gi"}}});
    let (_, fill) = filled(&user, &want);
    assert_eq!(fill.keeps(), keeps);
    assert_eq!(fill.exceeded, ["resources/limits/memory"]);
}

#[test]
fn the_request_that_follows_from_a_limit_is_the_templates() {
    let want =
        json!({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1m"}}});
    let keys = [
        "resources/limits/cpu",
        "resources/limits/memory",
        "resources/requests/cpu",
        "resources/requests/memory",
    ];
    for user in [
        json!({"name": "app"}),
        json!({"name": "app", "resources": {"requests": {"x/y": "1"}}}),
    ] {
        let (result, fill) = filled(&user, &want);
        let mut added = key_paths(&fill.added);
        added.sort_unstable();
        assert_eq!(added, keys, "{user}");
        assert_eq!(result["resources"]["requests"].get("memory"), None);
    }
    // The user's own request is not.
    let user = json!({"name": "app", "resources": {"requests": {"memory": "1Gi"}}});
    let (_, fill) = filled(&user, &want);
    assert!(!key_paths(&fill.added).contains(&"resources/requests/memory"));
}

#[test]
fn what_is_there_in_another_spelling_is_there() {
    let user = json!({"name": "app", "image": "a:1", "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": 0.5, "memory": "1Gi"}},
        "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 10, "timeoutSeconds": 1}});
    let want = json!({"image": "a:1", "readinessProbe": {"tcpSocket": {"port": 1}},
        "resources": {"requests": {"cpu": "500m", "memory": "1024Mi"}}});
    assert_eq!(filled(&user, &want).1, Fill::default());
}

#[test]
fn empty_lists_and_objects_of_the_users_are_nothing() {
    let user = json!({"name": "app", "args": [], "env": [], "resources": {}, "envFrom": null});
    let want = json!({"args": ["x"], "env": [{"name": "A", "value": "1"}],
        "resources": {"requests": {"cpu": "1"}}, "envFrom": [{"prefix": "P"}]});
    let (result, fill) = filled(&user, &want);
    assert!(fill.kept.is_empty(), "{fill:?}");
    assert_eq!(result["args"], want["args"]);
    assert_eq!(result["env"], want["env"]);
    assert_eq!(result["resources"], want["resources"]);
    assert_eq!(result["envFrom"], want["envFrom"]);
}

#[test]
fn a_port_whose_name_is_taken_is_not_added() {
    let user = json!({"name": "app", "ports": [{"name": "metrics", "containerPort": 1}]});
    let want = json!({"ports": [{"name": "metrics", "containerPort": 2}]});
    let (result, fill) = filled(&user, &want);
    assert_eq!(result, user);
    // What is kept is the port that has the name.
    assert_eq!(fill.kept, ["ports/1~1TCP"]);
    let namesake = Namesake {
        name: "metrics".to_owned(),
        wanted: "2/TCP".to_owned(),
        there: "1/TCP".to_owned(),
    };
    assert_eq!(fill.namesakes, [namesake]);
}

#[test]
fn a_default_that_only_one_of_the_two_writes_is_there() {
    let own = json!({"name": "app",
        "ports": [{"name": "http", "containerPort": 80}],
        "env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
        "livenessProbe": {"tcpSocket": {"port": 80}}});
    let written = json!({
        "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
        "env": [{"name": "A", "valueFrom": {"resourceFieldRef":
            {"resource": "limits.cpu", "divisor": "0"}}}],
        "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 10, "timeoutSeconds": 0}});
    assert_eq!(filled(&own, &written).1, Fill::default());
    let mut other = written.clone();
    other["livenessProbe"]["periodSeconds"] = json!(20);
    assert_eq!(filled(&own, &other).1.kept, ["livenessProbe"]);
    other["env"][0]["valueFrom"]["resourceFieldRef"]["divisor"] = json!("1m");
    assert_eq!(filled(&own, &other).1.kept, ["env/A", "livenessProbe"]);
}

#[test]
fn defaults_of_the_api_server_give_way() {
    let user = json!({"terminationGracePeriodSeconds": 30, "dnsPolicy": "Default"});
    let want = json!({"terminationGracePeriodSeconds": 60, "dnsPolicy": "None"});
    let Value::Object(want) = want else {
        unreachable!()
    };
    let fill = fill(
        View::Value(&user),
        &want.into(),
        "PodSpec",
        InFront::default(),
    );
    assert_eq!(key_paths(&fill.replaced), ["terminationGracePeriodSeconds"]);
    assert_eq!(fill.kept, ["dnsPolicy"]);
}
