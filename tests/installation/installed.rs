//! The chart, installed, changed and removed with Helm.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::cluster::node::Cluster;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;

/// The variable that names a folder with `helm`.
const TOOLS: &str = "PILLION_CHART_TOOLS";

/// The variable that names a folder with the archive of Pillion's image.
const IMAGE: &str = "PILLION_IMAGE";

/// Pillion's namespace, which enforces the Pod Security level *restricted*.
pub(crate) const NAMESPACE: &str = "pillion-system";

/// A rollout takes seconds, of which draining is most.
pub(crate) const ROLLOUT: Duration = Duration::from_mins(3);

/// The chart, as in the repository.
fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart/pillion")
}

/// Pillion on a cluster of its own.
pub(crate) struct Installation {
    pub(crate) cluster: Cluster,
    helm: PathBuf,
}

impl Installation {
    /// Starts a cluster, brings the image to it, and installs the chart.
    pub(crate) async fn install() -> Outcome<Self> {
        let folder = |variable: &str| {
            let folder = std::env::var_os(variable).map(PathBuf::from);
            folder
                .ok_or_else(|| Failure::new(format!("{variable} is not set: run `make test-node`")))
        };
        let (tools, image) = (folder(TOOLS)?, folder(IMAGE)?);
        let cluster = Cluster::start().await?;
        cluster.import(&image).await?;
        let installation = Self {
            cluster,
            helm: tools.join("helm"),
        };
        let client = installation.cluster.client()?;
        let restricted = [("pod-security.kubernetes.io/enforce", "restricted")];
        Namespace::named(&client, NAMESPACE, &restricted, &[]).await?;
        installation.helm(&["install", "pillion", "CHART"], &[])?;
        installation.settled().await?;
        Ok(installation)
    }

    /// Changes values of the release.
    pub(crate) fn upgrade(&self, values: &[&str]) -> Outcome {
        self.helm(&["upgrade", "pillion", "CHART"], values)
            .map(drop)
    }

    /// The chart's manifests, as somebody would keep them in a repository of their own.
    pub(crate) fn manifests(&self) -> Outcome<String> {
        self.helm(&["template", "pillion", "CHART", "--skip-tests"], &[])
    }

    /// Runs Helm with the values of this proof and some more.
    fn helm(&self, arguments: &[&str], values: &[&str]) -> Outcome<String> {
        let mut command = Command::new(&self.helm);
        for argument in arguments {
            match *argument {
                "CHART" => command.arg(chart()),
                other => command.arg(other),
            };
        }
        command
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .args(["--namespace", NAMESPACE])
            .env("HOME", self.cluster.folder())
            .env("HELM_CACHE_HOME", self.cluster.folder().join("helm"));
        if arguments.contains(&"CHART") {
            for value in VALUES.iter().chain(values) {
                command.args(["--set", value]);
            }
        }
        let output = command.output().during("run helm")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("helm {arguments:?}: {errors}")))
    }

    /// Pillion's pods that are not ending.
    pub(crate) async fn pods(&self) -> Outcome<Vec<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.cluster.client()?, NAMESPACE);
        let wanted = ListParams::default().labels("app.kubernetes.io/name=pillion");
        let pods = api.list(&wanted).await.during("list Pillion's pods")?;
        let lives = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(pods.items.into_iter().filter(lives).collect())
    }

    /// Waits until as many pods of the newest kind are ready as are wanted, and no other is left.
    pub(crate) async fn settled(&self) -> Outcome {
        let api: Api<Deployment> = Api::namespaced(self.cluster.client()?, NAMESPACE);
        let waited = wait_until("Pillion's pods to be ready", ROLLOUT, async || {
            let found = api
                .get("pillion")
                .await
                .map_err(|error| error.to_string())?;
            let status = found.status.clone().unwrap_or_default();
            let wanted = found.spec.replicas;
            let settled = status.observed_generation == found.metadata.generation
                && status.updated_replicas == wanted
                && status.ready_replicas == wanted
                && status.replicas == wanted;
            settled.then_some(()).ok_or_else(|| format!("{status:?}"))
        });
        match waited.await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.told(failure).await),
        }
    }

    /// What one of Pillion's pods has written so far.
    pub(crate) fn log(&self, pod: &str) -> Outcome<String> {
        let mut command = self.cluster.kubectl();
        command.args(["--namespace", NAMESPACE, "logs", pod]);
        let output = command.output().during("run kubectl logs")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Adds what Pillion's pods say to a failure.
    pub(crate) async fn told(&self, failure: Failure) -> Failure {
        let mut message = failure.to_string();
        for pod in self.pods().await.unwrap_or_default() {
            let name = pod.name_any();
            let log = self.log(&name).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = lines
                .get(lines.len().saturating_sub(60)..)
                .unwrap_or_default()
                .join("\n");
            let status = serde_json::to_string(&pod.status).unwrap_or_default();
            message.extend(["\n", &name, ": ", &status, "\n", &last]);
        }
        Failure::new(message)
    }

    /// Removes the release; then nothing of ours is in the way of a pod that asks.
    pub(crate) async fn uninstall(self, namespace: &Namespace) -> Outcome {
        self.helm(&["uninstall", "pillion", "--wait"], &[])?;
        for (group, kind) in [
            (
                "admissionregistration.k8s.io",
                "mutatingwebhookconfigurations",
            ),
            (
                "admissionregistration.k8s.io",
                "validatingwebhookconfigurations",
            ),
            (
                "admissionregistration.k8s.io",
                "validatingadmissionpolicies",
            ),
            (
                "admissionregistration.k8s.io",
                "validatingadmissionpolicybindings",
            ),
            ("rbac.authorization.k8s.io", "clusterroles"),
            ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ] {
            let list = raw::get(&namespace.client, &format!("/apis/{group}/v1/{kind}")).await?;
            let items = list.body["items"].as_array().cloned().unwrap_or_default();
            let ours = |item: &&Value| {
                item["metadata"]["name"]
                    .as_str()
                    .is_some_and(|name| name.contains("pillion"))
            };
            let left: Vec<_> = items
                .iter()
                .filter(ours)
                .map(|item| &item["metadata"]["name"])
                .collect();
            assert!(left.is_empty(), "left behind: {kind} {left:?}");
        }
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "after", "annotations": {"pillion.dev/inject": "helper"}},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        });
        let path = format!("/api/v1/namespaces/{}/pods", namespace.name);
        wait_until("pods without Pillion", ROLLOUT, async || {
            let answer = raw::post(&namespace.client, &path, &pod).await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            answer
                .granted()
                .then_some(())
                .ok_or_else(|| answer.message().to_owned())
        })
        .await?;
        // Templates belong to their authors: they and their kind stay.
        let kept = raw::get(
            &namespace.client,
            "/apis/pillion.dev/v1alpha1/clusterinjectiontemplates/helper",
        );
        assert!(kept.await?.granted(), "the template is gone");
        Ok(())
    }
}

/// Values of this proof: the image that was brought, and what promises that no pod comes out bare.
const VALUES: [&str; 6] = [
    "image.pullPolicy=Never",
    "replicas=2",
    "requireInjection.enabled=true",
    "resources.requests.cpu=10m",
    "shutdown.drainSeconds=5",
    "shutdown.seconds=15",
];
