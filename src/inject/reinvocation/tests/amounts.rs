//! Requests and limits between two calls.

use serde_json::{Value, json};

use super::{decide_in, engine, patched, pod};
use crate::inject::settings::ForeignHelpers;
use crate::inject::uninject;

/// The request that the API server copied from a template's limit goes with it, and one that another
/// webhook has set since stays.
#[test]
fn a_copied_request_belongs_to_its_limit() {
    let limited = |limit: &str| {
        engine(&format!(
            "  app: {{resources: {{limits: {{memory: {limit}}}}}}}\n"
        ))
    };
    let (old, new) = (limited("64Mi"), limited("32Mi"));
    let mut injected = patched(pod("t"), &decide_in(&old, "shop", &pod("t")));
    let memory = |pod: &Value| pod["spec"]["containers"][0]["resources"].clone();
    injected["spec"]["containers"][0]["resources"]["requests"] = json!({"memory": "64Mi"});
    let decision = decide_in(&new, "shop", &injected);
    let after = patched(injected.clone(), &decision);
    assert_eq!(memory(&after)["limits"], json!({"memory": "32Mi"}));
    assert_eq!(memory(&after)["requests"].get("memory"), None);
    assert!(decision.warnings().is_empty(), "{:?}", decision.warnings());
    let mut back = injected.clone();
    uninject::remove(&mut back, &|_| None, &ForeignHelpers::default()).unwrap();
    assert_eq!(back["spec"], pod("t")["spec"]);
    injected["spec"]["containers"][0]["resources"]["requests"] = json!({"memory": "16Mi"});
    let decision = decide_in(&old, "shop", &injected);
    assert!(decision.patch.is_empty(), "{:#?}", decision.patch);
    let told = decision.warnings().join("; ");
    assert!(told.contains("ChangedByOther"), "{told}");
}

/// A limit that another webhook has removed is not added anew below the request that it has set, and a
/// request not above the limit.
#[test]
fn amounts_that_others_changed_stay_valid() {
    let engine = engine(
        "  app: {resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}}\n",
    );
    let injected = patched(pod("t"), &decide_in(&engine, "shop", &pod("t")));
    for (resources, memory) in [
        (
            json!({"requests": {"cpu": "100m", "memory": "512Mi"}}),
            json!([null, "512Mi"]),
        ),
        (
            json!({"limits": {"memory": "32Mi"}, "requests": {"cpu": "100m"}}),
            json!(["32Mi", null]),
        ),
        (
            json!({"requests": {"cpu": "100m", "memory": "96Mi"}}),
            json!(["128Mi", "96Mi"]),
        ),
    ] {
        let mut changed = injected.clone();
        changed["spec"]["containers"][0]["resources"] = resources.clone();
        for call in 2..=3 {
            let decision = decide_in(&engine, "shop", &changed);
            changed = patched(changed, &decision);
            let found = &changed["spec"]["containers"][0]["resources"];
            let found = json!([found["limits"]["memory"], found["requests"]["memory"]]);
            assert_eq!(found, memory, "call {call}: {resources}");
        }
        let decision = decide_in(&engine, "shop", &changed);
        assert!(
            decision.patch.is_empty(),
            "{resources}: {:#?}",
            decision.patch
        );
    }
}
