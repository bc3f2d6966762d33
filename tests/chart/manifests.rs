//! What is generated is current, and the plain manifests install what the chart installs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::chart::programs::{CHART, NAME, Programs, objects, only, tools, values};
use crate::support::failure::{During, Outcome};

/// Labels of Helm's alone.
const OF_HELM: [&str; 2] = ["app.kubernetes.io/managed-by", "helm.sh/chart"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_chart_passes_lint_with_every_values_file() -> Outcome {
    let programs = Programs::offline()?;
    programs.helm(&["lint", "--strict", CHART])?;
    for (_, file) in values()? {
        programs.helm(&["lint", "--strict", CHART, "--values", &file])?;
    }
    Ok(())
}

#[test]
fn generated_manifests_are_current() -> Outcome {
    let programs = Programs::offline()?;
    let fresh = tempfile::tempdir().during("make a folder")?;
    // Without them the script would build them.
    tools()?;
    let script = root().join("deploy/generate.sh");
    let into = fresh.path().display().to_string();
    let ended = programs.run(&script, &[&into])?;
    assert!(ended.success, "{}", ended.errors);
    let mut found = Vec::new();
    for path in files_below(fresh.path())? {
        let Ok(name) = path.strip_prefix(fresh.path()) else {
            continue;
        };
        let expected = fs::read_to_string(&path).during("read a generated file")?;
        if fs::read_to_string(root().join(name)).ok() != Some(expected) {
            found.push(name.display().to_string());
        }
    }
    assert!(found.is_empty(), "run deploy/generate.sh: {found:?} differ");
    let base = "deploy/kustomize/base";
    let (kept, made) = (root().join(base), fresh.path().join(base));
    let names = |folder: &Path| {
        let files = files_below(folder)?;
        let names = files
            .iter()
            .filter_map(|path| path.strip_prefix(folder).ok());
        Outcome::Ok(names.map(Path::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(
        names(&kept)?,
        names(&made)?,
        "a file of the base is nobody's"
    );
    Ok(())
}

#[test]
fn the_base_installs_what_the_chart_does() -> Outcome {
    same_as_chart("base", None)
}

#[test]
fn the_overlays_install_what_the_chart_does_with_the_same_values() -> Outcome {
    let mut count = 0;
    for entry in fs::read_dir(root().join("deploy/kustomize/overlays")).during("list overlays")? {
        let name = entry.during("list overlays")?.file_name();
        let name = name.to_string_lossy();
        let file = root().join(format!("tests/chart/values/{name}.yaml"));
        assert!(file.is_file(), "{name}: no values file says the same");
        same_as_chart(&format!("overlays/{name}"), Some(&file))?;
        count += 1;
    }
    assert!(count >= 2, "the overlays were not found");
    Ok(())
}

/// Builds a folder of deploy/kustomize and compares it, object by object, with the chart.
fn same_as_chart(folder: &str, values: Option<&Path>) -> Outcome {
    let programs = Programs::offline()?;
    let path = root().join("deploy/kustomize").join(folder);
    let built = programs.kubectl(&["kustomize", &path.display().to_string()])?;
    let plain = root().join("deploy/kustomize/values.yaml");
    let plain = plain.display().to_string();
    let values = values.map(|file| file.display().to_string());
    let mut arguments = vec!["--skip-tests", "--values", &plain];
    if let Some(file) = &values {
        arguments.extend(["--values", file]);
    }
    let rendered = programs.render(&arguments)?;
    let (mut built, rendered) = (by_name(&objects(&built)?), by_name(&objects(&rendered)?));
    // Helm makes the namespace itself.
    let namespace = built.remove("Namespace//pillion-system");
    assert!(namespace.is_some(), "{folder}: no namespace");
    let keys = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&built), keys(&rendered), "{folder}");
    for (key, object) in &rendered {
        assert_eq!(&built[key], object, "{folder}: {key}");
    }
    Ok(())
}

/// Objects by kind, namespace and name, without what only Helm says, the environment in one order.
fn by_name(objects: &[Value]) -> BTreeMap<String, Value> {
    let keyed = objects.iter().cloned().map(|mut object| {
        let labels = object.pointer_mut("/metadata/labels");
        if let Some(labels) = labels.and_then(Value::as_object_mut) {
            labels.retain(|key, _| !OF_HELM.contains(&key.as_str()));
        }
        let environment = object.pointer_mut("/spec/template/spec/containers/0/env");
        if let Some(variables) = environment.and_then(Value::as_array_mut) {
            variables.sort_by_key(|variable| variable["name"].to_string());
        }
        let metadata = &object["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
        let kind = object["kind"].as_str().unwrap_or_default();
        (
            format!("{kind}/{}/{}", text("namespace"), text("name")),
            object,
        )
    });
    keyed.collect()
}

#[test]
fn every_object_carries_the_common_labels_and_annotations() -> Outcome {
    let programs = Programs::offline()?;
    let (_, all) = everything()?;
    let objects = objects(&programs.render(&["--values", &all])?)?;
    assert!(objects.len() > 20, "{}", objects.len());
    for object in &objects {
        let told = format!("{} {}", object["kind"], object["metadata"]["name"]);
        assert_eq!(object["metadata"]["labels"]["team"], "platform", "{told}");
        assert_eq!(
            object["metadata"]["annotations"]["owner"], "platform@example.com",
            "{told}"
        );
    }
    let pod = &only(&objects, "Deployment")["spec"]["template"]["metadata"];
    assert_eq!(pod["labels"]["team"], "platform");
    assert_eq!(pod["annotations"]["owner"], "platform@example.com");
    Ok(())
}

/// The values file that switches everything on.
fn everything() -> Outcome<(String, String)> {
    let found = values()?.into_iter().find(|(name, _)| name == "everything");
    Ok(found.unwrap_or_else(|| panic!("no values file `everything`")))
}

/// Where a caBundle is a value it is written, and nobody else is told to: everywhere else somebody
/// else owns it.
#[test]
fn a_bundle_has_one_writer() -> Outcome {
    let programs = Programs::offline()?;
    let mut modes = [0, 0, 0];
    for (name, file) in values()? {
        let objects = objects(&programs.render(&["--values", &file])?)?;
        let entries = objects
            .iter()
            .flat_map(|object| object["webhooks"].as_array().into_iter().flatten());
        let written: Vec<_> = entries
            .map(|entry| entry["clientConfig"].get("caBundle").is_some())
            .collect();
        let deployment = only(&objects, "Deployment").to_string();
        let writers = [
            written.iter().all(|written| *written),
            deployment.contains("PILLION_WEBHOOK_CONFIGURATION"),
            objects.iter().any(|object| object["kind"] == "Certificate"),
        ];
        let count = writers.iter().filter(|writes| **writes).count();
        assert_eq!(count, 1, "{name}: {writers:?}");
        assert_eq!(
            written.contains(&true),
            writers[0],
            "{name}: some entries only"
        );
        for (mode, writes) in modes.iter_mut().zip(writers) {
            *mode += usize::from(writes);
        }
    }
    assert!(modes.iter().all(|count| *count >= 2), "{modes:?}");
    Ok(())
}

/// The definitions pass through Helm's own reading and writing of YAML unharmed, and stay when the
/// release goes, unless asked.
#[test]
fn definitions_are_rendered_as_they_are() -> Outcome {
    let programs = Programs::offline()?;
    let folder = Path::new(CHART).join("files/crds");
    let policy = "/metadata/annotations/helm.sh~1resource-policy";
    let kept = objects(&programs.render(&[])?)?;
    let not_kept = objects(&programs.render(&["--set", "crds.keep=false"])?)?;
    let mut count = 0;
    for path in files_below(&folder)? {
        let text = fs::read_to_string(&path).during("read a definition")?;
        let definition: Value = serde_saphyr::from_str(&text).during("read a definition")?;
        let rendered = |objects: &[Value]| {
            let name = &definition["metadata"]["name"];
            let mut found = objects
                .iter()
                .filter(|one| one["metadata"]["name"] == *name);
            found.next().cloned().unwrap_or_default()
        };
        assert_eq!(
            rendered(&kept)["spec"],
            definition["spec"],
            "{}",
            path.display()
        );
        assert_eq!(rendered(&kept).pointer(policy), Some(&Value::from("keep")));
        assert_eq!(rendered(&not_kept)["spec"], definition["spec"]);
        assert_eq!(rendered(&not_kept).pointer(policy), None);
        count += 1;
    }
    assert_eq!(count, 2, "definitions");
    Ok(())
}

/// What decides over a deadlock, in every rendering.
#[test]
fn no_rendering_can_hold_up_the_cluster_itself() -> Outcome {
    let programs = Programs::offline()?;
    for (name, file) in values()? {
        let objects = objects(&programs.render(&["--values", &file])?)?;
        let configuration = only(&objects, "MutatingWebhookConfiguration");
        let entries = configuration["webhooks"].as_array().into_iter().flatten();
        for entry in entries {
            let told = format!("{name}: {}", entry["name"]);
            let selectors = entry["namespaceSelector"]["matchExpressions"].to_string();
            for namespace in ["kube-system", "kube-node-lease", "pillion-system"] {
                assert!(selectors.contains(namespace), "{told}: {namespace}");
            }
            let conditions = entry["matchConditions"].to_string();
            assert!(conditions.contains("kubernetes.io/config.mirror"), "{told}");
            assert!(entry["timeoutSeconds"].as_i64() <= Some(10), "{told}");
        }
        assert_eq!(configuration["metadata"]["name"], NAME, "{name}");
    }
    Ok(())
}

/// A rollout must come to an end on as many nodes as there are replicas.
#[test]
fn a_new_replica_comes_first_where_it_may_share_a_node() -> Outcome {
    let programs = Programs::offline()?;
    for (arguments, surge) in [
        (vec!["--kube-version", "1.30.9"], 1),
        (
            vec!["--kube-version", "1.30.9", "--set", "antiAffinity=hard"],
            0,
        ),
        (
            vec!["--kube-version", "1.31.0", "--set", "antiAffinity=hard"],
            1,
        ),
        (
            vec![
                "--kube-version",
                "v1.31.1-gke.7",
                "--set",
                "antiAffinity=hard",
            ],
            1,
        ),
        (vec!["--set", "antiAffinity=hard,kubernetesVersion=1.30"], 0),
        (vec!["--set", "hostNetwork=true"], 0),
    ] {
        let objects = objects(&programs.render(&arguments)?)?;
        let strategy = &only(&objects, "Deployment")["spec"]["strategy"]["rollingUpdate"];
        assert_eq!(strategy["maxSurge"], surge, "{arguments:?}");
        assert_eq!(strategy["maxUnavailable"], 1 - surge, "{arguments:?}");
    }
    Ok(())
}

/// The program warns of a key that every user may read; OpenShift admits no group of the chart's.
#[test]
fn the_key_of_a_mounted_certificate_is_for_its_group_alone() -> Outcome {
    let programs = Programs::offline()?;
    let files = "certificates.mode=files,certificates.files.secretName=a";
    let (cert_manager, none) = ("certificates.mode=certManager", "certificates.fsGroup=0");
    let openshift = ["--api-versions", "security.openshift.io/v1"];
    for (arguments, group, mode) in [
        (vec!["--set", files], Some(65532), Some(0o440)),
        (vec!["--set", cert_manager], Some(65532), Some(0o440)),
        (
            vec!["--set", files, "--set", "certificates.fsGroup=7"],
            Some(7),
            Some(0o440),
        ),
        (vec!["--set", files, "--set", none], None, None),
        ([&["--set", files], &openshift[..]].concat(), None, None),
        (vec![], None, None),
    ] {
        let objects = objects(&programs.render(&arguments)?)?;
        let pod = &only(&objects, "Deployment")["spec"]["template"]["spec"];
        let told = format!("{arguments:?}");
        assert_eq!(pod["securityContext"]["fsGroup"].as_i64(), group, "{told}");
        let volume = &pod["volumes"][0]["secret"];
        assert_eq!(volume["defaultMode"].as_i64(), mode, "{told}");
    }
    Ok(())
}

fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).during(&format!("list {}", folder.display()))? {
        let path = entry.during("list a folder")?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
