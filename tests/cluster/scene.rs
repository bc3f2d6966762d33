//! What every test begins with, a namespace on the cluster, and what it does there.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};

use crate::cluster::node::Cluster;
use crate::cluster::webhook::{cluster, program};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_pausing;

/// A pod starts in a second or two; many start at once, on busy machines.
pub(crate) const SOON: Duration = Duration::from_secs(150);

/// Between two looks at a pod: the API server works for every look.
const PAUSE: Duration = Duration::from_millis(400);

/// A namespace whose pods are injected and run.
pub(crate) struct Scene {
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: Namespace,
}

impl Scene {
    /// Opens a scene in a namespace that enforces the Pod Security level *restricted*.
    pub(crate) async fn open(prefix: &str) -> Outcome<Self> {
        Self::with_level(prefix, "restricted").await
    }

    /// Opens a scene in a namespace that enforces another level.
    pub(crate) async fn with_level(prefix: &str, level: &str) -> Outcome<Self> {
        let cluster = cluster().await?;
        let labels = [("pod-security.kubernetes.io/enforce", level)];
        let namespace = Namespace::create(&cluster.client()?, prefix, &labels, &[]).await?;
        Ok(Self { cluster, namespace })
    }

    /// Creates an object; the webhook injects pods.
    pub(crate) async fn create(&self, object: &Value) -> Outcome {
        let kind = object["kind"].as_str().unwrap_or_default();
        let (group, plural) = match kind {
            "Pod" => ("api/v1", "pods"),
            "Service" => ("api/v1", "services"),
            "ConfigMap" => ("api/v1", "configmaps"),
            "Secret" => ("api/v1", "secrets"),
            "Job" => ("apis/batch/v1", "jobs"),
            _ => return Err(Failure::new(format!("the tests create no {kind}"))),
        };
        let path = format!("/{group}/namespaces/{}/{plural}", self.namespace.name);
        let answer = raw::post(&self.namespace.client, &path, object).await?;
        if answer.granted() {
            return Ok(());
        }
        let message = answer.message();
        Err(Failure::new(format!(
            "failed to create a {kind}: {message}"
        )))
    }

    /// What `pillion inject` makes of an object in a namespace with these annotations.
    pub(crate) fn inject(&self, annotations: &Value, object: &Value) -> Outcome<Value> {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self.namespace.name, "annotations": annotations},
        });
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [namespace, object]});
        let mut command = Command::new(program());
        command
            .args(["inject", "--output", "json", "--namespace"])
            .arg(&self.namespace.name);
        let output = run(&mut command, &list.to_string())?;
        let list: Value = serde_json::from_str(&output).during("read what inject wrote")?;
        Ok(list["items"][1].clone())
    }

    /// Looks at a pod until `probe` returns something, which it does not while it says what
    /// else it saw. A failure tells the state of the pod and what its containers wrote.
    pub(crate) async fn until<T>(
        &self,
        pod: &str,
        what: &str,
        mut probe: impl FnMut(&Pod) -> Result<T, String>,
    ) -> Outcome<T> {
        let pods = self.namespace.api::<Pod>();
        let what = format!("{pod}: {what}");
        let waited = wait_pausing(PAUSE, &what, SOON, async || {
            let found = pods.get(pod).await.map_err(|error| error.to_string())?;
            match probe(&found) {
                // No test's pod is started again, so nothing else will come.
                Err(seen) if phase(&found) == "Failed" => {
                    Ok(Err(Failure::new(format!("{what}: {seen}, and it failed"))))
                }
                other => other.map(Ok),
            }
        });
        match waited.await.flatten() {
            Ok(value) => Ok(value),
            Err(failure) => Err(self.told(pod, failure).await),
        }
    }

    /// Waits until all containers of a pod are ready.
    pub(crate) async fn ready(&self, pod: &str) -> Outcome {
        self.until(pod, "ready", |pod| {
            let status = pod.status.clone().unwrap_or_default();
            let conditions = status.conditions.unwrap_or_default();
            let is = |of: &str| {
                conditions
                    .iter()
                    .any(|one| one.type_ == of && one.status == "True")
            };
            is("Ready")
                .then_some(())
                .ok_or_else(|| "not ready".to_owned())
        })
        .await
    }

    /// Waits until a pod has come to this phase.
    pub(crate) async fn phase(&self, pod: &str, wanted: &str) -> Outcome {
        self.until(pod, wanted, |pod| {
            let seen = phase(pod);
            if seen == wanted { Ok(()) } else { Err(seen) }
        })
        .await
    }

    /// Waits until a Job is complete, and returns the name of its pod.
    pub(crate) async fn job_completes(&self, name: &str) -> Outcome<String> {
        let jobs = self.namespace.api::<Job>();
        let what = format!("Job {name} to complete");
        let waited = wait_pausing(PAUSE, &what, SOON, async || {
            let job = jobs.get(name).await.map_err(|error| error.to_string())?;
            let status = job.status.unwrap_or_default();
            match status.succeeded {
                Some(1) => Ok(()),
                _ => Err(format!("{status:?}")),
            }
        });
        let waited = waited.await;
        let pods = self
            .namespace
            .api::<Pod>()
            .list(&ListParams::default().labels(&format!("job-name={name}")))
            .await;
        let pods = pods.during("list the pods of a Job")?;
        let pod = pods.items.first().map(ResourceExt::name_any);
        let pod = pod.ok_or_else(|| Failure::new(format!("Job {name} has no pod")))?;
        match waited {
            Ok(()) => Ok(pod),
            Err(failure) => Err(self.told(&pod, failure).await),
        }
    }

    /// Waits until a container's log holds `text`, and returns the log.
    pub(crate) async fn log_has(&self, pod: &str, container: &str, text: &str) -> Outcome<String> {
        let what = format!("{text:?} in the log of {pod}/{container}");
        let waited = wait_pausing(PAUSE, &what, SOON, async || {
            let log = self
                .log(pod, container)
                .await
                .map_err(|error| error.to_string())?;
            if log.contains(text) {
                Ok(log)
            } else {
                Err(log)
            }
        });
        match waited.await {
            Ok(log) => Ok(log),
            Err(failure) => Err(self.told(pod, failure).await),
        }
    }

    /// What a container has written so far.
    pub(crate) async fn log(&self, pod: &str, container: &str) -> Outcome<String> {
        let parameters = LogParams {
            container: Some(container.to_owned()),
            ..LogParams::default()
        };
        let log = self.namespace.api::<Pod>().logs(pod, &parameters).await;
        log.during(&format!("read the log of {pod}/{container}"))
    }

    /// A `kubectl` command in this namespace.
    pub(crate) fn kubectl(&self) -> Command {
        let mut command = self.cluster.kubectl();
        command.args(["--namespace", &self.namespace.name]);
        command
    }

    /// Runs a script in a container; its output, or a failure with what it wrote.
    pub(crate) fn exec(&self, pod: &str, container: &str, script: &str) -> Outcome<String> {
        let mut command = self.kubectl();
        command.args(["exec", pod, "--container", container, "--"]);
        command.args(["timeout", "150", "sh", "-c", script]);
        run(&mut command, "")
    }

    /// Follows a container's log from now on, which lasts until the container ends.
    pub(crate) fn follow(&self, pod: &str, container: &str) -> Outcome<Follower> {
        let mut command = self.kubectl();
        command.args(["logs", "--follow", pod, "--container", container]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Follower(command.spawn().during("follow a log")?))
    }

    /// The seconds of this machine's clock, which is also the containers'.
    pub(crate) fn clock() -> Outcome<u64> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(now.during("read the clock")?.as_secs())
    }

    /// The address of a pod that has one.
    pub(crate) async fn address(&self, pod: &str) -> Outcome<String> {
        self.until(pod, "an address", |pod| {
            let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
            address.ok_or_else(|| "none".to_owned())
        })
        .await
    }

    /// Adds the pod's status and logs to a failure.
    async fn told(&self, pod: &str, failure: Failure) -> Failure {
        let found = self.namespace.api::<Pod>().get(pod).await.ok();
        let Some(status) = found.and_then(|found| found.status) else {
            return failure;
        };
        let mut message = failure.to_string();
        for container in statuses(&status) {
            let name = &container.name;
            let log = self.log(pod, name).await.unwrap_or_default();
            let state = serde_json::to_string(&container.state).unwrap_or_default();
            message.extend(["\n", name, ": ", &state, "\n", &log]);
        }
        Failure::new(message)
    }
}

fn phase(pod: &Pod) -> String {
    let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
    phase.unwrap_or_default()
}

/// A log that is being followed; see [`Scene::follow`].
pub(crate) struct Follower(Child);

impl Follower {
    /// Waits for the end of the container, which a grace period bounds, and returns its log.
    pub(crate) fn read(self) -> Outcome<String> {
        let output = self.0.wait_with_output().during("read a log")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The status of every container of a pod, init containers first.
pub(crate) fn statuses(
    status: &k8s_openapi::api::core::v1::PodStatus,
) -> impl Iterator<Item = &ContainerStatus> {
    let first = status.init_container_statuses.iter().flatten();
    first.chain(status.container_statuses.iter().flatten())
}

/// Runs a command on `input`: its output, or a failure with all that it wrote.
pub(crate) fn run(command: &mut Command, input: &str) -> Outcome<String> {
    let program = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .during(&format!("start {program}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(input.as_bytes())
            .during(&format!("write to {program}"))?;
    }
    let output = child.wait_with_output().during(&format!("run {program}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    Err(Failure::new(format!("{program}: {status}: {text}{errors}")))
}
