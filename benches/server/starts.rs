//! From starting the process to its first `200` of `/readyz`.

use std::fs;
use std::path::Path;

use super::failure::{During, Failure, Outcome};
use super::inputs::{TEMPLATE, other_template};
use super::measures::{Measure, Measures, median};
use super::plan::Plan;
use super::process::Server;

/// Templates of the large start.
const TEMPLATES: usize = 10_000;

/// Starts with the built-in catalog, and with ten thousand templates.
pub(crate) fn measure(plan: &Plan, measures: &mut Measures) -> Outcome {
    let cold = starts(plan.starts, &[])?;
    println!("{:<44} {cold:>8.1} ms", "start to ready");
    measures.add(Measure::alone("start to ready", "ms", cold).goal(100.0));

    let folder = tempfile::tempdir().during("make a folder of templates")?;
    write_templates(folder.path()).during("write templates")?;
    let path = folder.path().to_str();
    let path = path.ok_or_else(|| Failure::new("the temporary folder's name is not UTF-8"))?;
    let large = starts(plan.large_starts, &["--templates", path])?;
    println!("{:<44} {large:>8.1} ms", "start to ready/10 000 templates");
    measures.add(Measure::alone(
        "start to ready/10 000 templates",
        "ms",
        large,
    ));
    Ok(())
}

/// The median of so many starts, in milliseconds.
fn starts(count: usize, arguments: &[&str]) -> Outcome<f64> {
    let times = (0..count).map(|_| {
        let server = Server::pillion(arguments)?;
        Ok(server.started_in.as_secs_f64() * 1e3)
    });
    Ok(median(times.collect::<Outcome<_>>()?))
}

fn write_templates(folder: &Path) -> std::io::Result<()> {
    fs::write(folder.join("pgbouncer.yaml"), TEMPLATE)?;
    (1..TEMPLATES).try_for_each(|index| {
        fs::write(
            folder.join(format!("other-{index}.yaml")),
            other_template(index),
        )
    })
}
