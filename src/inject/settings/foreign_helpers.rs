//! Containers that other injectors put into pods: proxies of meshes, agents and executors.
//!
//! Most webhooks are called before ours, and then their helper stands among the pod's containers as
//! if the user had written it. It is no part of the app: it must not get the app's secrets, and it is
//! not what templates mean by `app`. A name alone tells where nobody else would use it; an everyday
//! name such as `wait` counts with the image that goes with it, so that a user's own stays the app's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::Deserialize;

/// Helpers by name, each with the start of its image; an empty one stands for every image. A name that
/// ends with `*` stands for all that begin so.
const KNOWN: &[(&str, &str)] = &[
    // Istio, and meshes made of it.
    ("istio-proxy", ""),
    ("istio-init", ""),
    ("istio-validation", ""),
    // Linkerd.
    ("linkerd-proxy", ""),
    ("linkerd-init", ""),
    ("linkerd-network-validator", ""),
    ("linkerd-debug", ""),
    // Consul; a pod of several services has a proxy for each.
    ("consul-dataplane", ""),
    ("consul-dataplane-*", ""),
    ("consul-connect-inject-init", ""),
    ("consul-connect-envoy-sidecar", ""),
    ("consul-connect-lifecycle-sidecar", ""),
    // Kuma and Kong Mesh.
    ("kuma-sidecar", ""),
    ("kuma-init", ""),
    ("kuma-validation", ""),
    // AWS App Mesh, Open Service Mesh, and other meshes that call their proxy `envoy`.
    ("envoy", "aws-appmesh-envoy"),
    ("envoy", "envoyproxy/envoy"),
    ("xray-daemon", "xray/aws-xray-daemon"),
    ("xray-daemon", "amazon/aws-xray-daemon"),
    // NGINX Service Mesh.
    ("nginx-mesh-sidecar", ""),
    // Knative, Dapr and KServe.
    ("queue-proxy", ""),
    ("daprd", ""),
    ("agent", "kserve/agent"),
    // Vault's own injector.
    ("vault-agent", "hashicorp/vault"),
    ("vault-agent", "vault"),
    ("consul-template", "hashicorp/consul-template"),
    // Workload identities and secrets.
    ("azwi-proxy", ""),
    ("aws-iam-authenticator-proxy", ""),
    // Databases: each proxy has the name of its object.
    ("csql-*", "cloud-sql-connectors/cloud-sql-proxy"),
    // Storage.
    ("gke-gcsfuse-sidecar", ""),
    ("gke-gcsfuse-metadata-prefetch", ""),
    ("fluid-fuse", ""),
    ("fluid-fuse-*", ""),
    ("jfs-mount", "juicedata/mount"),
    // Security and feature flags.
    ("crowdstrike-falcon-container", ""),
    ("flagd", "open-feature/flagd"),
    // Telemetry.
    ("otc-container", ""),
    ("jaeger-agent", "jaegertracing/jaeger-agent"),
    ("datadog-agent-injected", ""),
    // Development.
    ("traffic-agent", ""),
    // Executors of workflows and builds.
    ("wait", "argoproj/argoexec"),
    ("airflow-xcom-sidecar", ""),
    ("helper", "gitlab-org/gitlab-runner/gitlab-runner-helper"),
    ("helper", "gitlab/gitlab-runner-helper"),
    ("jnlp", "jenkins/inbound-agent"),
    ("jnlp", "jenkins/jnlp-agent"),
];

/// Annotations in which other injectors list the containers and init containers that they added.
const STATUSES: [&str; 1] = ["sidecar.istio.io/status"];

/// The helpers of other injectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignHelpers {
    /// The starts of images by container name; an empty one stands for every image.
    images: BTreeMap<String, BTreeSet<String>>,
    /// The same by the start of the container's name.
    families: BTreeMap<String, BTreeSet<String>>,
    /// Annotations whose JSON lists the containers of an injector.
    statuses: BTreeSet<String>,
}

impl Default for ForeignHelpers {
    fn default() -> Self {
        let mut helpers = Self {
            images: BTreeMap::new(),
            families: BTreeMap::new(),
            statuses: STATUSES.map(str::to_owned).into(),
        };
        for (name, image) in KNOWN {
            helpers.add(name, image);
        }
        helpers
    }
}

/// A change of the known helpers: `NAME`, `NAME=IMAGE`, or `-NAME`; a name may end with `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignHelper {
    name: String,
    image: String,
    is_known: bool,
}

impl FromStr for ForeignHelper {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (is_known, text) = match text.strip_prefix('-') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let (name, image) = text.split_once('=').unwrap_or((text, ""));
        if name.is_empty() || (!is_known && !image.is_empty()) {
            return Err("expected NAME, NAME=IMAGE or -NAME");
        }
        Ok(Self {
            name: name.to_owned(),
            image: image.to_owned(),
            is_known,
        })
    }
}

impl ForeignHelpers {
    fn add(&mut self, name: &str, image: &str) {
        let (by_name, name) = self.entries(name);
        let images = by_name.entry(name.to_owned()).or_default();
        images.insert(image.to_owned());
    }

    /// The entries among which a name is, and what it is called there.
    fn entries<'n>(&mut self, name: &'n str) -> (&mut BTreeMap<String, BTreeSet<String>>, &'n str) {
        match name.strip_suffix('*') {
            Some(start) => (&mut self.families, start),
            None => (&mut self.images, name),
        }
    }

    /// Adds a helper, or takes one of the defaults out.
    pub(crate) fn change(&mut self, helper: &ForeignHelper) {
        if helper.is_known {
            self.add(&helper.name, &helper.image);
        } else {
            let (by_name, name) = self.entries(&helper.name);
            by_name.remove(name);
        }
    }

    /// Adds an annotation in which an injector lists its containers.
    pub(crate) fn add_status(&mut self, annotation: &str) {
        self.statuses.insert(annotation.to_owned());
    }

    /// Whether a container of this name and image is a known helper.
    pub(crate) fn has(&self, name: &str, image: Option<&str>) -> bool {
        let of_name = self.images.get(name).into_iter();
        let families = self.families.iter();
        let of_family = families.filter(|(start, _)| name.starts_with(start.as_str()));
        let mut starts = of_name.chain(of_family.map(|(_, images)| images)).flatten();
        starts.any(|start| start.is_empty() || image.is_some_and(|image| starts_with(image, start)))
    }

    /// The containers that the annotations of other injectors list; `annotation` gives the text of one.
    pub(crate) fn listed<'a>(
        &self,
        annotation: impl Fn(&str) -> Option<&'a str>,
    ) -> BTreeSet<Cow<'a, str>> {
        // Go writes an empty list as `null`.
        #[derive(Deserialize, Default)]
        #[serde(default, rename_all = "camelCase")]
        struct Listed<'a> {
            #[serde(borrow)]
            containers: Option<Vec<Cow<'a, str>>>,
            #[serde(borrow)]
            init_containers: Option<Vec<Cow<'a, str>>>,
        }
        let texts = self.statuses.iter().filter_map(|key| annotation(key));
        texts
            .filter_map(|text| serde_json::from_str::<Listed<'_>>(text).ok())
            .flat_map(|listed| [listed.containers, listed.init_containers])
            .flatten()
            .flatten()
            .collect()
    }
}

/// Whether an image begins so, its registry or the first parts of its path aside: mirrors put
/// others in front. The start ends where a part of the reference does.
fn starts_with(image: &str, start: &str) -> bool {
    let paths = std::iter::once(image).chain(
        image
            .match_indices('/')
            .filter_map(|(slash, _)| image.get(slash + 1..)),
    );
    paths
        .filter_map(|path| path.strip_prefix(start))
        .any(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_everyday_name_counts_with_its_image_alone() {
        let helpers = ForeignHelpers::default();
        let table = [
            ("istio-proxy", Some("mirror/own/proxyv2:1"), true),
            ("istio-proxy", None, true),
            ("wait", Some("quay.io/argoproj/argoexec:v3.5"), true),
            (
                "wait",
                Some("mirror.example:5000/quay/argoproj/argoexec@sha256:0"),
                true,
            ),
            ("wait", Some("quay.io/argoproj/argoexec-own:1"), false),
            ("wait", Some("busybox:1"), false),
            ("wait", None, false),
            ("vault-agent", Some("hashicorp/vault:1.17"), true),
            ("vault-agent", Some("shop/vault-ui:1"), false),
            ("orders", Some("istio/proxyv2:1"), false),
            (
                "csql-shop-orders",
                Some("gcr.io/cloud-sql-connectors/cloud-sql-proxy:2"),
                true,
            ),
            ("csql-shop-orders", Some("shop/csql:1"), false),
            ("consul-dataplane-orders", Some("mirror/dataplane:1"), true),
            ("istio-init", None, true),
        ];
        for (name, image, expected) in table {
            assert_eq!(helpers.has(name, image), expected, "{name} {image:?}");
        }
    }

    #[test]
    fn the_configuration_adds_to_the_list_and_takes_out_of_it() {
        let mut helpers = ForeignHelpers::default();
        for change in [
            "-daprd",
            "-csql-*",
            "agent=shop/agent",
            "shop-mesh",
            "tap-*",
        ] {
            helpers.change(&change.parse().unwrap());
        }
        assert!(!helpers.has("daprd", None));
        assert!(!helpers.has("csql-a", Some("cloud-sql-connectors/cloud-sql-proxy")));
        assert!(helpers.has("tap-7", None) && !helpers.has("tap", None));
        assert!(helpers.has("agent", Some("shop/agent:2")) && helpers.has("shop-mesh", None));
        for wrong in ["", "-", "=image", "-wait=image"] {
            assert!(wrong.parse::<ForeignHelper>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_status_of_istio_lists_its_containers() {
        let helpers = ForeignHelpers::default();
        let listed = |status| -> Vec<Cow<'static, str>> {
            let listed = helpers.listed(|key| (key == "sidecar.istio.io/status").then_some(status));
            listed.into_iter().collect()
        };
        let status = r#"{"revision":"1-27","initContainers":["mesh-init"],"containers":["mesh"]}"#;
        assert_eq!(listed(status), ["mesh", "mesh-init"]);
        // With native sidecars, or with a CNI plugin in place of the step.
        let status = r#"{"initContainers":null,"containers":["mesh"],"imagePullSecrets":null}"#;
        assert_eq!(listed(status), ["mesh"]);
    }
}
