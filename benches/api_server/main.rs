//! What Pillion costs the API server, which spends far more on calling a webhook and applying its
//! patch than the webhook itself.
//!
//! One real control plane creates pods as fast as eight clients want them, and after each round
//! the processor time of the `kube-apiserver` process by the number of pods tells what one costs.
//! The registration is the one that users install. Most rounds are dry runs: they go the whole way
//! but the last step into etcd, leave nothing behind, and so hundreds of rounds are alike; a few
//! rounds store their pods and show whether the difference is the same.
//!
//! `PILLION_CONTROL_PLANE` names the folder of the programs, which `tests/control-plane/build.sh`
//! builds and prints. `-- --quick` takes a minute and proves that everything works;
//! `-- token status` measures the scenarios with these texts in their names alone.

#[path = "../../tests/support/harness.rs"]
#[allow(dead_code, reason = "the bench uses a part of the harness")]
mod support;

#[path = "../support/measures.rs"]
mod measures;
#[path = "../support/schedstat.rs"]
mod schedstat;

mod cpu;
mod creation;
mod handler;
mod heap;
mod pods;
mod policy;
mod proof;
mod registration;
mod report;
mod rounds;
mod scenario;
mod shapes;
mod stage;

use std::path::Path;
use std::time::{Duration, Instant};

use heap::Collector;
use rounds::{Rounds, lap};
use scenario::Scenario;
use stage::Stage;
use support::failure::Outcome;

/// The program whose cost is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_pillion");

/// How long and how often is measured.
struct Plan {
    /// Dry runs of each scenario whose allocations are counted.
    counted: u64,
    /// Before each round, unmeasured: connections are made and conditions compiled.
    warm_up: Duration,
    /// Laps are begun as long as they would end within this time, and at least one.
    bound: Duration,
}

impl Plan {
    /// The whole of it, at most six minutes; or what takes at most one; or a closer look at a part.
    fn new(is_part: bool) -> Self {
        if measures::is_quick() {
            return Self {
                counted: 80,
                warm_up: Duration::from_millis(50),
                bound: Duration::ZERO,
            };
        }
        Self {
            counted: 600,
            warm_up: Duration::from_millis(150),
            bound: Duration::from_secs(if is_part { 120 } else { 320 }),
        }
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let start = Instant::now();
    let only = only();
    let plan = Plan::new(!only.is_empty());
    let mut stage = Stage::open(Path::new(PROGRAM)).await?;
    let mut scenarios = stage.scenarios().await?;
    proof::prove(&mut stage, &scenarios).await?;
    if !only.is_empty() {
        scenarios
            .retain(|one| one.is_reference() || only.iter().any(|text| one.name.contains(text)));
    }
    let heaps = heap::of_all(&mut stage, &scenarios, plan.counted).await?;
    println!(
        "proven, and allocations counted, in {:.0?}",
        start.elapsed()
    );
    let works: Vec<_> = scenarios.iter().zip(heaps.iter().copied()).collect();
    let rounds = laps(&mut stage, &works, &lap(&scenarios), &plan, start).await?;
    let rows = report::rows(&scenarios, &rounds, &heaps)?;
    report::print(&rows);
    // A part of the scenarios is for a closer look, not for the record.
    if only.is_empty() {
        report::write(&rows)?;
    }
    stage.close().await
}

/// Scenarios to look at more closely: texts of their names, as arguments. The references are always
/// measured.
fn only() -> Vec<String> {
    let arguments = std::env::args().skip(1);
    arguments.filter(|text| !text.starts_with("--")).collect()
}

/// Every lap that ends within the time, every other one backwards.
async fn laps(
    stage: &mut Stage<'_>,
    works: &[(&Scenario, f64)],
    order: &[usize],
    plan: &Plan,
    start: Instant,
) -> Outcome<Rounds> {
    let mut order = order.to_vec();
    let mut rounds = Rounds::default();
    loop {
        let begun = Instant::now();
        // What it costs grows with what the API server keeps.
        let collector = Collector::measure(stage).await?;
        println!("{collector}");
        for &place in &order {
            if let Some(&(scenario, bytes)) = works.get(place) {
                let round = stage.round((place, scenario), bytes, plan.warm_up, collector);
                rounds.0.push(round.await?);
            }
        }
        order.reverse();
        let (lap, all) = (begun.elapsed(), start.elapsed());
        println!("a lap of {lap:.0?} at {all:.0?}");
        if all + lap > plan.bound {
            return Ok(rounds);
        }
    }
}
