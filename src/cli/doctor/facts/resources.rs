//! The kinds that are read.

use serde_json::Value;

use crate::cluster::{Read, Resource};

const fn resource(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Resource {
    Resource {
        group,
        version,
        kind,
        plural,
    }
}

const REGISTRATION: &str = "admissionregistration.k8s.io";

pub(super) const DEPLOYMENTS: Resource = resource("apps", "v1", "Deployment", "deployments");
pub(super) const PODS: Resource = resource("", "v1", "Pod", "pods");
pub(super) const SERVICES: Resource = resource("", "v1", "Service", "services");
pub(super) const NAMESPACES: Resource = resource("", "v1", "Namespace", "namespaces");
pub(super) const SLICES: Resource =
    resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
pub(super) const MUTATING: Resource = resource(
    REGISTRATION,
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
);
pub(super) const VALIDATING: Resource = resource(
    REGISTRATION,
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
);
pub(super) const POLICIES: Resource = resource(
    REGISTRATION,
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
);
pub(super) const BINDINGS: Resource = resource(
    REGISTRATION,
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
);
pub(super) const CRDS: Resource = resource(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
);
pub(super) const CERTIFICATES: Resource =
    resource("cert-manager.io", "v1", "Certificate", "certificates");

/// The definitions of the kinds of templates.
pub(super) const DEFINITIONS: [&str; 2] = [
    "clusterinjectiontemplates.pillion.dev",
    "injectiontemplates.pillion.dev",
];

/// The policies that are shipped; each has a binding of its name.
pub(super) const SHIPPED_POLICIES: [&str; 3] = [
    "pillion-require-injection",
    "pillion-namespace-guard",
    "pillion-mandatory-helpers",
];

/// The label selector of a Deployment's pods, as a query has it.
pub(super) fn selector(deployment: &Read<Value>) -> String {
    let Read::Found(deployment) = deployment else {
        return "app.kubernetes.io/name=pillion".to_owned();
    };
    let pairs: Vec<_> = deployment
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    pairs.join(",")
}
