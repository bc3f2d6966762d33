//! The reviews that are measured, each made from the pod of `review.json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion::inject::{Answer, Decision, Engine, Verdict};
use serde_json::{Value, json};

/// An AdmissionReview as the API server sends it, 5 KB on one line.
const REVIEW: &str = include_str!("review.json");

/// One kind of review.
pub struct Case {
    /// What it is called in tables and as an argument.
    pub name: &'static str,
    /// The review.
    pub bytes: Vec<u8>,
}

/// All of them, each proven to end as it is meant to.
pub fn cases(engine: &Engine) -> Vec<Case> {
    let review: Value = serde_json::from_str(REVIEW).unwrap();
    let mut untouched = review.clone();
    let annotations = "/request/object/metadata/annotations";
    *untouched.pointer_mut(annotations).unwrap() = json!({});
    let mut three = review.clone();
    *three.pointer_mut(annotations).unwrap() = json!({
        "pillion.dev/inject": "pgbouncer,log-shipper,wait-for",
        "pgbouncer.pillion.dev/host": "db.example.com",
        "wait-for.pillion.dev/targets": "db.example.com:5432,cache.example.com:6379",
    });
    let mut long = review.clone();
    let env = (0..1500).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": "a value"}));
    let variables = long.pointer_mut("/request/object/spec/containers/0/env");
    *variables.unwrap() = env.collect();
    let second = second_call(engine, &review);
    [
        ("one template", review, Verdict::Injected),
        ("untouched", untouched, Verdict::Unchanged),
        ("three templates", three, Verdict::Injected),
        ("1500 variables", long, Verdict::Injected),
        ("second call", second, Verdict::Unchanged),
    ]
    .into_iter()
    .map(|(name, review, verdict)| {
        let bytes = review.to_string().into_bytes();
        let decision = decided(engine, &bytes).1;
        assert_eq!(decision.verdict(), verdict, "{name}: {}", decision.message);
        Case { name, bytes }
    })
    .collect()
}

/// The review as it comes again when the API server calls a second time.
fn second_call(engine: &Engine, review: &Value) -> Value {
    let (body, _) = decided(engine, review.to_string().as_bytes());
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let patch = answer.pointer("/response/patch").and_then(Value::as_str);
    let patch = STANDARD.decode(patch.unwrap()).unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    let mut review = review.clone();
    json_patch::patch(review.pointer_mut("/request/object").unwrap(), &patch).unwrap();
    review
}

fn decided(engine: &Engine, bytes: &[u8]) -> (Vec<u8>, Decision) {
    match engine.review(bytes) {
        Answer::Review { body, decision, .. } => (body, *decision),
        Answer::BadRequest(message) => panic!("{message}"),
    }
}
