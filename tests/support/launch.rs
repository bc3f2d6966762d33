//! How the three programs of a control plane are started: their files, ports and flags.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::KeyPair;
use serde_json::json;

use super::certificates::Authority;
use super::failure::{During, Failure, Outcome};
use super::logs;
use super::processes::ProcessGroup;

/// The variable that names the folder of the programs, which `tests/control-plane/build.sh` prints.
const PROGRAMS: &str = "PILLION_CONTROL_PLANE";

/// Pod creations, and only who, what and the annotations: the API server notes there which
/// webhook it called in which round. And what an installed Pillion asks for.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create]
    resources: [{group: '', resources: [pods]}]
  - level: Metadata
    users: ['system:serviceaccount:pillion-system:pillion']
  - level: None
";

/// Loopback ports of one control plane.
#[derive(Debug)]
pub(crate) struct Ports {
    etcd: u16,
    etcd_peer: u16,
    api_server: u16,
}

impl Ports {
    /// Ports that are free now. Another process can take one before it is bound again, so
    /// whoever starts the control plane tries more than once.
    pub(crate) fn free() -> Outcome<Self> {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).during("bind a loopback port");
        // All three are held until the last is chosen, so that they differ.
        let held = [bind()?, bind()?, bind()?];
        let port = |listener: &TcpListener| {
            let address = listener.local_addr().during("read a loopback port")?;
            Ok(address.port())
        };
        let [etcd, etcd_peer, api_server] = &held;
        Ok(Self {
            etcd: port(etcd)?,
            etcd_peer: port(etcd_peer)?,
            api_server: port(api_server)?,
        })
    }
}

/// One control plane about to run: its folder and its ports.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Holds data, certificates and logs.
    pub(crate) folder: PathBuf,
    ports: Ports,
    programs: PathBuf,
}

impl Launch {
    /// Writes certificates, keys and the kubeconfig into `folder`.
    pub(crate) fn prepare(folder: &Path, ports: Ports) -> Outcome<Self> {
        let launch = Self {
            folder: folder.to_owned(),
            ports,
            programs: programs()?,
        };
        let authority = Authority::new("pillion-test-control-plane")?;
        let serving = authority.serving(&["127.0.0.1", "localhost"])?;
        let admin = authority.client("admin", "system:masters")?;
        let tokens = KeyPair::generate().during("make the key of service accounts")?;
        for (name, content) in [
            ("ca.crt", authority.pem()),
            ("api-server.crt", &serving.certificate),
            ("api-server.key", &serving.key),
            ("admin.crt", &admin.certificate),
            ("admin.key", &admin.key),
            ("service-accounts.key", &tokens.serialize_pem()),
            // The API server reads an elliptic key as PKCS #8 to sign, but not to verify.
            ("service-accounts.pub", &tokens.public_key_pem()),
            ("audit-policy.yaml", AUDIT_POLICY),
            (
                "kubeconfig",
                &kubeconfig(folder, &launch.address(), "admin"),
            ),
        ] {
            fs::write(launch.folder.join(name), content).during(&format!("write {name}"))?;
        }
        Ok(launch)
    }

    fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api_server)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Where etcd answers.
    pub(crate) fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.etcd)
    }

    /// Starts etcd. Nothing here outlives a test, so it need not wait for the disk.
    pub(crate) fn etcd(&self, processes: &mut ProcessGroup) -> Outcome {
        let client = self.etcd_url();
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        self.start(
            processes,
            "etcd",
            &[
                format!("--data-dir={}", self.file("etcd")),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                "--unsafe-no-fsync=true".to_owned(),
                "--log-level=warn".to_owned(),
            ],
        )
    }

    /// Starts the API server, which itself waits for etcd. The `ServiceAccount` admission
    /// plugin stays on: its mounts are why a webhook is called a second time.
    pub(crate) fn api_server(&self, processes: &mut ProcessGroup, audit: bool) -> Outcome {
        let mut flags = vec![
            format!("--etcd-servers={}", self.etcd_url()),
            format!("--secure-port={}", self.ports.api_server),
            "--bind-address=127.0.0.1".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            format!("--cert-dir={}", self.folder.display()),
            format!("--client-ca-file={}", self.file("ca.crt")),
            format!("--tls-cert-file={}", self.file("api-server.crt")),
            format!("--tls-private-key-file={}", self.file("api-server.key")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        ];
        flags.push(format!(
            "--service-account-key-file={}",
            self.file("service-accounts.pub")
        ));
        flags.push(format!(
            "--service-account-signing-key-file={}",
            self.file("service-accounts.key")
        ));
        if audit {
            flags.push(format!(
                "--audit-policy-file={}",
                self.file("audit-policy.yaml")
            ));
            flags.push(format!("--audit-log-path={}", self.file("audit.log")));
        }
        self.start(processes, "kube-apiserver", &flags)
    }

    /// Starts the controllers: Deployments make `ReplicaSet`s, those and Jobs make pods.
    pub(crate) fn controller_manager(&self, processes: &mut ProcessGroup) -> Outcome {
        self.start(
            processes,
            "kube-controller-manager",
            &[
                format!("--kubeconfig={}", self.file("kubeconfig")),
                format!(
                    "--service-account-private-key-file={}",
                    self.file("service-accounts.key")
                ),
                "--leader-elect=false".to_owned(),
                "--use-service-account-credentials=false".to_owned(),
                "--controllers=*".to_owned(),
                // Its own health port is asked by nobody and would be one more to clash.
                "--secure-port=0".to_owned(),
            ],
        )
    }

    fn start(&self, processes: &mut ProcessGroup, name: &str, flags: &[String]) -> Outcome {
        let mut command = Command::new(self.programs.join(name));
        command.args(flags).current_dir(&self.folder);
        logs::write_to(&mut command, &self.log(name))?;
        processes.spawn(name, &mut command).map(drop)
    }

    /// Where the output of one program goes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// The last lines of one program's log, for the message of a failed start.
    pub(crate) fn tail(&self, name: &str) -> String {
        logs::tail(&self.log(name))
    }
}

/// A kubeconfig for the user whose `.crt` and `.key` lie in `folder` beside `ca.crt`, with the
/// API server at `address`. It names files, so it works while they exist.
pub(crate) fn kubeconfig(folder: &Path, address: &str, user: &str) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pillion", "cluster": {
            "server": address,
            "certificate-authority": file("ca.crt"),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate": file(&format!("{user}.crt")),
            "client-key": file(&format!("{user}.key")),
        }}],
        "contexts": [{"name": "pillion", "context": {"cluster": "pillion", "user": user}}],
        "current-context": "pillion",
    })
    .to_string()
}

/// The folder of the programs. Without it nothing is skipped: the test fails and says what
/// to do.
pub(crate) fn programs() -> Outcome<PathBuf> {
    let folder = std::env::var_os(PROGRAMS).ok_or_else(|| {
        Failure::new(format!(
            "{PROGRAMS} is not set: run `make test`, or `export \
             {PROGRAMS}=\"$(tests/control-plane/build.sh)\"` before `cargo test`"
        ))
    })?;
    let folder = PathBuf::from(folder);
    if folder.join("kube-apiserver").is_file() {
        return Ok(folder);
    }
    Err(Failure::new(format!(
        "{PROGRAMS} names {}, which holds no kube-apiserver: set it to what \
         `tests/control-plane/build.sh` prints",
        folder.display()
    )))
}
