//! Helpers of mandatory templates between two calls.

use serde_json::{Value, json};

use super::{decide_in, engine, patched};
use crate::inject::{Reason, Verdict};

const MANDATORY: &str = "  requirement: Mandatory\n  volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}]\n  \
    sidecars:\n    - {name: must, image: \"must:1\", command: [/must], volumeMounts: [{name: v, mountPath: /v}]}\n";

fn bank_pod() -> Value {
    json!({"metadata": {"annotations": {}}, "spec": {
        "initContainers": [{"name": "first", "image": "first:1"}],
        "containers": [{"name": "web", "image": "web:1"}]}})
}

/// Other 21: what other webhooks change in a mandatory helper is put back, and never refused.
#[test]
fn a_mandatory_helper_is_put_back() {
    let engine = engine(MANDATORY);
    let injected = patched(bank_pod(), &decide_in(&engine, "bank", &bank_pod()));
    assert_eq!(injected["spec"]["initContainers"][0]["name"], "must");
    let changes = [
        ("image", json!("mirror/must:1")),
        ("env", json!([{"name": "LD_PRELOAD", "value": "/evil.so"}])),
        ("securityContext", json!({"privileged": false})),
        ("restartPolicy", Value::Null),
        (
            "lifecycle",
            json!({"postStart": {"exec": {"command": ["kill"]}}}),
        ),
    ];
    for (field, value) in changes {
        let mut changed = injected.clone();
        let helper = changed["spec"]["initContainers"][0]
            .as_object_mut()
            .unwrap();
        if value.is_null() {
            helper.shift_remove(field);
        } else {
            helper.insert(field.to_owned(), value);
        }
        let decision = decide_in(&engine, "bank", &changed);
        assert_eq!(
            decision.verdict(),
            Verdict::Injected,
            "{field}: {decision:#?}"
        );
        let warnings = decision.warnings().join("; ");
        assert!(
            warnings.contains(field) && warnings.contains("override"),
            "{field}: {warnings}"
        );
        assert_eq!(
            patched(changed, &decision)["spec"],
            injected["spec"],
            "{field}"
        );
    }
    // What a LimitRange sets where the template leaves it unset stays, and is nothing to tell.
    let mut limited = injected.clone();
    limited["spec"]["initContainers"][0]["resources"] = json!({"limits": {"memory": "1Gi"}});
    let decision = decide_in(&engine, "bank", &limited);
    assert!(decision.patch.is_empty(), "{decision:#?}");
    assert!(
        decision
            .warnings()
            .iter()
            .all(|line| !line.contains("memory")),
        "{decision:#?}"
    );
}

#[test]
fn fields_that_override_names_stay_in_a_mandatory_helper() {
    let engine = engine(&format!("{MANDATORY}  override: [image, env]\n"));
    let mut injected = patched(bank_pod(), &decide_in(&engine, "bank", &bank_pod()));
    injected["spec"]["initContainers"][0]["image"] = "mirror/must:1".into();
    injected["spec"]["initContainers"][0]["env"] = json!([{"name": "IDENTITY", "value": "x"}]);
    let decision = decide_in(&engine, "bank", &injected);
    let result = patched(injected.clone(), &decision);
    assert_eq!(result["spec"], injected["spec"], "{decision:#?}");
}

/// Attack 5, by a status: whatever it says, the mandatory template applies in full.
#[test]
fn no_status_disarms_a_mandatory_helper() {
    let engine = engine(MANDATORY);
    let fresh = patched(bank_pod(), &decide_in(&engine, "bank", &bank_pod()));
    let written = fresh["metadata"]["annotations"]["pillion.dev/status.t"]
        .as_str()
        .unwrap();
    let status: Value = serde_json::from_str(written).unwrap();
    let mut without = status.clone();
    without["initContainers"] = json!(["must"]);
    let mut wrong = status.clone();
    wrong["initContainers"] = json!({"must": "0000000000000000"});
    for forged in [
        status.to_string(),
        without.to_string(),
        wrong.to_string(),
        "{}".to_owned(),
    ] {
        let mut evil = bank_pod();
        evil["metadata"]["annotations"]["pillion.dev/status.t"] = json!(forged);
        evil["spec"]["initContainers"] = json!([{"name": "first", "image": "first:1"},
            {"name": "must", "image": "evil:1", "restartPolicy": "Always",
                "env": [{"name": "LD_PRELOAD", "value": "/evil.so"}]}]);
        let decision = decide_in(&engine, "bank", &evil);
        if decision.verdict() == Verdict::Denied {
            assert_eq!(
                decision.reason,
                Reason::OverrideNotAllowed,
                "{forged}: {decision:#?}"
            );
            continue;
        }
        let result = patched(evil, &decision);
        assert_eq!(result["spec"], fresh["spec"], "{forged}");
    }
}

/// What others change in a placeholder of the user's that was filled in is put back, too.
#[test]
fn a_filled_placeholder_is_put_back() {
    let engine = engine(MANDATORY);
    let mut pod = bank_pod();
    let placeholder = json!({"name": "must", "image": "auto", "restartPolicy": "Always"});
    pod["spec"]["initContainers"] = json!([placeholder]);
    let injected = patched(pod.clone(), &decide_in(&engine, "bank", &pod));
    assert!(decide_in(&engine, "bank", &injected).patch.is_empty());
    let mut changed = injected.clone();
    changed["spec"]["initContainers"][0]["env"] =
        json!([{"name": "LD_PRELOAD", "value": "/evil.so"}]);
    let decision = decide_in(&engine, "bank", &changed);
    assert_ne!(decision.verdict(), Verdict::Denied, "{decision:#?}");
    let warnings = decision.warnings().join("; ");
    assert!(warnings.contains("MandatoryReverted"), "{warnings}");
    let result = patched(changed, &decision);
    assert_eq!(
        result["spec"]["initContainers"],
        injected["spec"]["initContainers"]
    );
    assert!(decide_in(&engine, "bank", &result).patch.is_empty());
}

/// What a pod writes into the volumes of a mandatory template is the template's, or refused.
#[test]
fn a_volume_of_the_pods_disarms_no_mandatory_helper() {
    let engine = engine(
        "  requirement: Mandatory\n  volumes:\n    - {name: policy, configMap: {name: policy}}\n    \
         - {name: work, emptyDir: {sizeLimit: 1Mi}}\n  sidecars:\n    - {name: must, image: \"must:1\", \
         volumeMounts: [{name: policy, mountPath: /etc/must}, {name: work, mountPath: /work}]}\n",
    );
    let with = |volume: Value| {
        let mut pod = bank_pod();
        pod["spec"]["volumes"] = json!([volume]);
        decide_in(&engine, "bank", &pod)
    };
    let policy = |source: Value| with(json!({"name": "t-policy", "configMap": source}));
    for same in [
        json!({"name": "policy"}),
        json!({"name": "policy", "defaultMode": 420}),
    ] {
        let decision = policy(same.clone());
        assert_eq!(
            decision.verdict(),
            Verdict::Injected,
            "{same}: {decision:#?}"
        );
    }
    for other in [
        json!({"name": "policy", "optional": true}),
        json!({"name": "policy", "defaultMode": 0}),
        json!({"name": "policy", "items": [{"key": "README", "path": "must.conf"}]}),
        json!({"name": "mine"}),
    ] {
        let decision = policy(other.clone());
        assert_eq!(
            decision.reason,
            Reason::OverrideNotAllowed,
            "{other}: {decision:#?}"
        );
    }
}

/// Amounts that others add to a mandatory helper stay where the pod is valid with them; no pod is refused.
#[test]
fn amounts_that_others_set_refuse_no_pod_with_a_mandatory_helper() {
    let engine = engine(&MANDATORY.replace(
        "command: [/must]",
        "command: [/must], resources: {requests: {cpu: 10m}, limits: {memory: 16Mi}}",
    ));
    let injected = patched(bank_pod(), &decide_in(&engine, "bank", &bank_pod()));
    let mut changed = injected.clone();
    changed["spec"]["initContainers"][0]["resources"] = json!({"requests": {"cpu": "5m", "memory": "64Mi"}, "limits": {"cpu": "5m", "memory": "64Mi"}});
    let decision = decide_in(&engine, "bank", &changed);
    assert_ne!(decision.verdict(), Verdict::Denied, "{decision:#?}");
    let after = patched(changed, &decision);
    assert_eq!(after["spec"], injected["spec"], "{decision:#?}");
    // Nor may a placeholder take the request away.
    let mut placeholder = bank_pod();
    placeholder["spec"]["initContainers"] = json!([{"name": "must", "image": "auto", "restartPolicy": "Always",
        "resources": {"limits": {"cpu": "1m"}}}]);
    let decision = decide_in(&engine, "bank", &placeholder);
    assert_eq!(decision.reason, Reason::OverrideNotAllowed, "{decision:#?}");
}

/// The API server makes a field of this annotation where neither the helper nor the pod has one; older ones
/// write it themselves.
#[test]
fn no_annotation_takes_a_mandatory_helpers_profile_away() {
    let engine = engine(MANDATORY);
    for (container, profile, of_pod, reason) in [
        ("must", "unconfined", None, Reason::OverrideNotAllowed),
        ("must", "localhost/own", None, Reason::OverrideNotAllowed),
        ("must", "runtime/default", None, Reason::Applied),
        ("must", "unconfined", Some("Unconfined"), Reason::Applied),
        ("web", "unconfined", None, Reason::Applied),
    ] {
        let mut pod = bank_pod();
        let key = format!("container.apparmor.security.beta.kubernetes.io/{container}");
        pod["metadata"]["annotations"][key] = profile.into();
        if let Some(of_pod) = of_pod {
            pod["spec"]["securityContext"] = json!({"appArmorProfile": {"type": of_pod}});
        }
        let decision = decide_in(&engine, "bank", &pod);
        assert_eq!(
            decision.reason, reason,
            "{container}, {profile}: {decision:#?}"
        );
    }
}

/// A mandatory template's placeholder stands before what later templates add, wherever the user wrote it.
#[test]
fn helpers_behind_a_placeholder_stay_behind_it() {
    let engine = engine(&format!(
        "{MANDATORY}---\napiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: zip}}\n\
         spec: {{sidecars: [{{name: zip, image: \"zip:1\"}}]}}\n"
    ));
    let placeholder = json!({"name": "must", "image": "auto", "restartPolicy": "Always"});
    let first = json!({"name": "first", "image": "first:1"});
    for inits in [[first.clone(), placeholder.clone()], [placeholder, first]] {
        let mut received = bank_pod();
        received["metadata"]["annotations"]["pillion.dev/inject"] = "zip".into();
        received["spec"]["initContainers"] = json!(inits);
        for call in 1..=3 {
            let decision = decide_in(&engine, "bank", &received);
            received = patched(received, &decision);
            let list = received["spec"]["initContainers"].as_array().unwrap();
            let names: Vec<_> = list.iter().map(|container| &container["name"]).collect();
            assert_eq!(
                names,
                ["must", "zip", "first"],
                "call {call}: {decision:#?}"
            );
            assert!(
                call == 1 || decision.patch.is_empty(),
                "call {call}: {decision:#?}"
            );
        }
    }
}

/// Placeholders of one template are moved by their names, as each move changes the places of others.
#[test]
fn several_placeholders_come_into_the_templates_order() {
    let engine = engine(
        "  requirement: Mandatory\n  sidecars:\n    - {name: one, image: \"one:1\"}\n    - {name: two, image: \"two:1\"}\n",
    );
    let placeholder =
        |name: &str| json!({"name": name, "image": "auto", "restartPolicy": "Always"});
    let mut pod = bank_pod();
    pod["spec"]["initContainers"] = json!([{"name": "first", "image": "first:1"}, placeholder("two"),
        {"name": "second", "image": "second:1"}, placeholder("one")]);
    let result = patched(pod.clone(), &decide_in(&engine, "bank", &pod));
    let list = result["spec"]["initContainers"].as_array().unwrap();
    let names: Vec<_> = list.iter().map(|container| &container["name"]).collect();
    assert_eq!(names, ["one", "two", "first", "second"]);
}
