//! The targets: what is done with one input, and what must hold of it.

use std::sync::{Arc, LazyLock};

use pillion::inject::settings::ForeignHelpers;
use pillion::inject::{CachedEngine, Endpoint, Engine, Namespace, Settings, uninject};
use pillion::template::{Catalog, Source};
use serde_json::{Value, json};

use super::choices::Choices;
use super::oracle::{broken_rules, holds, outcome};
use super::{oracle, pods};
use crate::properties::engines::{TEMPLATES, engine};

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| [engine(37), engine(28)]);

/// The bytes of a review about a pod.
pub(crate) fn review(input: &[u8]) {
    for engine in &*ENGINES {
        outcome(&engine.review(input), input, Endpoint::Mutate);
    }
}

/// The bytes of a review about a workload.
pub(crate) fn advice(input: &[u8]) {
    outcome(&ENGINES[0].advise(input), input, Endpoint::Advise);
}

/// Annotations that ask for some templates.
fn asking(choices: &mut Choices<'_>) -> Value {
    let names: Vec<_> = TEMPLATES
        .iter()
        .map(|(name, _)| *name)
        .filter(|_| choices.once_in(4))
        .collect();
    json!({
        "pillion.dev/inject": names.join(","),
        "pgbouncer.pillion.dev/host": "db",
        "wait-for.pillion.dev/targets": "db:1",
        "migrate.pillion.dev/command": "a, b",
        "trial.pillion.dev/target": "t",
    })
}

/// A pod of any fields. Returns whether it was changed.
pub(crate) fn pod(input: &[u8]) -> bool {
    let mut choices = Choices::new(input);
    let annotations = asking(&mut choices);
    let which = choices.below(2);
    let pod = pods::pod(&mut choices, &annotations);
    holds(&ENGINES[which], &pod)
}

fn plain_pod(annotations: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders", "annotations": annotations},
        "spec": {"containers": [
            {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]},
            {"name": "web", "image": "web:1"}]}})
}

/// The YAML of templates; those that compile are applied.
pub(crate) fn template(input: &[u8]) {
    let source = Source {
        path: "t.yaml".to_owned(),
        text: String::from_utf8_lossy(input).into_owned(),
    };
    let mut names = Vec::new();
    for compiled in pillion::template::compile::compile(&source) {
        match compiled.result {
            Ok(template) => names.push(template.name.clone()),
            Err(errors) => assert!(errors.iter().all(|error| !error.to_string().is_empty())),
        }
    }
    let (catalog, _) = Catalog::load(&[source], None);
    let engine = Engine::new(Arc::new(catalog), Arc::default());
    for name in names {
        holds(&engine, &plain_pod(&json!({"pillion.dev/inject": name})));
    }
}

/// An expression, as a condition and as a part of a text.
pub(crate) fn expression(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let as_condition = json!({"validations": [{"expression": text, "message": "no"}],
        "metadata": {"labels": {"a": "b"}}});
    let as_text = json!({"sidecars": [{"name": "helper", "image": "helper:1",
        "args": [format!("x${{{text}}}"), {"$when": "true"}]}]});
    let as_value = json!({"sidecars": [{"name": "helper", "image": "helper:1", "args": [format!("${{{text}}}")]}]});
    for spec in [as_condition, as_text, as_value] {
        let document = json!({"apiVersion": "pillion.dev/v1alpha1", "kind": "ClusterInjectionTemplate",
            "metadata": {"name": "t"}, "spec": spec});
        template(document.to_string().as_bytes());
    }
}

/// Values of annotations that Pillion reads.
pub(crate) fn annotation(input: &[u8]) {
    const KEYS: [&str; 12] = [
        "pillion.dev/inject",
        "pillion.dev/containers",
        "echo.pillion.dev/value",
        "config.pillion.dev/text",
        "pgbouncer.pillion.dev/host",
        "pgbouncer.pillion.dev/port",
        "pgbouncer.pillion.dev/containers",
        "pgbouncer.pillion.dev/nothing",
        "wait-for.pillion.dev/targets",
        "migrate.pillion.dev/command",
        "pillion.dev/status.pgbouncer",
        "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
    ];
    let text = String::from_utf8_lossy(input);
    let mut annotations = json!({"pillion.dev/inject": "echo, config, pgbouncer"});
    annotations["pgbouncer.pillion.dev/host"] = "db".into();
    for (key, value) in KEYS
        .iter()
        .cycle()
        .skip(input.len() % KEYS.len())
        .zip(text.split('\n'))
    {
        annotations[*key] = value.into();
    }
    holds(&ENGINES[0], &plain_pod(&annotations));
}

/// A pod with statuses that somebody wrote: it stays a pod, and keeps its last container.
pub(crate) fn status(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut annotations = asking(&mut choices);
    let lists = [
        "containers",
        "initContainers",
        "volumes",
        "labels",
        "annotations",
        "pod",
        "auto",
        "edited",
    ];
    let names = [
        "app",
        "web",
        "own",
        "helper",
        "pgbouncer",
        "log",
        "data",
        "tier",
        "containers",
        "restartPolicy",
    ];
    for _ in 0..=choices.below(3) {
        let mut status =
            json!({"verdict": "Injected", "reason": "Applied", "revision": "0123456789abcdef"});
        for _ in 0..choices.below(6) {
            let list = *choices.pick(&lists);
            let name = *choices.pick(&names);
            status[list] = match choices.below(3) {
                0 => json!([name]),
                1 => json!({name: "0123456789abcdef"}),
                _ => json!({"app": ["image", "name", name]}),
            };
        }
        let (template, _) = choices.pick(&TEMPLATES);
        annotations[format!("pillion.dev/status.{template}")] = status.to_string().into();
    }
    let pod = pods::pod(&mut choices, &annotations);
    let mut taken_out = pod.clone();
    if uninject::remove(&mut taken_out, &|_| None, &ForeignHelpers::default()).is_ok() {
        let before = broken_rules(&pod);
        let broken = broken_rules(&taken_out);
        let broken: Vec<_> = broken.difference(&before).collect();
        assert!(broken.is_empty(), "{broken:?}\n{pod}\n{taken_out}");
    }
    for engine in &*ENGINES {
        let body = oracle::review(&pod).to_string().into_bytes();
        let first = outcome(&engine.review(&body), &body, Endpoint::Mutate).unwrap();
        let before = broken_rules(&pod);
        let broken = broken_rules(&first.after);
        let broken: Vec<_> = broken.difference(&before).collect();
        assert!(broken.is_empty(), "{broken:?}\n{pod}\n{}", first.after);
    }
}

fn catalogs() -> [Arc<Catalog>; 3] {
    let load = |texts: Vec<String>| {
        let sources = texts.into_iter().enumerate().map(|(number, text)| Source {
            path: format!("{number}.yaml"),
            text,
        });
        let (catalog, errors) = Catalog::load(&sources.collect::<Vec<_>>(), None);
        assert!(errors.is_empty(), "{errors:?}");
        Arc::new(catalog)
    };
    let texts = || TEMPLATES.iter().map(|(_, text)| (*text).to_owned());
    [
        load(texts().collect()),
        load(texts().take(3).collect()),
        load(
            texts()
                .map(|text| format!("{text}  order: 7\n"))
                .take(2)
                .collect(),
        ),
    ]
}

fn settings(choices: &mut Choices<'_>) -> Arc<Settings> {
    let mut settings = Settings::default();
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    for name in ["shop", "bank"] {
        let mut namespace = Namespace::default();
        match choices.below(4) {
            0 => {}
            1 => namespace
                .labels
                .extend([text("pillion.dev/injection", "disabled")]),
            _ => {
                namespace
                    .labels
                    .extend([text("pillion.dev/injection", "enabled")]);
                let asked = *choices.pick(&["log-shipper", "pgbouncer, edits", "-log-shipper"]);
                let annotations = [
                    text("pillion.dev/inject", asked),
                    text("pgbouncer.pillion.dev/host", "h"),
                ];
                namespace.annotations.extend(annotations);
            }
        }
        settings.namespaces.insert(name, namespace);
    }
    Arc::new(settings)
}

/// A sequence of reviews, with templates and namespaces that change in between: an engine that keeps
/// decisions answers as one that keeps none.
pub(crate) fn sequence(input: &[u8]) {
    static CATALOGS: LazyLock<[Arc<Catalog>; 3]> = LazyLock::new(catalogs);
    let mut choices = Choices::new(input);
    let mut pods: Vec<Value> = Vec::new();
    let (mut catalog, mut now) = (Arc::clone(&CATALOGS[0]), settings(&mut choices));
    let first = Engine::new(Arc::clone(&catalog), Arc::clone(&now));
    let mut cached = CachedEngine::new(first, 256 * 1024);
    for number in 0..40 {
        if choices.is_empty() {
            return;
        }
        match choices.below(6) {
            0 => catalog = Arc::clone(choices.pick(&*CATALOGS)),
            1 => now = settings(&mut choices),
            _ => {}
        }
        cached = cached.followed_by(Arc::clone(&catalog), Arc::clone(&now));
        if pods.is_empty() || choices.once_in(4) {
            let annotations = asking(&mut choices);
            pods.push(pods::pod(&mut choices, &annotations));
        }
        let mut review = oracle::review(choices.pick(&pods));
        review["request"]["uid"] = format!("uid-{number}").into();
        review["request"]["namespace"] = (*choices.pick(&["shop", "bank", "none"])).into();
        let body = review.to_string().into_bytes();
        let endpoint = Endpoint::Mutate;
        let (answer, _) = cached.answer(endpoint, &body);
        let plain = Engine::new(Arc::clone(&catalog), Arc::clone(&now)).review(&body);
        let [kept, plain] =
            [answer, plain].map(|answer| outcome(&answer, &body, endpoint).unwrap());
        assert_eq!(
            (kept.allowed, kept.is_changed, kept.after),
            (plain.allowed, plain.is_changed, plain.after),
            "{review}"
        );
    }
}
