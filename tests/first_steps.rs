//! The README's steps from an installed image to a pod that runs, as they stand there, on a cluster with a
//! real node. What loads the image is the harness's own, and the image is built as the tests are.
//!
//! It needs root and Linux namespaces, so `make test-node` alone runs it, and `cargo test` names it
//! as ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::node::Cluster;
use crate::support::failure::{During, Failure, Outcome};

/// The heading that the steps stand below.
const HEADING: &str = "\n## On kind, minikube or k3s\n";

/// Steps that only a person's own machine and cluster can do.
const OF_THE_MACHINE: [&str; 3] = ["kind create ", "make image ", "kind load "];

/// The commands below the heading, without their comments.
fn steps(readme: &str) -> Vec<String> {
    let (_, below) = readme.split_once(HEADING).unwrap_or_default();
    let (_, block) = below.split_once("```sh\n").unwrap_or_default();
    let (block, _) = block.split_once("```").unwrap_or_default();
    let lines = block
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn folder(variable: &str) -> Outcome<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    folder.ok_or_else(|| Failure::new(format!("{variable} is not set: run `make test-node`")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root and a real node: make test-node"]
async fn the_readme_leads_to_a_pod_that_runs() -> Outcome {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).during("read the README")?;
    let steps = steps(&readme);
    let own = |step: &&String| !OF_THE_MACHINE.iter().any(|start| step.starts_with(start));
    let own: Vec<_> = steps.iter().filter(own).collect();
    assert_eq!(steps.len() - own.len(), OF_THE_MACHINE.len(), "{steps:?}");
    assert!(own.len() > 6, "{steps:?}");

    let cluster = Cluster::start().await?;
    cluster.import(&folder("PILLION_IMAGE")?).await?;
    let path = [
        folder("PILLION_CHART_TOOLS")?,
        folder("PILLION_CONTROL_PLANE")?,
        Path::new(env!("CARGO_BIN_EXE_pillion")).with_file_name(""),
        PathBuf::from("/usr/bin"),
        PathBuf::from("/bin"),
    ];
    let path = std::env::join_paths(path).during("join the paths")?;
    let mut last = String::new();
    for step in own {
        let mut command = Command::new("sh");
        command
            .args(["-c", step])
            .current_dir(root)
            .env("PATH", &path)
            .env("KUBECONFIG", cluster.kubeconfig())
            .env("HOME", cluster.folder());
        let output = command.output().during("run a step")?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("{step}: {said}{errors}")));
        }
        if step.starts_with("kubectl get pods") {
            last = said.into_owned();
        }
    }
    assert!(last.contains("2/2") && last.contains("Running"), "{last}");
    Ok(())
}
