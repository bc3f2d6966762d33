//! The kinds of templates on a real API server: it stores what the compiler takes, as it is
//! written, and refuses what cannot be meant.

use std::path::{Path, PathBuf};

use pillion::template::Source;
use pillion::template::compile::{compile, compile_object};
use serde_json::{Value, json};

use crate::support::control_plane::ControlPlane;
use crate::support::definitions;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;

/// The template files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Outcome {
    for entry in std::fs::read_dir(folder).during("list templates")? {
        let path = entry.during("list templates")?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}

/// All templates of the repository that compile: the catalog, and those of the corpus.
fn texts() -> Outcome<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["templates", "tests/corpus", "src/cli/template/new"] {
        files(&root.join(folder), &mut paths)?;
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).during("read a template")?;
        let is_template = text.contains("kind: ClusterInjectionTemplate")
            || text.contains("kind: InjectionTemplate");
        for document in text.split("\n---\n").filter(|_| is_template) {
            texts.push((path.display().to_string(), document.to_owned()));
        }
    }
    Ok(texts)
}

#[tokio::test]
async fn every_template_is_stored_and_compiles_to_the_revision_of_its_file() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    definitions::ensure(&client).await?;
    let mut failed = Vec::new();
    let (mut tried, mut of_catalog) = (0, 0);
    for (path, text) in texts()? {
        let source = Source {
            path: path.clone(),
            text,
        };
        let mut compiled = compile(&source);
        if compiled.len() != 1 || compiled[0].result.is_err() {
            continue;
        }
        let template = compiled.remove(0).result.unwrap();
        let object: Value =
            pillion::template::node::read(&source.text).during("read a template")?[0].to_json();
        let namespace = template.namespace.clone().unwrap_or_default();
        if !namespace.is_empty() {
            Namespace::ensure(&client, &namespace).await?;
        }
        let all = definitions::templates(&namespace);
        let query = "dryRun=All&fieldValidation=Strict";
        let answer = raw::post(&client, &format!("{all}?{query}"), &object).await?;
        tried += 1;
        of_catalog += usize::from(path.ends_with("/template.yaml"));
        if !answer.granted() {
            failed.push(format!("{path}: {}", answer.message()));
            continue;
        }
        let stored = compile_object(&namespace, &template.name, answer.body.get("spec"));
        match stored.result {
            Ok(stored) if stored.revision == template.revision => {}
            Ok(_) => failed.push(format!("{path}: has another revision when it was stored")),
            Err(errors) => failed.push(format!("{path}: stored, it does not compile: {errors:?}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(
        of_catalog >= 31,
        "only {of_catalog} templates of the catalog"
    );
    assert!(tried >= 60, "only {tried} templates were tried");
    Ok(())
}

/// What the API server must refuse: the kind's namespace, a name, a spec, and a part of the refusal.
#[expect(clippy::too_many_lines, reason = "a table")]
fn wrong() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let sidecar = |name: &str| json!({"name": name, "image": "registry.example.com/a:1"});
    vec![
        ("", "no-spec", Value::Null, "spec: Required value"),
        (
            "",
            "pattern",
            json!({"pattern": "Proxy"}),
            "spec.pattern: Unsupported value",
        ),
        (
            "",
            "mode",
            json!({"mode": "shadow"}),
            "spec.mode: Unsupported value",
        ),
        (
            "",
            "lifecycle",
            json!({"lifecycle": "Both"}),
            "spec.lifecycle: Unsupported value",
        ),
        (
            "",
            "ending",
            json!({"endingPods": "Keep"}),
            "spec.endingPods: Unsupported value",
        ),
        (
            "",
            "level",
            json!({"podSecurityLevel": "open"}),
            "spec.podSecurityLevel: Unsupported",
        ),
        (
            "",
            "order",
            json!({"order": "first"}),
            "spec.order: Invalid value",
        ),
        (
            "",
            "shadow",
            json!({"shadowable": "yes"}),
            "spec.shadowable: Invalid value",
        ),
        (
            "",
            "misspelt",
            json!({"lifecylce": "Native"}),
            "unknown field \"spec.lifecylce\"",
        ),
        (
            "",
            "finding",
            json!({"findings": {"FieldKept": "Tell"}}),
            "spec.findings.FieldKept",
        ),
        (
            "",
            "mandatory",
            json!({"requirement": "Mandatory", "shadowable": true}),
            "a Mandatory template cannot be shadowed",
        ),
        (
            "",
            "with.dots",
            json!({}),
            "a template's name is a DNS label",
        ),
        (
            "",
            "a-name-of-more-than-fifty-characters-is-too-long-for-us",
            json!({}),
            "metadata.name: Too long",
        ),
        (
            "",
            "twice",
            json!({"sidecars": [sidecar("a"), sidecar("a")]}),
            "spec.sidecars[1]: Duplicate value",
        ),
        (
            "",
            "nameless",
            json!({"sidecars": [{"image": "registry.example.com/a:1"}]}),
            "spec.sidecars[0].name: Required value",
        ),
        (
            "",
            "label",
            json!({"volumes": [{"name": "Data"}]}),
            "spec.volumes[0].name",
        ),
        (
            "",
            "type",
            json!({"parameters": {"port": {"type": "port"}}}),
            "spec.parameters.port.type: Unsupported value",
        ),
        (
            "",
            "typeless",
            json!({"parameters": {"port": {}}}),
            "port.type: Required value",
        ),
        (
            "",
            "set-by",
            json!({"parameters": {"port": {"type": "integer", "setBy": ["Node"]}}}),
            "setBy[0]: Unsupported value",
        ),
        (
            "",
            "operator",
            json!({"selector": {"podSelector": {"matchExpressions": [
                {"key": "a", "operator": "Like"}]}}}),
            "operator: Unsupported value",
        ),
        (
            "",
            "no-expression",
            json!({"matchConditions": [{"name": "a"}]}),
            "spec.matchConditions[0].expression: Required value",
        ),
        (
            "default",
            "tenant",
            json!({"requirement": "Mandatory"}),
            "only a ClusterInjectionTemplate can be Mandatory",
        ),
        (
            "default",
            "tenant",
            json!({"shadowable": true}),
            "only a ClusterInjectionTemplate can be shadowed",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_when_it_is_stored() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    definitions::ensure(&client).await?;
    let mut failed = Vec::new();
    for (namespace, name, spec, expected) in wrong() {
        let kind = if namespace.is_empty() {
            "ClusterInjectionTemplate"
        } else {
            "InjectionTemplate"
        };
        let mut object = json!({
            "apiVersion": "pillion.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
        });
        if !spec.is_null() {
            object["spec"] = spec;
        }
        let all = definitions::templates(namespace);
        let path = format!("{all}?dryRun=All&fieldValidation=Strict");
        let answer = raw::post(&client, &path, &object).await?;
        if answer.granted() || !answer.message().contains(expected) {
            failed.push(format!("{name}: {} {}", answer.status, answer.message()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
