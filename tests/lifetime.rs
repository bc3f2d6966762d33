//! The ground under the end-to-end tests: a control plane starts, its controllers work,
//! and nothing of it outlives the test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use crate::support::processes::ProcessGroup;
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use serde_json::json;

#[tokio::test]
async fn a_deployment_gets_its_pod() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let namespace = Namespace::create(&client, "plain", &[("team", "a")], &[]).await?;
    let deployment: Deployment = namespace
        .create_object(json!({
            "metadata": {"name": "app"},
            "spec": {
                "selector": {"matchLabels": {"app": "app"}},
                "template": {
                    "metadata": {"labels": {"app": "app"}},
                    "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
                },
            },
        }))
        .await?;
    let pods = namespace.pods_of(&deployment, 1).await?;
    let pod = pods.first().unwrap();
    assert!(pod.name_any().starts_with("app-"));
    let spec = pod.spec.as_ref().unwrap();
    let mounts = spec.containers[0].volume_mounts.as_ref().unwrap();
    assert_eq!(
        mounts[0].mount_path, "/var/run/secrets/kubernetes.io/serviceaccount",
        "the ServiceAccount plugin is on"
    );
    Ok(())
}

/// Set for the second self that [`nothing_outlives_its_owner`] starts: how it shall end.
const END: &str = "PILLION_TEST_END";

/// As owner of a group of its own, this test ends it by `Drop`. As the second self it says
/// which folder it has and then ends as it is told, without `Drop`.
#[test]
fn a_group_ends_with_its_owner() {
    let folder = tempfile::tempdir().unwrap().keep();
    let mut processes = ProcessGroup::new(&folder).unwrap();
    processes
        .spawn("sleep", Command::new("sleep").arg("600"))
        .unwrap();
    assert!(processes.ended().is_none());
    let Ok(end) = std::env::var(END) else {
        drop(processes);
        assert!(!folder.exists(), "the folder is removed");
        return;
    };
    // Never dropped, as a static is.
    std::mem::forget(processes);
    println!("\nfolder {}", folder.display());
    assert_ne!(end, "panic", "as told");
    std::thread::sleep(Duration::from_mins(10));
}

#[test]
fn nothing_outlives_its_owner() {
    for end in ["panic", "kill"] {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "lifetime::a_group_ends_with_its_owner",
                "--nocapture",
            ])
            .env(END, end)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(owner.stdout.take().unwrap());
        let folder = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "no folder named");
            if let Some(folder) = line.strip_prefix("folder ") {
                break Path::new(folder.trim()).to_owned();
            }
        };
        if end == "kill" {
            owner.kill().unwrap();
        }
        assert!(!owner.wait().unwrap().success());
        // The member holds the same pipe, so it ends when the last of them has ended.
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(output.read_to_end(&mut Vec::new()).is_ok()));
        let bound = Duration::from_secs(20);
        assert_eq!(receiver.recv_timeout(bound), Ok(true), "after {end}");
        let start = Instant::now();
        while folder.exists() {
            assert!(start.elapsed() < bound, "the folder stays after {end}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
