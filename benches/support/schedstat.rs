//! The processor time that a process has used.
//!
//! Linux counts nanoseconds for each thread in `/proc/PID/task/*/schedstat`; the ticks of
//! `/proc/PID/stat` are a million times coarser.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// The processor time of all threads below a folder of `/proc`, in user and system mode, since they
/// began. A thread that ends takes its share with it.
pub(crate) fn used(process: &Path) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(process.join("task"))? {
        // A thread may have ended since it was listed.
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        let first = text.split(' ').next().and_then(|field| field.parse().ok());
        nanoseconds += first.unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}
