//! What the rounds say: a table for people, and the measures that every bench writes.

use crate::measures::{Measure, Measures};
use crate::rounds::{Ratio, Round, Rounds};
use crate::scenario::{AS_SENT, Group, NO_WEBHOOK, NO_WEBHOOK_STORED, Scenario};
use crate::support::failure::{During, Failure, Outcome};

/// What a pod that is left out may cost at most, by the same without a webhook.
const LEFT_OUT: f64 = 1.1;

/// The measures of a scenario beside its references.
pub(crate) struct Row<'a> {
    scenario: &'a Scenario,
    rate: f64,
    cost: f64,
    collecting: f64,
    etcd: f64,
    to_none: Ratio,
    rate_to_none: Ratio,
    /// Bytes allocated, and by those without a webhook.
    heap: f64,
    heap_to_none: f64,
    to_sent: Option<Ratio>,
}

/// Writes the measures.
pub(crate) fn write(rows: &[Row<'_>]) -> Outcome {
    let mut measures = Measures::new("api_server");
    for row in rows {
        add(&mut measures, row);
    }
    measures.write().during("write the measures")
}

/// What the rounds say about each scenario.
pub(crate) fn rows<'a>(
    scenarios: &'a [Scenario],
    rounds: &Rounds,
    heaps: &[f64],
) -> Outcome<Vec<Row<'a>>> {
    let place = |name: &str| {
        let found = scenarios.iter().position(|scenario| scenario.name == name);
        found.ok_or_else(|| Failure::new(format!("no scenario `{name}`")))
    };
    let (none, stored) = (place(NO_WEBHOOK)?, place(NO_WEBHOOK_STORED)?);
    let sent = place(AS_SENT)?;
    let heap_of_none = heaps.get(none).copied().unwrap_or(f64::NAN);
    let row = |((place, scenario), &heap): ((usize, &'a Scenario), &f64)| {
        let is_shape = scenario.group == Group::Shape;
        let reference = if scenario.stored { stored } else { none };
        Row {
            scenario,
            rate: rounds.median(place, Round::rate),
            cost: rounds.median(place, Round::cost),
            collecting: rounds.median(place, Round::collecting_cost),
            etcd: rounds.median(place, Round::etcd_cost),
            to_none: rounds.ratio(place, reference, Round::cost),
            rate_to_none: rounds.ratio(place, reference, Round::rate),
            heap,
            heap_to_none: heap / heap_of_none,
            to_sent: is_shape.then(|| rounds.ratio(place, sent, Round::cost)),
        }
    };
    Ok(scenarios.iter().enumerate().zip(heaps).map(row).collect())
}

/// Prints a table of each group.
pub(crate) fn print(rows: &[Row<'_>]) {
    for (group, title) in [
        (Group::Way, "who is asked (dry runs)"),
        (Group::Shape, "one change as different patches (dry runs)"),
        (Group::Stored, "stored pods"),
    ] {
        let beside = if group == Group::Shape {
            AS_SENT
        } else {
            group.reference()
        };
        println!(
            "\n{title:<42} {:>7} {:>11} {:>10} {:>9} {:>9} {:>8} {:>24}   from    to",
            "pods/s",
            "API server",
            "collecting",
            "etcd",
            "allocated",
            "by none",
            format!("by `{beside}`")
        );
        for row in rows.iter().filter(|row| row.scenario.group == group) {
            let ratio = row.to_sent.unwrap_or(row.to_none);
            println!(
                "{:<42} {:>7.0} {:>8.0} µs {:>7.0} µs {:>6.0} µs {:>6.0} kB {:>8.3} {:>24.3}  {:>5.2} {:>5.2}",
                row.scenario.name,
                row.rate,
                row.cost,
                row.collecting,
                row.etcd,
                row.heap / 1e3,
                row.heap_to_none,
                ratio.median,
                ratio.least,
                ratio.most
            );
        }
    }
}

fn add(measures: &mut Measures, row: &Row<'_>) {
    let name = &row.scenario.name;
    let reference = if row.scenario.stored {
        NO_WEBHOOK_STORED
    } else {
        NO_WEBHOOK
    };
    let what = match row.scenario.group {
        Group::Shape => format!("shape {name}"),
        Group::Way | Group::Stored => name.clone(),
    };
    let cost = format!("API server CPU per creation/{what}");
    if row.scenario.name == reference {
        measures.add(Measure::alone(cost, "µs", row.cost));
    } else {
        let beside = (reference, row.to_none.median);
        // Processor time differs by more than a comparison could bear where the machine does
        // anything else.
        measures.add(Measure::beside(cost, "µs", row.cost, beside).not_compared());
    }
    if let Some(ratio) = row.to_sent.filter(|_| name != AS_SENT) {
        let cost = format!("patch cost/{name}");
        let beside = (AS_SENT, ratio.median);
        measures.add(Measure::beside(cost, "µs", row.cost, beside).not_compared());
    }
    // Depends on the clients and the webhook too, which share the machine.
    let rate = format!("pods per second/{what}");
    let beside = (reference, row.rate_to_none.median);
    measures.add(
        Measure::beside(rate, "/s", row.rate, beside)
            .more_is_better()
            .not_compared(),
    );
    if row.scenario.stored {
        let cost = format!("etcd CPU per creation/{what}");
        measures.add(Measure::alone(cost, "µs", row.etcd));
        return;
    }
    let heap = format!("API server allocations per creation/{what}");
    let (kilobytes, beside) = (row.heap / 1e3, (NO_WEBHOOK, row.heap_to_none));
    let mut measure = Measure::beside(heap, "kB", kilobytes, beside);
    if name.starts_with("left out") {
        measure = measure.goal(LEFT_OUT);
    }
    measures.add(measure);
}
