//! The end: of a pod, whose helpers end after the app, and of the cluster itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::json;

use crate::cluster::manifests::{app, pod};
use crate::cluster::node::Cluster;
use crate::cluster::scene::Scene;
use crate::support::failure::{During, Outcome};
use crate::support::wait::wait_until;

/// A killed process ends at once; the kernel takes its namespaces apart a little later.
const GONE: Duration = Duration::from_secs(20);

/// The app says its last words when it is asked to end; the shipper lives long enough to
/// print them. Its log ends with the pod, so it is followed from before.
#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn the_last_words_of_a_deleted_pod_are_shipped() -> Outcome {
    let scene = Scene::open("last-words").await?;
    let asks = json!({"pillion.dev/inject": "log-shipper"});
    let speaks = app("trap 'echo last words >>/var/log/app/app.log; exit 0' TERM
        echo first words >>/var/log/app/app.log
        sleep 3600 & wait");
    scene.create(&pod("orders", &asks, &speaks)).await?;
    scene
        .log_has("orders", "log-shipper", "first words")
        .await?;
    let follower = scene.follow("orders", "log-shipper")?;
    let pods = scene.namespace.api::<k8s_openapi::api::core::v1::Pod>();
    let deleted = pods.delete("orders", &DeleteParams::default()).await;
    deleted.map(drop).during("delete a pod")?;
    let log = follower.read()?;
    assert!(log.ends_with("first words\nlast words\n"), "{log}");
    Ok(())
}

/// All that a cluster could leave behind on the machine.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    mounts: BTreeSet<String>,
    interfaces: BTreeSet<String>,
    settings: Vec<String>,
}

impl Traces {
    fn now() -> Outcome<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").during("read the mounts")?;
        let interfaces = fs::read_dir("/sys/class/net").during("list the interfaces")?;
        let settings = [
            "kernel/panic",
            "kernel/panic_on_oops",
            "vm/overcommit_memory",
            "net/ipv4/ip_forward",
        ];
        Ok(Self {
            mounts: mounts.lines().map(str::to_owned).collect(),
            interfaces: interfaces
                .flatten()
                .map(|entry| entry.file_name().display().to_string())
                .collect(),
            settings: settings
                .map(|name| fs::read_to_string(Path::new("/proc/sys").join(name)))
                .into_iter()
                .flatten()
                .collect(),
        })
    }
}

/// The processes in a namespace of this identity, as the kernel writes it: `net:[4026531840]`.
fn processes_in(namespace: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| fs::read_link(path.join("ns/net")).is_ok_and(|link| link == namespace))
        .collect()
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn nothing_of_a_cluster_survives_it() -> Outcome {
    let before = Traces::now()?;
    let cluster = Cluster::start().await?;
    let client = cluster.client()?;
    let namespace =
        crate::support::namespace::Namespace::create(&client, "survivor", &[], &[]).await?;
    let runs = pod("survivor", &json!({}), &app("exec sleep 3600"));
    let answer = namespace.create_pod("", &runs).await?;
    assert!(answer.granted(), "{answer:?}");
    let space = cluster.space();
    let network = fs::read_link(space.namespace("net")).during("read a network namespace")?;
    let (folder, groups) = (space.folder.clone(), space.control_groups());
    wait_until("the pod's container", Duration::from_secs(90), async || {
        // The kubelet made a control group for the pod, and runc one for its container.
        let pod = folder.join("pod-logs");
        let made = fs::read_dir(&pod).map_err(|error| error.to_string())?;
        let logs = made
            .flatten()
            .any(|entry| entry.path().join("app/0.log").exists());
        logs.then_some(()).ok_or_else(|| "no log".to_owned())
    })
    .await?;
    assert!(!processes_in(&network).is_empty());
    assert!(groups.iter().all(|group| group.exists()), "{groups:?}");
    assert_eq!(Traces::now()?, before, "while it runs");

    drop(cluster);
    wait_until("the processes to be gone", GONE, async || {
        let left = processes_in(&network);
        left.is_empty()
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    })
    .await?;
    assert!(!folder.exists(), "{}", folder.display());
    assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
    assert_eq!(Traces::now()?, before, "afterwards");
    Ok(())
}
