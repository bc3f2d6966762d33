//! What tenants can make a replica hold, measured: templates that are dense in one thing each, in more
//! namespaces than there is room for.

use serde_json::{Map, Value, json};

use super::image;
use super::stage::Stage;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::wait::wait_until;

const MIB: u64 = 1024 * 1024;

/// What all tenants may make a replica hold.
const ALL: u64 = 64 * MIB;

/// What a replica takes besides: what was used while templates were read and compiled stays with the
/// allocator.
const BESIDES: u64 = 16 * MIB;

/// Templates of each namespace; each alone fills a part of what a namespace may have.
const TEMPLATES: usize = 8;

/// How many namespaces have each of the shapes: twice as many as there is room for.
const NAMESPACES: usize = 3;

/// A spec that is dense in one thing, by its number.
fn dense(shape: usize) -> Value {
    let sidecar = |field: &str, items: Vec<Value>| {
        let mut sidecar = json!({"name": "helper", "image": image("1")});
        sidecar[field] = items.into();
        json!({"sidecars": [sidecar]})
    };
    let variables = |expressions: Vec<String>| {
        let numbered = expressions.into_iter().enumerate();
        let variables = numbered.map(
            |(number, expression)| json!({"name": format!("v{number}"), "expression": expression}),
        );
        json!({"variables": variables.collect::<Vec<_>>()})
    };
    match shape {
        0 => {
            let sidecars = (0..3).map(|number| {
                json!({"name": format!("helper{number}"), "image": image("1"), "args": vec!["a"; 1000]})
            });
            json!({"sidecars": sidecars.collect::<Vec<_>>()})
        }
        1 => sidecar("args", vec![json!("${app.name}"); 700]),
        2 => variables(vec![format!("[{}]", vec!["1"; 3500].join(",")); 3]),
        3 => {
            let files = (0..400).map(|number| (format!("f{number}"), json!("x")));
            let files: Map<String, Value> = files.collect();
            json!({"volumes": [{"name": "c", "files": files}], "sidecars": [{"name": "helper",
                "image": image("1"), "volumeMounts": [{"name": "c", "mountPath": "/c"}]}]})
        }
        // A few bytes each, and a program of 100 KiB.
        _ => {
            let pattern = |number: usize| {
                format!("app.name.matches('(?:abc|def|ghi|jkl){{{}}}')", 90 + number)
            };
            variables((0..6).map(pattern).collect())
        }
    }
}

/// Fills namespaces, one after the other, and holds the memory of a replica that sees it, and of one that
/// starts behind it, against the bounds.
pub(super) async fn tenants_take_a_bounded_part_of_the_memory(stage: &Stage) -> Outcome {
    let watching = stage.server("replica-watching", 0).await?;
    let before = watching.resident()?;
    let mut first = true;
    for shape in 0..5 {
        for number in 0..NAMESPACES {
            let namespace = format!("dense-{shape}-{number}");
            Namespace::named(&stage.client, &namespace, &[], &[]).await?;
            for template in 0..TEMPLATES {
                let name = format!("t{template}");
                stage.store(&namespace, &name, &dense(shape)).await?;
            }
            let (served, refused) = told(stage, &namespace).await?;
            if first {
                assert!(
                    served > 0 && refused > 0,
                    "{served} are served, {refused} refused"
                );
                let taken = watching.resident()?.saturating_sub(before);
                assert!(taken < 8 * MIB + BESIDES, "{} KiB", taken >> 10);
            }
            first = false;
        }
    }
    let taken = watching.resident()?.saturating_sub(before);
    println!(
        "tenants take {} KiB of a replica that saw all come",
        taken >> 10
    );
    assert!(taken < ALL + BESIDES, "{} KiB", taken >> 10);
    watching.stop().await?;
    let fresh = stage.server("replica-fresh", 0).await?;
    let taken = fresh.resident()?.saturating_sub(before);
    println!("tenants take {} KiB of a replica that starts", taken >> 10);
    assert!(taken < ALL + BESIDES, "{} KiB", taken >> 10);
    fresh.stop().await?;
    for shape in 0..5 {
        for number in 0..NAMESPACES {
            for template in 0..TEMPLATES {
                let (namespace, name) = (format!("dense-{shape}-{number}"), format!("t{template}"));
                stage.delete(&namespace, &name).await?;
            }
        }
    }
    Ok(())
}

/// Waits until each template of a namespace has its status: how many compile, and how many are refused,
/// each with the reason.
async fn told(stage: &Stage, namespace: &str) -> Outcome<(usize, usize)> {
    let api = stage.templates(namespace);
    let what = format!("the statuses of {namespace}");
    let messages = wait_until(&what, super::SOON, async || {
        let list = api.list(&kube::api::ListParams::default()).await;
        let list = list.map_err(|error| error.to_string())?;
        let message = |object: kube::api::DynamicObject| {
            let condition = object.data["status"]["conditions"][0].clone();
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            (text("reason"), text("message"))
        };
        let all: Vec<_> = list.items.into_iter().map(message).collect();
        if all.iter().any(|(reason, _)| reason.is_empty()) {
            return Err(format!("{all:?}"));
        }
        Ok(all)
    })
    .await?;
    let (served, refused): (Vec<_>, Vec<_>) = messages
        .into_iter()
        .partition(|(reason, _)| reason == "Valid");
    let wrong = refused.iter().find(|(_, message)| {
        !message.contains("of each replica's memory") && !message.contains("of all namespaces")
    });
    match wrong {
        Some((_, message)) => Err(Failure::new(format!("{namespace}: {message}"))),
        None => Ok((served.len(), refused.len())),
    }
}
