//! How much memory the API server allocates for one pod, and what collecting it again costs.
//!
//! Its own metrics count the bytes, and nothing that the machine does besides disturbs them: so
//! they are what is compared between runs, while processor time is shown.
//!
//! The collector runs once in a few hundred creations and takes as much as a hundred of them, so that
//! chance would decide how often it runs in a round. Therefore rounds are so short that it does not
//! run in them, right behind a collection that was asked for; and what it costs is added by the
//! bytes: one collection for every so many.

use std::fmt;
use std::time::Duration;

use axum::http::Request;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;

use crate::measures::median;
use crate::rounds::count;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::support::failure::{During, Failure, Outcome};

/// The Go runtime's counter of bytes since the start.
const BYTES: &str = "go_gc_heap_allocs_bytes_total";
/// How large the heap was behind the last collection, and at which size the next begins.
const LIVE: &str = "go_gc_heap_live_bytes";
const GOAL: &str = "go_gc_heap_goal_bytes";

/// The heap profile, which nobody reads here; with `gc=1` behind a collection.
const PROFILE: &str = "/debug/pprof/heap";

/// How often the cost of a collection is measured.
const COLLECTIONS: usize = 5;

/// The collector of the API server's garbage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Collector {
    /// Processor time of one collection.
    pub(crate) cost: Duration,
    /// Bytes that are allocated between two collections.
    pub(crate) between: f64,
}

impl Collector {
    /// Measures the collector.
    pub(crate) async fn measure(stage: &Stage<'_>) -> Outcome<Self> {
        let client = stage.client();
        collect(client).await?;
        let mut costs = Vec::new();
        for _ in 0..COLLECTIONS {
            let start = stage.used()?;
            get(client, PROFILE).await?;
            let profiled = stage.used()?;
            collect(client).await?;
            let collected = stage.used()?;
            let both = collected.saturating_sub(profiled);
            costs.push(
                both.saturating_sub(profiled.saturating_sub(start))
                    .as_secs_f64(),
            );
        }
        Ok(Self {
            cost: Duration::from_secs_f64(median(costs)),
            between: metric(client, GOAL).await? - metric(client, LIVE).await?,
        })
    }

    /// How many creations of so many bytes surely fit between two collections.
    pub(crate) fn creations(&self, bytes: f64) -> u64 {
        let half = Duration::try_from_secs_f64(self.between / 2.0 / bytes);
        half.map_or(MOST, |count| count.as_secs())
            .clamp(LEAST, MOST)
    }

    /// What collecting so many bytes costs.
    pub(crate) fn cost_of(&self, bytes: f64) -> Duration {
        self.cost.mul_f64(bytes / self.between)
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (between, cost) = (self.between / 1e6, self.cost);
        write!(
            formatter,
            "the API server collects garbage every {between:.0} MB, in {cost:.0?}"
        )
    }
}

/// Fewest and most creations of a round.
const LEAST: u64 = 16;
const MOST: u64 = 250;

/// Makes the API server collect its garbage now.
pub(crate) async fn collect(client: &Client) -> Outcome {
    get(client, &format!("{PROFILE}?gc=1")).await
}

/// GETs something that is not text, and drops it.
async fn get(client: &Client, path: &str) -> Outcome {
    let request = Request::get(path).body(Body::empty());
    let request = request.during("build a request")?;
    let response = client.send(request).await.during(&format!("GET {path}"))?;
    let status = response.status();
    let body = response.into_body().collect().await;
    body.during(&format!("read the answer of GET {path}"))?;
    if status.is_success() {
        return Ok(());
    }
    Err(Failure::new(format!("GET {path}: {status}")))
}

/// A metric of the API server without labels; asking allocates too.
async fn metric(client: &Client, name: &str) -> Outcome<f64> {
    let request = Request::get("/metrics").body(Vec::new());
    let request = request.during("build a request")?;
    let text = client.request_text(request).await;
    let text = text.during("read the API server's metrics")?;
    let value = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
    let found = text.lines().find_map(value);
    found.ok_or_else(|| Failure::new(format!("the API server has no metric {name}")))
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
        let first = metric(client, BYTES).await?;
        let before = metric(client, BYTES).await?;
        creation.times(creations).await?;
        let after = metric(client, BYTES).await?;
        // Between two readings lies what the first of them allocates.
        let reading = before - first;
        all.push((after - before - reading) / count(creations));
    }
    Ok(all)
}
