//! Replicas that start at once agree on one authority, and follow one after another without a
//! creation that fails.

use serde_json::json;

use super::installation::Installation;
use super::load::Load;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::SOON;
use crate::support::pillion::Pillion;
use crate::support::raw;
use crate::support::wait::wait_until;

/// Lifetimes in which a test sees what takes a year: an authority is followed after 16 s, and a
/// certificate renewed after 4 s.
pub(super) const QUICK: [&str; 6] = [
    "--authority-lifetime=24s",
    "--certificate-lifetime=6s",
    "--ca-bundle-settle=2s",
    "--templates-poll-seconds=60",
    "--log-format=json",
    "--log-level=info",
];

#[tokio::test]
async fn replicas_agree_and_authorities_follow_without_a_failure() -> Outcome {
    let installation = Installation::prepare("agree").await?;
    installation.register().await?;
    let (first, second) = tokio::join!(
        installation.replica("replica-0", None, &QUICK),
        installation.replica("replica-1", None, &QUICK),
    );
    let (first, second) = (first?, second?);
    let (status, reason) = first.readiness().await?;
    assert!(
        status == 200 || reason.contains("not ready: certificate"),
        "{status} {reason}"
    );
    first.ready().await?;
    second.ready().await?;
    let authority = installation.authority_after("").await?;
    for (entry, bundle) in installation.bundles().await? {
        assert_eq!(bundle.matches("BEGIN").count(), 1, "{entry}");
    }
    assert_eq!(
        expiry(&first).await?.to_bits(),
        expiry(&second).await?.to_bits(),
        "one authority"
    );

    installation.proxy.lead_to(&[first.webhook, second.webhook]);
    let load = Load::start(&installation.namespace);
    let second_one = installation.authority_after(&authority).await?;
    let third = installation.authority_after(&second_one).await?;

    // Asked for by a person.
    let asks = json!({"metadata": {"annotations": {"pillion.dev/rotate": "now"}}});
    let client = &installation.namespace.client;
    raw::merge(client, &installation.secret_path(), &asks).await?;
    let fourth = installation.authority_after(&third).await?;
    let secret = raw::get(client, &installation.secret_path()).await?;
    assert_eq!(
        secret
            .body
            .pointer("/metadata/annotations/pillion.dev~1rotate"),
        None
    );

    // The replica that leads goes; the other one takes over.
    let (leader, other) = if leads(&first) {
        (first, second)
    } else {
        (second, first)
    };
    installation.proxy.lead_to(&[other.webhook]);
    leader.stop().await?;
    installation.authority_after(&fourth).await?;
    let renewals = renewals(&other).await?;
    assert!(renewals >= 10.0, "{renewals} certificates of one replica");

    let (created, failures) = load.end().await?;
    println!(
        "{created} pods created over four authorities, {} failed",
        failures.len()
    );
    let text: Vec<_> = failures.iter().map(|(_, failure)| failure).collect();
    assert!(failures.is_empty(), "{text:?}\n{}", other.log().join("\n"));
    assert!(created > 100, "{created} pods");
    Ok(())
}

#[tokio::test]
async fn authorities_whose_certificates_have_ended_leave_the_bundle() -> Outcome {
    let installation = Installation::prepare("tidy").await?;
    installation.register().await?;
    let replica = installation.replica("replica-0", None, &QUICK).await?;
    replica.ready().await?;
    let authority = installation.authority_after("").await?;
    installation.authority_after(&authority).await?;
    // The last certificate of the old one ends 6 s after that, and clocks may differ by 2 s.
    wait_until("one authority in every bundle", SOON, async || {
        let bundles = installation.bundles().await;
        let bundles = bundles.map_err(|failure| failure.to_string())?;
        let counts: Vec<_> = bundles
            .iter()
            .map(|(_, text)| text.matches("BEGIN").count())
            .collect();
        if counts.iter().all(|&count| count == 1) {
            return Ok(());
        }
        Err(format!("{counts:?}"))
    })
    .await
}

/// Whether this replica is the one that writes.
fn leads(replica: &Pillion) -> bool {
    let log = replica.log();
    let mut changes = log
        .iter()
        .filter(|line| line.contains("the lease changed hands"));
    changes
        .next_back()
        .is_some_and(|line| line.contains("\"leads\":true"))
}

async fn metric(replica: &Pillion, name: &str) -> Outcome<f64> {
    let text = replica.metrics().await?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|line| line.trim().parse().ok());
    value.ok_or_else(|| Failure::new(format!("no {name} in\n{text}")))
}

/// When the authority of this replica ends.
async fn expiry(replica: &Pillion) -> Outcome<f64> {
    metric(
        replica,
        "pillion_authority_expiry_timestamp_seconds{authority=\"current\"}",
    )
    .await
}

async fn renewals(replica: &Pillion) -> Outcome<f64> {
    metric(replica, "pillion_certificate_renewals_total").await
}
