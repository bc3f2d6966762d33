//! A whole cluster with a real node: containers really run on it.
//!
//! etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet,
//! containerd and runc, in Linux namespaces of their own (network, mounts, processes): the
//! cluster has the machine's kernel and files, and nothing else of it. Nothing of it can be
//! reached from outside, it reaches nothing outside, and with the first process of its
//! namespaces all of it ends: pods, mounts, interfaces.
//!
//! It needs root, and what `tests/cluster/build.sh` makes.

mod components;
mod gate;
mod images;
pub(crate) mod networks;
mod settings;
mod space;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::{Api, Client, Config};
use tokio::sync::OnceCell;

use crate::support::control_plane::{client_of, read_config};
use crate::support::failure::{During, Failure, Outcome};
use components::Components;
use gate::Gate;
use settings::{API_SERVER, NODE_NAME, Programs};
use space::Space;

pub(crate) use space::NODE;

/// From start to a ready node takes some seconds on an idle machine; busy ones get their time.
const START: Duration = Duration::from_mins(3);

/// A running cluster with one node. It ends when this value is dropped, and at the latest
/// when this process ends.
pub(crate) struct Cluster {
    config: Config,
    programs: Programs,
    space: Space,
    /// The way to the API server from outside.
    _gate: Gate,
}

impl Cluster {
    /// The cluster of this test binary, started by whichever test asks first. A failed start
    /// is tried once and then told to every test.
    pub(crate) async fn shared() -> Outcome<&'static Self> {
        static SHARED: OnceCell<Result<Cluster, String>> = OnceCell::const_new();
        SHARED
            .get_or_init(async || Self::start().await.map_err(|failure| failure.to_string()))
            .await
            .as_ref()
            .map_err(Failure::new)
    }

    /// Starts a cluster and waits until its node is ready and has every image.
    pub(crate) async fn start() -> Outcome<Self> {
        let programs = Programs::find()?;
        let space = Space::open().await?;
        let gate = Gate::open(&space, (NODE, API_SERVER).into())?;
        settings::write(&space, gate.outside)?;
        let components = Components::new(&space, &programs);
        components.start_first()?;
        let config = read_config(&space.folder).await?;
        let client = client_of(&config)?;
        components.containerd(START).await?;
        let images = images::import(&space, &programs)?;
        components
            .until("the API server", START, async || answers(&client).await)
            .await?;
        networks::create(&client).await?;
        components.start_second()?;
        components.start_kubelet()?;
        components
            .until("a ready node", START, async || ready(&client).await)
            .await?;
        images.finish(START).await?;
        Ok(Self {
            config,
            programs,
            space,
            _gate: gate,
        })
    }

    /// Brings the images of a folder of archives to the node.
    pub(crate) async fn import(&self, folder: &Path) -> Outcome {
        let import = images::import_from(&self.space, &self.programs, folder, "more-images")?;
        import.finish(START).await
    }

    /// Kills the API server, starts it again, and waits until it answers.
    pub(crate) async fn restart_api_server(&self) -> Outcome {
        let components = Components::new(&self.space, &self.programs);
        components.restart_api_server().await?;
        let client = self.client()?;
        components
            .until("the API server", START, async || answers(&client).await)
            .await
    }

    /// Ends a container as a crash would.
    pub(crate) fn kill_container(&self, id: &str) -> Outcome {
        let id = id.trim_start_matches("containerd://");
        let mut command = self.space.inside(self.programs.path("ctr"));
        command
            .arg("--address")
            .arg(self.space.folder.join("containerd.sock"))
            .args([
                "--namespace",
                "k8s.io",
                "tasks",
                "kill",
                "--signal",
                "SIGKILL",
                id,
            ]);
        let output = command.output().during("run ctr")?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!(
            "failed to kill a container: {errors}"
        )))
    }

    /// A client with all rights. Each test needs its own, because a client belongs to the
    /// runtime that made it.
    pub(crate) fn client(&self) -> Outcome<Client> {
        client_of(&self.config)
    }

    /// A kubeconfig file with all rights that works outside the namespaces, for Helm and the
    /// like.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.space.folder.join("kubeconfig")
    }

    /// `kubectl`, of the cluster's own version and with all rights.
    pub(crate) fn kubectl(&self) -> Command {
        let mut command = Command::new(self.programs.path("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command
    }

    /// A folder that goes with this cluster.
    pub(crate) fn folder(&self) -> &Path {
        &self.space.folder
    }

    /// The namespaces of this cluster.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }
}

async fn answers(client: &Client) -> Result<(), String> {
    let request = axum::http::Request::get("/readyz").body(Vec::new());
    let request = request.map_err(|error| error.to_string())?;
    let answer = client.request_text(request).await;
    answer.map(drop).map_err(|error| error.to_string())
}

/// Whether the node is ready and pods can be created.
async fn ready(client: &Client) -> Result<(), String> {
    let nodes: Api<Node> = Api::all(client.clone());
    let node = nodes
        .get(NODE_NAME)
        .await
        .map_err(|error| error.to_string())?;
    let conditions = node.status.and_then(|status| status.conditions);
    let conditions = conditions.unwrap_or_default();
    let ready = conditions
        .iter()
        .find(|condition| condition.type_ == "Ready");
    let ready = ready.ok_or("no condition Ready")?;
    if ready.status != "True" {
        return Err(ready.message.clone().unwrap_or_default());
    }
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    let account = accounts.get("default").await;
    account.map(drop).map_err(|error| error.to_string())
}
