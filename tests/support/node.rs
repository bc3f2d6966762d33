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
mod settings;
mod space;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::{Api, Client, Config};
use tokio::sync::OnceCell;

use super::control_plane::{client_of, read_config};
use super::failure::{Failure, Outcome};
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
        let archives = images::all(&programs)?;
        Self::start_with(programs, &archives).await
    }

    /// The same with some of the images, by the beginnings of their archives' names, and with
    /// further archives.
    pub(crate) async fn start_with_images(names: &[&str], further: &[PathBuf]) -> Outcome<Self> {
        let programs = Programs::find()?;
        let mut archives = images::all(&programs)?;
        archives.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            names.iter().any(|begin| name.starts_with(begin))
        });
        if archives.len() != names.len() {
            let told = format!("of the images {names:?} there are only {archives:?}");
            return Err(Failure::new(told));
        }
        archives.extend_from_slice(further);
        Self::start_with(programs, &archives).await
    }

    async fn start_with(programs: Programs, archives: &[PathBuf]) -> Outcome<Self> {
        let space = Space::open().await?;
        let gate = Gate::open(&space, (NODE, API_SERVER).into())?;
        settings::write(&space, gate.outside)?;
        let components = Components::new(&space, &programs);
        components.start_first()?;
        let config = read_config(&space.folder).await?;
        let client = client_of(&config)?;
        components.containerd(START).await?;
        let images = images::import(&space, &programs, archives)?;
        components
            .until("the API server", START, async || answers(&client).await)
            .await?;
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
