//! The Deployment, its pods, and the Service in front of them.

use serde_json::Value;

use super::super::facts::Facts;
use super::{Check, Line, condition, examples, found, text};
use crate::cluster::Read;
use crate::kubernetes::image_reference::Reference;
use crate::kubernetes::object::list_at;

/// One replica is away during every update of its node.
const FEWEST_REPLICAS: u64 = 2;

pub(super) fn deployment(facts: &Facts) -> Vec<Line> {
    match deployment_of(facts) {
        Err(line) => vec![line],
        Ok(deployment) => {
            let mut lines = replicas(facts, deployment);
            lines.extend(stuck(facts));
            lines.extend(versions(facts, deployment));
            lines
        }
    }
}

fn deployment_of(facts: &Facts) -> Result<&Value, Line> {
    let check = Check::Deployment;
    let names = &facts.names;
    found(check, "the Deployment", &facts.deployment, || {
        check.failure(
            format!(
                "there is no Deployment `{}` in the namespace `{}`",
                names.name, names.namespace
            ),
            "install Pillion, or name its namespace and name with --namespace and --name",
        )
    })
}

/// How many replicas are wanted, as the API server defaults it.
pub(super) fn wanted(deployment: &Value) -> u64 {
    let replicas = deployment.pointer("/spec/replicas").and_then(Value::as_u64);
    replicas.unwrap_or(1)
}

fn replicas(facts: &Facts, deployment: &Value) -> Vec<Line> {
    let check = Check::Deployment;
    let (name, namespace) = (&facts.names.name, &facts.names.namespace);
    let wanted = wanted(deployment);
    let ready = deployment
        .pointer("/status/readyReplicas")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let look = format!("kubectl describe pods -n {namespace}, and their logs, say why");
    let mut lines = Vec::new();
    if ready == 0 {
        lines.push(check.failure(format!("none of {wanted} replicas is ready"), look));
    } else if ready < wanted {
        let pods = not_ready(&facts.pods);
        lines.push(check.warning(
            format!("{ready} of {wanted} replicas are ready{pods}"),
            look,
        ));
    } else {
        lines.push(check.ok(format!("{ready} of {wanted} replicas are ready")));
    }
    if wanted < FEWEST_REPLICAS {
        lines.push(check.warning(
            format!(
                "there is {wanted} replica: while it moves to another node, pods that ask cannot \
                 be created"
            ),
            format!("run two or more: kubectl scale deployment/{name} -n {namespace} --replicas 2"),
        ));
    }
    lines
}

fn not_ready(pods: &Read<crate::cluster::ObjectPage>) -> String {
    let Read::Found(pods) = pods else {
        return String::new();
    };
    let pods = pods
        .items
        .iter()
        .filter(|pod| condition(pod, "Ready").is_none_or(|ready| ready["status"] != "True"));
    let names: Vec<_> = pods
        .map(|pod| text(pod, "/metadata/name").to_owned())
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" (not ready: {})", examples(&names))
    }
}

/// The pods with a container that cannot start, also while older replicas serve.
fn stuck(facts: &Facts) -> Option<Line> {
    let Read::Found(pods) = &facts.pods else {
        return None;
    };
    let stuck: Vec<_> = pods.items.iter().filter_map(waiting).collect();
    let namespace = &facts.names.namespace;
    (!stuck.is_empty()).then(|| {
        Check::Deployment.warning(
            format!("pods do not start: {}", examples(&stuck)),
            format!("kubectl logs -n {namespace} POD says why; a rollout waits for them"),
        )
    })
}

/// The pod and why a container of it waits for longer than starting takes.
fn waiting(pod: &Value) -> Option<String> {
    let statuses = list_at(pod, "/status/containerStatuses");
    let mut reasons = statuses
        .iter()
        .map(|status| text(status, "/state/waiting/reason"))
        .filter(|reason| !matches!(*reason, "" | "ContainerCreating" | "PodInitializing"));
    let reason = reasons.next()?;
    Some(format!("{} ({reason})", text(pod, "/metadata/name")))
}

/// Whether Deployment and pods run this program's version. An image that is named by digest alone
/// says nothing.
fn versions(facts: &Facts, deployment: &Value) -> Vec<Line> {
    let check = Check::Deployment;
    let own = env!("CARGO_PKG_VERSION");
    let mut images = vec![text(deployment, "/spec/template/spec/containers/0/image")];
    if let Read::Found(pods) = &facts.pods {
        let of_pods = pods.items.iter();
        images.extend(of_pods.map(|pod| text(pod, "/spec/containers/0/image")));
    }
    images.sort_unstable();
    images.dedup();
    let tags: Vec<_> = images
        .iter()
        .filter_map(|image| Reference::parse(image)?.tag)
        .collect();
    let other: Vec<_> = tags
        .iter()
        .filter(|tag| tag.trim_start_matches('v') != own)
        .map(|&tag| tag.to_owned())
        .collect();
    if tags.is_empty() {
        let message = format!(
            "not known: the image {} names no version",
            images.join(", ")
        );
        return vec![check.warning(message, "compare `pillion --version` there and here")];
    }
    if other.is_empty() {
        return vec![check.ok(format!("it runs version {own}"))];
    }
    vec![check.warning(
        format!(
            "it runs version {}, and this program is {own}",
            other.join(", ")
        ),
        "finish the rollout, or ask with the program of that version",
    )]
}

pub(super) fn service(facts: &Facts) -> Vec<Line> {
    match endpoints(facts) {
        Ok(line) | Err(line) => vec![line],
    }
}

fn endpoints(facts: &Facts) -> Result<Line, Line> {
    let check = Check::Service;
    let names = &facts.names;
    let service = found(check, "the Service", &facts.service, || {
        check.failure(
            format!(
                "there is no Service `{}` in the namespace `{}`",
                names.name, names.namespace
            ),
            "apply the chart or the manifests again",
        )
    })?;
    if text(service, "/spec/type") == "ExternalName" {
        let to = text(service, "/spec/externalName");
        return Ok(check.ok(format!(
            "the Service leads to `{to}`, outside of the cluster"
        )));
    }
    let slices = found(check, "the EndpointSlices", &facts.slices, || {
        check.failure(
            "the Service has no EndpointSlice",
            "look at the Service's selector",
        )
    })?;
    let ready = slices
        .items
        .iter()
        .flat_map(|slice| list_at(slice, "/endpoints"))
        .filter(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false)))
        .map(|endpoint| list_at(endpoint, "/addresses").len())
        .sum::<usize>();
    if ready == 0 {
        return Err(check.failure(
            "the Service has no endpoint that is ready: the API server has nobody to call",
            "see that pods are ready, and that the Service's selector has their labels",
        ));
    }
    Ok(check.ok(format!("the Service leads to {ready} ready endpoints")))
}
