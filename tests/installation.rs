//! Pillion as its users install it: our own image, by Helm, on a cluster with a real node, called
//! by the API server through its Service; and what becomes of pods while all sorts of things happen.
//!
//! It needs root and Linux namespaces, so `make test-node` alone runs it, and `cargo test` names it
//! as ignored. One test, one cluster: what happens in it happens in turn.

#![allow(
    clippy::large_futures,
    reason = "one test runs here, on a stack that is deep enough"
)]

mod changes;
mod churn;
mod crashes;
mod installed;
mod objects;
mod workloads;

use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use churn::{Churn, Places};
use installed::Installation;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root and a real node: make test-node"]
async fn an_installation_is_safe_whatever_happens() -> Outcome {
    let installation = Installation::install().await?;
    match proof(&installation).await {
        Ok(namespace) => installation.uninstall(&namespace).await,
        Err(failure) => Err(installation.told(failure).await),
    }
}

/// Returns a namespace where pods ask themselves.
async fn proof(installation: &Installation) -> Outcome<Namespace> {
    let client = installation.cluster.client()?;
    objects::apply_helper(&client, objects::FIRST_IMAGE).await?;
    let asking = Namespace::create(&client, "asking", &[], &[]).await?;
    let enabled = Namespace::create(
        &client,
        "enabled",
        &[("pillion.dev/injection", "enabled")],
        &[("pillion.dev/inject", churn::HELPER)],
    )
    .await?;
    objects::serves(&asking, objects::FIRST_IMAGE).await?;
    workloads::come_up_injected_and_run(installation, &enabled).await?;

    let places = Places {
        asking: asking.name.clone(),
        enabled: enabled.name.clone(),
    };
    let churn = Churn::start(&client, &places);
    changes::all(installation, &churn, &asking).await?;
    crashes::all(installation, &churn, &enabled).await?;
    drop(churn);
    Ok(asking)
}
