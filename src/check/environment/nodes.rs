//! Nodes of another kind than helpers are made for.

use super::super::pod::{Container, Place, Pod, WindowsOptions};
use crate::finding::{Code, Finding};
use crate::review::Text;

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if let Some(field) = windows(pod) {
        each_template(pod.helpers(), findings, |helper| {
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
fn virtual_node(pod: &Pod<'_>) -> Option<&'static str> {
    let selected = |key: &str, value: &str| {
        let own = pod.spec.node_selector.get(key);
        own.map(Text::as_str) == Some(value)
    };
    if selected("virtualization", "virtualnode2") {
        return None;
    }
    if selected("type", "virtual-kubelet") {
        return Some("node selector type: virtual-kubelet");
    }
    tolerated(
        pod,
        &[
            (
                "virtual-kubelet.io/provider",
                "toleration virtual-kubelet.io/provider",
            ),
            ("azure.com/aci", "toleration azure.com/aci"),
        ],
    )
}

/// What says that the pod runs on Fargate, which knows init containers and native sidecars.
fn fargate(pod: &Pod<'_>) -> Option<&'static str> {
    if pod.labels.contains_key("eks.amazonaws.com/fargate-profile") {
        return Some("label eks.amazonaws.com/fargate-profile");
    }
    tolerated(
        pod,
        &[(
            "eks.amazonaws.com/compute-type",
            "toleration eks.amazonaws.com/compute-type",
        )],
    )
}

fn tolerated(pod: &Pod<'_>, known: &[(&str, &'static str)]) -> Option<&'static str> {
    let mut keys = pod
        .spec
        .tolerations
        .iter()
        .filter_map(|toleration| toleration.key.as_ref());
    keys.find_map(|key| {
        let mut known = known.iter();
        known
            .find(|(own, _)| *own == key.as_str())
            .map(|(_, sign)| *sign)
    })
}

fn needs_node(helper: &Container<'_>) -> bool {
    helper.security.privileged == Some(true)
        || helper
            .ports
            .iter()
            .any(|port| port.host_port.is_some_and(|number| number != 0))
}
