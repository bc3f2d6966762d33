//! The reviews that are measured, each made from the pod of `review.json`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion::inject::{
    Answer, CachedEngine, Decision, Endpoint, Engine, Reason, Settings, Verdict,
};
use pillion::template::{Catalog, Source};
use serde_json::{Value, json};

use super::inputs::{
    TEMPLATE, annotated, five_templates, log_shipper, other_template, review, with_variables,
};

/// What an engine that keeps decisions may keep, in bytes: the program's default.
const KEPT: usize = 8 * 1024 * 1024;

const CONTAINERS: &str = "/request/object/spec/containers";

/// One kind of review.
pub(crate) struct Case {
    /// What it is called in tables and as an argument.
    pub(crate) name: &'static str,
    /// The review.
    pub(crate) bytes: Vec<u8>,
    /// The engine that it is put to.
    pub(crate) engine: CachedEngine,
}

impl Case {
    /// The engine's answer to the review.
    pub(crate) fn answer(&self, bytes: &[u8]) -> Answer {
        self.engine.answer(Endpoint::Mutate, bytes).0
    }
}

/// All of them, or the one of this name, each proven to end as it is meant to.
pub(crate) fn cases(only: Option<&str>) -> Vec<Case> {
    let built_in = engine(Catalog::built_in());
    let mut cases = of_the_pod(&built_in);
    cases.extend(of_copies(&built_in));
    cases.extend(of_sizes(&built_in));
    cases.extend(of_templates(&built_in));
    cases.extend(of_catalogs(only));
    cases.retain(|case| only.is_none_or(|only| case.name == only));
    cases
}

/// The pod of the budgets, and what else becomes of it.
fn of_the_pod(engine: &Engine) -> Vec<Case> {
    let one = review();
    let mut settings = Settings::default();
    settings.checks.enabled = false;
    let unchecked = Engine::new(Arc::clone(engine.catalog()), settings.into());
    let untouched = annotated(&one, json!({}));
    let refused = annotated(
        &one,
        json!({"pillion.dev/inject": "pgbouncer", "pgbouncer.pillion.dev/host": "not a host"}),
    );
    let second = second_call(engine, &one);
    vec![
        case("one template", &one, engine, Verdict::Injected),
        case("without checks", &one, &unchecked, Verdict::Injected),
        case("untouched", &untouched, engine, Verdict::Unchanged),
        case("refused", &refused, engine, Verdict::Denied),
        case("second call", &second, engine, Verdict::Unchanged),
    ]
}

/// Pods that are answered as an earlier one was.
fn of_copies(engine: &Engine) -> Vec<Case> {
    let one = review();
    let many = with_variables(1500, 7);
    let second = second_call(engine, &one);
    let cached = CachedEngine::new(engine.clone(), KEPT);
    let copy = |name, review: &Value, verdict| {
        let case = Case {
            engine: cached.clone(),
            ..case(name, review, engine, verdict)
        };
        // Answered once, so that what is measured is a copy.
        drop(case.answer(&case.bytes));
        case
    };
    vec![
        copy("replica", &one, Verdict::Injected),
        copy("its second call", &second, Verdict::Unchanged),
        copy("replica, log-shipper", &log_shipper(), Verdict::Injected),
        copy(
            "replica, five templates",
            &five_templates(),
            Verdict::Injected,
        ),
        copy("replica, 1500 variables", &many, Verdict::Injected),
    ]
}

/// Pods from small to large.
fn of_sizes(engine: &Engine) -> Vec<Case> {
    let mut small = review();
    let metadata = small.pointer_mut("/request/object/metadata").unwrap();
    metadata.as_object_mut().unwrap().remove("managedFields");
    for field in ["userInfo", "options"] {
        small["request"].as_object_mut().unwrap().remove(field);
    }
    small["request"]["object"]["spec"] = json!({"containers": [{"name": "web", "image": "web:1"}]});
    let inject = |name, review: &Value| case(name, review, engine, Verdict::Injected);
    vec![
        inject("1 KB", &small),
        inject("50 KB", &with_variables(600, 60)),
        inject("1 MiB", &with_variables(9500, 90)),
        inject("1500 variables", &with_variables(1500, 7)),
        inject("10 containers", &with_containers(10)),
        inject("100 containers", &with_containers(100)),
    ]
}

/// More templates on one pod.
fn of_templates(built_in: &Engine) -> Vec<Case> {
    let three = annotated(
        &review(),
        json!({
            "pillion.dev/inject": "pgbouncer,log-shipper,wait-for",
            "pgbouncer.pillion.dev/host": "db.example.com",
            "wait-for.pillion.dev/targets": "db.example.com:5432,cache.example.com:6379",
        }),
    );
    let names: Vec<_> = (0..10).map(|index| format!("other-{index}")).collect();
    let ten = annotated(&review(), json!({"pillion.dev/inject": names.join(",")}));
    let of_ten = engine(catalog(10));
    vec![
        case("log-shipper", &log_shipper(), built_in, Verdict::Injected),
        case("three templates", &three, built_in, Verdict::Injected),
        case(
            "five templates",
            &five_templates(),
            built_in,
            Verdict::Injected,
        ),
        case("ten templates", &ten, &of_ten, Verdict::Injected),
    ]
}

/// Templates that nobody asked for; a large catalog takes a while to load.
fn of_catalogs(only: Option<&str>) -> Vec<Case> {
    let catalogs = [
        ("catalog of 10", 9),
        ("catalog of 1000", 999),
        ("catalog of 10000", 9999),
    ];
    let wanted = catalogs.into_iter();
    let wanted = wanted.filter(|(name, _)| only.is_none_or(|only| only == *name));
    let one = review();
    wanted
        .map(|(name, others)| case(name, &one, &engine(catalog(others)), Verdict::Injected))
        .collect()
}

fn engine(catalog: Catalog) -> Engine {
    Engine::new(catalog.into(), Arc::default())
}

/// pgbouncer and so many others.
fn catalog(others: usize) -> Catalog {
    let source = |path: String, text: String| Source { path, text };
    let mut sources = vec![source("pgbouncer.yaml".to_owned(), TEMPLATE.to_owned())];
    let named = |index| source(format!("other-{index}.yaml"), other_template(index));
    sources.extend((0..others).map(named));
    let (catalog, errors) = Catalog::load(&sources, None);
    assert!(errors.is_empty(), "{errors:?}");
    catalog
}

/// The pod with so many containers, all like its first.
fn with_containers(count: usize) -> Value {
    let mut review = review();
    let containers = review.pointer_mut(CONTAINERS).unwrap();
    let first = containers[0].clone();
    *containers = (0..count)
        .map(|index| {
            let mut container = first.clone();
            container["name"] = format!("app-{index}").into();
            container["ports"] = json!([{"containerPort": 8000 + index, "protocol": "TCP"}]);
            container
        })
        .collect();
    review
}

fn case(name: &'static str, review: &Value, engine: &Engine, verdict: Verdict) -> Case {
    let bytes = review.to_string().into_bytes();
    let decision = decided(engine, &bytes).1;
    assert_eq!(decision.verdict(), verdict, "{name}: {}", decision.message);
    let applied = decision.outcomes.iter();
    let applied = applied
        .filter(|outcome| outcome.reason == Reason::Applied)
        .count();
    if verdict == Verdict::Injected {
        assert_eq!(
            applied,
            decision.outcomes.len(),
            "{name}: each template applies"
        );
    }
    Case {
        name,
        bytes,
        engine: CachedEngine::new(engine.clone(), 0),
    }
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
        Answer::Review { body, decision, .. } => (body, Arc::unwrap_or_clone(decision)),
        other => panic!("{other:?}"),
    }
}
