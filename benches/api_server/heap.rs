//! How much memory the API server allocates for one pod.
//!
//! Its own metrics count it. Collecting garbage is a good part of what a pod costs, and processor
//! time is disturbed by everything else on the machine; bytes and objects are not.

use axum::http::Request;
use kube::Client;

use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::support::failure::{During, Failure, Outcome};

/// Counters of the Go runtime: bytes and objects since the start.
const BYTES: &str = "go_gc_heap_allocs_bytes_total";
const OBJECTS: &str = "go_gc_heap_allocs_objects_total";

/// What was allocated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heap {
    pub(crate) bytes: f64,
    pub(crate) objects: f64,
}

impl Heap {
    /// Since the start of the API server; asking allocates too.
    pub(crate) async fn read(client: &Client) -> Outcome<Self> {
        let request = Request::get("/metrics").body(Vec::new());
        let request = request.during("build a request")?;
        let text = client.request_text(request).await;
        let text = text.during("read the API server's metrics")?;
        let counter = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            value.ok_or_else(|| Failure::new(format!("the API server has no metric {name}")))
        };
        Ok(Self {
            bytes: counter(BYTES)?,
            objects: counter(OBJECTS)?,
        })
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes - earlier.bytes,
            objects: self.objects - earlier.objects,
        }
    }

    fn by(self, creations: u64) -> Self {
        let creations = u32::try_from(creations).map_or(f64::INFINITY, f64::from);
        Self {
            bytes: self.bytes / creations,
            objects: self.objects / creations,
        }
    }
}

/// What one creation of each scenario allocates, from so many dry runs of each; in the order of
/// the scenarios.
pub(crate) async fn of_all(
    stage: &mut Stage<'_>,
    scenarios: &[Scenario],
    creations: u64,
) -> Outcome<Vec<Heap>> {
    let mut all = Vec::new();
    for scenario in scenarios {
        let creation = stage.rehearsal(scenario).await?;
        // Connections are made, and what is allocated once is.
        creation.times(creations / 8).await?;
        let client = stage.client();
        let first = Heap::read(client).await?;
        let before = Heap::read(client).await?;
        creation.times(creations).await?;
        let after = Heap::read(client).await?;
        // Between two readings lies what the first of them allocates.
        let reading = before.since(first);
        all.push(after.since(before).since(reading).by(creations));
    }
    Ok(all)
}
