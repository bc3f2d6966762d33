//! The checks by name: what each asks, and what right it needs to know the answer.

use serde::Serialize;

/// One of the questions that `pillion doctor` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Check {
    /// The API server and its version.
    ApiServer,
    /// The definitions of the kinds of templates.
    Definitions,
    /// The Deployment and its pods.
    Deployment,
    /// The Service and its endpoints.
    Service,
    /// The webhook configurations and their entries.
    Configurations,
    /// What in the configurations could deadlock the cluster, or is a mistake.
    Hazards,
    /// What the API server trusts.
    CaBundle,
    /// What is really served.
    Certificate,
    /// cert-manager's Certificate.
    CertManager,
    /// What Pillion's ServiceAccount may do.
    Permissions,
    /// Templates that do not compile.
    Templates,
    /// The shipped policies.
    Policies,
    /// What namespaces say.
    Namespaces,
    /// Pods that asked and are bare.
    Pods,
    /// A pod on trial.
    Probe,
}

impl Check {
    /// All, in the order in which they are reported.
    pub const ALL: [Self; 15] = [
        Self::ApiServer,
        Self::Definitions,
        Self::Deployment,
        Self::Service,
        Self::Configurations,
        Self::Hazards,
        Self::CaBundle,
        Self::Certificate,
        Self::CertManager,
        Self::Permissions,
        Self::Templates,
        Self::Policies,
        Self::Namespaces,
        Self::Pods,
        Self::Probe,
    ];

    /// The name, as reports have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiServer => "ApiServer",
            Self::Definitions => "Definitions",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::Configurations => "Configurations",
            Self::Hazards => "Hazards",
            Self::CaBundle => "CaBundle",
            Self::Certificate => "Certificate",
            Self::CertManager => "CertManager",
            Self::Permissions => "Permissions",
            Self::Templates => "Templates",
            Self::Policies => "Policies",
            Self::Namespaces => "Namespaces",
            Self::Pods => "Pods",
            Self::Probe => "Probe",
        }
    }

    /// What it asks.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::ApiServer => {
                "the API server answers, is version 1.30 or newer, and whether it knows native sidecars"
            }
            Self::Definitions => "the kinds of templates are there and of this program's version",
            Self::Deployment => {
                "every replica is ready, there are two or more, and they run this program's version"
            }
            Self::Service => "the Service is there and leads to pods that are ready",
            Self::Configurations => {
                "both webhook configurations are there with the entries that are shipped"
            }
            Self::Hazards => {
                "no entry could deadlock the cluster; entries are as they are shipped, but for what managed platforms add"
            }
            Self::CaBundle => {
                "every entry has a caBundle: PEM, not expired, and the same in all entries"
            }
            Self::Certificate => {
                "the certificate that is served is valid, and the caBundle vouches for it"
            }
            Self::CertManager => "where cert-manager issues the certificate, it is ready",
            Self::Permissions => {
                "Pillion's ServiceAccount may do what it needs, and cannot read Secrets at large"
            }
            Self::Templates => {
                "every template of the cluster compiles, and its newest generation is served"
            }
            Self::Policies => {
                "the shipped policies, where they are installed, are bound and compile"
            }
            Self::Namespaces => {
                "labels and annotations of namespaces have values that mean something"
            }
            Self::Pods => "no running pod asked for templates and is bare",
            Self::Probe => {
                "a pod that asks, created as a dry run, comes back injected through the API server"
            }
        }
    }

    /// The rights that the caller needs for it.
    pub fn needs(self) -> &'static str {
        match self {
            Self::ApiServer => "none",
            Self::Definitions => "get customresourcedefinitions",
            Self::Deployment => "get deployments, list pods in Pillion's namespace",
            Self::Service => "get services, list endpointslices in Pillion's namespace",
            Self::Configurations | Self::Hazards | Self::CaBundle => {
                "get mutatingwebhookconfigurations and validatingwebhookconfigurations"
            }
            Self::Certificate => "a way to the webhook port: run in the cluster, or `--connect`",
            Self::CertManager => "list certificates of cert-manager.io in Pillion's namespace",
            Self::Permissions => "create subjectaccessreviews",
            Self::Templates => "list clusterinjectiontemplates and injectiontemplates",
            Self::Policies => {
                "get validatingadmissionpolicies and validatingadmissionpolicybindings"
            }
            Self::Namespaces => "list namespaces",
            Self::Pods => "list namespaces and pods",
            Self::Probe => "create pods in the probe's namespace (nothing is stored)",
        }
    }
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// As it should be.
    Ok,
    /// Worth a look, or not known.
    Warning,
    /// Something does not work, or will stop to.
    Failure,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// Which check says it.
    pub(super) check: Check,
    /// How it ends.
    pub(super) status: Health,
    /// What was seen.
    pub(super) message: String,
    /// What to do; absent where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(self, message: impl Into<String>) -> Line {
        Line {
            check: self,
            status: Health::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    pub(super) fn warning(self, message: impl Into<String>, remedy: impl Into<String>) -> Line {
        self.bad(Health::Warning, message, remedy)
    }

    pub(super) fn failure(self, message: impl Into<String>, remedy: impl Into<String>) -> Line {
        self.bad(Health::Failure, message, remedy)
    }

    pub(super) fn bad(
        self,
        status: Health,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Line {
        Line {
            check: self,
            status,
            message: message.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// What could not be read.
    pub(super) fn unknown(self, what: &str, why: &str) -> Line {
        let remedy = format!("run it as somebody with the right to: {}", self.needs());
        self.warning(format!("not known: {what}: {why}"), remedy)
    }
}
