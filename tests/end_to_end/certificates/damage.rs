//! The Secret as others leave it: emptied, with a key of another certificate, with an authority of
//! somebody else. Nothing that is served stops being trusted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::installation::Installation;
use super::load::Load;
use super::rotation::QUICK;
use crate::support::certificates::Authority;
use crate::support::failure::Outcome;
use crate::support::raw;

/// Certificates that live long enough for none to end while the Secret is damaged.
const LONGER: [&str; 3] = [
    "--authority-lifetime=1h",
    "--certificate-lifetime=10m",
    "--ca-bundle-settle=2s",
];

#[tokio::test]
async fn a_damaged_secret_is_replaced_without_a_failure() -> Outcome {
    let installation = Installation::prepare("damage").await?;
    installation.register().await?;
    let replica = installation.replica("replica-0", None, &LONGER).await?;
    replica.ready().await?;
    installation.proxy.lead_to(&[replica.webhook]);
    let load = Load::start(&installation.namespace);
    let client = &installation.namespace.client;
    let mut authority = installation.authority_after("").await?;

    let other = Authority::new("of somebody else")?;
    let leaf = other.serving(&["example.com"])?;
    let encoded = |text: &str| STANDARD.encode(text);
    let emptied: serde_json::Map<String, Value> = installation
        .data()
        .await?
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| (key.clone(), Value::Null))
        .collect();
    for (name, data) in [
        ("emptied", Value::from(emptied)),
        (
            "a key of another certificate",
            json!({"ca.key": encoded(&leaf.key)}),
        ),
        ("garbage", json!({"ca.crt": encoded("garbage")})),
        (
            "no authority's",
            json!({"ca.crt": encoded(&leaf.certificate), "ca.key": encoded(&leaf.key)}),
        ),
    ] {
        raw::merge(client, &installation.secret_path(), &json!({"data": data})).await?;
        let damaged = installation.data().await?["ca.crt"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let seen = if damaged.is_empty() {
            authority.clone()
        } else {
            damaged
        };
        let next = loop {
            let next = installation.authority_after(&seen).await?;
            // Until it is repaired the old one may stand there.
            if next != authority {
                break next;
            }
            tokio::task::yield_now().await;
        };
        assert_ne!(next, authority, "{name}");
        authority = next;
    }
    let (created, failures) = load.end().await?;
    let text: Vec<_> = failures.iter().map(|(_, failure)| failure).collect();
    assert!(
        failures.is_empty(),
        "{text:?}\n{}",
        replica.log().join("\n")
    );
    assert!(created > 50, "{created} pods");
    let log = replica.log().join("\n");
    assert!(log.contains("the authority's Secret is damaged"), "{log}");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
    Ok(())
}

#[tokio::test]
async fn without_its_secret_or_authority_a_replica_is_not_ready_and_says_why() -> Outcome {
    let installation = Installation::prepare("missing").await?;
    raw::delete(&installation.namespace.client, &installation.secret_path()).await?;
    installation.register().await?;
    let replica = installation.replica("replica-0", None, &QUICK).await?;
    let told = crate::support::wait::wait_until(
        "the reason",
        crate::support::namespace::SOON,
        async || {
            let (status, text) = replica
                .readiness()
                .await
                .map_err(|error| error.to_string())?;
            if status == 503 && text.contains("create it empty") {
                return Ok(text);
            }
            Err(text)
        },
    )
    .await?;
    assert!(told.contains(&installation.secret()), "{told}");
    let secret = json!({"metadata": {"name": installation.secret()}});
    let path = installation.secret_path();
    let path = path.rsplit_once('/').map_or("", |(path, _)| path);
    raw::post(&installation.namespace.client, path, &secret).await?;
    replica.ready().await
}
