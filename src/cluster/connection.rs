//! From a kubeconfig to a client.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

/// An API server that does not answer for so long is not waited for. The default of the client is
/// minutes, in which a person believes that the command hangs.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long one answer is waited for by what must act in time, such as who holds a Lease.
const PROMPT: Duration = Duration::from_secs(4);

/// Which kubeconfig, and which of its contexts.
#[derive(Debug, Clone, Default)]
pub(crate) struct KubeconfigOptions {
    /// The file; `None`: `KUBECONFIG`, then `~/.kube/config`, then the pod's own ServiceAccount.
    pub(crate) file: Option<PathBuf>,
    /// The context; `None`: the current one.
    pub(crate) context: Option<String>,
}

/// A connection to one cluster.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    config: Config,
    namespace: String,
    /// The API server's address, for messages.
    server: String,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// No kubeconfig says where the cluster is.
    #[error(
        "failed to find a cluster: name a kubeconfig with --kubeconfig, or set KUBECONFIG: {0}"
    )]
    Infer(String),
    /// The kubeconfig cannot be used.
    #[error("failed to use the kubeconfig: {0}")]
    Kubeconfig(String),
    /// No client can be made of it.
    #[error("failed to make a client of the kubeconfig")]
    Client(#[source] Box<kube::Error>),
    /// A certificate of the kubeconfig is of a version that is not read.
    #[error(
        "failed to use the kubeconfig: a certificate in it is of X.509 version 1, which the TLS library does not \
         take; have it issued anew as version 3, for example with -extfile of openssl x509"
    )]
    OldCertificate,
}

/// What the TLS library calls a certificate of another version than 3.
const OLD_VERSION: &str = "UnsupportedCertVersion";

impl Connection {
    /// Reads the kubeconfig, for a person who waits. The API server is not asked for anything yet.
    pub(crate) async fn open(options: &KubeconfigOptions) -> Result<Self, ConnectionError> {
        Self::with(options, Some(PATIENCE)).await
    }

    /// The same for the server. Its watches are silent for minutes, so that no silence ends a
    /// connection; who waits for a single answer bounds that wait.
    pub(crate) async fn open_for_server(
        options: &KubeconfigOptions,
    ) -> Result<Self, ConnectionError> {
        Self::with(options, None).await
    }

    async fn with(
        options: &KubeconfigOptions,
        read_timeout: Option<Duration>,
    ) -> Result<Self, ConnectionError> {
        let mut config = config(options).await?;
        config.connect_timeout = Some(PATIENCE);
        config.read_timeout = read_timeout;
        let namespace = config.default_namespace.clone();
        let server = address(&config);
        Ok(Self {
            client: client_of(config.clone())?,
            config,
            namespace,
            server,
        })
    }

    /// The namespace of the context, `default` where it names none.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Scheme, host and port of the API server, for messages.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client whose requests fail where they are not answered soon. It has connections of its own, so that
    /// those of silent watches do not hold it up.
    pub(crate) fn prompt_client(&self) -> Result<Client, ConnectionError> {
        let mut config = self.config.clone();
        config.read_timeout = Some(PROMPT);
        client_of(config)
    }
}

fn client_of(config: Config) -> Result<Client, ConnectionError> {
    Client::try_from(config).map_err(|error| {
        if error.to_string().contains(OLD_VERSION) {
            ConnectionError::OldCertificate
        } else {
            ConnectionError::Client(Box::new(error))
        }
    })
}

/// The API server's address without what else a URL can hold, such as a password.
fn address(config: &Config) -> String {
    let url = &config.cluster_url;
    let scheme = url.scheme_str().unwrap_or("https");
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().map(|port| format!(":{port}"));
    format!("{scheme}://{host}{}", port.unwrap_or_default())
}

/// What a person at a terminal can mend: the kubeconfig. That this is no pod either is known, and the
/// causes are in the error's own words already.
fn of_person(error: &kube::config::InferConfigError) -> String {
    let kubeconfig = std::error::Error::source(error);
    match kubeconfig.and_then(|error| error.downcast_ref::<KubeconfigError>()) {
        Some(error) => unreadable(error),
        None => error.to_string(),
    }
}

/// The causes of an unusable kubeconfig, each said once: the library repeats them, and quotes the path
/// twice.
fn unreadable(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(cause, path) => {
            format!("failed to read {}: {cause}", path.display())
        }
        error => error.to_string(),
    }
}

async fn config(options: &KubeconfigOptions) -> Result<Config, ConnectionError> {
    let context = KubeConfigOptions {
        context: options.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = match &options.file {
        Some(file) => match Kubeconfig::read_from(file) {
            Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &context).await,
            Err(error) => Err(error),
        },
        None if context.context.is_some() => Config::from_kubeconfig(&context).await,
        None => {
            let config = Config::infer().await;
            return config.map_err(|error| ConnectionError::Infer(of_person(&error)));
        }
    };
    config.map_err(|error| ConnectionError::Kubeconfig(unreadable(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of a balancer that has dropped the connection and says nothing.
    #[tokio::test]
    async fn a_request_that_must_be_answered_soon_ends_without_an_answer() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
             clusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}], users: [{{name: u, user: {{}}}}]}}",
            silent.local_addr().unwrap()
        );
        std::fs::write(&file, text).unwrap();
        let options = KubeconfigOptions {
            file: Some(file),
            context: None,
        };
        let connection = Connection::open_for_server(&options).await.unwrap();
        let client = connection.prompt_client().unwrap();
        let answer = tokio::time::timeout(3 * PROMPT, client.apiserver_version()).await;
        assert!(answer.is_ok_and(|answer| answer.is_err()));
    }
}
