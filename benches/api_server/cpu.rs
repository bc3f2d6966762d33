//! How much processor time a process of the control plane has used.
//!
//! Linux counts nanoseconds for each thread in `/proc/PID/task/*/schedstat`; the ticks of
//! `/proc/PID/stat` are a hundred times coarser than one pod creation.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::failure::{During, Failure, Outcome};

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    tasks: PathBuf,
}

impl Process {
    /// The process of this name in a process group.
    pub(crate) fn of_group(group: u32, name: &str) -> Outcome<Self> {
        let folders = fs::read_dir("/proc").during("list /proc")?;
        let mut folders = folders.flatten().map(|entry| entry.path());
        let found = folders.find(|folder| is_meant(folder, group, name));
        let found = found.ok_or_else(|| Failure::new(format!("no {name} in group {group}")))?;
        Ok(Self {
            tasks: found.join("task"),
        })
    }

    /// The processor time of all its threads since its start. A thread that ends takes its share
    /// with it; Go's runtime keeps its threads.
    pub(crate) fn used(&self) -> Outcome<Duration> {
        let tasks = fs::read_dir(&self.tasks).during("list the threads of a process")?;
        let nanoseconds = tasks.flatten().filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        match nanoseconds.sum() {
            0 => Err(Failure::new(
                "the kernel counts no processor time in /proc/PID/task/*/schedstat",
            )),
            sum => Ok(Duration::from_nanos(sum)),
        }
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
