//! What got worse since the committed measures.

use super::measures::{Better, Measure, Measures};

/// How much worse a ratio may be, as a share of what it was.
pub(crate) const TOLERANCE: f64 = 0.15;

/// A sentence for each ratio that is worse than it was by more than the tolerance, and for each
/// that was compared and is not there any more: a measure that got lost would hide what it showed.
pub(crate) fn worse(before: &[Measures], now: &[Measures]) -> Vec<String> {
    let mut found = Vec::new();
    for bench in before {
        for was in bench.measures.iter().filter(|measure| measure.compared) {
            let Some(ratio) = was.ratio else { continue };
            let name = format!("{}: {}", bench.bench, was.name);
            match ratio_now(now, &bench.bench, &was.name) {
                None => found.push(format!("{name}: {ratio:.2} before, not measured now")),
                Some(is) if is_worse(was, ratio, is) => {
                    let beside = was.beside.as_deref().unwrap_or("nothing");
                    let percent = (is / ratio - 1.0) * 100.0;
                    found.push(format!(
                        "{name}: {ratio:.2} × {beside} before, {is:.2} now ({percent:+.0} %)"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    found
}

fn ratio_now(now: &[Measures], bench: &str, name: &str) -> Option<f64> {
    let bench = now.iter().find(|measures| measures.bench == bench)?;
    bench
        .measures
        .iter()
        .find(|measure| measure.name == name)?
        .ratio
}

fn is_worse(was: &Measure, before: f64, now: f64) -> bool {
    match was.better {
        Better::Less => now > before * (1.0 + TOLERANCE),
        Better::More => now < before * (1.0 - TOLERANCE),
    }
}
