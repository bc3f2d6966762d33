//! What Pillion costs the API server, which spends far more on calling a webhook and applying its
//! patch than the webhook itself.
//!
//! One real control plane creates pods as fast as eight clients want them, and after each round
//! the processor time of the `kube-apiserver` process by the number of pods tells what one costs.
//! The registration is the one that users install. Most rounds are dry runs: they go the whole way
//! but the last step into etcd, leave nothing behind, and so hundreds of rounds are alike; a few
//! rounds store their pods and show that the difference is the same.
//!
//! `PILLION_CONTROL_PLANE` names the folder of the programs, which `tests/control-plane/build.sh`
//! builds and prints. `-- --quick` takes a minute and proves that everything works.

#[path = "../../tests/support/harness.rs"]
#[allow(dead_code, reason = "the bench uses a part of the harness")]
mod support;

#[path = "../support/measures.rs"]
mod measures;

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

use rounds::{Rounds, lap};
use stage::Stage;
use support::failure::Outcome;

/// The program whose cost is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_pillion");

/// How long and how often is measured.
struct Plan {
    laps: usize,
    /// Before each round, unmeasured: connections are made and conditions compiled.
    warm_up: Duration,
    round: Duration,
    /// No lap is begun after so long.
    bound: Duration,
}

impl Plan {
    /// The whole of it, at most six minutes; or what takes at most one.
    fn new() -> Self {
        if measures::is_quick() {
            return Self {
                laps: 1,
                warm_up: Duration::from_millis(50),
                round: Duration::from_millis(250),
                bound: Duration::from_secs(30),
            };
        }
        Self {
            laps: 5,
            warm_up: Duration::from_millis(150),
            round: Duration::from_secs(1),
            bound: Duration::from_mins(5),
        }
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let start = Instant::now();
    let plan = Plan::new();
    let mut stage = Stage::open(Path::new(PROGRAM)).await?;
    let scenarios = stage.scenarios().await?;
    proof::prove(&mut stage, &scenarios).await?;
    let heaps = heap::of_all(&mut stage, &scenarios, plan.round).await?;
    let order = lap(&scenarios);
    let mut rounds = Rounds::default();
    for number in 0..plan.laps {
        if start.elapsed() > plan.bound {
            break;
        }
        let mut order = order.clone();
        if number % 2 == 1 {
            order.reverse();
        }
        for place in order {
            if let Some(scenario) = scenarios.get(place) {
                let round = stage.round(place, scenario, plan.warm_up, plan.round);
                rounds.0.push(round.await?);
            }
        }
        println!(
            "lap {} of {} at {:.0?}",
            number + 1,
            plan.laps,
            start.elapsed()
        );
    }
    report::report(&scenarios, &rounds, &heaps)?;
    stage.close().await
}
