//! Everything that the checks look at, read once.

mod other_registrations;
mod probe;
mod resources;
mod rights;

use std::time::SystemTime;

use anyhow::bail;
use serde_json::Value;

use super::super::cluster::Cluster;
use crate::cluster::{
    Access, CLUSTER_TEMPLATES, ClusterReader, DryRunResult, NAMESPACED_TEMPLATES, ObjectPage, Read,
};
use crate::kubernetes::webhook_configuration::Entry;
use crate::tls::inspect::{self, CertificateInfo};
pub(super) use other_registrations::OtherRegistration;
pub(super) use probe::Probe;
use resources::{
    BINDINGS, CERTIFICATES, CRDS, DEFINITIONS, DEPLOYMENTS, MUTATING, NAMESPACES, PODS, POLICIES,
    SERVICES, SHIPPED_POLICIES, SLICES, VALIDATING,
};

/// The port that the API server calls where an entry names none.
const DEFAULT_PORT: u16 = 443;

/// The pods that may still run. What has finished needs no helper any more, and its Job is not run again.
const NOT_FINISHED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Namespaces of Kubernetes itself.
const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

#[derive(Debug, Clone, Default)]
pub(super) struct KnownNames {
    /// The namespace that Pillion runs in.
    pub(super) namespace: String,
    /// The name of its Deployment, Service and webhook configurations.
    pub(super) name: String,
    /// Where a pod is tried.
    pub(super) probe_namespace: Option<String>,
    /// Where the webhook port can be reached.
    pub(super) connect: Option<String>,
}

#[derive(Debug)]
pub(super) struct Facts {
    /// When they were read, for what expires.
    pub(super) now: SystemTime,
    pub(super) names: KnownNames,
    pub(super) version: Value,
    pub(super) definitions: Vec<(&'static str, Read<Value>)>,
    pub(super) deployment: Read<Value>,
    pub(super) pods: Read<ObjectPage>,
    pub(super) service: Read<Value>,
    pub(super) slices: Read<ObjectPage>,
    /// Both webhook configurations, the mutating one first.
    pub(super) configurations: Vec<(&'static str, Read<Value>)>,
    /// Configurations of other names with entries of ours.
    pub(super) others: Read<Vec<OtherRegistration>>,
    /// The chain that is served, or why it is not known.
    pub(super) served: Result<Vec<CertificateInfo>, String>,
    pub(super) certificates: Read<ObjectPage>,
    pub(super) rights: Vec<(Access, bool, Read<bool>)>,
    pub(super) templates: Vec<Read<ObjectPage>>,
    pub(super) policies: Vec<(&'static str, Read<Value>, Read<Value>)>,
    pub(super) namespaces: Read<ObjectPage>,
    /// Namespaces whose pods are never touched.
    pub(super) excluded: Vec<String>,
    /// The metadata of all pods that have not finished.
    pub(super) all_pods: Read<ObjectPage>,
    pub(super) probe: Option<(Probe, DryRunResult)>,
}

impl Facts {
    /// Reads everything; `Err` where the API server does not answer at all.
    pub(super) fn gather(cluster: &Cluster, names: KnownNames) -> anyhow::Result<Self> {
        let server = cluster.server();
        let version = match cluster.ask(async |reader| reader.version().await) {
            Read::Found(version) => version,
            Read::Missing => bail!("failed to ask the API server at {server}: it has no /version"),
            Read::Unknown(why) => bail!("failed to ask the API server at {server}: {why}"),
        };
        Ok(cluster.ask(async |reader| Self::read(reader, names, version).await))
    }

    async fn read(reader: &ClusterReader, names: KnownNames, version: Value) -> Self {
        let own = Some(names.namespace.as_str());
        let deployment = reader.get(&DEPLOYMENTS, own, &names.name).await;
        let selector = resources::selector(&deployment);
        let of_service = format!("kubernetes.io/service-name={}", names.name);
        let mut configurations = Vec::new();
        for resource in [MUTATING, VALIDATING] {
            let read = reader.get(&resource, None, &names.name).await;
            configurations.push((resource.kind, read));
        }
        let mut definitions = Vec::new();
        let mut templates = Vec::new();
        for (definition, resource) in DEFINITIONS
            .into_iter()
            .zip([CLUSTER_TEMPLATES, NAMESPACED_TEMPLATES])
        {
            let read = reader.get(&CRDS, None, definition).await;
            definitions.push((definition, read));
            templates.push(reader.list(&resource, None, "").await);
        }
        let mut policies = Vec::new();
        for name in SHIPPED_POLICIES {
            let policy = reader.get(&POLICIES, None, name).await;
            policies.push((name, policy, reader.get(&BINDINGS, None, name).await));
        }
        let namespaces = reader.list_metadata(&NAMESPACES, None, "").await;
        let excluded = excluded(&names, &deployment);
        let probe = probe::choose(&names, &excluded, &namespaces, &templates);
        Self {
            now: SystemTime::now(),
            version,
            definitions,
            pods: reader.list(&PODS, own, &selector).await,
            service: reader.get(&SERVICES, own, &names.name).await,
            slices: reader.list(&SLICES, own, &of_service).await,
            served: served(&names, &configurations),
            configurations,
            others: other_registrations::read(reader, &names).await,
            certificates: reader.list(&CERTIFICATES, own, "").await,
            rights: rights::ask(reader, &names, &deployment).await,
            deployment,
            templates,
            policies,
            all_pods: reader.list_metadata(&PODS, None, NOT_FINISHED).await,
            namespaces,
            excluded,
            probe: try_probe(reader, probe).await,
            names,
        }
    }

    /// A setting of Pillion's Deployment: an environment variable or an argument.
    pub(super) fn setting(&self, variable: &str, flag: &str) -> Option<String> {
        match &self.deployment {
            Read::Found(deployment) => rights::setting(deployment, variable, flag),
            _ => None,
        }
    }

    /// The name that the API server asks the certificate for.
    pub(super) fn server_name(&self) -> String {
        called(&self.names, &self.configurations).0
    }
}

/// The probe with what comes of its creation.
async fn try_probe(reader: &ClusterReader, probe: Option<Probe>) -> Option<(Probe, DryRunResult)> {
    let probe = probe?;
    let trial = reader
        .try_creation(&PODS, &probe.namespace, &probe.pod)
        .await;
    Some((probe, trial))
}

/// Whom the API server calls: the name that it asks the certificate for, and the port. The first
/// entry says it, by a URL or by a Service.
fn called(names: &KnownNames, configurations: &[(&'static str, Read<Value>)]) -> (String, u16) {
    let config = configurations
        .iter()
        .filter_map(|(_, read)| match read {
            Read::Found(configuration) => Entry::read_all(configuration).next()?.ok(),
            _ => None,
        })
        .map(|entry| entry.client_config)
        .next();
    let url = config.as_ref().and_then(|config| config.url.as_deref());
    if let Some(host) = url.and_then(|url| url.strip_prefix("https://")?.split('/').next()) {
        // The last colon of `[::1]` is no separator.
        let parts = host
            .rsplit_once(':')
            .filter(|(_, port)| !port.contains(']'));
        let (name, port) = parts.map_or((host, None), |(name, port)| (name, port.parse().ok()));
        let name = name.trim_matches(['[', ']']).to_owned();
        return (name, port.unwrap_or(DEFAULT_PORT));
    }
    let port = config.and_then(|config| config.service?.port);
    let name = format!("{}.{}.svc", names.name, names.namespace);
    (name, port.unwrap_or(DEFAULT_PORT))
}

/// The chain that is served: at the address that is given, else where the API server calls.
fn served(
    names: &KnownNames,
    configurations: &[(&'static str, Read<Value>)],
) -> Result<Vec<CertificateInfo>, String> {
    let (name, port) = called(names, configurations);
    let host = if name.contains(':') {
        format!("[{name}]")
    } else {
        name.clone()
    };
    let address = match &names.connect {
        Some(address) => address.clone(),
        None => format!("{host}:{port}"),
    };
    inspect::served(&address, &name).map_err(|error| crate::wording::with_sources(&error))
}

/// Namespaces whose pods are never touched: those of Kubernetes, Pillion's own, and what its
/// Deployment names.
fn excluded(names: &KnownNames, deployment: &Read<Value>) -> Vec<String> {
    let named = match deployment {
        Read::Found(deployment) => rights::setting(
            deployment,
            "PILLION_EXCLUDE_NAMESPACE",
            "--exclude-namespace",
        ),
        _ => None,
    };
    SYSTEM
        .into_iter()
        .chain([names.namespace.as_str()])
        .chain(named.iter().flat_map(|named| named.split(',')))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whom_the_api_server_calls_is_in_the_first_entry() {
        let names = KnownNames {
            namespace: "own".to_owned(),
            name: "pillion".to_owned(),
            ..KnownNames::default()
        };
        let table = [
            (json!({"service": {"port": 8443}}), "pillion.own.svc", 8443),
            (json!({"service": {}}), "pillion.own.svc", 443),
            (json!({"url": "https://a.example/mutate"}), "a.example", 443),
            (
                json!({"url": "https://a.example:8443/mutate"}),
                "a.example",
                8443,
            ),
            (json!({"url": "https://[::1]:8443/mutate"}), "::1", 8443),
            (json!({"url": "https://[::1]/mutate"}), "::1", 443),
        ];
        for (config, name, port) in table {
            let configuration = json!({"webhooks": [{"name": "a", "clientConfig": config}]});
            let read = [("x", Read::Found(configuration))];
            assert_eq!(called(&names, &read), (name.to_owned(), port));
        }
        assert_eq!(called(&names, &[]), ("pillion.own.svc".to_owned(), 443));
    }

    #[test]
    fn the_deployment_names_further_namespaces_that_are_left_out() {
        let names = KnownNames {
            namespace: "own".to_owned(),
            ..KnownNames::default()
        };
        let variable = json!({"name": "PILLION_EXCLUDE_NAMESPACE", "value": "a, b,"});
        let container = json!({"env": [variable]});
        let deployment = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
        let found = excluded(&names, &Read::Found(deployment));
        let expected = [
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "own",
            "a",
            "b",
        ];
        assert_eq!(found, expected);
        assert_eq!(excluded(&names, &Read::Missing), expected[..4]);
    }
}
