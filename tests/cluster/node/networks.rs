//! The networks that pods can be on. A pod chooses by its runtime class; without one it has an
//! IPv4 address, from a kernel that knows IPv6 too. The node names its IPv6 address first, so the
//! kubelet does so with a pod that has both.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kube::Client;
use serde_json::json;

use crate::support::failure::{During, Failure, Outcome};
use crate::support::raw;

/// Where pods get their addresses from.
const IPV4: &str = "10.99.0.0/16";
const IPV6: &str = "fd00:99::/64";

/// The runtime class of pods whose first address is of IPv6, and whose second of IPv4.
pub(crate) const IPV6_FIRST: &str = "ipv6-first";

/// The runtime class of pods without an IPv4 address.
pub(crate) const IPV6_ONLY: &str = "ipv6-only";

/// The runtime class of pods as on a kernel without IPv6.
pub(crate) const WITHOUT_IPV6: &str = "without-ipv6";

const CLASSES: [(&str, &[&str]); 3] = [
    (IPV6_FIRST, &[IPV4, IPV6]),
    (IPV6_ONLY, &[IPV6]),
    (WITHOUT_IPV6, &[IPV4]),
];

/// What runs the containers of [`WITHOUT_IPV6`].
const RUNC_WITHOUT_IPV6: &str = include_str!("runc_without_ipv6.py");

/// Writes the configuration of each network, for the plugins that make interfaces.
pub(crate) fn write(folder: &Path) -> Outcome {
    write_one(folder, "cni", &[IPV4])?;
    for (class, ranges) in CLASSES {
        write_one(folder, &format!("cni-{class}"), ranges)?;
    }
    let runc = folder.join("runc-without-ipv6");
    fs::write(&runc, RUNC_WITHOUT_IPV6).during("write a runc")?;
    fs::set_permissions(&runc, fs::Permissions::from_mode(0o755)).during("make a runc executable")
}

fn write_one(folder: &Path, name: &str, ranges: &[&str]) -> Outcome {
    let ranges: Vec<_> = ranges
        .iter()
        .map(|range| [json!({"subnet": range})])
        .collect();
    let network = json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "bridge",
            "bridge": "pods",
            "isDefaultGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "ranges": ranges,
                "dataDir": folder.join("addresses"),
            },
        }],
    });
    let configuration = folder.join(name);
    fs::create_dir(&configuration).during("make the folder of a network's configuration")?;
    fs::write(configuration.join("10-pods.conflist"), network.to_string())
        .during("write the configuration of a network")
}

/// The part of containerd's configuration for the classes.
pub(crate) fn runtimes(folder: &Path) -> String {
    let folder = folder.display();
    CLASSES
        .map(|(class, _)| {
            let runc = if class == WITHOUT_IPV6 {
                format!("{folder}/runc-without-ipv6")
            } else {
                String::new()
            };
            format!(
                "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.{class}]
runtime_type = 'io.containerd.runc.v2'
cni_conf_dir = '{folder}/cni-{class}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.{class}.options]
SystemdCgroup = false
BinaryName = '{runc}'
"
            )
        })
        .concat()
}

/// Creates the classes.
pub(crate) async fn create(client: &Client) -> Outcome {
    for (class, _) in CLASSES {
        let object = json!({
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": class},
            "handler": class,
        });
        let answer = raw::post(client, "/apis/node.k8s.io/v1/runtimeclasses", &object).await?;
        if !answer.granted() {
            let message = answer.message();
            return Err(Failure::new(format!(
                "failed to create a RuntimeClass: {message}"
            )));
        }
    }
    Ok(())
}
