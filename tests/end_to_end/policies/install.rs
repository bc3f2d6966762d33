//! The shipped policies, bound to the namespaces of one test.

use std::time::Duration;

use kube::Client;
use serde_json::{Value, json};

use crate::end_to_end::scene::pod;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;

const REQUIRE_INJECTION: &str =
    include_str!("../../../deploy/chart/pillion/files/require-injection-policy.yaml");
const NAMESPACE_GUARD: &str =
    include_str!("../../../deploy/chart/pillion/files/namespace-guard-policy.yaml");

const MANDATORY_HELPERS: &str =
    include_str!("../../../deploy/chart/pillion/files/mandatory-helpers-policy.yaml");

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

/// Creates policy and binding of a file. The policy is shared, so it may be there already; the
/// binding has a name and namespaces of its own.
async fn install(client: &Client, text: &str, name: &str, resources: &Value) -> Outcome {
    for document in text.split("\n---\n") {
        let mut object: Value = serde_saphyr::from_str(document).during("read a policy")?;
        let plural = match object["kind"].as_str() {
            Some("ValidatingAdmissionPolicy") => "validatingadmissionpolicies",
            _ => {
                object["metadata"]["name"] = json!(name);
                object["spec"]["matchResources"] = resources.clone();
                "validatingadmissionpolicybindings"
            }
        };
        let answer = raw::post(client, &format!("{GROUP}/{plural}"), &object).await?;
        if !answer.granted() && answer.status != 409 {
            return Err(Failure::new(format!("a policy: {}", answer.message())));
        }
    }
    Ok(())
}

fn only(namespaces: &[&str]) -> Value {
    json!({"namespaceSelector": {"matchExpressions": [{
        "key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces,
    }]}})
}

/// Installs the policy for these namespaces, and waits until it refuses in each.
pub(super) async fn require_injection(client: &Client, namespaces: &[&Namespace]) -> Outcome {
    let names: Vec<_> = namespaces.iter().map(|one| one.name.as_str()).collect();
    let name = format!("require-injection-{}", names[0]);
    install(client, REQUIRE_INJECTION, &name, &only(&names)).await?;
    let mut asks = pod("asks", &json!({"pillion.dev/inject": "helper"}));
    asks["metadata"]["labels"] = json!({"pillion.dev/inject": "maybe"});
    let bound = Duration::from_secs(30);
    for namespace in namespaces {
        wait_until("the policy to refuse", bound, async || {
            let answer = namespace.create_pod("dryRun=All", &asks).await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            let refused = !answer.granted();
            refused.then_some(()).ok_or_else(|| "it does not".into())
        })
        .await?;
    }
    Ok(())
}

/// Installs the guard of namespaces that have this label.
pub(super) async fn namespace_guard(client: &Client, label: &str) -> Outcome {
    let resources = json!({"namespaceSelector": {"matchExpressions": [
        {"key": label, "operator": "Exists"},
    ]}});
    install(client, NAMESPACE_GUARD, label, &resources).await
}

/// Installs the policy for updates of pods in this namespace.
pub(super) async fn mandatory_helpers(client: &Client, namespace: &Namespace) -> Outcome {
    let name = format!("mandatory-helpers-{}", namespace.name);
    install(client, MANDATORY_HELPERS, &name, &only(&[&namespace.name])).await
}
