//! Pods that ask for a template no more.

use serde_json::json;

use super::{decide, decide_by, injected, patched, pod, serving};
use crate::inject::settings::ForeignHelpers;
use crate::inject::{Reason, uninject};
use crate::kubernetes::element_digest::element_digest;
use crate::kubernetes::schema::FieldType;

/// A template that is not asked for any more is taken out where it is as it was added.
#[test]
fn what_is_not_selected_any_more_is_taken_out() {
    let mut received = injected("a,b");
    received["metadata"]["annotations"]["pillion.dev/inject"] = "a".into();
    let alone = injected("a");
    let result = patched(received.clone(), &decide(&received));
    assert_eq!(result["spec"], alone["spec"]);
    let mut other = received.clone();
    other["spec"]["terminationGracePeriodSeconds"] = json!(61);
    let decision = decide(&other);
    let result = patched(other, &decision);
    assert_eq!(result["spec"]["terminationGracePeriodSeconds"], 61);
    let warnings = decision.warnings().join("; ");
    assert!(
        warnings.contains("terminationGracePeriodSeconds"),
        "{warnings}"
    );
    received["spec"]["initContainers"][0]["image"] = "own:1".into();
    let decision = decide(&received);
    let result = patched(received, &decision);
    assert_eq!(result["spec"]["initContainers"][0]["image"], "own:1");
    assert!(
        decision
            .warnings()
            .join("; ")
            .contains("init container `helper`")
    );
}

/// A template may add a helper of a name that another injector is known for. Only a template that is
/// served proves that it did: everybody can write a status with the right digest.
#[test]
fn a_helper_with_another_injectors_name_is_taken_out_where_the_served_template_adds_it() {
    let template = |name: &str, helper: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: {name}}}\n\
             spec: {{sidecars: [{{name: {helper}, image: \"{helper}:1\"}}]}}\n---\n"
        )
    };
    let both = template("ours", "kuma-sidecar") + &template("next", "beside");
    let engine = serving(&both);
    let first = patched(pod("ours,next"), &decide_by(&engine, &pod("ours,next")));
    let mut asks_for_one = first.clone();
    asks_for_one["metadata"]["annotations"]["pillion.dev/inject"] = "next".into();
    let alone = patched(pod("next"), &decide_by(&engine, &pod("next")));
    let after = patched(asks_for_one.clone(), &decide_by(&engine, &asks_for_one));
    assert_eq!(after, alone);
    // Not served, it is left to whom its name belongs to.
    let without = serving(&template("next", "beside"));
    let decision = decide_by(&without, &asks_for_one);
    let after = patched(asks_for_one, &decision);
    let kept = after["spec"]["initContainers"].to_string();
    assert!(kept.contains("kuma-sidecar"), "{kept}");
    assert!(decision.warnings().join("; ").contains("kuma-sidecar"));
    // So it is for who takes it out of a file.
    let foreign = ForeignHelpers::default();
    let mut file = first.clone();
    let taken = uninject::remove(&mut file, &|_| None, &foreign).unwrap();
    assert!(taken.left_in_words().join("; ").contains("kuma-sidecar"));
    let catalog = engine.catalog();
    let served = |name: &str| catalog.find("shop", name).template().map(AsRef::as_ref);
    let mut file = first;
    let taken = uninject::remove(&mut file, &served, &foreign).unwrap();
    assert_eq!(taken.left_in_words(), [""; 0]);
    assert_eq!(file["spec"], pod("ours,next")["spec"]);
}

#[test]
fn what_was_added_is_taken_out_when_nothing_is_selected_any_more() {
    let bare = json!({"containers": [{"name": "web", "image": "web:1"}]});
    let mut asks_for_none = injected("a,b");
    asks_for_none["metadata"]["annotations"]["pillion.dev/inject"] = "-a,-b".into();
    let decision = decide(&asks_for_none);
    assert_eq!(decision.reason, Reason::NotRequested);
    assert!(decision.message.contains("is taken out"), "{decision:#?}");
    let after = patched(asks_for_none, &decision);
    assert_eq!(after["spec"], bare);
    let annotations = after["metadata"]["annotations"].as_object().unwrap();
    let keys: Vec<_> = annotations.keys().collect();
    assert_eq!(keys, ["pillion.dev/inject"]);
    assert!(decide(&after).patch.is_empty());
    // The API server calls for none of these.
    let mut does_not_ask = injected("a,b");
    let annotations = does_not_ask["metadata"]["annotations"]
        .as_object_mut()
        .unwrap();
    annotations.remove("pillion.dev/inject");
    assert!(decide(&does_not_ask).patch.is_empty());
    let mut opts_out = injected("a,b");
    opts_out["metadata"]["labels"] = json!({"pillion.dev/inject": "false"});
    assert!(decide(&opts_out).patch.is_empty());
}

/// A status proves nothing of lists and maps, in which others have theirs.
#[test]
fn a_forged_status_takes_nothing_of_a_field_that_others_add_to() {
    let engine = serving(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {name: t}\nspec:\n  \
         pod: {nodeSelector: {disk: ssd}}\n---\napiVersion: pillion.dev/v1alpha1\n\
         kind: ClusterInjectionTemplate\nmetadata: {name: other}\nspec:\n  \
         metadata: {labels: {a: b}}\n",
    );
    let digest = element_digest(&FieldType::Text, &json!("a"));
    let forged =
        json!({"revision": "old", "pod": {"nodeSelector/tenant": format!("{digest:016x}")}});
    for asked in ["t", "other", "-t"] {
        let mut received = pod(asked);
        received["metadata"]["annotations"]["pillion.dev/status.t"] = forged.to_string().into();
        received["spec"]["nodeSelector"] = json!({"tenant": "a"});
        let after = patched(received.clone(), &decide_by(&engine, &received));
        assert_eq!(after["spec"]["nodeSelector"]["tenant"], "a", "{asked}");
    }
}

/// Everybody can compute a digest: what no served template adds by its names is taken out with a word.
#[test]
fn a_status_takes_nothing_out_in_silence() {
    let engine = serving(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {name: t}\nspec:\n  \
         sidecars: [{name: helper, image: \"helper:1\"}]\n---\napiVersion: pillion.dev/v1alpha1\n\
         kind: ClusterInjectionTemplate\nmetadata: {name: other}\nspec: {metadata: {labels: {a: b}}}\n",
    );
    let agent = json!({"name": "agent", "image": "agent:1"});
    let digest = element_digest(&FieldType::Object("Container".to_owned()), &agent);
    let forged = json!({"verdict": "Injected", "revision": "old", "containers": {"agent": format!("{digest:016x}")}});
    for (template, asked, why) in [
        ("gone", "other", "no such template is served any more"),
        ("gone", "-t", "no such template is served any more"),
        ("t", "other", "not selected for the pod any more"),
        ("t", "t", "another revision than the one that is served"),
        ("t", "-t", "not selected for the pod any more"),
    ] {
        let mut received = pod(asked);
        received["metadata"]["annotations"][format!("pillion.dev/status.{template}")] =
            forged.to_string().into();
        received["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .push(agent.clone());
        let decision = decide_by(&engine, &received);
        let after = patched(received.clone(), &decision);
        let is_there = after["spec"]["containers"].to_string().contains("agent");
        assert!(!is_there, "{template}, {asked}: {decision:#?}");
        let told = decision.warnings().join("; ");
        assert!(
            told.contains("TakenOut") && told.contains("agent") && told.contains(why),
            "{template}, {asked}: {told}"
        );
    }
}
