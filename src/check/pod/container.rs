//! A container of the resulting pod.

mod reading;

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::amount::Amounts;
use super::env_from::EnvFrom;
pub use super::security::{Capabilities, SecurityContext};
use crate::kubernetes::quantity::Quantity;
use crate::review::Text;

/// Where a container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `spec.initContainers`, at this index.
    Init(usize),
    /// `spec.containers`, at this index.
    Regular(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init(index) => write!(f, "spec.initContainers[{index}]"),
            Self::Regular(index) => write!(f, "spec.containers[{index}]"),
        }
    }
}

/// A container of the resulting pod.
#[derive(Debug)]
pub struct Container<'a> {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: &'a str,
    /// The template that added it; `None`: the user.
    pub added_by: Option<&'a str>,
    /// `image`.
    pub image: Option<Text<'a>>,
    /// `command`.
    pub command: Vec<Text<'a>>,
    /// `args`.
    pub args: Vec<Text<'a>>,
    /// `ports`.
    pub ports: Vec<Port<'a>>,
    /// `env`; a regular container's own variables only where they matter to what templates add.
    pub env: Vec<Env<'a>>,
    /// `envFrom`.
    pub env_from: Vec<EnvFrom<'a>>,
    /// `volumeMounts`.
    pub mounts: Vec<Mount<'a>>,
    /// `resources`.
    pub resources: Resources<'a>,
    /// `resources` as the user wrote them, where templates added to them.
    pub resources_before: Option<Resources<'a>>,
    /// `securityContext`.
    pub security: SecurityContext<'a>,
    /// `securityContext` as the user wrote it, where templates added to it.
    pub security_before: Option<SecurityContext<'a>>,
    /// The fields of the user's container that templates added to, each with the template; those
    /// of `env`, `ports` and `volumeMounts` say it themselves.
    pub fields_by: Vec<(&'a str, &'a str)>,
    /// `readinessProbe`.
    pub readiness: Option<Probe<'a>>,
    /// `livenessProbe`.
    pub liveness: Option<Probe<'a>>,
    /// `startupProbe`.
    pub startup: Option<Probe<'a>>,
    /// `lifecycle`.
    pub lifecycle: Option<Lifecycle<'a>>,
    /// `restartPolicy`.
    pub restart_policy: Option<Text<'a>>,
    /// Whether it has `restartPolicyRules` (KEP-5307).
    pub has_restart_rules: bool,
}

/// A port.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port<'a> {
    /// `name`.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// `containerPort`.
    #[serde(default)]
    pub container_port: Option<i64>,
    /// `hostPort`; 0 counts as absent.
    #[serde(default)]
    pub host_port: Option<i64>,
    /// `hostIP`.
    #[serde(borrow, default, rename = "hostIP")]
    pub host_ip: Option<Text<'a>>,
    /// `protocol`.
    #[serde(borrow, default)]
    pub protocol: Option<Text<'a>>,
    /// The template that added it.
    #[serde(skip)]
    pub by: Option<&'a str>,
}

impl Port<'_> {
    /// The protocol, which is TCP where nothing else is said.
    pub fn protocol(&self) -> &str {
        self.protocol
            .as_ref()
            .map(Text::as_str)
            .filter(|protocol| !protocol.is_empty())
            .unwrap_or("TCP")
    }
}

/// An environment variable.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Env<'a> {
    /// `name`.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// `value`.
    #[serde(borrow, default)]
    pub value: Option<Text<'a>>,
    /// `valueFrom`.
    #[serde(borrow, default)]
    pub value_from: Option<EnvSource<'a>>,
    /// The template that added it.
    #[serde(skip)]
    pub by: Option<&'a str>,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvSource<'a> {
    /// `secretKeyRef`.
    #[serde(borrow, default)]
    pub secret_key_ref: Option<super::Keys<'a>>,
    /// `configMapKeyRef`.
    #[serde(borrow, default)]
    pub config_map_key_ref: Option<super::Keys<'a>>,
}

/// A volume mount.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount<'a> {
    /// `name`: the volume's.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// `mountPath`.
    #[serde(borrow, default)]
    pub mount_path: Option<Text<'a>>,
    /// `subPath`.
    #[serde(borrow, default)]
    pub sub_path: Option<Text<'a>>,
    /// `subPathExpr`.
    #[serde(borrow, default)]
    pub sub_path_expr: Option<Text<'a>>,
    /// `readOnly`.
    #[serde(default)]
    pub read_only: Option<bool>,
    /// The template that added it.
    #[serde(skip)]
    pub by: Option<&'a str>,
}

impl Mount<'_> {
    /// `mountPath`.
    pub fn path(&self) -> &str {
        self.mount_path
            .as_ref()
            .map(Text::as_str)
            .unwrap_or_default()
    }
}

/// Amounts by resource.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Resources<'a> {
    #[serde(borrow, default)]
    requests: Option<Amounts<'a>>,
    #[serde(borrow, default)]
    limits: Option<Amounts<'a>>,
}

impl Resources<'_> {
    /// The request of one resource; a limit without request is one (defaulting of the API server).
    pub fn request(&self, name: &str) -> Option<Quantity> {
        amount(self.requests.as_ref(), name).or_else(|| self.limit(name))
    }

    /// The request of one resource as it is written.
    pub fn own_request(&self, name: &str) -> Option<Quantity> {
        amount(self.requests.as_ref(), name)
    }

    /// The limit of one resource.
    pub fn limit(&self, name: &str) -> Option<Quantity> {
        amount(self.limits.as_ref(), name)
    }

    /// The names of all resources that are requested or limited.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let requests = self.requests.iter().flatten();
        let limits = self.limits.iter().flatten();
        requests.chain(limits).map(|(name, _)| name.as_str())
    }

    /// The names of the resources that are requested.
    pub fn requested(&self) -> impl Iterator<Item = &str> {
        let requests = self.requests.iter().flatten();
        requests.map(|(name, _)| name.as_str())
    }

    /// The names of the resources that are limited.
    pub fn limited(&self) -> impl Iterator<Item = &str> {
        self.limits.iter().flatten().map(|(name, _)| name.as_str())
    }
}

fn amount(amounts: Option<&Amounts<'_>>, name: &str) -> Option<Quantity> {
    amounts?.get(name)?.0
}

/// A probe.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe<'a> {
    /// `exec`.
    #[serde(borrow, default)]
    pub exec: Option<Exec<'a>>,
    /// `httpGet`.
    #[serde(borrow, default)]
    pub http_get: Option<Network<'a>>,
    /// `tcpSocket`.
    #[serde(borrow, default)]
    pub tcp_socket: Option<Network<'a>>,
    /// `grpc`.
    #[serde(borrow, default)]
    pub grpc: Option<Network<'a>>,
}

impl<'a> Probe<'a> {
    /// What it connects to.
    pub fn network(&self) -> Option<&Network<'a>> {
        self.http_get
            .as_ref()
            .or(self.tcp_socket.as_ref())
            .or(self.grpc.as_ref())
    }

    /// The port of the pod itself that it asks by number.
    pub fn own_port(&self) -> Option<i64> {
        let target = self.network()?;
        let host = target.host.as_ref().map(Text::as_str).unwrap_or_default();
        match target.port {
            Some(PortNumber::Number(number)) if host.is_empty() => Some(number),
            _ => None,
        }
    }
}

/// The target of a probe or hook that connects.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Network<'a> {
    /// `host`.
    #[serde(borrow, default)]
    pub host: Option<Text<'a>>,
    /// `port`.
    #[serde(borrow, default)]
    pub port: Option<PortNumber<'a>>,
}

/// A port by number or by name.
#[derive(Debug, Clone)]
pub enum PortNumber<'a> {
    /// Its number.
    Number(i64),
    /// Its name.
    Name(Text<'a>),
}

/// A command in the container.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Exec<'a> {
    /// `command`.
    #[serde(borrow, default)]
    pub command: Option<Vec<Text<'a>>>,
}

/// The hooks of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle<'a> {
    /// `postStart`.
    #[serde(borrow, default)]
    pub post_start: Option<Handler<'a>>,
    /// `preStop`.
    #[serde(borrow, default)]
    pub pre_stop: Option<Handler<'a>>,
}

/// What a hook does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handler<'a> {
    /// `exec`.
    #[serde(borrow, default)]
    pub exec: Option<Exec<'a>>,
    /// `sleep`.
    #[serde(default)]
    pub sleep: Option<Sleep>,
    /// `httpGet`.
    #[serde(borrow, default)]
    pub http_get: Option<Network<'a>>,
    /// `tcpSocket`.
    #[serde(borrow, default)]
    pub tcp_socket: Option<Network<'a>>,
}

/// A pause.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sleep {
    /// `seconds`.
    #[serde(default)]
    pub seconds: i64,
}

impl<'a> Container<'a> {
    /// Whether this template added to this field of the user's container.
    pub fn changed(&self, field: &str, template: &str) -> bool {
        self.fields_by.contains(&(field, template))
    }

    /// Whether it is an init container that runs beside the app.
    pub fn is_sidecar(&self) -> bool {
        matches!(self.place, Place::Init(_))
            && self.restart_policy.as_ref().map(Text::as_str) == Some("Always")
    }

    /// Whether it runs to its end before the app.
    pub fn is_step(&self) -> bool {
        matches!(self.place, Place::Init(_)) && !self.is_sidecar()
    }

    /// Whether it runs beside the app, or is the app.
    pub fn runs_beside(&self) -> bool {
        !self.is_step()
    }

    /// The template that a field comes from: the container's, or the one that added to the field.
    pub fn field_by(&self, field: &str) -> Option<&'a str> {
        let mut by = self.fields_by.iter();
        self.added_by
            .or_else(|| by.find(|(name, _)| *name == field).map(|(_, by)| *by))
    }

    /// Whether a template added it, or added to it.
    pub fn is_touched(&self) -> bool {
        self.added_by.is_some()
            || self.ports.iter().any(|port| port.by.is_some())
            || self.mounts.iter().any(|mount| mount.by.is_some())
            || self.env.iter().any(|env| env.by.is_some())
    }

    /// Whether it may change how the network's packets go: `NET_ADMIN`, or all privileges.
    pub fn changes_network(&self) -> bool {
        let added = self.security.capabilities.as_ref();
        let mut added = added.and_then(|all| all.add.as_ref()).into_iter().flatten();
        self.security.privileged == Some(true)
            || added.any(|name| {
                let name = name.as_str();
                let plain = name.strip_prefix("CAP_").unwrap_or(name);
                matches!(plain, "NET_ADMIN" | "ALL")
            })
    }

    /// Its probes, each with the field's name.
    pub fn probes(&self) -> impl Iterator<Item = (&'static str, &Probe<'a>)> {
        let probes = [
            ("readinessProbe", &self.readiness),
            ("livenessProbe", &self.liveness),
            ("startupProbe", &self.startup),
        ];
        probes
            .into_iter()
            .filter_map(|(name, probe)| Some((name, probe.as_ref()?)))
    }

    /// The container as a person reads of it: `` `envoy` (template envoy-tls) ``.
    pub fn title(&self) -> String {
        match self.added_by {
            Some(template) => format!("`{}` (template {template})", self.name),
            None => format!("`{}`", self.name),
        }
    }
}

/// A value that is only known to be there.
pub type Present = IgnoredAny;
