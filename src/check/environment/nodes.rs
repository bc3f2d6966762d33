//! Nodes of another kind than helpers are made for.

use super::super::pod::{Container, Place, Pod, WindowsOptions, text};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if let Some(field) = windows(pod) {
        let for_linux = pod
            .helpers()
            .filter(|helper| !has_image_of_app(pod, helper));
        each_template(for_linux, findings, |helper| {
            let title = helper.title();
            let message =
                format!("the pod runs on Windows ({field}), and {title} is an image for Linux");
            Finding::new(Code::WindowsPod, helper.place.to_string(), message)
        });
    }
    if let Some(sign) = virtual_node(pod) {
        let starting = pod
            .helpers()
            .filter(|helper| matches!(helper.place, Place::Init(_)));
        each_template(starting, findings, |helper| {
            let title = helper.title();
            let kind = if helper.is_step() {
                "an init container"
            } else {
                "a native sidecar"
            };
            let message = format!(
                "{title} is {kind}, and the pod may run on a virtual node ({sign}), which may know none"
            );
            Finding::new(Code::VirtualNode, helper.place.to_string(), message)
        });
    } else if let Some(sign) = fargate(pod) {
        let refused = pod.helpers().filter(|helper| needs_node(helper));
        each_template(refused, findings, |helper| {
            let title = helper.title();
            let message = format!(
                "{title} is privileged or wants a port of the node, which Fargate does not run ({sign})"
            );
            Finding::new(Code::VirtualNode, helper.place.to_string(), message)
        });
    }
}

/// Whether a helper runs an image of the user's own containers, which is for their nodes.
fn has_image_of_app(pod: &Pod<'_>, helper: &Container<'_>) -> bool {
    let mut users = pod.all().filter(|container| container.added_by.is_none());
    helper.image.is_some()
        && users.any(|app| text(app.image.as_ref()) == text(helper.image.as_ref()))
}

/// The field that says that the pod runs on Windows.
fn windows(pod: &Pod<'_>) -> Option<String> {
    let of_spec = pod.spec.windows_reason().map(str::to_owned);
    of_spec.or_else(|| {
        let container = pod.all().find(|container| {
            let options = container.security.windows_options.as_ref();
            container.added_by.is_none() && options.is_some_and(WindowsOptions::is_used)
        })?;
        Some(format!(
            "{}.securityContext.windowsOptions",
            container.place
        ))
    })
}

/// One finding for each template, about the first of its helpers.
fn each_template<'p, 'a: 'p>(
    helpers: impl Iterator<Item = &'p Container<'a>>,
    findings: &mut Vec<Finding>,
    found: impl Fn(&Container<'a>) -> Finding,
) {
    let start = findings.len();
    for helper in helpers {
        let told = findings.get(start..).unwrap_or_default();
        if !told
            .iter()
            .any(|told| told.template.as_deref() == helper.added_by)
        {
            findings.push(found(helper).of(helper.added_by));
        }
    }
}

/// What says that the pod may run on a node of the Virtual Kubelet, such as Azure Container
/// Instances. Azure's second generation runs a real pod.
fn virtual_node(pod: &Pod<'_>) -> Option<String> {
    let keeps_to = |label, value| pod.spec.keeps_to(label, value);
    if keeps_to("virtualization", "virtualnode2").is_some() {
        return None;
    }
    if let Some(field) = keeps_to("type", "virtual-kubelet") {
        return Some(format!("{field} type: virtual-kubelet"));
    }
    tolerated(pod, &["virtual-kubelet.io/provider", "azure.com/aci"])
}

/// What says that the pod runs on Fargate, which knows init containers and native sidecars.
fn fargate(pod: &Pod<'_>) -> Option<String> {
    const COMPUTE: &str = "eks.amazonaws.com/compute-type";
    const PROFILE: &str = "eks.amazonaws.com/fargate-profile";
    if pod.labels.contains_key(PROFILE) {
        return Some(format!("label {PROFILE}"));
    }
    if let Some(field) = pod.spec.keeps_to(COMPUTE, "fargate") {
        return Some(format!("{field} {COMPUTE}: fargate"));
    }
    tolerated(pod, &[COMPUTE])
}

fn tolerated(pod: &Pod<'_>, known: &[&str]) -> Option<String> {
    let tolerations = pod.spec.tolerations.iter();
    let mut keys = tolerations.filter_map(|toleration| toleration.key.as_ref());
    let key = keys.find(|key| known.contains(&key.as_str()))?;
    Some(format!("toleration {}", key.as_str()))
}

fn needs_node(helper: &Container<'_>) -> bool {
    helper.security.privileged == Some(true)
        || helper.ports.iter().any(|port| port.host_port().is_some())
}
