//! The processes of the control plane, and how much processor time each has used.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::schedstat;
use crate::support::failure::{During, Failure, Outcome};

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    folder: PathBuf,
}

impl Process {
    /// The process of this name in a process group.
    pub(crate) fn of_group(group: u32, name: &str) -> Outcome<Self> {
        let folders = fs::read_dir("/proc").during("list /proc")?;
        let mut folders = folders.flatten().map(|entry| entry.path());
        let found = folders.find(|folder| is_meant(folder, group, name));
        let folder = found.ok_or_else(|| Failure::new(format!("no {name} in group {group}")))?;
        Ok(Self { folder })
    }

    /// The processor time of all its threads since its start; Go's runtime keeps its threads.
    pub(crate) fn used(&self) -> Outcome<Duration> {
        let used = schedstat::used(&self.folder).during("read the CPU time of a process")?;
        if used.is_zero() {
            return Err(Failure::new(
                "the kernel counts no processor time in /proc/PID/task/*/schedstat",
            ));
        }
        Ok(used)
    }
}

/// Whether a folder of `/proc` is that of this process: `PID (NAME) STATE PARENT GROUP …`.
fn is_meant(folder: &Path, group: u32, name: &str) -> bool {
    let Ok(stat) = fs::read_to_string(folder.join("stat")) else {
        return false;
    };
    let Some((before, after)) = stat.rsplit_once(") ") else {
        return false;
    };
    let its_name = before.split_once('(').map(|(_, name)| name);
    let its_group = after.split(' ').nth(2).and_then(|text| text.parse().ok());
    its_name == Some(name) && its_group == Some(group)
}
