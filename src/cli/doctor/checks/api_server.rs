//! The API server and the kinds of templates in it.

use super::super::facts::Facts;
use super::{Check, Line, condition, found, text};
use crate::cli::engine_options::KubernetesVersion;
use crate::kubernetes::object::list_at;

/// Match conditions and validating policies are stable from here on.
const OLDEST: u64 = 30;

/// From here on every kubelet surely knows native sidecars, as kubelets lag by three minors.
const NATIVE: u64 = 32;

/// The version of the kinds.
const VERSION: &str = "v1alpha1";

pub(super) fn version(facts: &Facts) -> Vec<Line> {
    let check = Check::ApiServer;
    let version = text(&facts.version, "/gitVersion");
    // Some platforms write `30+`.
    let digits = text(&facts.version, "/minor").trim_end_matches(|c: char| !c.is_ascii_digit());
    let (major, minor) = (text(&facts.version, "/major"), digits.parse::<u64>());
    let line = match minor {
        Ok(minor) if major == "1" && minor < OLDEST => check.failure(
            format!("the API server is version {version}"),
            "update the cluster: Pillion needs Kubernetes 1.30 or newer",
        ),
        Ok(minor) => sidecars(facts, version, minor),
        Err(_) => check.warning(
            format!("not known: the API server's version `{version}` cannot be read"),
            "check by hand that the cluster is Kubernetes 1.30 or newer",
        ),
    };
    vec![line]
}

/// Whether sidecars are native, which the settings of the Deployment say before the API server does: the
/// chart writes into them the version that it saw, and nobody changes it when the cluster is updated.
fn sidecars(facts: &Facts, version: &str, minor: u64) -> Line {
    let check = Check::ApiServer;
    let pinned = facts
        .setting("PILLION_KUBERNETES_VERSION", "--kubernetes-version")
        .and_then(|text| text.parse().ok())
        .map(|KubernetesVersion(minor)| u64::from(minor));
    let native = facts.setting("PILLION_NATIVE_SIDECARS", "--native-sidecars");
    let told = match native.as_deref() {
        Some("always") => "native sidecars are used, as nativeSidecars says",
        Some("never") => "sidecars are classic containers, as nativeSidecars says",
        _ if pinned.unwrap_or(minor) < NATIVE => {
            "sidecars are classic containers, as kubelets may be too old for native ones"
        }
        _ => "native sidecars are used",
    };
    match pinned {
        Some(pinned) if pinned != minor => check.warning(
            format!(
                "the API server is version {version}, but Pillion is set to Kubernetes 1.{pinned}: \
                 {told}"
            ),
            "set it anew: `helm upgrade` takes the version that it sees, or set the chart's \
             kubernetesVersion (PILLION_KUBERNETES_VERSION of the Deployment)",
        ),
        _ => check.ok(format!("the API server is version {version}; {told}")),
    }
}

pub(super) fn definitions(facts: &Facts) -> Vec<Line> {
    let lines: Vec<_> = facts
        .definitions
        .iter()
        .filter_map(|(name, read)| definition(name, read).err())
        .collect();
    if lines.is_empty() {
        vec![Check::Definitions.ok(format!("the kinds of templates are there ({VERSION})"))]
    } else {
        lines
    }
}

fn definition(name: &str, read: &crate::cluster::Read<serde_json::Value>) -> Result<(), Line> {
    let check = Check::Definitions;
    let apply = "apply the chart's CustomResourceDefinitions (crds.install)";
    let definition = found(check, name, read, || {
        check.failure(
            format!("the CustomResourceDefinition {name} is missing"),
            apply,
        )
    })?;
    let mut versions = list_at(definition, "/spec/versions").iter();
    let served = versions.any(|one| one["name"] == VERSION && one["served"] == true);
    if !served {
        return Err(check.failure(format!("{name} does not serve {VERSION}"), apply));
    }
    let established = condition(definition, "Established");
    if established.is_none_or(|one| one["status"] != "True") {
        let remedy = format!("read its conditions: kubectl describe crd {name}");
        return Err(check.failure(format!("{name} is not established"), remedy));
    }
    let version = definition
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get("app.kubernetes.io/version")?.as_str());
    match version {
        Some(version) if version != env!("CARGO_PKG_VERSION") => Err(check.warning(
            format!(
                "{name} is of version {version}, and this program of {}",
                env!("CARGO_PKG_VERSION")
            ),
            apply,
        )),
        _ => Ok(()),
    }
}
