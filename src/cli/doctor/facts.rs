//! Everything that the checks look at, read once.

mod probe;
mod resources;
mod rights;

use serde_json::Value;

use super::super::cluster::Cluster;
use super::DoctorError;
use crate::cluster::{Access, ClusterReader, Listed, Read, Trial};
use crate::tls::inspect::{self, Seen};
pub(super) use probe::Probe;
use resources::{
    BINDINGS, CERTIFICATES, CRDS, DEFINITIONS, DEPLOYMENTS, MUTATING, NAMESPACED, NAMESPACES, PODS,
    POLICIES, SERVICES, SHIPPED_POLICIES, SLICES, TEMPLATES, VALIDATING,
};

/// The port that the API server calls where an entry names none.
const DEFAULT_PORT: u64 = 443;

/// Which installation.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// The namespace that Pillion runs in.
    pub(super) namespace: String,
    /// The name of its Deployment, Service and webhook configurations.
    pub(super) name: String,
    /// Where a pod is tried.
    pub(super) probe_namespace: Option<String>,
    /// Where the webhook port can be reached.
    pub(super) connect: Option<String>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) names: Names,
    pub(super) version: Value,
    pub(super) definitions: Vec<(&'static str, Read<Value>)>,
    pub(super) deployment: Read<Value>,
    pub(super) pods: Read<Listed>,
    pub(super) service: Read<Value>,
    pub(super) slices: Read<Listed>,
    /// Both webhook configurations, the mutating one first.
    pub(super) configurations: Vec<(&'static str, Read<Value>)>,
    /// The chain that is served, or why it is not known.
    pub(super) served: Result<Vec<Seen>, String>,
    pub(super) certificates: Read<Listed>,
    pub(super) rights: Vec<(Access, bool, Read<bool>)>,
    pub(super) templates: Vec<Read<Listed>>,
    pub(super) policies: Vec<(&'static str, Read<Value>, Read<Value>)>,
    pub(super) namespaces: Read<Listed>,
    /// The metadata of all pods.
    pub(super) all_pods: Read<Listed>,
    pub(super) probe: Option<(Probe, Trial)>,
}

impl Facts {
    /// Reads everything; `Err` where the API server does not answer at all.
    pub(super) fn gather(cluster: &Cluster, names: Names) -> Result<Self, DoctorError> {
        let version = match cluster.ask(async |reader| reader.version().await) {
            Read::Found(version) => version,
            Read::Missing => return Err(DoctorError::NoAnswer("it has no /version".to_owned())),
            Read::Unknown(why) => return Err(DoctorError::NoAnswer(why)),
        };
        Ok(cluster.ask(async |reader| Self::read(reader, names, version).await))
    }

    async fn read(reader: &ClusterReader, names: Names, version: Value) -> Self {
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
        for (definition, resource) in DEFINITIONS.into_iter().zip([TEMPLATES, NAMESPACED]) {
            let read = reader.get(&CRDS, None, definition).await;
            definitions.push((definition, read));
            templates.push(reader.list(&resource, None, "").await);
        }
        let mut policies = Vec::new();
        for name in SHIPPED_POLICIES {
            let policy = reader.get(&POLICIES, None, name).await;
            policies.push((name, policy, reader.get(&BINDINGS, None, name).await));
        }
        let namespaces = reader.list_metadata(&NAMESPACES, None).await;
        let probe = probe::choose(&names, &namespaces, &templates);
        let probe = match probe {
            Some(probe) => {
                let trial = reader
                    .try_creation(&PODS, &probe.namespace, &probe.pod)
                    .await;
                Some((probe, trial))
            }
            None => None,
        };
        Self {
            version,
            definitions,
            pods: reader.list(&PODS, own, &selector).await,
            service: reader.get(&SERVICES, own, &names.name).await,
            slices: reader.list(&SLICES, own, &of_service).await,
            served: served(&names, &configurations),
            configurations,
            certificates: reader.list(&CERTIFICATES, own, "").await,
            rights: rights::ask(reader, &names, &deployment).await,
            deployment,
            templates,
            policies,
            all_pods: reader.list_metadata(&PODS, None).await,
            namespaces,
            probe,
            names,
        }
    }

    /// The name that the API server asks the certificate for.
    pub(super) fn server_name(&self) -> String {
        server_name(&self.names)
    }
}

fn server_name(names: &Names) -> String {
    format!("{}.{}.svc", names.name, names.namespace)
}

/// The chain that is served: at the address that is given, else at the Service.
fn served(
    names: &Names,
    configurations: &[(&'static str, Read<Value>)],
) -> Result<Vec<Seen>, String> {
    let name = server_name(names);
    let address = names.connect.clone().unwrap_or_else(|| {
        let found = configurations.iter().find_map(|(_, read)| match read {
            Read::Found(configuration) => configuration
                .pointer("/webhooks/0/clientConfig/service/port")
                .and_then(Value::as_u64),
            _ => None,
        });
        format!("{name}:{}", found.unwrap_or(DEFAULT_PORT))
    });
    inspect::served(&address, &name).map_err(|error| crate::template::error::with_sources(&error))
}
