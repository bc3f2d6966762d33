//! Whether the live server and the API server make of a pod what the corpus says.

use serde_json::Value;

use crate::corpus::case::{self, Case};
use crate::corpus::compare::{self, essence};
use crate::corpus::pods::{self, Found};
use crate::live_corpus::cluster::Cluster;
use crate::support::audit::annotations_of;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw::Answer;
use crate::support::webhook::EVERY_POD;

/// Creations are tried only, and fields that no version knows are let through.
pub(crate) const TRY: &str = "dryRun=All&fieldValidation=Ignore";

/// Cases whose input the API server refuses by itself, after every webhook: there the answer is
/// compared, and that the server's own refusal is the same with and without it.
const INVALID: [&str; 1] = ["unknown-fields"];

/// Creates every pod of a case; returns how many there are.
pub(crate) async fn case(cluster: &Cluster, case: &Case, failures: &mut String) -> Outcome<usize> {
    let inputs = pods_of(case, &case.input());
    let reported = reported(case)?;
    assert_eq!(inputs.len(), reported.len(), "{}", case.name);
    let expected = case.file("expected.yaml");
    let expected = expected.map(|text| pods_of(case, &text));
    for (index, (input, object)) in inputs.iter().zip(&reported).enumerate() {
        let what = format!("{}: {}", case.name, input.object);
        let namespace = Namespace {
            name: input.namespace.clone(),
            ..cluster.apart.clone()
        };
        let live = namespace.create_pod(TRY, &input.pod).await?;
        verdict(cluster, object, &live, &what, failures).await?;
        if object["verdict"] == "Denied" {
            let (reason, message) = (text(object, "reason"), text(object, "message"));
            let told = format!(
                "admission webhook \"{EVERY_POD}\" denied the request: {reason}: {message}"
            );
            compare::texts(failures, &what, &told, live.message());
            assert!(matches!(live.status, 403 | 422), "{what}: {live:?}");
            continue;
        }
        if !live.granted() {
            let bare = cluster.create_apart(&input.pod).await?;
            let is_known = INVALID.contains(&case.name.as_str());
            if bare.status != live.status || !is_known {
                compare::texts(failures, &what, "a pod", live.message());
            }
            continue;
        }
        if let Some(expected) = &expected {
            let applied = cluster.create_apart(&expected[index].pod).await?;
            if !applied.granted() {
                compare::texts(
                    failures,
                    &what,
                    "a pod that can be applied",
                    applied.message(),
                );
                continue;
            }
            let (applied, live) = (without_chance(&applied), without_chance(&live));
            compare::values(failures, &what, &essence(&applied), &essence(&live));
        }
    }
    Ok(inputs.len())
}

/// Compares the verdict that reached the audit log with the one of the report.
async fn verdict(
    cluster: &Cluster,
    object: &Value,
    live: &Answer,
    what: &str,
    failures: &mut String,
) -> Outcome {
    // What was injected already repeats the verdict of the first time.
    if object["reason"] == "AlreadyInjected" {
        return Ok(());
    }
    let told = annotations_of(&cluster.control_plane, live).await?;
    let told = told.get(&format!("{EVERY_POD}/verdict"));
    let told = told.and_then(Value::as_str).unwrap_or("none");
    let expected = format!("{} ({})", text(object, "verdict"), text(object, "reason"));
    compare::texts(failures, what, &expected, told);
    Ok(())
}

/// The pods of manifests, as they reach the API server: with what `--inject` and `--set` stand
/// for.
pub(crate) fn pods_of(case: &Case, text: &str) -> Vec<Found> {
    let documents = case::documents(text).into_iter().map(case::yaml);
    documents
        .flat_map(|document| pods::find(&document, case.default_namespace()))
        .map(|mut found| {
            pods::annotate(&mut found.pod, &case.annotations());
            name(&mut found.pod);
            found
        })
        .collect()
}

/// Names a pod that has no name of its own, as one made of a `PodTemplate` has none.
fn name(pod: &mut Value) {
    let metadata = &mut pod["metadata"];
    if metadata["name"].is_null() && metadata["generateName"].is_null() {
        metadata["generateName"] = "nameless-".into();
    }
}

/// The objects with pods in the report of `pillion inject`.
fn reported(case: &Case) -> Outcome<Vec<Value>> {
    let output = case.inject(&["--report=json"]);
    let report = String::from_utf8_lossy(&output.stderr);
    // Templates that are left out are told before the report.
    let report = report.lines().last().unwrap_or_default();
    let mut report: Value = serde_json::from_str(report).during("read a report")?;
    let objects = report["objects"].take();
    let objects = objects.as_array().cloned().unwrap_or_default().into_iter();
    Ok(objects
        .filter(|object| object["reason"] != "NotAPod")
        .collect())
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// The pod without the random part of the name of the token's volume.
fn without_chance(answer: &Answer) -> Value {
    let mut pod = answer.body.clone();
    rename_tokens(&mut pod["spec"]);
    pod
}

fn rename_tokens(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("kube-api-access-") => {
            "kube-api-access".clone_into(text);
        }
        Value::Object(fields) => fields.values_mut().for_each(rename_tokens),
        Value::Array(items) => items.iter_mut().for_each(rename_tokens),
        _ => {}
    }
}
