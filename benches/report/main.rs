//! All measures of a run in one file and one table, held against the committed ones.
//!
//! `make bench` runs this last. Only ratios are compared, as absolute times are the machine's; what
//! got worse by more than 15 % is named and makes the run fail. `UPDATE=1` commits to the new
//! measures instead: `benches/results.json` and the plots of `docs/performance` are written anew.

mod check;
#[path = "../support/measures.rs"]
mod measures;
mod plots;
mod results;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measures::{folder, is_quick};
use results::Results;

/// The measures that are committed, below the root.
const COMMITTED: &str = "benches/results.json";

/// Where the plots are, below the root.
const PLOTS: &str = "docs/performance";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = folder();
    let now = Results::merged(&folder)?;
    let merged = folder.join("results.json");
    now.write(&merged)?;
    print!("{}", table::of(&now.benches));
    println!("\nresults: {}", merged.display());
    if is_quick() {
        println!("A short run shows that everything works; its figures are compared with nothing.");
        return Ok(ExitCode::SUCCESS);
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let committed = root.join(COMMITTED);
    let mut worse = Vec::new();
    if committed.exists() {
        worse = check::worse(&Results::read(&committed)?.benches, &now.benches);
    } else {
        println!("{COMMITTED} does not exist: nothing to compare with");
    }
    for line in &worse {
        println!("worse: {line}");
    }
    if is_update() {
        return update(&now, &root);
    }
    if worse.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "error: {} ratios are more than {:.0} % worse than in {COMMITTED}, or missing; run again on \
         a quiet machine, and `UPDATE=1 make bench` if it is meant so",
        worse.len(),
        check::TOLERANCE * 100.0
    );
    Ok(ExitCode::FAILURE)
}

fn is_update() -> bool {
    std::env::var("UPDATE").is_ok_and(|value| value == "1")
}

fn update(now: &Results, root: &Path) -> Result<ExitCode, Box<dyn Error>> {
    now.write(&root.join(COMMITTED))?;
    let plots = plots::write(&now.benches, &root.join(PLOTS))?;
    println!("written: {COMMITTED}, {PLOTS}: {}", plots.join(", "));
    Ok(ExitCode::SUCCESS)
}
