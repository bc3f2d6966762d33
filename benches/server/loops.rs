//! The loops, in rounds in which the no-op and the server take turns: what disturbs the machine for
//! a while disturbs both, and each round has a ratio of its own.

use std::time::Duration;

use super::closed::{self, Round, Until};
use super::failure::Outcome;
use super::latency::Latency;
use super::measures::{Curve, Measure, Measures, median};
use super::plan::Plan;
use super::process::Server;
use super::requests::Request;
use super::{fresh, open, overload};

/// Closed loops of the pod of the budgets, over so many connections.
const CONNECTIONS: [usize; 4] = [1, 8, 64, 256];

/// Connections of the other pods' closed loops.
const FEW: usize = 8;

/// The shares of answers that are told.
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Of each pod the most CPU time for a review and the least throughput, by the no-op's.
const GOALS: [(&str, f64, Option<f64>); 4] = [
    (Request::BUDGET, 2.0, Some(0.45)),
    (Request::REPLICAS, 1.35, Some(0.75)),
    ("log-shipper", 3.0, None),
    ("five templates", 5.0, None),
];

/// Connections at which a server is asked for twice what it can do, each with the least share of the
/// peak that it is to answer then.
const OVERLOADS: [(usize, f64); 2] = [(256, 0.9), (2000, 0.85)];

/// The longest that a probe may take meanwhile, in milliseconds.
const PROBE_GOAL: f64 = 100.0;

/// What everything is held against.
const NO_OP: &str = "no-op";

/// Both servers.
pub(crate) struct Pair {
    no_op: Server,
    pillion: Server,
}

impl Pair {
    /// Starts both.
    pub(crate) fn start() -> Outcome<Self> {
        Ok(Self {
            no_op: Server::no_op()?,
            pillion: Server::pillion(&[])?,
        })
    }

    /// Measures both in turns: for each round what came of the no-op and of the server.
    fn in_turns<T>(
        &self,
        rounds: usize,
        measure: impl Fn(&Server) -> Outcome<T>,
    ) -> Outcome<Vec<(T, T)>> {
        (0..rounds)
            .map(|_| {
                let turn = (measure(&self.no_op)?, measure(&self.pillion)?);
                self.pillion.forget_log()?;
                Ok(turn)
            })
            .collect()
    }
}

/// The median of the no-op, that of the server, and that of the rounds' ratios.
fn medians(figures: &[(f64, f64)]) -> (f64, f64, f64) {
    let of = |part: fn(&(f64, f64)) -> f64| median(figures.iter().map(part).collect());
    (
        of(|turn| turn.0),
        of(|turn| turn.1),
        of(|turn| turn.1 / turn.0),
    )
}

/// All closed loops.
pub(crate) fn closed(pair: &Pair, plan: &Plan, measures: &mut Measures) -> Outcome {
    println!(
        "\n{:<32} {:>10} {:>10} {:>6} {:>8} {:>8} {:>6} {:>8}  p50, p99, p99.9 in ms",
        "closed loop", "no-op/s", "Pillion/s", "ratio", "no-op", "Pillion", "ratio", "sending"
    );
    let one = Request::one_template();
    let mut throughput = [Vec::new(), Vec::new()];
    for connections in CONNECTIONS {
        let figures = closed_loop(pair, plan, (&one, connections), measures)?;
        for (points, figure) in throughput.iter_mut().zip(figures) {
            points.push((connections as f64, figure));
        }
    }
    for (line, points) in [NO_OP, "Pillion"].into_iter().zip(throughput) {
        measures.draw(Curve {
            plot: "server-throughput".to_owned(),
            x: "connections".to_owned(),
            y: "reviews a second".to_owned(),
            line: line.to_owned(),
            points,
        });
    }
    let alone = [
        Request::replicas(),
        Request::untouched(),
        Request::many_variables(),
    ];
    let others = alone
        .into_iter()
        .chain(Request::log_shipper())
        .chain(Request::five_templates());
    for other in others {
        closed_loop(pair, plan, (&other, FEW), measures)?;
    }
    Ok(())
}

/// One closed loop: the throughputs of the no-op and the server.
fn closed_loop(
    pair: &Pair,
    plan: &Plan,
    (request, connections): (&Request, usize),
    measures: &mut Measures,
) -> Outcome<[f64; 2]> {
    let until = Until::Time(plan.closed);
    let run = |server: &Server| closed::run(server, request, connections, until);
    let mut rounds = pair.in_turns(plan.rounds, run)?;
    let of = |part: fn(&Round) -> f64| {
        let figures = rounds
            .iter()
            .map(|(no_op, pillion)| (part(no_op), part(pillion)));
        medians(&figures.collect::<Vec<_>>())
    };
    let name = format!("{}, {connections} connections", request.name);
    let cpu = of(|round| round.cpu);
    let throughput = of(|round| round.throughput);
    let sending = of(|round| round.sending);
    let goal = GOALS.into_iter().find(|(name, ..)| *name == request.name);
    let mut measure = Measure::beside(
        format!("cpu per review/{name}"),
        "µs",
        cpu.1,
        (NO_OP, cpu.2),
    );
    if let Some((_, cpu, _)) = goal {
        measure = measure.goal(cpu);
    }
    measures.add(measure);
    let throughput_name = format!("throughput/{name}");
    let mut measure = Measure::beside(throughput_name, "/s", throughput.1, (NO_OP, throughput.2));
    if let Some((.., Some(share))) = goal {
        measure = measure.goal(share);
    }
    measures.add(measure.more_is_better());
    let latencies = rounds.iter_mut().map(|(_, pillion)| &mut pillion.latency);
    let latency = percentiles(latencies);
    for ((share, _), time) in SHARES.iter().zip(latency) {
        measures.add(Measure::alone(
            format!("latency {share}/{name}"),
            "ms",
            time,
        ));
    }
    println!(
        "{name:<32} {:>10.0} {:>10.0} {:>6.2} {:>5.1} µs {:>5.1} µs {:>6.2} {:>3.0},{:>3.0}%  {}",
        throughput.0,
        throughput.1,
        throughput.2,
        cpu.0,
        cpu.1,
        cpu.2,
        sending.0 * 100.0,
        sending.1 * 100.0,
        latency.map(|time| format!("{time:.3}")).join(" ")
    );
    Ok([throughput.0, throughput.1])
}

/// The percentiles of all rounds' answers together.
fn percentiles<'l>(rounds: impl Iterator<Item = &'l mut Latency>) -> [f64; SHARES.len()] {
    let mut all = Latency::default();
    rounds.for_each(|round| all.extend(std::mem::take(round)));
    all.percentiles(SHARES.map(|(_, share)| share))
}

/// The open loops at all rates: of first pods at each, of replicas at the slowest.
pub(crate) fn open(pair: &Pair, plan: &Plan, measures: &mut Measures) -> Outcome {
    println!(
        "\n{:<32} {:>22} {:>24}",
        "open loop, ms from when due", "no-op", "Pillion"
    );
    let request = Request::one_template();
    let mut lines = [Vec::new(), Vec::new()];
    for (rate, time) in plan.open {
        let name = format!("{rate} a second");
        let p99 = open_loop(pair, plan, (&request, rate, time), &name, measures)?;
        for (points, p99) in lines.iter_mut().zip(p99) {
            points.push((f64::from(rate), p99));
        }
    }
    for (line, points) in [NO_OP, "Pillion"].into_iter().zip(lines) {
        measures.draw(Curve {
            plot: "server-latency".to_owned(),
            x: "reviews a second".to_owned(),
            y: "p99 in ms".to_owned(),
            line: line.to_owned(),
            points,
        });
    }
    let (rate, time) = plan.open[0];
    let replicas = Request::replicas();
    let name = format!("{}, {rate} a second", replicas.name);
    open_loop(pair, plan, (&replicas, rate, time), &name, measures).map(drop)
}

/// One open loop: the 99th percentiles of the no-op and the server, in milliseconds.
fn open_loop(
    pair: &Pair,
    plan: &Plan,
    (request, rate, time): (&Request, u32, Duration),
    loop_name: &str,
    measures: &mut Measures,
) -> Outcome<[f64; 2]> {
    let run = |server: &Server| open::run(server, request, rate, time);
    let mut rounds = pair.in_turns(plan.open_rounds, run)?;
    let no_op = percentiles(rounds.iter_mut().map(|(no_op, _)| no_op));
    let pillion = percentiles(rounds.iter_mut().map(|(_, pillion)| pillion));
    for (index, (share, _)) in SHARES.iter().enumerate() {
        let name = format!("latency {share}/{loop_name}");
        let measure = Measure::alone(&name, "ms", pillion[index]);
        // Tails are told and not compared: a handful of answers makes them.
        measures.add(if (rate, *share) == (200, "p99") {
            measure.goal(1.0)
        } else {
            measure
        });
        let name = format!("{name}, {NO_OP}");
        measures.add(Measure::alone(name, "ms", no_op[index]));
    }
    let shown = |times: [f64; SHARES.len()]| times.map(|time| format!("{time:.3}")).join(" ");
    println!(
        "{loop_name:<32} {:>22} {:>24}",
        shown(no_op),
        shown(pillion)
    );
    Ok([no_op[1], pillion[1]])
}

/// Connections that are opened for one review each.
pub(crate) fn fresh(pair: &Pair, plan: &Plan, measures: &mut Measures) -> Outcome {
    let request = Request::one_template();
    let rates = pair.in_turns(plan.rounds, |server| {
        fresh::rate(server, &request, plan.fresh)
    })?;
    let rate = medians(&rates);
    println!(
        "\n{:<44} {:>8.0} /s, no-op {:.0} /s",
        "fresh connections", rate.1, rate.0
    );
    let measure = Measure::beside("fresh connections", "/s", rate.1, (NO_OP, rate.2));
    measures.add(measure.more_is_better());

    let answers = pair.in_turns(1, |server| {
        fresh::first_answers(server, &request, plan.fresh.min(200))
    })?;
    for (no_op, pillion) in answers {
        let parts = [(no_op.0, pillion.0, Some(1.0)), (no_op.1, pillion.1, None)];
        let names = ["first answer of a connection", "first answer and handshake"];
        for ((mut no_op, mut pillion, goal), name) in parts.into_iter().zip(names) {
            let [no_op] = no_op.percentiles([0.5]);
            let [pillion] = pillion.percentiles([0.5]);
            println!("{name:<44} {pillion:>8.3} ms, no-op {no_op:.3} ms");
            let measure = Measure::alone(name, "ms", pillion);
            measures.add(match goal {
                Some(goal) => measure.goal(goal),
                None => measure,
            });
            measures.add(Measure::alone(format!("{name}, {NO_OP}"), "ms", no_op));
        }
    }
    Ok(())
}

/// Twice what the server can answer, by its peak, which is measured before each of them.
pub(crate) fn overload(pair: &Pair, plan: &Plan, measures: &mut Measures) -> Outcome {
    println!(
        "\n{:<32} {:>10} {:>10} {:>6} {:>8}  p99 of /healthz in ms",
        "overload", "peak/s", "goodput/s", "ratio", "429/s"
    );
    let request = Request::one_template();
    for (connections, share) in OVERLOADS {
        let (mut goodputs, mut shed, mut probes) = (Vec::new(), Vec::new(), Latency::default());
        for _ in 0..plan.open_rounds {
            let until = Until::Time(plan.overload);
            let peak = closed::run(&pair.pillion, &request, 64, until)?.throughput;
            let asked = (2.0 * peak, plan.overload);
            let found = overload::run(&pair.pillion, &request, connections, asked)?;
            goodputs.push((peak, found.goodput));
            shed.push(found.shed);
            probes.extend(found.probes);
            pair.pillion.forget_log()?;
        }
        let goodput = medians(&goodputs);
        let [probe] = probes.percentiles([0.99]);
        let name = format!("{connections} connections");
        let measure = Measure::beside(
            format!("overload/{name}"),
            "/s",
            goodput.1,
            ("peak", goodput.2),
        );
        measures.add(measure.more_is_better().goal(share));
        let measure = Measure::alone(format!("overload, p99 of /healthz/{name}"), "ms", probe);
        measures.add(measure.goal(PROBE_GOAL));
        println!(
            "{name:<32} {:>10.0} {:>10.0} {:>6.2} {:>8.0}  {probe:.1}",
            goodput.0,
            goodput.1,
            goodput.2,
            median(shed)
        );
    }
    Ok(())
}
