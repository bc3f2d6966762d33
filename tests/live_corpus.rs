//! The corpus on a real API server: every pod of every case is created there, so that the
//! server's answers over the network, the API server's own defaults and plugins, its
//! validation of the result and its second call are all part of what must agree.
//!
//! What `expected.yaml` holds goes to the same API server without the webhook, as a user would
//! apply the output of `pillion inject`; both ways must give the same pod.

mod cluster;
mod judge;
mod served;

use crate::corpus::case;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::failure::Outcome;
use crate::support::pillion::Identity;
use crate::support::webhook;
use cluster::Cluster;

#[tokio::test]
async fn the_live_server_agrees_with_the_corpus() -> Outcome {
    let cases = case::all();
    // The webhook is called for the pods of every namespace, so that no other test may be there.
    let control_plane = ControlPlane::start(Options { audit: true }).await?;
    let cluster = Cluster::prepare(control_plane, &cases).await?;
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
