//! What the API server is told to ask: nobody, a webhook as it is installed, or a policy of its
//! own. One thing at a time, as each costs a little even for pods that it leaves out.

use std::time::Duration;

use kube::Client;
use serde_json::{Value, json};

use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;
use crate::support::webhook::{called_for, ensure_service, installed, no_longer_called_for};

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

/// The API server looks for changed policies once a second.
const SEEN: Duration = Duration::from_secs(30);

/// What is asked about pods.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// Nobody.
    Nobody,
    /// A webhook: the whole configuration.
    Webhook(Value),
    /// A `MutatingAdmissionPolicy`, with a name of its own, and what it leaves in the pod's JSON.
    Policy { policy: Value, mark: String },
}

/// The configuration that users install, every entry of it, for a server on this loopback port
/// that `authority` (PEM) vouches for; but for its address nothing is changed.
pub(crate) fn as_installed(port: u16, authority: &str) -> Outcome<Value> {
    let [mutating, _advice] = installed(port, authority)?;
    Ok(mutating)
}

/// The same with every entry changed.
pub(crate) fn with_entries(configuration: &Value, change: impl Fn(&mut Value)) -> Value {
    let mut configuration = configuration.clone();
    let entries = configuration
        .get_mut("webhooks")
        .and_then(Value::as_array_mut);
    entries.into_iter().flatten().for_each(change);
    configuration
}

/// Tells the API server, and knows what it was told.
pub(crate) struct Registrar {
    client: Client,
    /// Where to look whether it has heard.
    namespace: Namespace,
    /// A pod that asks for a helper.
    asks: Value,
    present: Asked,
}

impl Registrar {
    /// One that has told nothing yet.
    pub(crate) async fn new(namespace: &Namespace, asks: &Value) -> Outcome<Self> {
        let client = namespace.client.clone();
        ensure_service(&client).await?;
        Ok(Self {
            client,
            namespace: namespace.clone(),
            asks: asks.clone(),
            present: Asked::Nobody,
        })
    }

    /// Makes the API server ask this and nothing else, and waits until it does.
    pub(crate) async fn tell(&mut self, wanted: &Asked) -> Outcome {
        if self.present == *wanted {
            return Ok(());
        }
        self.tell_nobody().await?;
        match wanted {
            Asked::Nobody => {}
            Asked::Webhook(configuration) => {
                self.create("mutatingwebhookconfigurations", configuration)
                    .await?;
                called_for(&self.namespace).await?;
            }
            Asked::Policy { policy, mark } => {
                self.create("mutatingadmissionpolicies", policy).await?;
                let name = name_of(policy);
                let binding = json!({
                    "apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": "MutatingAdmissionPolicyBinding",
                    "metadata": {"name": name},
                    "spec": {"policyName": name},
                });
                self.create("mutatingadmissionpolicybindings", &binding)
                    .await?;
                self.marked(mark, true).await?;
            }
        }
        self.present = wanted.clone();
        Ok(())
    }

    async fn tell_nobody(&mut self) -> Outcome {
        match std::mem::replace(&mut self.present, Asked::Nobody) {
            Asked::Nobody => Ok(()),
            Asked::Webhook(configuration) => {
                self.delete("mutatingwebhookconfigurations", &configuration)
                    .await?;
                no_longer_called_for(&self.namespace).await
            }
            Asked::Policy { policy, mark } => {
                self.delete("mutatingadmissionpolicybindings", &policy)
                    .await?;
                self.delete("mutatingadmissionpolicies", &policy).await?;
                self.marked(&mark, false).await
            }
        }
    }

    async fn create(&self, plural: &str, object: &Value) -> Outcome {
        let answer = raw::post(&self.client, &format!("{GROUP}/{plural}"), object).await?;
        granted("create", plural, &answer)
    }

    async fn delete(&self, plural: &str, object: &Value) -> Outcome {
        let path = format!("{GROUP}/{plural}/{}", name_of(object));
        let answer = raw::delete(&self.client, &path).await?;
        granted("delete", plural, &answer)
    }

    /// Waits until a pod that asks has what a policy leaves in it, or has it no longer.
    async fn marked(&self, mark: &str, wanted: bool) -> Outcome {
        let what = if wanted {
            "the policy to apply"
        } else {
            "the policy to be gone"
        };
        wait_until(what, SEEN, async || {
            let answer = self.namespace.create_pod("dryRun=All", &self.asks).await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            if answer.granted() && answer.body.to_string().contains(mark) == wanted {
                return Ok(());
            }
            Err(format!("status {} {}", answer.status, answer.message()))
        })
        .await
    }
}

fn name_of(object: &Value) -> &str {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn granted(action: &str, plural: &str, answer: &raw::Answer) -> Outcome {
    if answer.granted() {
        return Ok(());
    }
    let message = answer.message();
    Err(Failure::new(format!(
        "failed to {action} one of {plural}: {message}"
    )))
}
