//! A real control plane, started for one test binary and shared by its tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::sync::OnceCell;

use super::failure::{During, Failure, Outcome};
use super::launch::{Launch, Ports};
use super::processes::ProcessGroup;
use super::wait::wait_until;

/// From start to ready takes about three seconds; busy machines get their time.
const START: Duration = Duration::from_secs(90);

/// How often a clash of ports is tried again.
const ATTEMPTS: u32 = 3;

/// What differs between control planes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Keep an audit log of pod creations, see [`ControlPlane::audit_log`].
    pub(crate) audit: bool,
}

/// A running etcd, kube-apiserver and kube-controller-manager.
///
/// They end when this value is dropped, and at the latest when this process ends.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    folder: PathBuf,
    config: Config,
    launch: Launch,
    processes: ProcessGroup,
}

impl ControlPlane {
    /// The control plane of this test binary, started by whichever test asks first, with
    /// an audit log. A failed start is tried once and then told to every test.
    pub(crate) async fn shared() -> Outcome<&'static Self> {
        static SHARED: OnceCell<Result<ControlPlane, String>> = OnceCell::const_new();
        SHARED
            .get_or_init(async || {
                let started = Self::start(Options { audit: true }).await;
                started.map_err(|failure| failure.to_string())
            })
            .await
            .as_ref()
            .map_err(Failure::new)
    }

    /// Starts a control plane and waits until pods can be created.
    pub(crate) async fn start(options: Options) -> Outcome<Self> {
        let mut attempt = 1;
        loop {
            match Self::try_start(options).await {
                Err(failure) if attempt < ATTEMPTS && is_clash(&failure) => attempt += 1,
                result => return result,
            }
        }
    }

    async fn try_start(options: Options) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pillion-control-plane-")
            .tempdir()
            .during("make a folder for the control plane")?
            // From here on the process group removes it: that works without `Drop` too.
            .keep();
        let mut processes = ProcessGroup::new(&folder)?;
        let launch = Launch::prepare(&folder, Ports::free()?)?;
        launch.etcd(&mut processes)?;
        launch.api_server(&mut processes, options.audit)?;
        let config = read_config(&folder).await?;
        let client = client_of(&config)?;
        until(&launch, &mut processes, "the API server", async || {
            let request = axum::http::Request::get("/readyz").body(Vec::new());
            let request = request.map_err(|error| error.to_string())?;
            let answer = client.request_text(request).await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await?;
        launch.controller_manager(&mut processes)?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
        until(&launch, &mut processes, "the controllers", async || {
            let account = accounts.get("default").await;
            account.map(drop).map_err(|error| error.to_string())
        })
        .await?;
        Ok(Self {
            folder,
            config,
            launch,
            processes,
        })
    }

    /// Kills the API server, does something while there is none, and starts it again, without an
    /// audit log. Waits until it answers.
    pub(crate) async fn restart_api_server(
        &mut self,
        meanwhile: impl AsyncFnOnce() -> Outcome,
    ) -> Outcome {
        let name = "kube-apiserver";
        self.processes.kill(name)?;
        meanwhile().await?;
        self.launch.api_server(&mut self.processes, false)?;
        let client = self.client()?;
        until(
            &self.launch,
            &mut self.processes,
            "the API server",
            async || {
                let request = axum::http::Request::get("/readyz").body(Vec::new());
                let request = request.map_err(|error| error.to_string())?;
                let answer = client.request_text(request).await;
                answer.map(drop).map_err(|error| error.to_string())
            },
        )
        .await
    }

    /// A client with all rights. Each test needs its own, because a client belongs to the
    /// runtime that made it.
    pub(crate) fn client(&self) -> Outcome<Client> {
        client_of(&self.config)
    }

    /// A client that acts as somebody else: a user of these groups.
    pub(crate) fn client_as(&self, user: &str, groups: &[&str]) -> Outcome<Client> {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(user.to_owned());
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        config.auth_info.impersonate_groups = Some(groups);
        client_of(&config)
    }

    /// A kubeconfig file with all rights, for `kubectl` and the like.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The URL at which etcd answers everybody.
    pub(crate) fn etcd(&self) -> String {
        self.launch.etcd_url()
    }

    /// One JSON document per pod creation (`audit.k8s.io/v1`, level Metadata); present only
    /// with [`Options::audit`].
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    /// The id of the process group, all of which ends with this value.
    pub(crate) fn group(&self) -> u32 {
        self.processes.id()
    }

    /// The folder of data, certificates and logs; it is removed with this value.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Waits for `probe`, or fails as soon as one of the programs ends, with its last words.
async fn until(
    launch: &Launch,
    processes: &mut ProcessGroup,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<(), String>,
) -> Outcome {
    // The outer result ends the waiting, the inner one is what it ended with.
    let waited = wait_until(what, START, async || {
        if let Some((name, status)) = processes.ended() {
            let tail = launch.tail(name);
            return Ok(Err(Failure::new(format!(
                "{name} ended while it started ({status}); its last lines:\n{tail}"
            ))));
        }
        probe().await.map(Ok)
    })
    .await;
    waited.unwrap_or_else(|failure| {
        let tail = launch.tail("kube-apiserver");
        Err(Failure::new(format!(
            "{failure}; the API server's last lines:\n{tail}"
        )))
    })
}

fn is_clash(failure: &Failure) -> bool {
    failure.to_string().contains("address already in use")
}

/// Reads the file `kubeconfig` in `folder`.
pub(crate) async fn read_config(folder: &Path) -> Outcome<Config> {
    let file =
        Kubeconfig::read_from(folder.join("kubeconfig")).during("read the new kubeconfig")?;
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .during("use the new kubeconfig")
}

/// A client of the API server that `config` names.
pub(crate) fn client_of(config: &Config) -> Outcome<Client> {
    // Fails where another test has installed it already, which is just as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::try_from(config.clone()).during("make a client of the API server")
}
