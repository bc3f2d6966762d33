//! Statuses that are older than what stands in the pod, or than the template.

use serde_json::{Value, json};

use super::{decide_in, engine, patched, pod, serving};
use crate::inject::Verdict;

fn first_call(engine: &crate::inject::Engine, namespace: &str, asks: &str) -> Value {
    patched(pod(asks), &decide_in(engine, namespace, &pod(asks)))
}

fn warnings(decision: &crate::inject::Decision) -> String {
    decision.warnings().join("; ")
}

/// A manifest that was injected by an earlier revision gets the new one whole: nothing that `override` names
/// keeps an old image, or a mount of a volume that there is no more.
#[test]
fn another_revision_of_a_mandatory_template_is_applied_afresh() {
    let of = |image: &str, volume: &str| {
        format!(
            "  requirement: Mandatory\n  override: [image, env, volumeMounts]\n  volumes: [{{name: {volume}, \
             emptyDir: {{sizeLimit: 1Mi}}}}]\n  sidecars:\n    - {{name: must, image: \"must:{image}\", command: \
             [/must], volumeMounts: [{{name: {volume}, mountPath: /v}}]}}\n"
        )
    };
    let old = first_call(&engine(&of("1", "v")), "bank", "");
    let new = engine(&of("2", "w"));
    let decision = decide_in(&new, "bank", &old);
    assert_eq!(decision.verdict(), Verdict::Injected, "{decision:#?}");
    let result = patched(old, &decision);
    assert_eq!(result["spec"], first_call(&new, "bank", "")["spec"]);
}

/// What a mandatory template adds beside its helpers is the pod's to decide, and is told.
#[test]
fn what_others_changed_of_a_mandatory_templates_edits_stays() {
    let engine = engine(
        "  requirement: Mandatory\n  app: {env: [{name: NO_PROXY, value: a}]}\n  metadata: {labels: {tier: ours}}\n",
    );
    let mut changed = first_call(&engine, "bank", "");
    changed["spec"]["containers"][0]["env"][0]["value"] = "a,b".into();
    changed["metadata"]["labels"]["tier"] = "theirs".into();
    let decision = decide_in(&engine, "bank", &changed);
    assert!(decision.patch.is_empty(), "{:?}", decision.patch);
    let told = warnings(&decision) + &format!("{:?}", decision.outcomes);
    assert!(told.contains("ChangedByOther"), "{told}");
}

/// Docs say how a helper is overridden: a container of its name with the image `auto`. A status that was left
/// in the manifest is no reason to leave it empty.
#[test]
fn a_placeholder_in_a_helpers_place_is_filled_in() {
    let engine = engine("  sidecars: [{name: helper, image: \"helper:1\", args: [run]}]\n");
    let mut stale = first_call(&engine, "shop", "t");
    stale["spec"]["initContainers"] = json!([{"name": "helper", "image": "auto",
        "restartPolicy": "Always", "resources": {"requests": {"cpu": "1m"}}}]);
    let result = patched(stale.clone(), &decide_in(&engine, "shop", &stale));
    let helper = &result["spec"]["initContainers"][0];
    assert_eq!(helper["image"], "helper:1", "{helper}");
    assert_eq!(helper["args"], json!(["run"]));
    assert_eq!(helper["resources"]["requests"]["cpu"], "1m");
}

/// A helper that somebody changed mounts the volume of a template that is selected no more.
#[test]
fn a_changed_helper_is_made_anew_where_its_volume_is_gone() {
    let engine = serving(
        r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: a}
spec:
  order: -1
  volumes: [{name: logs, emptyDir: {sizeLimit: 1Mi}}]
  app: {volumeMounts: [{name: logs, mountPath: /var/log/app}]}
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: b}
spec:
  volumes: [{name: logs, adopt: {mountPath: /var/log/app}, emptyDir: {sizeLimit: 1Mi}}]
  sidecars: [{name: helper, image: "helper:1", volumeMounts: [{name: logs, mountPath: /logs}]}]
"#,
    );
    let mut changed = first_call(&engine, "shop", "a,b");
    assert_eq!(
        changed["spec"]["initContainers"][0]["volumeMounts"][0]["name"],
        "a-logs"
    );
    changed["spec"]["initContainers"][0]["resources"] = json!({"requests": {"cpu": "1m"}});
    changed["metadata"]["annotations"]["pillion.dev/inject"] = "b".into();
    let decision = decide_in(&engine, "shop", &changed);
    let result = patched(changed, &decision);
    let volumes = result["spec"]["volumes"].as_array().unwrap();
    let mount = &result["spec"]["initContainers"][0]["volumeMounts"][0]["name"];
    assert!(
        volumes.iter().any(|volume| volume["name"] == *mount),
        "{result}"
    );
    let told = format!("{:?}", decision.outcomes);
    assert!(
        told.contains("is made anew, as the volume a-logs"),
        "{told}"
    );
}

/// A template that was skipped has parameters too, and nothing to be made anew.
#[test]
fn a_skipped_template_with_parameters_makes_no_second_call_a_fresh_one() {
    let engine = serving(
        r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: helper}
spec:
  sidecars: [{name: helper, image: "helper:1"}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: tools}
spec:
  parameters: {x: {type: string}}
  matchConditions: [{name: never, expression: "params.x == 'never'"}]
  sidecars: [{name: tools, image: "tools:1"}]
"#,
    );
    let mut pod = pod("helper,tools");
    pod["metadata"]["annotations"]["tools.pillion.dev/x"] = "y".into();
    let mut injected = patched(pod.clone(), &decide_in(&engine, "shop", &pod));
    let theirs = json!({"name": "theirs", "image": "theirs:1"});
    let list = injected["spec"]["initContainers"].as_array_mut().unwrap();
    list.insert(0, theirs);
    let decision = decide_in(&engine, "shop", &injected);
    assert!(decision.patch.is_empty(), "{:?}", decision.patch);
}
