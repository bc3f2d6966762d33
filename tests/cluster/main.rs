//! Injected pods, really run.

#![allow(
    clippy::indexing_slicing,
    reason = "a test may panic; the lint excepts test functions, but not what they share"
)]

#[path = "../support/harness.rs"]
#[allow(
    dead_code,
    reason = "each test binary uses its own part of the harness"
)]
mod support;

use support::failure::Outcome;
use support::node::Cluster;

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_cluster() -> Outcome {
    let start = std::time::Instant::now();
    let cluster = Cluster::shared().await?;
    println!("{:?}", start.elapsed());
    let out = cluster.kubectl().args(["get", "pods,nodes", "-A"]).output().unwrap();
    println!("{}", String::from_utf8_lossy(&out.stdout));
    Ok(())
}
