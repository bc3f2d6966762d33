//! The node's images: no registry is reached, so all of them are brought along.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use super::settings::Programs;
use super::space::Space;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::logs;
use crate::support::wait::wait_until;

/// An import under way.
pub(crate) struct Import {
    child: Child,
    log: std::path::PathBuf,
}

/// Imports every archive of the node's own images, while other things go on.
pub(crate) fn import(space: &Space, programs: &Programs) -> Outcome<Import> {
    import_from(space, programs, &programs.images(), "images")
}

/// Imports every archive of a folder.
pub(crate) fn import_from(
    space: &Space,
    programs: &Programs,
    folder: &Path,
    log: &str,
) -> Outcome<Import> {
    let mut command = Command::new("sh");
    // One after the other: several at once only compete for the disk.
    command
        .args([
            "-euc",
            r#"ctr=$1 socket=$2 folder=$3
for archive in "$folder"/*.tar; do
    "$ctr" --address "$socket" --namespace k8s.io images import "$archive"
done"#,
        ])
        .arg("import")
        .arg(programs.path("ctr"))
        .arg(space.folder.join("containerd.sock"))
        .arg(folder);
    let log = space.log(log);
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
