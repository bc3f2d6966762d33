//! What is told of annotations that are on the workload instead of its pods.

use serde_json::json;

use super::*;

pub(super) const MISPLACED: &str = "pillion: the annotation `pillion.dev/inject` of the Deployment does nothing: \
    it belongs into spec.template.metadata.annotations";

#[test]
fn an_annotation_on_the_workload_itself_is_told_where_it_belongs() {
    let mut bare = workload("Deployment", &template(&json!({})));
    bare["metadata"]["annotations"] = json!({INJECT: "clock"});
    let (warnings, decision) = advised(&review("Deployment", &bare, &json!({})));
    assert_eq!(decision.reason, Reason::NotRequested);
    assert_eq!(warnings, [MISPLACED]);

    let parameters = template(&json!({"clock.pillion.dev/zone": "CET"}));
    assert_eq!(
        told("Deployment", &parameters),
        [
            "pillion: the annotation `clock.pillion.dev/zone` is for the template `clock`, which is not \
             selected for the pod: ask for it with the annotation `pillion.dev/inject: clock`"
        ]
    );
}
