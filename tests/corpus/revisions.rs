//! Pods that come again: under a changed template, under a changed parameter, and after another
//! webhook.
//!
//! What is ours is made anew, so that the first two give what a fresh injection gives, and `uninject`
//! gives the input back. What others have changed stays as they left it, but in a mandatory helper, which
//! is put back.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use pillion::inject::settings::ForeignHelpers;
use pillion::inject::{Engine, Namespace, Settings, uninject};
use pillion::template::{Catalog, CatalogLookup, Source, built_in};
use serde_json::{Value, json};

use crate::corpus::case;
use crate::corpus::compare::{self, STATUS, essence};
use crate::corpus::defaulting::received;
use crate::corpus::pods::{self, Found};
use crate::corpus::reviews::{self, Answered};
use crate::empty::without_empty;

/// A pod that asks for templates of the catalog.
struct Example {
    name: String,
    found: Found,
}

/// The pods of the examples.
fn examples() -> Vec<Example> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut paths: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    paths.sort();
    let of_file = |path: &std::path::PathBuf| -> Vec<Example> {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).unwrap();
        let documents = case::documents(&text).into_iter().map(case::yaml);
        let found = documents.flat_map(|document| pods::find(&document, "default"));
        found
            .map(|found| Example {
                name: name.clone(),
                found,
            })
            .collect()
    };
    paths.iter().flat_map(of_file).collect()
}

fn engine(sources: &[Source]) -> Engine {
    let (catalog, errors) = Catalog::load(sources, None);
    assert!(errors.is_empty(), "{errors:?}");
    Engine::new(Arc::new(catalog), Arc::new(Settings::default()))
}

/// The catalog in another revision: every helper has a new name, another image and a new variable,
/// and every variable of the app another value.
fn changed(sources: &[Source]) -> Vec<Source> {
    let change = |source: &Source| {
        let documents = case::documents(&source.text).into_iter().map(|text| {
            let mut document = case::yaml(text);
            for list in ["sidecars", "initContainers"] {
                let containers = document["spec"][list].as_array_mut();
                for container in containers.into_iter().flatten() {
                    let name = container["name"].as_str().unwrap().to_owned();
                    // A helper that another injector has too is left to whoever emits it.
                    if !["daprd", "linkerd-proxy", "vault-agent"].contains(&name.as_str()) {
                        container["name"] = json!(format!("{name}-next"));
                    }
                    container["image"] = json!("registry.example.com/next:2");
                    if let Some(env) = container["env"].as_array_mut() {
                        env.push(json!({"name": "NEXT", "value": "2"}));
                    }
                }
            }
            serde_json::to_string(&document).unwrap()
        });
        Source {
            path: source.path.clone(),
            text: documents.collect::<Vec<_>>().join("\n---\n"),
        }
    };
    sources.iter().map(change).collect()
}

/// The pod without what the templates of an engine added.
fn uninjected(engine: &Engine, pod: &Value, namespace: &str) -> Value {
    let mut pod = pod.clone();
    let served = |name: &str| match engine.catalog().find(namespace, name) {
        CatalogLookup::Template(template) => Some(template.as_ref()),
        _ => None,
    };
    let result = uninject::remove(&mut pod, &served, &ForeignHelpers::default()).unwrap();
    assert!(
        result.left.is_empty(),
        "{:?}\n{pod:#}",
        result.left_in_words()
    );
    pod
}

fn plain(mut pod: Value) -> Value {
    without_empty(&mut pod);
    pod
}

/// Injects a pod that one engine has injected by another one, and compares with a fresh injection.
fn comes_again(
    failures: &mut String,
    what: &str,
    engines: (&Engine, &Engine),
    pods: (&Found, &Found),
) -> bool {
    let (old, new) = engines;
    let (before, fresh) = pods;
    let first = reviews::ask(old, before);
    let expected = reviews::ask(new, fresh);
    if !first.is_allowed() || !expected.is_allowed() || !first.has_patch() {
        return false;
    }
    // What changed besides is in the annotations of the pod that comes again.
    let mut again = Found {
        pod: first.pod.clone(),
        ..before.clone()
    };
    let annotations = fresh.pod["metadata"]["annotations"].as_object();
    for (key, value) in annotations.into_iter().flatten() {
        again.pod["metadata"]["annotations"][key] = value.clone();
    }
    for (way, again) in [
        ("as it was written", again.clone()),
        (
            "as the API server has it",
            Found {
                pod: received(&again.pod),
                ..again.clone()
            },
        ),
    ] {
        let what = format!("{what}, {way}");
        let answered = reviews::ask(new, &again);
        assert!(answered.is_allowed(), "{what}: {}", answered.message());
        let (expected, found) = (
            essence(&received(&expected.pod)),
            essence(&received(&answered.pod)),
        );
        compare::values(failures, &what, &expected, &found);
        let second = Found {
            pod: answered.pod.clone(),
            ..again
        };
        assert!(
            !reviews::ask(new, &second).has_patch(),
            "{what}: a second call changes nothing"
        );
    }
    let answered = reviews::ask(new, &again);
    let back = uninjected(new, &answered.pod, &again.namespace);
    compare::values(
        failures,
        &format!("{what}, taken out"),
        &plain(fresh.pod.clone()),
        &plain(back),
    );
    true
}

#[test]
fn a_changed_template_gives_what_a_fresh_injection_gives() {
    let sources = built_in::sources();
    let (old, new) = (engine(&sources), engine(&changed(&sources)));
    let mut failures = String::new();
    let mut count = 0;
    for Example { name, found } in examples() {
        count += usize::from(comes_again(
            &mut failures,
            &name,
            (&old, &new),
            (&found, &found),
        ));
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count >= 25, "{count}");
}

#[test]
fn a_changed_parameter_gives_what_a_fresh_injection_gives() {
    let engine = engine(&built_in::sources());
    let mut failures = String::new();
    let mut count = 0;
    for Example { name, found } in examples() {
        let annotations = found.pod["metadata"]["annotations"].as_object().cloned();
        for (key, value) in annotations.into_iter().flatten() {
            if !key.contains(".pillion.dev/") {
                continue;
            }
            let text = value.as_str().unwrap();
            let other = match text.parse::<u64>() {
                Ok(number) => (number + 1).to_string(),
                Err(_) => text.replacen(|c: char| c.is_ascii_lowercase(), "x", 1),
            };
            let mut fresh = found.clone();
            fresh.pod["metadata"]["annotations"][&key] = json!(other);
            let what = format!("{name}, {key}");
            let engines = (&engine, &engine);
            count += usize::from(comes_again(&mut failures, &what, engines, (&found, &fresh)));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count >= 15, "{count}");
}

/// The names of the containers that one pod has and the other had not.
fn helpers(before: &Value, after: &Value) -> Vec<(&'static str, usize)> {
    let has = |list: &str, name: &Value| {
        let items = before["spec"][list].as_array();
        items
            .into_iter()
            .flatten()
            .any(|item| item["name"] == *name)
    };
    let lists = ["initContainers", "containers"].into_iter();
    lists
        .flat_map(|list| {
            let items = after["spec"][list]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate();
            items
                .filter(|(_, item)| !has(list, &item["name"]))
                .map(|(index, _)| (list, index))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What other webhooks do to a pod after us.
type Webhook = fn(&mut Value, &[(&'static str, usize)]);

const WEBHOOKS: [(&str, Webhook); 5] = [
    ("resources are set", |pod, helpers| {
        for (list, index) in helpers {
            pod["spec"][list][index]["resources"] =
                json!({"requests": {"cpu": "123m", "memory": "77Mi"}});
        }
    }),
    ("images are mirrored", |pod, helpers| {
        for (list, index) in helpers {
            let image = pod["spec"][list][index]["image"]
                .as_str()
                .unwrap()
                .to_owned();
            pod["spec"][list][index]["image"] = json!(format!("mirror.example.com/{image}"));
        }
    }),
    ("a proxy and a variable are added", |pod, helpers| {
        let proxy = json!({"name": "istio-proxy", "image": "istio/proxyv2:1"});
        pod["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .insert(0, proxy);
        for (list, index) in helpers {
            let index = index + usize::from(*list == "containers");
            let container = pod["spec"][list][index].as_object_mut().unwrap();
            let env = container.entry("env").or_insert(json!([]));
            env.as_array_mut()
                .unwrap()
                .push(json!({"name": "IDENTITY", "value": "x"}));
        }
    }),
    ("an unknown container is put first", |pod, _| {
        let other =
            json!({"name": "other", "image": "other:1", "securityContext": {"runAsUser": 7}});
        pod["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .insert(0, other);
    }),
    ("the order changes", |pod, _| {
        for list in ["initContainers", "containers", "volumes"] {
            if let Some(items) = pod["spec"][list].as_array_mut() {
                items.reverse();
            }
        }
    }),
];

#[test]
fn what_other_webhooks_change_stays() {
    let engine = engine(&built_in::sources());
    let mut failures = String::new();
    for Example { name, found } in examples() {
        let found = Found {
            pod: received(&found.pod),
            ..found
        };
        let first: Answered = reviews::ask(&engine, &found);
        if !first.is_allowed() || !first.has_patch() {
            continue;
        }
        let helpers = helpers(&found.pod, &first.pod);
        for (what, webhook) in WEBHOOKS {
            let mut again = Found {
                pod: received(&first.pod),
                ..found.clone()
            };
            webhook(&mut again.pod, &helpers);
            let second = reviews::ask(&engine, &again);
            let what = format!("{name}, {what}");
            assert!(second.is_allowed(), "{what}: {}", second.message());
            compare::values(
                &mut failures,
                &what,
                &essence(&again.pod),
                &essence(&second.pod),
            );
            let status = |pod: &Value| -> Vec<(String, Value)> {
                let annotations = pod["metadata"]["annotations"].as_object().unwrap().iter();
                annotations
                    .filter(|(key, _)| key.starts_with(STATUS))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect()
            };
            assert_eq!(status(&again.pod), status(&second.pod), "{what}");
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// An engine that serves the templates that a pod asks for, and those alone, as mandatory in its namespace.
/// `None` where one of them cannot be: it asks for what only a template that may be skipped can.
fn mandatory_engine(found: &Found) -> Option<Engine> {
    let asked = found.pod["metadata"]["annotations"]["pillion.dev/inject"].as_str()?;
    let asked: Vec<_> = asked.split(',').map(str::trim).collect();
    let mut sources = Vec::new();
    for source in built_in::sources() {
        for text in case::documents(&source.text) {
            let mut document = case::yaml(text);
            let name = document["metadata"]["name"].as_str().unwrap();
            if !asked.contains(&name) {
                continue;
            }
            let spec = document["spec"].as_object_mut().unwrap();
            spec.insert("requirement".to_owned(), json!("Mandatory"));
            spec.shift_remove("endingPods");
            spec.shift_remove("override");
            sources.push(Source {
                path: source.path.clone(),
                text: document.to_string(),
            });
        }
    }
    let (catalog, errors) = Catalog::load(&sources, None);
    if !errors.is_empty() {
        return None;
    }
    let mut settings = Settings::default();
    let labels = [("pillion.dev/mandatory".to_owned(), String::new())].into();
    let namespace = Namespace {
        labels,
        ..Namespace::default()
    };
    settings.namespaces.insert(&found.namespace, namespace);
    Some(Engine::new(Arc::new(catalog), Arc::new(settings)))
}

/// The containers of a pod by name, without what may be added to a mandatory helper.
fn without_resources(pod: &Value, name: &Value) -> Value {
    let lists = ["initContainers", "containers"].into_iter();
    let mut all = lists
        .filter_map(|list| pod["spec"][list].as_array())
        .flatten();
    let mut found = all
        .find(|item| item["name"] == *name)
        .cloned()
        .unwrap_or_default();
    if let Some(fields) = found.as_object_mut() {
        fields.shift_remove("resources");
    }
    found
}

#[test]
fn mandatory_helpers_are_put_back() {
    let mut failures = String::new();
    let mut count = 0;
    for Example { name, found } in examples() {
        let Some(engine) = mandatory_engine(&found) else {
            continue;
        };
        let found = Found {
            pod: received(&found.pod),
            ..found
        };
        let first: Answered = reviews::ask(&engine, &found);
        let helpers = helpers(&found.pod, &first.pod);
        if !first.is_allowed() || helpers.is_empty() {
            continue;
        }
        count += 1;
        // No status tells a mandatory template which container is the app: an unknown one that is put
        // first is.
        let webhooks = WEBHOOKS.into_iter();
        for (what, webhook) in webhooks.filter(|(what, _)| !what.ends_with("is put first")) {
            let what = format!("{name}, {what}");
            let mut again = Found {
                pod: received(&first.pod),
                ..found.clone()
            };
            webhook(&mut again.pod, &helpers);
            let second = reviews::ask(&engine, &again);
            assert!(second.is_allowed(), "{what}: {}", second.message());
            let (before, after) = (
                essence(&received(&first.pod)),
                essence(&received(&second.pod)),
            );
            let names: Vec<&Value> = helpers
                .iter()
                .map(|(list, index)| &first.pod["spec"][list][index]["name"])
                .collect();
            for name in &names {
                let what = format!("{what}, {name}");
                let (expected, found) = (
                    without_resources(&before, name),
                    without_resources(&after, name),
                );
                compare::values(&mut failures, &what, &expected, &found);
            }
            // The helpers stand in their order, and what others did elsewhere stays.
            let order = |pod: &Value, list: &str| -> Vec<Value> {
                let items = pod["spec"][list].as_array().cloned().unwrap_or_default();
                let names_of = items.iter().map(|item| item["name"].clone());
                names_of.filter(|name| names.contains(&name)).collect()
            };
            for list in ["initContainers", "containers"] {
                assert_eq!(order(&before, list), order(&after, list), "{what}");
            }
            // Whoever puts a container into the pod makes it the app of a mandatory template.
            for list in ["initContainers", "containers"] {
                for item in again.pod["spec"][list].as_array().into_iter().flatten() {
                    let kept = without_resources(&second.pod, &item["name"]);
                    let is_helper = names.contains(&&item["name"]);
                    assert!(
                        is_helper || kept["image"] == item["image"],
                        "{what}: {item:#}"
                    );
                }
            }
            let third = Found {
                pod: received(&second.pod),
                ..again
            };
            assert!(
                !reviews::ask(&engine, &third).has_patch(),
                "{what}: a third call"
            );
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count >= 20, "{count}");
}
