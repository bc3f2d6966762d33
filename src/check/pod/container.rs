//! A container of the resulting pod.

mod reading;

use std::borrow::Cow;
use std::fmt;

use super::amount::Amounts;
use super::field::{Field, FromField, views};
use super::reference::{EnvFrom, Keys, LocalReference, Present, ResourceField};
pub(crate) use super::security::SecurityContext;
use super::text;
use crate::kubernetes::paths::{self, Relation};
use crate::kubernetes::quantity::Quantity;
use crate::review::Text;

/// Where a container stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// `spec.initContainers`, at this index.
    Init(usize),
    /// `spec.containers`, at this index.
    Regular(usize),
}

impl Default for Place {
    fn default() -> Self {
        Self::Regular(0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init(index) => write!(f, "spec.initContainers[{index}]"),
            Self::Regular(index) => write!(f, "spec.containers[{index}]"),
        }
    }
}

views! {
    /// A container of the resulting pod.
    Container<'a> {
        pub(crate) args: Vec<Text<'a>> = "args",
        pub(crate) command: Vec<Text<'a>> = "command",
        /// A regular container's own variables only where they matter to what templates add.
        pub(crate) env: Vec<Env<'a>> = "env",
        pub(crate) env_from: Vec<EnvFrom<'a>> = "envFrom",
        pub(crate) image: Option<Text<'a>> = "image",
        pub(crate) lifecycle: Option<Lifecycle<'a>> = "lifecycle",
        pub(crate) liveness: Option<Probe<'a>> = "livenessProbe",
        pub(crate) mounts: Vec<Mount<'a>> = "volumeMounts",
        pub(crate) ports: Vec<Port<'a>> = "ports",
        pub(crate) readiness: Option<Probe<'a>> = "readinessProbe",
        pub(crate) resize_policy: Vec<ResizePolicy<'a>> = "resizePolicy",
        pub(crate) resources: Resources<'a> = "resources",
        pub(crate) restart_policy: Option<Text<'a>> = "restartPolicy",
        pub(crate) restart_policy_rules: Vec<Present> = "restartPolicyRules",
        pub(crate) security: SecurityContext<'a> = "securityContext",
        pub(crate) startup: Option<Probe<'a>> = "startupProbe",
        pub(crate) volume_devices: Vec<VolumeDevice<'a>> = "volumeDevices",
    } + {
        pub(crate) place: Place,
        pub(crate) name: &'a str,
        /// The template that added it; `None`: the user.
        pub(crate) added_by: Option<&'a str>,
        /// `resources` as the user wrote them, where templates added to them.
        pub(crate) resources_before: Option<Resources<'a>>,
        /// `securityContext` as the user wrote it, where templates added to it.
        pub(crate) security_before: Option<SecurityContext<'a>>,
        /// The fields of the user's container that templates added to, each with the template; those
        /// of `env`, `ports` and `volumeMounts` say it themselves.
        pub(crate) fields_by: Vec<(&'a str, &'a str)>,
    }
}

views! {
    Port<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
        pub(crate) container_port: Option<i64> = "containerPort",
        host_port: Option<i64> = "hostPort",
        pub(crate) host_ip: Option<Text<'a>> = "hostIP",
        pub(crate) protocol: Option<Text<'a>> = "protocol",
    } + {
        /// The template that added it.
        pub(crate) by: Option<&'a str>,
    }

    /// An environment variable.
    Env<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
        pub(crate) value: Option<Text<'a>> = "value",
        pub(crate) value_from: Option<EnvSource<'a>> = "valueFrom",
    } + {
        /// The template that added it.
        pub(crate) by: Option<&'a str>,
    }

    /// Where a variable's value comes from.
    EnvSource<'a> {
        pub(crate) secret_key_ref: Option<Keys<'a>> = "secretKeyRef",
        pub(crate) config_map_key_ref: Option<Keys<'a>> = "configMapKeyRef",
        pub(crate) file_key_ref: Option<FileKey<'a>> = "fileKeyRef",
        pub(crate) resource_field_ref: Option<ResourceField<'a>> = "resourceFieldRef",
    }

    /// A key of a file in a volume.
    FileKey<'a> {
        pub(crate) volume_name: Option<Text<'a>> = "volumeName",
    }

    /// A volume mount.
    Mount<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
        mount_path: MountPath<'a> = "mountPath",
        pub(crate) sub_path: Option<Text<'a>> = "subPath",
        pub(crate) sub_path_expr: Option<Text<'a>> = "subPathExpr",
        pub(crate) read_only: Option<bool> = "readOnly",
        pub(crate) mount_propagation: Option<Text<'a>> = "mountPropagation",
    } + {
        /// Where the volume of its name stands in `spec.volumes`.
        pub(super) volume: Option<usize>,
        /// The template that added it.
        pub(crate) by: Option<&'a str>,
    }

    /// A block device.
    VolumeDevice<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
        pub(crate) device_path: Option<Text<'a>> = "devicePath",
    }

    /// What a resize of a resource does to the container.
    ResizePolicy<'a> {
        pub(crate) resource_name: Option<Text<'a>> = "resourceName",
        pub(crate) restart_policy: Option<Text<'a>> = "restartPolicy",
    }

    /// Amounts by resource.
    Resources<'a> {
        requests: Option<Amounts<'a>> = "requests",
        limits: Option<Amounts<'a>> = "limits",
        pub(crate) claims: Option<Vec<LocalReference<'a>>> = "claims",
    }

    Probe<'a> {
        pub(crate) exec: Option<Exec<'a>> = "exec",
        pub(crate) http_get: Option<Network<'a>> = "httpGet",
        pub(crate) tcp_socket: Option<Network<'a>> = "tcpSocket",
        pub(crate) grpc: Option<Network<'a>> = "grpc",
    }

    /// The target of a probe or hook that connects.
    Network<'a> {
        pub(crate) host: Option<Text<'a>> = "host",
        pub(crate) port: Option<PortNumber<'a>> = "port",
    }

    /// A command in the container.
    Exec<'a> {
        pub(crate) command: Option<Vec<Text<'a>>> = "command",
    }

    /// The hooks of a container.
    Lifecycle<'a> {
        pub(crate) post_start: Option<Handler<'a>> = "postStart",
        pub(crate) pre_stop: Option<Handler<'a>> = "preStop",
    }

    /// What a hook does.
    Handler<'a> {
        pub(crate) exec: Option<Exec<'a>> = "exec",
        pub(crate) sleep: Option<Sleep> = "sleep",
        pub(crate) http_get: Option<Network<'a>> = "httpGet",
        pub(crate) tcp_socket: Option<Network<'a>> = "tcpSocket",
    }
}

views! {
    /// A pause.
    Sleep {
        pub(crate) seconds: i64 = "seconds",
    }
}

/// A port by number or by name.
#[derive(Debug, Clone)]
pub(crate) enum PortNumber<'a> {
    Number(i64),
    /// A name of the container's ports.
    Name(Text<'a>),
}

impl Port<'_> {
    /// The protocol, which is TCP where nothing else is said.
    pub(crate) fn protocol(&self) -> &str {
        match text(self.protocol.as_ref()) {
            "" => "TCP",
            protocol => protocol,
        }
    }

    /// `hostPort`, of which 0 counts as absent.
    pub(crate) fn host_port(&self) -> Option<i64> {
        self.host_port.filter(|number| *number != 0)
    }

    /// The port of the node that it gets. On the node's network that is its own where it names no other
    /// (v1/defaults.go, `defaultHostNetworkPorts`).
    pub(crate) fn node_port(&self, host_network: bool) -> Option<i64> {
        let own = self
            .container_port
            .filter(|number| host_network && *number != 0);
        self.host_port().or(own)
    }
}

/// A path as it is written, and its shortest spelling where that is another: mounts are compared often.
#[derive(Debug, Clone, Default)]
struct MountPath<'a> {
    written: Option<Text<'a>>,
    shortest: Option<String>,
}

impl<'a> FromField<'a> for MountPath<'a> {
    fn from_field(field: Field<'a>) -> Option<Self> {
        let written = field.text();
        let shortest = match paths::shortest(text(written.as_ref())) {
            Cow::Borrowed(_) => None,
            Cow::Owned(shortest) => Some(shortest),
        };
        Some(Self { written, shortest })
    }
}

impl<'a> FromField<'a> for PortNumber<'a> {
    fn from_field(field: Field<'a>) -> Option<Self> {
        let number = field.integer().map(Self::Number);
        number.or_else(|| field.text().map(Self::Name))
    }
}

impl Mount<'_> {
    /// `mountPath`, as it is written.
    pub(crate) fn path(&self) -> &str {
        text(self.mount_path.written.as_ref())
    }

    /// `mountPath` in its shortest spelling.
    pub(crate) fn shortest_path(&self) -> &str {
        let shortest = self.mount_path.shortest.as_deref();
        shortest.unwrap_or_else(|| self.path())
    }

    /// How the path lies to a path in its shortest spelling.
    pub(crate) fn relation(&self, shortest: &str) -> Relation {
        paths::relation_of_shortest(self.shortest_path(), shortest)
    }

    /// Whether both are at one path.
    pub(crate) fn is_at(&self, other: &Mount<'_>) -> bool {
        self.relation(other.shortest_path()) == Relation::Same
    }
}

impl Resources<'_> {
    /// The request of one resource; a limit without request is one (defaulting of the API server).
    pub(crate) fn request(&self, name: &str) -> Option<Quantity> {
        amount(self.requests.as_ref(), name).or_else(|| self.limit(name))
    }

    /// The request of one resource as it is written.
    pub(crate) fn own_request(&self, name: &str) -> Option<Quantity> {
        amount(self.requests.as_ref(), name)
    }

    /// The limit of one resource.
    pub(crate) fn limit(&self, name: &str) -> Option<Quantity> {
        amount(self.limits.as_ref(), name)
    }

    /// The names of all resources that are requested or limited.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let requests = self.requests.iter().flatten();
        let limits = self.limits.iter().flatten();
        requests.chain(limits).map(|(name, _)| name.as_str())
    }

    /// The names of the resources that are requested.
    pub(crate) fn requested(&self) -> impl Iterator<Item = &str> {
        let requests = self.requests.iter().flatten();
        requests.map(|(name, _)| name.as_str())
    }

    /// The names of the resources that are limited.
    pub(crate) fn limited(&self) -> impl Iterator<Item = &str> {
        self.limits.iter().flatten().map(|(name, _)| name.as_str())
    }
}

impl<'a> Probe<'a> {
    /// What it connects to.
    pub(crate) fn network(&self) -> Option<&Network<'a>> {
        self.http_get
            .as_ref()
            .or(self.tcp_socket.as_ref())
            .or(self.grpc.as_ref())
    }

    /// The port of the pod itself that it asks by number.
    pub(crate) fn own_port(&self) -> Option<i64> {
        let target = self.network()?;
        match target.port {
            Some(PortNumber::Number(number)) if text(target.host.as_ref()).is_empty() => {
                Some(number)
            }
            _ => None,
        }
    }
}

fn amount(amounts: Option<&Amounts<'_>>, name: &str) -> Option<Quantity> {
    amounts?.get(name)?.0
}

impl<'a> Container<'a> {
    /// Whether this template added to this field of the user's container.
    pub(crate) fn changed(&self, field: &str, template: &str) -> bool {
        self.fields_by.contains(&(field, template))
    }

    /// Whether it is an init container that runs beside the app.
    pub(crate) fn is_sidecar(&self) -> bool {
        matches!(self.place, Place::Init(_)) && text(self.restart_policy.as_ref()) == "Always"
    }

    /// Whether it runs to its end before the app.
    pub(crate) fn is_step(&self) -> bool {
        matches!(self.place, Place::Init(_)) && !self.is_sidecar()
    }

    /// Whether it runs beside the app, or is the app.
    pub(crate) fn runs_beside(&self) -> bool {
        !self.is_step()
    }

    /// The template that a field comes from: the container's, or the one that added to the field.
    pub(crate) fn field_by(&self, field: &str) -> Option<&'a str> {
        let mut by = self.fields_by.iter();
        self.added_by
            .or_else(|| by.find(|(name, _)| *name == field).map(|(_, by)| *by))
    }

    /// Whether a template added it, or added to it.
    pub(crate) fn is_touched(&self) -> bool {
        self.added_by.is_some()
            || self.ports.iter().any(|port| port.by.is_some())
            || self.mounts.iter().any(|mount| mount.by.is_some())
            || self.env.iter().any(|env| env.by.is_some())
    }

    /// Whether it may change how the network's packets go: `NET_ADMIN`, or all privileges.
    pub(crate) fn changes_network(&self) -> bool {
        self.security.privileged == Some(true)
            || self.security.added_capabilities().any(|name| {
                let plain = name.strip_prefix("CAP_").unwrap_or(name);
                matches!(plain, "NET_ADMIN" | "ALL")
            })
    }

    /// Its probes, each with the field's name.
    pub(crate) fn probes(&self) -> impl Iterator<Item = (&'static str, &Probe<'a>)> {
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
    pub(crate) fn title(&self) -> String {
        match self.added_by {
            Some(template) => format!("`{}` (template {template})", self.name),
            None => format!("`{}`", self.name),
        }
    }
}
