//! The table of all measures, for people.

use std::fmt::Write;

use super::measures::{Better, Measure, Measures};

/// One line for each measure, below a line for each bench.
pub(crate) fn of(benches: &[Measures]) -> String {
    let mut text = format!(
        "\n{:<52} {:>16} {:>8} {:<24} {:>7} {:>4}\n",
        "measure", "value", "ratio", "beside", "goal", "met"
    );
    for bench in benches {
        let _ = writeln!(text, "{}", bench.bench);
        for measure in &bench.measures {
            let _ = writeln!(text, "{}", line(measure));
        }
    }
    let unmet = benches.iter().flat_map(|bench| &bench.measures);
    let unmet = unmet
        .filter(|measure| measure.is_met() == Some(false))
        .count();
    let _ = writeln!(text, "goals that are not met: {unmet}");
    text
}

fn line(measure: &Measure) -> String {
    let value = format!("{} {}", figure(measure.value), measure.unit);
    let ratio = measure.ratio.map(figure).unwrap_or_default();
    let bound = match measure.better {
        Better::Less => "≤",
        Better::More => "≥",
    };
    let goal = measure.goal.map(|goal| format!("{bound} {}", figure(goal)));
    let met = match measure.is_met() {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let line = format!(
        "  {:<50} {:>16} {ratio:>8} {:<24} {:>7} {met:>4}",
        measure.name,
        value.trim_end(),
        measure.beside.as_deref().unwrap_or_default(),
        goal.unwrap_or_default(),
    );
    line.trim_end().to_owned()
}

/// Three digits that matter, at least.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
