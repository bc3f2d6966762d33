//! What the programs that a test starts have to say: into files, and their last lines into
//! the message of a failure.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use super::failure::{During, Outcome};

/// As many last lines as a person reads.
const LAST: usize = 25;

/// Sends everything that `command` will write to the file `log`.
pub(crate) fn write_to(command: &mut Command, log: &Path) -> Outcome {
    let name = log.display();
    let file = File::create(log).during(&format!("make the log {name}"))?;
    let copy = file.try_clone().during(&format!("share the log {name}"))?;
    command.stdout(Stdio::from(file)).stderr(Stdio::from(copy));
    Ok(())
}

/// The last lines of a log; empty where there is none.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LAST);
    lines.get(from..).unwrap_or_default().join("\n")
}
