//! The programs of a cluster and the flags that they are started with.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::settings::{API_SERVER, NODE_NAME, Programs, SERVICES};
use super::space::{NODE, NODE_IPV6, Space};
use crate::support::failure::{Failure, Outcome};
use crate::support::logs;
use crate::support::wait::wait_until;

/// The program that everything else asks.
const API_SERVER_NAME: &str = "kube-apiserver";

/// Starts programs in a space.
pub(crate) struct Components<'a> {
    space: &'a Space,
    programs: &'a Programs,
}

impl<'a> Components<'a> {
    /// Nothing is started yet.
    pub(crate) fn new(space: &'a Space, programs: &'a Programs) -> Self {
        Self { space, programs }
    }

    fn file(&self, name: &str) -> String {
        self.space.folder.join(name).display().to_string()
    }

    /// containerd, etcd and the API server, which itself waits for etcd.
    pub(crate) fn start_first(&self) -> Outcome {
        let flags = vec![format!("--config={}", self.file("containerd.toml"))];
        self.start("containerd", &flags)?;
        let etcd = etcd_flags(&self.file("etcd"));
        self.start("etcd", &etcd)?;
        self.start_api_server()
    }

    /// The API server alone.
    pub(crate) fn start_api_server(&self) -> Outcome {
        self.start(API_SERVER_NAME, &self.api_server_flags())
    }

    /// Kills the API server and starts it again.
    pub(crate) async fn restart_api_server(&self) -> Outcome {
        self.space.kill(API_SERVER_NAME).await?;
        self.start_api_server()
    }

    /// What needs the API server. `kube-scheduler` and others have ports for health and
    /// metrics which nobody asks here.
    pub(crate) fn start_second(&self) -> Outcome {
        let admin = format!("--kubeconfig={}", self.file("kubeconfig-inside"));
        let flags = [
            admin.clone(),
            format!(
                "--service-account-private-key-file={}",
                self.file("service-accounts.key")
            ),
            format!("--root-ca-file={}", self.file("ca.crt")),
            "--leader-elect=false".to_owned(),
            "--use-service-account-credentials=false".to_owned(),
            "--controllers=*".to_owned(),
        ];
        self.start("kube-controller-manager", &flags)?;
        self.start(
            "kube-scheduler",
            &[admin.clone(), "--leader-elect=false".to_owned()],
        )?;
        let flags = [
            admin,
            "--proxy-mode=iptables".to_owned(),
            "--conntrack-max-per-core=0".to_owned(),
            format!("--hostname-override={NODE_NAME}"),
        ];
        self.start("kube-proxy", &flags)
    }

    /// The kubelet, which needs containerd.
    pub(crate) fn start_kubelet(&self) -> Outcome {
        let flags = [
            format!("--config={}", self.file("kubelet.json")),
            format!("--kubeconfig={}", self.file("kubeconfig-kubelet")),
            format!("--root-dir={}", self.file("kubelet")),
            format!("--cert-dir={}", self.file("kubelet-certificates")),
            format!("--hostname-override={NODE_NAME}"),
            format!("--node-ip={NODE_IPV6},{NODE}"),
        ];
        self.start("kubelet", &flags)
    }

    fn api_server_flags(&self) -> Vec<String> {
        let mut flags: Vec<String> = [
            "--etcd-servers=http://127.0.0.1:2379",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--kubelet-preferred-address-types=InternalIP",
            // Webhooks are called at the addresses of ready pods.
            "--enable-aggregator-routing=true",
            "--service-account-issuer=https://kubernetes.default.svc",
        ]
        .map(str::to_owned)
        .to_vec();
        flags.push(format!("--bind-address={NODE}"));
        flags.push(format!("--advertise-address={NODE}"));
        flags.push(format!("--secure-port={API_SERVER}"));
        flags.push(format!("--service-cluster-ip-range={}", SERVICES.0));
        for (flag, name) in [
            ("cert-dir", "api-server"),
            ("client-ca-file", "ca.crt"),
            ("tls-cert-file", "api-server.crt"),
            ("tls-private-key-file", "api-server.key"),
            ("kubelet-client-certificate", "admin.crt"),
            ("kubelet-client-key", "admin.key"),
            ("service-account-key-file", "service-accounts.pub"),
            ("service-account-signing-key-file", "service-accounts.key"),
        ] {
            flags.push(format!("--{flag}={}", self.file(name)));
        }
        flags
    }

    fn start(&self, name: &str, flags: &[String]) -> Outcome {
        let mut command = self.space.inside(self.programs.path(name));
        // containerd finds its shim beside itself, and everybody runc and iptables.
        let path = [
            self.programs.programs(),
            PathBuf::from("/usr/sbin:/usr/bin:/sbin:/bin"),
        ];
        let path = path.map(|part| part.display().to_string()).join(":");
        command.args(flags).env("PATH", path);
        self.space.start(name, &mut command)
    }

    /// Waits until containerd takes connections.
    pub(crate) async fn containerd(&self, bound: Duration) -> Outcome {
        let socket = self.space.folder.join("containerd.sock");
        let connects = async || {
            let connected = UnixStream::connect(&socket);
            connected.map(drop).map_err(|error| error.to_string())
        };
        self.until("containerd", bound, connects).await
    }

    /// Waits for `probe`, or fails as soon as one of the programs ends, with its last words.
    pub(crate) async fn until(
        &self,
        what: &str,
        bound: Duration,
        mut probe: impl AsyncFnMut() -> Result<(), String>,
    ) -> Outcome {
        let waited = wait_until(what, bound, async || {
            if let Some(failure) = self.space.ended() {
                return Ok(Err(failure));
            }
            probe().await.map(Ok)
        })
        .await;
        waited.unwrap_or_else(|failure| {
            let tails: Vec<_> = ["kube-apiserver", "containerd", "kubelet"]
                .map(|name| format!("{name}:\n{}", logs::tail(&self.space.log(name))))
                .into();
            let tails = tails.join("\n");
            Err(Failure::new(format!("{failure}; last lines of {tails}")))
        })
    }
}

fn etcd_flags(data: &str) -> Vec<String> {
    vec![
        format!("--data-dir={data}"),
        // Nothing here outlives a test, so it need not wait for the disk.
        "--unsafe-no-fsync=true".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}
