//! The node's images: no registry is reached, so all of them are brought along.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::time::Duration;

use super::settings::Programs;
use super::space::Space;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::logs;
use crate::support::wait::wait_until;

/// An import under way.
pub(crate) struct Import {
    child: Child,
    log: PathBuf,
}

/// The archives of all images.
pub(crate) fn all(programs: &Programs) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(programs.images()).during("list the images")?;
    let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.during("list the images")?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tar"));
    paths.sort();
    Ok(paths)
}

/// Imports these archives, while other things go on.
pub(crate) fn import(space: &Space, programs: &Programs, archives: &[PathBuf]) -> Outcome<Import> {
    let mut command = Command::new("sh");
    // One after the other: several at once only compete for the disk.
    command
        .args([
            "-euc",
            r#"ctr=$1 socket=$2
shift 2
for archive; do
    "$ctr" --address "$socket" --namespace k8s.io images import "$archive"
done"#,
        ])
        .arg("import")
        .arg(programs.path("ctr"))
        .arg(space.folder.join("containerd.sock"))
        .args(archives);
    let log = space.log("images");
    logs::write_to(&mut command, &log)?;
    let child = command.spawn().during("start the import of images")?;
    Ok(Import { child, log })
}

impl Import {
    /// Waits for the end of the import.
    pub(crate) async fn finish(mut self, bound: Duration) -> Outcome {
        let status = wait_until("the import of images", bound, async || {
            let status = self.child.try_wait().map_err(|error| error.to_string())?;
            status.ok_or_else(|| logs::tail(&self.log))
        })
        .await?;
        if status.success() {
            return Ok(());
        }
        let tail = logs::tail(&self.log);
        Err(Failure::new(format!("importing images: {status}:\n{tail}")))
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        // It has ended already, but where the start of the cluster failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
