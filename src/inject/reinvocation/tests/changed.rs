//! What other webhooks and the API server's plugins make of helpers between two calls.

use serde_json::{Value, json};

use super::{decide_in, engine, patched, pod};
use crate::inject::{Decision, Verdict};

const HELPER: &str = "  volumes: [{name: v, emptyDir: {sizeLimit: SIZE}}]\n  sidecars:\n    - {name: side, \
    image: \"side:1\", securityContext: {runAsNonRoot: true}, volumeMounts: [{name: v, mountPath: /v}]}\n";

fn template(of: &str) -> String {
    format!("{of}{}", HELPER.replace("SIZE", "1Mi"))
}

/// The decision about a pod that a call has injected, and that somebody has changed since.
fn second_call(namespace: &str, change: impl FnOnce(&mut Value)) -> (Value, Decision) {
    let requirement = match namespace {
        "bank" => "  requirement: Mandatory\n",
        _ => "",
    };
    let engine = engine(&template(requirement));
    let asks = if namespace == "bank" { "" } else { "t" };
    let mut pod = patched(pod(asks), &decide_in(&engine, namespace, &pod(asks)));
    change(&mut pod["spec"]);
    let decision = decide_in(&engine, namespace, &pod);
    assert_ne!(decision.verdict(), Verdict::Denied, "{decision:#?}");
    (pod, decision)
}

fn told(decision: &Decision) -> String {
    decision.warnings().join("; ")
}

/// `AlwaysPullImages` sets it in every container, and refuses a pod in which it is taken back.
#[test]
fn a_policy_that_the_api_server_sets_stays_and_is_nobodys() {
    for namespace in ["shop", "bank"] {
        let (_, decision) = second_call(namespace, |spec| {
            for list in ["initContainers", "containers"] {
                spec[list][0]["imagePullPolicy"] = "Always".into();
            }
        });
        assert!(decision.patch.is_empty(), "{:?}", decision.patch);
        let told = told(&decision);
        assert!(
            !told.contains("ChangedByOther") && !told.contains("Reverted"),
            "{told}"
        );
    }
}

/// As OpenShift's security context constraints give each container the namespace's user.
#[test]
fn a_mandatory_helper_keeps_the_user_that_the_cluster_gives_it() {
    let (_, decision) = second_call("bank", |spec| {
        for list in ["initContainers", "containers"] {
            spec[list][0]["securityContext"]["runAsUser"] = 1_000_680_000.into();
        }
    });
    assert!(decision.patch.is_empty(), "{:?}", decision.patch);
    assert!(!told(&decision).contains("Reverted"));
}

/// Whoever makes the pod could write a status, and such fields into the helper alone.
#[test]
fn what_the_cluster_sets_in_no_other_container_is_put_back() {
    let (pod, decision) = second_call("bank", |spec| {
        let helper = &mut spec["initContainers"][0];
        helper["imagePullPolicy"] = "Always".into();
        helper["lifecycle"] = json!({"stopSignal": "SIGKILL"});
        helper["securityContext"] = json!({"runAsUser": 7, "privileged": true});
    });
    let helper = &patched(pod, &decision)["spec"]["initContainers"][0];
    assert_eq!(helper["securityContext"], json!({"runAsNonRoot": true}));
    assert!(
        helper
            .get("imagePullPolicy")
            .is_none_or(|policy| policy == "IfNotPresent")
    );
    assert!(helper.get("lifecycle").is_none(), "{helper}");
}

/// A webhook that knows Kubernetes 1.27 at most drops the field.
#[test]
fn a_sidecar_that_lost_its_restart_policy_gets_it_back() {
    let (pod, decision) = second_call("shop", |spec| {
        let helper = spec["initContainers"][0].as_object_mut().unwrap();
        helper.shift_remove("restartPolicy");
        helper.insert("image".to_owned(), "mirror/side:1".into());
    });
    let told = told(&decision);
    assert!(
        told.contains("side: image") && told.contains("restartPolicy"),
        "{told}"
    );
    let helper = &patched(pod, &decision)["spec"]["initContainers"][0];
    assert_eq!(
        (&helper["restartPolicy"], &helper["image"]),
        (&json!("Always"), &json!("mirror/side:1"))
    );
}

#[test]
fn what_others_made_of_a_helper_is_checked_as_it_leaves() {
    let (_, decision) = second_call("shop", |spec| {
        spec["initContainers"][0]["securityContext"]["runAsUser"] = 0.into();
    });
    let told = told(&decision);
    assert!(
        told.contains("RootForbidden") && told.contains("side: securityContext"),
        "{told}"
    );
}

/// As Velero's restore helper mounts every volume that it restores.
#[test]
fn a_volume_that_others_mount_too_is_replaced_in_its_place() {
    let (old, new) = (
        engine(&template("")),
        engine(&HELPER.replace("SIZE", "2Mi")),
    );
    let mut pod = patched(pod("t"), &decide_in(&old, "shop", &pod("t")));
    let containers = pod["spec"]["initContainers"].as_array_mut().unwrap();
    containers.push(json!({"name": "restore", "image": "restore:1",
        "volumeMounts": [{"name": "t-v", "mountPath": "/restores/v"}]}));
    let same = decide_in(&old, "shop", &pod);
    assert!(same.patch.is_empty() && !told(&same).contains("LeftBehind"));
    let decision = decide_in(&new, "shop", &pod);
    assert_eq!(decision.verdict(), Verdict::Injected, "{decision:#?}");
    let volumes = &patched(pod, &decision)["spec"]["volumes"];
    assert_eq!(
        *volumes,
        json!([{"name": "t-v", "emptyDir": {"sizeLimit": "2Mi"}}])
    );
}
