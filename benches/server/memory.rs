//! Memory at rest, and that it does not grow with what was reviewed.

use super::closed::{self, Until};
use super::failure::Outcome;
use super::measures::{Measure, Measures};
use super::plan::Plan;
use super::process::Server;
use super::requests::Request;

const CONNECTIONS: usize = 16;

/// Reviews of large pods, and how many of them are under way at once.
const LARGE: (u64, usize) = (100, 4);

/// The log is emptied after so many reviews; it has a line for each.
const PORTION: u64 = 100_000;

/// What may still be called no growth: pages are not given back one by one.
const NO_GROWTH: f64 = 1.1;

const MIB: f64 = 1024.0 * 1024.0;

/// Resident memory after each of the steps, in their order.
pub(crate) fn measure(plan: &Plan, measures: &mut Measures) -> Outcome {
    let server = Server::pillion(&[])?;
    let request = Request::one_template();
    let mut add = |measure: Measure| {
        println!("{:<44} {:>8.1} MiB", measure.name, measure.value);
        measures.add(measure);
    };
    let at_rest = server.memory()? / MIB;
    add(Measure::alone("memory/at rest", "MiB", at_rest).goal(20.0));

    many(&server, &request, plan.many)?;
    let first = server.memory()? / MIB;
    add(Measure::alone(
        "memory/after a million reviews",
        "MiB",
        first,
    ));

    for large in Request::large() {
        let (count, at_once) = LARGE;
        closed::run(&server, &large, at_once, Until::Count(count))?;
    }
    let large = server.memory()? / MIB;
    add(Measure::alone("memory/after 200 large pods", "MiB", large));

    many(&server, &request, plan.many)?;
    let second = server.memory()? / MIB;
    let name = "memory/after another million reviews";
    // What large pods leave behind is decided by the allocator, and differs between runs: both
    // ratios are told and not compared.
    let beside = ("after the large pods", second / large);
    add(Measure::beside(name, "MiB", second, beside)
        .goal(NO_GROWTH)
        .not_compared());
    let beside = ("after the first million", second / first);
    add(
        Measure::beside("memory/kept of large pods", "MiB", second, beside)
            .goal(NO_GROWTH)
            .not_compared(),
    );
    Ok(())
}

fn many(server: &Server, request: &Request, count: u64) -> Outcome {
    let mut left = count;
    while left > 0 {
        let portion = left.min(PORTION);
        closed::run(server, request, CONNECTIONS, Until::Count(portion))?;
        server.forget_log()?;
        left -= portion;
    }
    Ok(())
}
