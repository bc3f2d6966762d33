//! Everything that people do to an installation on purpose, while pods are created: not one
//! creation fails, and no pod that asked comes out bare.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::installation::churn::Churn;
use crate::installation::installed::{Installation, NAMESPACE};
use crate::installation::objects::{self, FIRST_IMAGE, NEXT_IMAGE};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;

/// What the leader does takes a lease's time to be taken over.
const LEASE: Duration = Duration::from_mins(1);

/// All of it in turn.
pub(crate) async fn all(installation: &Installation, churn: &Churn, asking: &Namespace) -> Outcome {
    churn.undisturbed("rollout", rollout(installation)).await?;
    churn
        .undisturbed("scaled up", scale(installation, 4))
        .await?;
    churn
        .undisturbed("scaled down", scale(installation, 1))
        .await?;
    churn
        .undisturbed("scaled back", scale(installation, 2))
        .await?;
    churn.undisturbed("drain", drain(installation)).await?;
    churn
        .undisturbed("lease lost", lose_the_lease(installation))
        .await?;
    churn
        .undisturbed("template updated", update(asking))
        .await?;
    churn
        .undisturbed("template broken", break_it(installation, asking))
        .await?;
    churn
        .undisturbed("template repaired", repair(asking))
        .await?;
    churn
        .undisturbed("namespace relabelled", relabel(installation))
        .await?;
    for time in ["first", "second"] {
        let what = format!("authority rotated for the {time} time");
        churn.undisturbed(&what, rotate(installation)).await?;
    }
    churn
        .undisturbed("chart upgraded", upgrade(installation))
        .await?;
    churn
        .undisturbed("manifests applied again", apply_again(installation))
        .await
}

async fn rollout(installation: &Installation) -> Outcome {
    kubectl(installation, &["rollout", "restart", "deployment/pillion"])?;
    installation.settled().await
}

async fn scale(installation: &Installation, replicas: u32) -> Outcome {
    let replicas = format!("--replicas={replicas}");
    kubectl(installation, &["scale", "deployment/pillion", &replicas])?;
    installation.settled().await
}

/// What `kubectl drain` does to each pod, one after the other; the `PodDisruptionBudget` makes it
/// wait for the replacement.
async fn drain(installation: &Installation) -> Outcome {
    let client = installation.cluster.client()?;
    for pod in installation.pods().await? {
        let name = pod.name_any();
        let eviction = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": NAMESPACE},
        });
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction");
        wait_until("an eviction to be allowed", LEASE, async || {
            let answer = raw::post(&client, &path, &eviction).await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            answer
                .granted()
                .then_some(())
                .ok_or_else(|| answer.message().to_owned())
        })
        .await?;
        installation.settled().await?;
    }
    Ok(())
}

/// The lease is somebody else's for a while, as after a partition, and then nobody's.
async fn lose_the_lease(installation: &Installation) -> Outcome {
    let client = installation.cluster.client()?;
    let taken = json!({"spec": {
        "holderIdentity": "somebody",
        "leaseDurationSeconds": 3,
        "renewTime": MicroTime(Timestamp::now()),
    }});
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/pillion");
    let answer = raw::merge(&client, &path, &taken).await?;
    assert!(answer.granted(), "{answer:?}");
    let api: Api<Lease> = Api::namespaced(client, NAMESPACE);
    wait_until("a new holder of the lease", LEASE, async || {
        let lease = api
            .get("pillion")
            .await
            .map_err(|error| error.to_string())?;
        let holder = lease.spec.and_then(|spec| spec.holder_identity);
        let holder = holder.unwrap_or_default();
        let is_ours = holder.starts_with("pillion-");
        is_ours.then_some(()).ok_or(holder)
    })
    .await
}

async fn update(asking: &Namespace) -> Outcome {
    objects::apply_helper(&asking.client, NEXT_IMAGE).await?;
    objects::serves(asking, NEXT_IMAGE).await
}

/// A template that does not compile is reported, and its last good revision serves on, also from
/// replicas that have never seen it.
async fn break_it(installation: &Installation, asking: &Namespace) -> Outcome {
    objects::break_helper(&asking.client).await?;
    wait_until("the status to say what is wrong", LEASE, async || {
        let found = objects::condition(&asking.client, "Compiled").await;
        let found = found.map_err(|failure| failure.to_string())?;
        match found {
            Some((status, message))
                if status == "False" && message.contains("sidecars[0].image") =>
            {
                Ok(())
            }
            other => Err(format!("{other:?}")),
        }
    })
    .await?;
    rollout(installation).await?;
    objects::serves(asking, NEXT_IMAGE).await
}

async fn repair(asking: &Namespace) -> Outcome {
    objects::apply_helper(&asking.client, FIRST_IMAGE).await?;
    objects::serves(asking, FIRST_IMAGE).await
}

/// A namespace that is enabled, disabled and enabled again is followed each time.
async fn relabel(installation: &Installation) -> Outcome {
    let client = installation.cluster.client()?;
    let lists = [("pillion.dev/inject", crate::installation::churn::HELPER)];
    let namespace = Namespace::create(&client, "relabelled", &[], &lists).await?;
    for value in ["enabled", "disabled", "enabled"] {
        let patch = json!({"metadata": {"labels": {"pillion.dev/injection": value}}});
        let path = format!("/api/v1/namespaces/{}", namespace.name);
        let answer = raw::merge(&client, &path, &patch).await?;
        assert!(answer.granted(), "{answer:?}");
        let wanted = value == "enabled";
        wait_until(&format!("pods of an {value} namespace"), LEASE, async || {
            let pod = json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "probe"},
                "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
            });
            let path = format!("/api/v1/namespaces/{}/pods?dryRun=All", namespace.name);
            let answer = raw::post(&client, &path, &pod).await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            let seen = answer.granted() && crate::installation::churn::has_helper(&answer.body);
            (seen == wanted).then_some(()).ok_or_else(|| format!("{answer:?}"))
        })
        .await?;
    }
    Ok(())
}

/// A new authority: it comes into the configuration beside the old one, which stays until its last
/// certificate has ended, and then every replica serves a certificate that the new one signed.
async fn rotate(installation: &Installation) -> Outcome {
    let (trusted, renewed) = (bundle(installation).await?, renewals(installation).await?);
    let ask = [
        "annotate",
        "secret/pillion-authority",
        "--overwrite",
        "pillion.dev/rotate=now",
    ];
    kubectl(installation, &ask)?;
    wait_until("another authority beside the old one", LEASE, async || {
        let now = bundle(installation).await;
        let now = now.map_err(|failure| failure.to_string())?;
        let is_more = now.len() > trusted.len();
        is_more
            .then_some(())
            .ok_or_else(|| format!("{} bytes", now.len()))
    })
    .await?;
    wait_until("certificates of the new authority", LEASE * 2, async || {
        let now = renewals(installation).await;
        let now = now.map_err(|failure| failure.to_string())?;
        let all = renewed
            .iter()
            .all(|(pod, before)| now.get(pod) > Some(before));
        all.then_some(())
            .ok_or_else(|| format!("{renewed:?}, then {now:?}"))
    })
    .await
}

/// How often each replica has renewed its certificate.
async fn renewals(installation: &Installation) -> Outcome<BTreeMap<String, usize>> {
    let mut renewals = BTreeMap::new();
    for pod in installation.pods().await? {
        let log = installation.log(&pod.name_any())?;
        let count = log.matches("certificate renewed").count();
        renewals.insert(pod.name_any(), count);
    }
    Ok(renewals)
}

/// The authorities that the API server trusts, PEM in base64.
async fn bundle(installation: &Installation) -> Outcome<String> {
    let configuration = configuration(installation).await?;
    let bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"].as_str();
    Ok(bundle.unwrap_or_default().to_owned())
}

async fn configuration(installation: &Installation) -> Outcome<Value> {
    let client = installation.cluster.client()?;
    let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/pillion";
    Ok(raw::get(&client, path).await?.body)
}

async fn upgrade(installation: &Installation) -> Outcome {
    installation.upgrade(&[
        "podAnnotations.example\\.com/upgraded=yes",
        "logLevel=debug",
    ])?;
    installation.settled().await
}

/// What GitOps does: the same manifests again, by server-side apply that takes every field, and by
/// client-side apply. Nobody fights over `caBundle`.
async fn apply_again(installation: &Installation) -> Outcome {
    let file = installation.cluster.folder().join("manifests.yaml");
    fs::write(&file, installation.manifests()?).during("write the manifests")?;
    let file = file.display().to_string();
    for flags in [
        &[
            "--server-side",
            "--force-conflicts",
            "--field-manager=gitops",
        ][..],
        &[
            "--server-side",
            "--force-conflicts",
            "--field-manager=gitops",
        ],
        &[],
    ] {
        let before = bundle(installation).await?;
        let mut arguments = vec!["apply", "-f", &file];
        arguments.extend(flags);
        kubectl(installation, &arguments)?;
        installation.settled().await?;
        assert_eq!(
            bundle(installation).await?,
            before,
            "caBundle after {flags:?}"
        );
    }
    Ok(())
}

fn kubectl(installation: &Installation, arguments: &[&str]) -> Outcome {
    let mut command: Command = installation.cluster.kubectl();
    command.args(["--namespace", NAMESPACE]).args(arguments);
    let output = command.output().during("run kubectl")?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("kubectl {arguments:?}: {errors}")))
}
