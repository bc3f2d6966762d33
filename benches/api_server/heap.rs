//! How much memory the API server allocates for one pod.
//!
//! Its own metrics count it. Encoding, copying and decoding objects, and collecting them again, is most
//! of what a pod costs, and bytes are not disturbed by what else the machine does: so this is what
//! is compared between runs, while processor time is shown.

use axum::http::Request;
use kube::Client;

use crate::rounds::count;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::support::failure::{During, Failure, Outcome};

/// The Go runtime's counter of bytes since the start.
const BYTES: &str = "go_gc_heap_allocs_bytes_total";

/// Bytes that the API server has allocated since its start; asking allocates too.
async fn allocated(client: &Client) -> Outcome<f64> {
    let request = Request::get("/metrics").body(Vec::new());
    let request = request.during("build a request")?;
    let text = client.request_text(request).await;
    let text = text.during("read the API server's metrics")?;
    let value = |line: &str| line.strip_prefix(BYTES)?.trim().parse().ok();
    let bytes = text.lines().find_map(value);
    bytes.ok_or_else(|| Failure::new(format!("the API server has no metric {BYTES}")))
}

/// Bytes that one creation of each scenario allocates, from so many dry runs of each; in the order of
/// the scenarios.
pub(crate) async fn of_all(
    stage: &mut Stage<'_>,
    scenarios: &[Scenario],
    creations: u64,
) -> Outcome<Vec<f64>> {
    let mut all = Vec::new();
    for scenario in scenarios {
        let creation = stage.rehearsal(scenario).await?;
        // Connections are made, and what is allocated once is.
        creation.times(creations / 8).await?;
        let client = stage.client();
        let first = allocated(client).await?;
        let before = allocated(client).await?;
        creation.times(creations).await?;
        let after = allocated(client).await?;
        // Between two readings lies what the first of them allocates.
        let reading = before - first;
        all.push((after - before - reading) / count(creations));
    }
    Ok(all)
}
