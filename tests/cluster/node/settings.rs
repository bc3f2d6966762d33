//! The files that the parts of a cluster read: certificates, kubeconfigs, configuration.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use serde_json::json;

use super::networks;
use super::space::{NODE, Space};
use crate::support::certificates::Authority;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::launch::{self, kubeconfig};

/// The variable that names what `tests/cluster/build.sh` makes.
const PARTS: &str = "PILLION_NODE";

/// The port of the API server on the node's address.
pub(crate) const API_SERVER: u16 = 6443;

/// The first address of the Services' range is the API server's own.
pub(crate) const SERVICES: (&str, &str) = ("10.97.0.0/16", "10.97.0.1");

/// The name of the only node.
pub(crate) const NODE_NAME: &str = "node";

/// Where the programs and images of a cluster are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    control_plane: PathBuf,
    node: PathBuf,
}

impl Programs {
    /// As the environment names them.
    pub(crate) fn find() -> Outcome<Self> {
        let control_plane = launch::programs()?;
        let node = std::env::var_os(PARTS).map(PathBuf::from);
        let node = node.filter(|node| node.join("programs/kubelet").is_file());
        let node = node.ok_or_else(|| {
            Failure::new(format!(
                "{PARTS} names no folder with a kubelet: run `make test-node`, or `export \
                 {PARTS}=\"$(tests/cluster/build.sh)\"` before `cargo test`"
            ))
        })?;
        Ok(Self {
            control_plane,
            node,
        })
    }

    /// The program of that name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let own = self.programs().join(name);
        if own.is_file() {
            return own;
        }
        self.control_plane.join(name)
    }

    /// The folder of the node's programs.
    pub(crate) fn programs(&self) -> PathBuf {
        self.node.join("programs")
    }

    /// The folder of the image archives.
    pub(crate) fn images(&self) -> PathBuf {
        self.node.join("images")
    }
}

/// Writes every file into the folder of the namespaces. `outside` is where the API server is
/// reached from outside.
pub(crate) fn write(space: &Space, outside: SocketAddr) -> Outcome {
    let folder = &space.folder;
    let authority = Authority::new("pillion-test-cluster")?;
    let serving = authority.serving(&[
        &NODE.to_string(),
        SERVICES.1,
        "127.0.0.1",
        "localhost",
        "kubernetes.default.svc",
    ])?;
    let admin = authority.client("admin", "system:masters")?;
    let kubelet = authority.client(&format!("system:node:{NODE_NAME}"), "system:nodes")?;
    let tokens = KeyPair::generate().during("make the key of service accounts")?;
    let inside = format!("https://{NODE}:{API_SERVER}");
    networks::write(folder)?;
    for (name, content) in [
        ("ca.crt", authority.pem()),
        ("api-server.crt", &serving.certificate),
        ("api-server.key", &serving.key),
        ("admin.crt", &admin.certificate),
        ("admin.key", &admin.key),
        ("kubelet.crt", &kubelet.certificate),
        ("kubelet.key", &kubelet.key),
        ("service-accounts.key", &tokens.serialize_pem()),
        // The API server reads an elliptic key as PKCS #8 to sign, but not to verify.
        ("service-accounts.pub", &tokens.public_key_pem()),
        (
            "kubeconfig",
            &kubeconfig(folder, &format!("https://{outside}"), "admin"),
        ),
        ("kubeconfig-inside", &kubeconfig(folder, &inside, "admin")),
        (
            "kubeconfig-kubelet",
            &kubeconfig(folder, &inside, "kubelet"),
        ),
        ("kubelet.json", &kubelet_configuration(space)),
        ("containerd.toml", &containerd_configuration(folder)),
    ] {
        fs::write(folder.join(name), content).during(&format!("write {name}"))?;
    }
    Ok(())
}

fn kubelet_configuration(space: &Space) -> String {
    let file = |name: &str| space.folder.join(name);
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // Of both families: the API server takes the first address that the node names.
        "address": "::",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": false},
            "x509": {"clientCAFile": file("ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": format!("unix://{}", file("containerd.sock").display()),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": space.control_group(),
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        // Nothing is evicted because the disk of the machine is nearly full.
        "evictionHard": {"nodefs.available": "50Mi"},
        "imageGCHighThresholdPercent": 100,
        "resolvConf": "",
        "clusterDNS": [SERVICES.1],
        "clusterDomain": "cluster.local",
        "podLogsDir": file("pod-logs"),
        "volumePluginDir": file("volume-plugins"),
        // Changes of ConfigMaps and of a pod's own annotations reach their volumes sooner.
        "syncFrequency": "2s",
        "maxPods": 200,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
    })
    .to_string()
}

/// The machine may lack the right to lower the score of a process for the kernel's choice of
/// whom to end when memory runs out: then every sandbox would fail.
fn containerd_configuration(folder: &Path) -> String {
    let runtimes = networks::runtimes(folder);
    let folder = folder.display();
    format!(
        "version = 3
root = '{folder}/containerd'
state = '/run/containerd'
disabled_plugins = ['io.containerd.nri.v1.nri']
[grpc]
address = '{folder}/containerd.sock'
[ttrpc]
address = '{folder}/containerd.sock.ttrpc'
[plugins.'io.containerd.internal.v1.opt']
path = '{folder}/opt'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = 'registry.k8s.io/pause:3.10'
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
disable_apparmor = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
{runtimes}[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['/usr/lib/cni']
conf_dir = '{folder}/cni'
"
    )
}
