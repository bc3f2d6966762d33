//! The corpus on a real API server: every pod of every case is created there, so that the
//! server's answers over the network, the API server's own defaults and plugins, its
//! validation of the result and its second call are all part of what must agree.
//!
//! What `expected.yaml` holds goes to the same API server without the webhook, as a user would
//! apply the output of `pillion inject`; both ways must give the same pod.

#![allow(
    clippy::indexing_slicing,
    reason = "a test may panic; the lint excepts test functions, but not what they share"
)]

#[cfg(test)]
#[path = "../corpus/case.rs"]
#[allow(dead_code, reason = "the corpus is run in other ways elsewhere")]
mod case;
#[cfg(test)]
#[path = "../corpus/compare.rs"]
#[allow(dead_code, reason = "the corpus is run in other ways elsewhere")]
mod compare;
#[cfg(test)]
#[path = "../support/empty.rs"]
mod empty;
#[cfg(test)]
#[path = "../corpus/pods.rs"]
#[allow(dead_code, reason = "the corpus is run in other ways elsewhere")]
mod pods;
#[path = "../support/harness.rs"]
#[allow(
    dead_code,
    reason = "each test binary uses its own part of the harness"
)]
mod support;

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod served;

use cluster::Cluster;
use support::control_plane::ControlPlane;
use support::failure::Outcome;
use support::pillion::Identity;
use support::webhook;

#[tokio::test]
async fn the_live_server_agrees_with_the_corpus() -> Outcome {
    let cases = case::all();
    let cluster = Cluster::prepare(ControlPlane::shared().await?, &cases).await?;
    let identity = Identity::new()?;
    // Every case has a server of its own, all on the port of the first.
    let mut server = served::start(&cases[0], &identity, 0).await?;
    let port = server.webhook.port();
    webhook::register_for_every_pod(
        &cluster.apart.client,
        port,
        identity.authority(),
        &cluster.apart.name,
    )
    .await?;
    let mut failures = String::new();
    let mut judged = 0;
    for (number, case) in cases.iter().enumerate() {
        if number > 0 {
            drop(server);
            server = served::start(case, &identity, port).await?;
        }
        judged += judge::case(&cluster, case, &mut failures).await?;
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(
        judged >= cases.len(),
        "{judged} pods of {} cases",
        cases.len()
    );
    Ok(())
}
