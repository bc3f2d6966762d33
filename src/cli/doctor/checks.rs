//! The checks: a registry of them, and the lines that they report. Each is a function of what was read,
//! so that a table of JSON tests it.

mod api_server;
mod namespaces;
mod permissions;
mod pods;
mod policies;
mod probe;
mod registration;
mod templates;
mod trust;
mod workload;

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::facts::Facts;
use crate::cluster::Read;
use crate::kubernetes::object::list_at;

/// How many examples a line names.
const MOST_EXAMPLES: usize = 5;

/// Declares the checks once, in the order in which they are reported: name, function, what must hold,
/// and the rights that the caller needs to know it.
macro_rules! checks {
    ($($name:ident: $module:ident::$function:ident; $meaning:literal; $needs:literal;)*) => {
        /// One of the questions that `pillion doctor` asks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum Check {
            $(#[doc = $meaning] $name,)*
        }

        impl Check {
            /// All, in the order in which they are reported.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name, as reports have it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What must hold.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// The rights that the caller needs to know whether it holds.
            pub fn needs(self) -> &'static str {
                match self { $(Self::$name => $needs,)* }
            }

            fn lines(self, facts: &Facts) -> Vec<Line> {
                match self { $(Self::$name => $module::$function(facts),)* }
            }
        }
    };
}

checks! {
    ApiServer: api_server::version;
        "the API server answers, is version 1.30 or newer and the one that Pillion is set to, and whether native sidecars are used";
        "none";
    Definitions: api_server::definitions;
        "the kinds of templates are there and of this program's version";
        "get customresourcedefinitions";
    Deployment: workload::deployment;
        "every replica is ready, there are two or more, and they run this program's version";
        "get deployments, list pods in Pillion's namespace";
    Service: workload::service;
        "the Service is there and leads to pods that are ready";
        "get services, list endpointslices in Pillion's namespace";
    Configurations: registration::configurations;
        "both webhook configurations are there with the entries that are shipped, and no other one of Pillion calls a Service that is gone";
        "get and list mutatingwebhookconfigurations and validatingwebhookconfigurations, get services";
    Hazards: registration::hazards_of;
        "no entry could deadlock the cluster; entries are as they are shipped, but for what managed platforms add";
        "get mutatingwebhookconfigurations and validatingwebhookconfigurations";
    CaBundle: trust::bundles;
        "every entry has a caBundle: PEM, not expired, and the same in all entries";
        "get mutatingwebhookconfigurations and validatingwebhookconfigurations";
    Certificate: trust::served;
        "the certificate that is served is valid, and the caBundle vouches for it";
        "a way to the webhook port (run it in the cluster, or name one with `--connect`)";
    CertManager: trust::cert_manager;
        "where cert-manager issues the certificate, it is ready";
        "list certificates of cert-manager.io in Pillion's namespace";
    Permissions: permissions::permissions;
        "Pillion's ServiceAccount may do what it needs, and cannot read Secrets at large";
        "create subjectaccessreviews";
    Templates: templates::templates;
        "every template of the cluster compiles, and its newest generation is served";
        "list clusterinjectiontemplates and injectiontemplates";
    Policies: policies::policies;
        "the shipped policies, where they are installed, are bound and compile";
        "get validatingadmissionpolicies and validatingadmissionpolicybindings";
    Namespaces: namespaces::namespaces;
        "labels and annotations of namespaces have values that mean something, and name templates and parameters that there are";
        "list namespaces, clusterinjectiontemplates and injectiontemplates";
    Pods: pods::pods;
        "no running pod asked for templates and is bare";
        "list namespaces and pods";
    Probe: probe::probe;
        "a pod that asks, created as a dry run, comes back injected through the API server";
        "create pods in the probe's namespace (nothing is stored)";
}

/// Every line of every check, in the order of [`Check::ALL`].
pub(super) fn all(facts: &Facts) -> Vec<Line> {
    Check::ALL
        .iter()
        .flat_map(|check| check.lines(facts))
        .collect()
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
        let remedy = format!("to know it you need: {}", self.needs());
        self.warning(format!("not known: {what}: {why}"), remedy)
    }
}

/// What was read; `Err` is the line that says why it is not known, or what is missing.
fn found<'r, T>(
    check: Check,
    what: &str,
    read: &'r Read<T>,
    missing: impl FnOnce() -> Line,
) -> Result<&'r T, Line> {
    match read {
        Read::Found(found) => Ok(found),
        Read::Missing => Err(missing()),
        Read::Unknown(why) => Err(check.unknown(what, why)),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The condition of this type.
fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    let mut conditions = list_at(object, "/status/conditions").iter();
    conditions.find(|condition| condition["type"] == kind)
}

/// Some of many, and how many more there are.
fn examples(all: &[String]) -> String {
    let mut text = all
        .iter()
        .take(MOST_EXAMPLES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if all.len() > MOST_EXAMPLES {
        let _ = write!(text, " and {} more", all.len() - MOST_EXAMPLES);
    }
    text
}
