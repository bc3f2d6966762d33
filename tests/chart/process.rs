//! Pillion run as its Deployment says, but on this machine: where there is no node, somebody must
//! play the kubelet.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::chart::programs::{NAME, NAMESPACE};
use crate::chart::running::Stage;
use crate::support::failure::{During, Outcome};
use crate::support::processes::ProcessGroup;
use crate::support::wait::wait_until;

/// What the server does first takes a second or two.
const SOON: Duration = Duration::from_mins(1);

/// A running replica, ended with this value.
pub(crate) struct Replica {
    log: Arc<Mutex<Vec<String>>>,
    _processes: ProcessGroup,
}

impl Replica {
    /// Starts a replica of this name with the rights of the chart's ServiceAccount.
    pub(crate) fn start(stage: &Stage, name: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()
            .during("make a folder for a replica")?
            .keep();
        let kubeconfig = folder.join("kubeconfig");
        fs::write(&kubeconfig, account(stage)?).during("write a kubeconfig")?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_pillion"));
        command
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for (variable, value) in environment(stage, name)? {
            command.env(variable, value);
        }
        command
            .env("PILLION_LISTEN", "127.0.0.1:0")
            .env("PILLION_ADMIN_LISTEN", "127.0.0.1:0")
            .env("PILLION_KUBECONFIG", &kubeconfig)
            .env(
                "PILLION_LOG",
                "debug,kube_client=info,hyper=info,tower=info",
            );
        let mut processes = ProcessGroup::new(&folder)?;
        let child = processes.spawn("pillion", &mut command)?;
        let log = Arc::<Mutex<Vec<String>>>::default();
        if let Some(stderr) = child.stderr.take() {
            let copy = Arc::clone(&log);
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    copy.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(line);
                }
            });
        }
        Ok(Self {
            log,
            _processes: processes,
        })
    }

    /// The lines that it has written so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a line with all of these texts.
    pub(crate) async fn says(&self, texts: &[&str]) -> Outcome<String> {
        wait_until(&format!("a line with {texts:?}"), SOON, async || {
            let log = self.log();
            let found = log
                .iter()
                .find(|line| texts.iter().all(|text| line.contains(text)));
            found.cloned().ok_or_else(|| log.join("\n"))
        })
        .await
    }

    /// The port that the API server is to call.
    pub(crate) async fn port(&self) -> Outcome<u16> {
        let line = self.says(&["\"listening\""]).await?;
        let line: Value = serde_json::from_str(&line).during("read a line of the log")?;
        let address = line
            .pointer("/fields/webhook")
            .or_else(|| line.get("webhook"));
        let address = address.and_then(Value::as_str).unwrap_or_default();
        let port = address.rsplit(':').next().unwrap_or_default();
        port.parse()
            .during(&format!("read a port from {address:?}"))
    }
}

/// The variables of the Deployment's container, as the kubelet would set them.
fn environment(stage: &Stage, replica: &str) -> Outcome<Vec<(String, String)>> {
    let deployment = stage.programs.get(&["deployment", NAME])?;
    let variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let variables = variables.into_iter().flatten().map(|variable| {
        let field = variable.pointer("/valueFrom/fieldRef/fieldPath");
        let value = match field.and_then(Value::as_str) {
            Some("metadata.namespace") => NAMESPACE.to_owned(),
            Some(_) => replica.to_owned(),
            None => text(&variable["value"]),
        };
        (text(&variable["name"]), value)
    });
    Ok(variables.collect())
}

/// A kubeconfig of the chart's ServiceAccount.
fn account(stage: &Stage) -> Outcome<String> {
    let token = ["create", "token", NAME, "--namespace", NAMESPACE];
    let token = stage.programs.kubectl(&token)?;
    let view = [
        "config",
        "view",
        "--raw",
        "--flatten",
        "--minify",
        "-o",
        "json",
    ];
    let view = stage.programs.kubectl(&view)?;
    let mut config: Value = serde_json::from_str(&view).during("read a kubeconfig")?;
    config["users"][0]["user"] = json!({"token": token.trim()});
    Ok(config.to_string())
}
