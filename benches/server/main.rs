//! The server under load, beside a no-op on the same stack, on one machine over loopback.
//!
//! `cargo bench --bench server` starts the release binary and the no-op, which is this executable
//! with an argument, and lets them take turns. The generator of the load runs on the same processors:
//! of all figures the CPU time of the server's process is least disturbed by it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench states what it expects"
)]

#[path = "../../tests/server/client.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod client;
mod closed;
#[path = "../../tests/support/failure.rs"]
mod failure;
mod fresh;
#[path = "../support/inputs.rs"]
mod inputs;
mod latency;
mod loops;
#[path = "../support/measures.rs"]
mod measures;
mod memory;
mod no_op;
mod open;
mod overload;
mod plan;
mod process;
#[path = "../../tests/support/processes.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod processes;
mod requests;
#[path = "../support/schedstat.rs"]
mod schedstat;
mod starts;

use std::path::Path;

use failure::{During, Outcome};
use loops::Pair;
use measures::{Measures, is_quick};
use plan::Plan;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The argument that asks for the overload alone.
const OVERLOAD: &str = "overload";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, authority, ..] = arguments.as_slice()
        && first == no_op::ARGUMENT
    {
        return no_op::serve(Path::new(authority));
    }
    // Thousands of connections; a server raises its own limit.
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).during("raise the limit of open files")?;
    let plan = if is_quick() { Plan::QUICK } else { Plan::WHOLE };
    let mut measures = Measures::new("server");
    let pair = Pair::start()?;
    if arguments.iter().any(|argument| argument == OVERLOAD) {
        // A minute, shown and not written: the other measures are not made anew.
        return loops::overload(&pair, &plan, &mut measures);
    }
    loops::closed(&pair, &plan, &mut measures)?;
    loops::open(&pair, &plan, &mut measures)?;
    loops::fresh(&pair, &plan, &mut measures)?;
    loops::overload(&pair, &plan, &mut measures)?;
    drop(pair);
    println!();
    starts::measure(&plan, &mut measures)?;
    memory::measure(&plan, &mut measures)?;
    measures.write().during("write the measures")
}
