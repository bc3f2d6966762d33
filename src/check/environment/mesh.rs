//! A service mesh that is there already, or that the pod asks for.
//!
//! Two programs that both redirect the pod's packets end in a loop or in silence. And a step that
//! runs after the mesh took over the packets, and before the mesh's proxy runs, reaches nobody.

use super::super::CheckContext;
use super::super::pod::{Container, Place, Pod, Probe, text};
use crate::finding::{Code, Finding};

/// What a mesh puts into a pod, and how a pod asks for it.
struct Mesh {
    name: &'static str,
    /// The proxy's container.
    proxies: &'static [&'static str],
    /// Steps that redirect the packets.
    captures: &'static [&'static str],
    /// Containers which show that the node redirected them before any container started.
    captured: &'static [&'static str],
    /// The annotations and labels of a pod that ask for it.
    asked: &'static [Asked],
    /// The annotations and labels of a namespace that ask for it for every pod.
    namespace: &'static [Asked],
}

/// A key that asks for a mesh with these values, and with none else; no values: with any. Where several
/// keys are there, the first decides.
type Asked = (&'static str, &'static [&'static str]);

const MESHES: [Mesh; 7] = [
    Mesh {
        name: "Istio",
        proxies: &["istio-proxy"],
        captures: &["istio-init"],
        captured: &["istio-validation"],
        asked: &[
            ("sidecar.istio.io/inject", &["true"]),
            ("istio.io/rev", &[]),
        ],
        namespace: &[("istio-injection", &["enabled"]), ("istio.io/rev", &[])],
    },
    Mesh {
        name: "Istio's ambient mode",
        proxies: &[],
        captures: &[],
        captured: &[],
        asked: &[("istio.io/dataplane-mode", &["ambient"])],
        namespace: &[("istio.io/dataplane-mode", &["ambient"])],
    },
    Mesh {
        name: "Linkerd",
        proxies: &["linkerd-proxy"],
        captures: &["linkerd-init"],
        captured: &["linkerd-network-validator"],
        asked: &[("linkerd.io/inject", &["enabled", "ingress"])],
        namespace: &[("linkerd.io/inject", &["enabled", "ingress"])],
    },
    Mesh {
        name: "Consul",
        proxies: &["consul-dataplane", "consul-connect-envoy-sidecar"],
        captures: &["consul-connect-inject-init"],
        captured: &[],
        asked: &[("consul.hashicorp.com/connect-inject", &["true"])],
        namespace: &[("consul.hashicorp.com/connect-inject", &["true"])],
    },
    Mesh {
        name: "Kuma",
        proxies: &["kuma-sidecar"],
        captures: &["kuma-init"],
        captured: &["kuma-validation"],
        asked: &[("kuma.io/sidecar-injection", &["enabled", "true"])],
        namespace: &[("kuma.io/sidecar-injection", &["enabled", "true"])],
    },
    Mesh {
        name: "AWS App Mesh",
        proxies: &[],
        captures: &["proxyinit"],
        captured: &[],
        asked: &[("appmesh.k8s.aws/sidecarInjectorWebhook", &["enabled"])],
        namespace: &[("appmesh.k8s.aws/sidecarInjectorWebhook", &["enabled"])],
    },
    Mesh {
        name: "Open Service Mesh",
        proxies: &[],
        captures: &["osm-init"],
        captured: &[],
        asked: &[(
            "openservicemesh.io/sidecar-injection",
            &["enabled", "true", "yes"],
        )],
        namespace: &[(
            "openservicemesh.io/sidecar-injection",
            &["enabled", "true", "yes"],
        )],
    },
];

/// Programs that need the network.
const CLIENTS: [&str; 13] = [
    "curl",
    "wget",
    "nc",
    "git",
    "psql",
    "mysql",
    "redis-cli",
    "aws",
    "gsutil",
    "nslookup",
    "dig",
    "ssh",
    "vault",
];

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    if pod.helpers().next().is_none() {
        return;
    }
    for mesh in &MESHES {
        let present = mesh.present(pod);
        if present.is_none() && !mesh.is_asked(pod, with) {
            continue;
        }
        for helper in pod.helpers() {
            let found = if helper.changes_network() {
                Some(mesh.both_change(helper, present))
            } else {
                mesh.cut_off(pod, helper)
            };
            findings.extend(found);
        }
    }
}

impl Mesh {
    /// A container of the mesh that is not a template's.
    fn present<'p, 'a>(&self, pod: &'p Pod<'a>) -> Option<&'p Container<'a>> {
        let mut users = pod.all().filter(|container| container.added_by.is_none());
        users.find(|container| {
            [self.proxies, self.captures, self.captured]
                .iter()
                .any(|names| names.contains(&container.name))
        })
    }

    fn is_asked(&self, pod: &Pod<'_>, with: &CheckContext<'_>) -> bool {
        let of_pod = |key| pod.labels.get(key).or_else(|| pod.annotations.get(key));
        let facts = &with.surroundings;
        let of_namespace = |key| facts.labels.get(key).or_else(|| facts.annotations.get(key));
        asks(self.asked, |key| of_pod(key).copied())
            .or_else(|| asks(self.namespace, |key| of_namespace(key).map(String::as_str)))
            .unwrap_or(false)
    }

    fn both_change(&self, helper: &Container<'_>, present: Option<&Container<'_>>) -> Finding {
        let (title, mesh) = (helper.title(), self.name);
        let by = match present {
            Some(container) => format!("`{}` of {mesh}", container.name),
            None => format!("{mesh}, which the pod or its namespace asks for"),
        };
        let message = format!("{title} may change how the pod's packets go, and so does {by}");
        let path = format!("{}.securityContext", helper.place);
        Finding::new(Code::ForeignMesh, path, message).of(helper.added_by)
    }

    /// An init container that needs the network, or a sidecar that is asked over it before the next container
    /// starts, while nobody carries it.
    fn cut_off(&self, pod: &Pod<'_>, helper: &Container<'_>) -> Option<Finding> {
        let Place::Init(own) = helper.place else {
            return None;
        };
        let is_asked = helper.is_sidecar() && is_awaited_over_network(helper);
        let is_client = helper.is_step() && needs_network(helper);
        if !is_asked && !is_client {
            return None;
        }
        let init = || pod.init_containers.iter().enumerate();
        let mut captures = init().filter(|(index, container)| {
            (*index < own && self.captures.contains(&container.name))
                || self.captured.contains(&container.name)
        });
        let mut proxies = init().take(own);
        let proxy_runs = proxies
            .any(|(_, container)| container.is_sidecar() && self.proxies.contains(&container.name));
        let (_, capture) = captures.find(|(_, container)| container.added_by.is_none())?;
        if proxy_runs {
            return None;
        }
        let (title, mesh, capture) = (helper.title(), self.name, capture.name);
        let message = if is_asked {
            format!(
                "the kubelet waits for the startupProbe of {title}, and {mesh} has taken over the pod's network by \
                 then (`{capture}`) while its proxy, which starts behind it, does not run yet: the pod never \
                 starts"
            )
        } else {
            format!(
                "the init container {title} needs the network, which {mesh} has taken over by then \
                 (`{capture}`) while its proxy does not run yet"
            )
        };
        let path = helper.place.to_string();
        Some(Finding::new(Code::ForeignMesh, path, message).of(helper.added_by))
    }
}

/// Whether the first of the keys that is there asks; `None` where none is.
fn asks<'v>(keys: &[Asked], value: impl Fn(&'static str) -> Option<&'v str>) -> Option<bool> {
    keys.iter().find_map(|(key, values)| {
        let value = value(key)?;
        Some(values.is_empty() || values.contains(&value))
    })
}

/// Whether the containers behind a sidecar start when the kubelet has reached it over the pod's network.
fn is_awaited_over_network(sidecar: &Container<'_>) -> bool {
    let startup = sidecar.startup.as_ref();
    let target = startup.and_then(Probe::network);
    target.is_some_and(|target| text(target.host.as_ref()).is_empty())
}

/// Whether its command shows that it talks to somebody.
pub(super) fn needs_network(step: &Container<'_>) -> bool {
    let values = step.env.iter().filter_map(|env| env.value.as_ref());
    let texts = step.command.iter().chain(&step.args);
    let mut urls = values.chain(texts.clone());
    urls.any(|text| text.as_str().contains("://"))
        || texts
            .flat_map(|text| text.as_str().split([' ', '\n', ';', '|', '&']))
            .any(|word| {
                let name = word.rsplit('/').next().unwrap_or(word);
                CLIENTS.contains(&name)
            })
}
