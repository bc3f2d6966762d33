//! A Lease that somebody takes away.

use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

use super::stage::{HOME, SOON, Stage};
use super::{image, spec};
use crate::support::failure::{During, Outcome};
use crate::support::wait::wait_until;

/// Pods get what is stored at once; what is written for all replicas waits until the Lease has run out, and
/// then goes on.
pub(super) async fn is_stolen_and_comes_back(stage: &Stage, replica: &str) -> Outcome {
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease"));
    let leases: Api<DynamicObject> = Api::namespaced_with(stage.client.clone(), HOME, &resource);
    let holder = async || {
        let lease = leases
            .get("pillion")
            .await
            .map_err(|error| error.to_string())?;
        let holder = lease.data["spec"]["holderIdentity"].as_str();
        Ok::<_, String>(holder.unwrap_or_default().to_owned())
    };
    let is_ours = async || match holder().await? {
        holder if holder == replica => Ok(()),
        other => Err(other),
    };
    wait_until("the lease", SOON, is_ours).await?;
    let now = Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        .to_string();
    let stolen =
        json!({"spec": {"holderIdentity": "somebody", "renewTime": now, "acquireTime": now}});
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(&stolen));
    let patched = leases.patch("pillion", &parameters, &patch).await;
    patched.during("steal the lease")?;

    stage
        .store("", "stolen", &spec("stolen", &image("1")))
        .await?;
    stage.wait_for("default", "stolen", &image("1")).await?;
    stage
        .wait_for_status("", "stolen", ["Valid", "Newest"])
        .await?;
    wait_until("the lease to come back", SOON, is_ours).await?;
    stage.delete("", "stolen").await
}
