//! Which requests about a Namespace are answered with what it says and means nothing.

use serde_json::{Value, json};

use super::engine;
use crate::inject::Answer;

/// The warnings for a request with these fields about a Namespace that asks for a template that is none.
fn told(fields: &Value) -> Vec<String> {
    let object =
        json!({"metadata": {"name": "shop", "annotations": {"pillion.dev/inject": "clok"}}});
    let mut request = json!({
        "uid": "u", "operation": "UPDATE", "name": "shop", "namespace": "shop",
        "kind": {"group": "", "version": "v1", "kind": "Namespace"}, "object": object,
        "oldObject": {"metadata": {"name": "shop"}},
    });
    for (field, value) in fields.as_object().unwrap() {
        request[field] = value.clone();
    }
    let review =
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let Answer::Review { body, .. } = engine().advise(review.to_string().as_bytes()) else {
        panic!("{review}");
    };
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    let warnings = answer["response"]["warnings"]
        .as_array()
        .into_iter()
        .flatten();
    warnings
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn whoever_writes_what_means_nothing_is_told_and_nobody_else() {
    let same = json!({"metadata": {
        "labels": {"team": "shop"}, "annotations": {"pillion.dev/inject": "clok", "other": "a"},
    }});
    let other = json!({"metadata": {"annotations": {"pillion.dev/inject": "clock"}}});
    let own = json!({"metadata": {"annotations": {"pillion.dev/inject": "shop-logs"}}});
    let table = [
        (json!({}), 1),
        (json!({"oldObject": other}), 1),
        (json!({"oldObject": same}), 0),
        (json!({"operation": "CREATE", "oldObject": null}), 1),
        (json!({"object": own}), 1),
        // A namespace's own template comes after it.
        (
            json!({"operation": "CREATE", "oldObject": null, "object": own}),
            0,
        ),
        (json!({"operation": "DELETE", "object": null}), 0),
        (json!({"subResource": "status"}), 0),
        (
            json!({"kind": {"group": "example.org", "version": "v1", "kind": "Namespace"}}),
            0,
        ),
    ];
    for (fields, count) in table {
        let told = told(&fields);
        assert_eq!(told.len(), count, "{fields}: {told:?}");
    }
    assert_eq!(
        told(&json!({})),
        [
            "pillion: annotation pillion.dev/inject of the namespace: there is no template `clok`; did you mean `clock`?"
        ]
    );
}
