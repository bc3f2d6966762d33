//! The webhook as it is installed in production, but for the network.
//!
//! A Service of type `ExternalName` that points to `localhost` makes the API server call
//! this machine exactly as it calls a Service in a cluster: server name
//! `pillion.pillion-system.svc`, the `caBundle` alone trusted, HTTP/1.1 only.

use std::net::SocketAddrV4;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::failure::{During, Failure, Outcome};
use super::namespace::Namespace;
use super::raw;
use super::wait::wait_until;

/// What a user installs; the tests run with the very same entries.
pub(crate) const MANIFEST: &str = include_str!("../../deploy/kustomize/base/mutating-webhook.yaml");

/// The same for advice on workloads.
pub(crate) const ADVICE: &str = include_str!("../../deploy/kustomize/base/validating-webhook.yaml");

/// The namespace and name of the Service that the manifest calls.
pub(crate) const SERVICE: (&str, &str) = ("pillion-system", "pillion");

/// Namespaces that the manifest itself excludes.
const EXCLUDED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", SERVICE.0];

/// The entry of [`register_for_every_pod`].
pub(crate) const EVERY_POD: &str = "every-pod.pillion.dev";

/// A template that nobody has: a server that is asked for it must refuse.
pub(crate) const MISSING_TEMPLATE: &str = "no-such-template";

/// The server name that the API server asks for and checks the certificate against.
pub(crate) const SERVER_NAME: &str = "pillion.pillion-system.svc";

/// The webhook configuration of one test, which applies to its namespaces only: tests that
/// share a control plane do not meet each other's servers.
pub(crate) struct Registration {
    client: Client,
    name: String,
}

impl Registration {
    /// Registers a server on this loopback port, which `authority` (PEM) vouches for, for
    /// these namespaces, and waits until the API server calls it: for that the server must
    /// run and must refuse a pod that asks for a template that does not exist.
    pub(crate) async fn install(
        port: u16,
        authority: &str,
        namespaces: &[&Namespace],
    ) -> Outcome<Self> {
        let Some(first) = namespaces.first() else {
            return Err(Failure::new("a registration needs a namespace"));
        };
        let client = first.client.clone();
        ensure_service(&client).await?;
        let mut names: Vec<&str> = namespaces.iter().map(|one| one.name.as_str()).collect();
        // One name is enough to tell registrations apart, and all could be too long.
        let name = format!("pillion-{}", first.name);
        // Offered as well, so that only the manifest's own exclusion keeps them away.
        names.extend(EXCLUDED);
        let configuration = configuration(MANIFEST, &name, port, authority, &names)?;
        let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
        let created = api.create(&PostParams::default(), &configuration).await;
        created.during("register the webhook")?;
        for namespace in namespaces {
            called_for(namespace).await?;
        }
        Ok(Self { client, name })
    }

    /// Takes the configuration away again.
    pub(crate) async fn remove(self) -> Outcome {
        let api: Api<MutatingWebhookConfiguration> = Api::all(self.client);
        let deleted = api.delete(&self.name, &DeleteParams::default()).await;
        deleted.map(drop).during("remove the webhook")
    }
}

/// Registers a server on this loopback port, which `authority` (PEM) vouches for, for every
/// pod of every namespace but one, so that all decisions are the server's; and waits until
/// the API server calls it.
pub(crate) async fn register_for_every_pod(
    client: &Client,
    port: u16,
    authority: &str,
    except: &str,
) -> Outcome {
    ensure_service(client).await?;
    let mut configuration: MutatingWebhookConfiguration =
        configuration(MANIFEST, "every-pod", port, authority, &[])?;
    let entries = configuration.webhooks.as_mut();
    let entries = entries.ok_or_else(|| Failure::new("a configuration without webhooks"))?;
    // The first is the mandatory one, which has no other selectors.
    entries.truncate(1);
    for entry in entries {
        EVERY_POD.clone_into(&mut entry.name);
        let selector = json!({"matchExpressions": [{
            "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [except],
        }]});
        let selector = serde_json::from_value(selector).during("build a selector")?;
        entry.namespace_selector = Some(selector);
    }
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let created = api.create(&PostParams::default(), &configuration).await;
    created.during("register the webhook")?;
    called_for(&Namespace {
        client: client.clone(),
        name: "default".to_owned(),
    })
    .await
}

/// The configurations as they are installed, for a server on this loopback port that `authority`
/// (PEM) vouches for: not created yet.
pub(crate) fn installed(port: u16, authority: &str) -> Outcome<[Value; 2]> {
    let name = SERVICE.1;
    Ok([
        configuration(MANIFEST, name, port, authority, &[])?,
        configuration(ADVICE, name, port, authority, &[])?,
    ])
}

/// Registers a server at `address`, which `authority` (PEM) vouches for, in the whole cluster, as
/// `deploy/kustomize/base/mutating-webhook.yaml` stands: behind a real Service. It has no selector; its one
/// endpoint is that address. Waits until the API server calls it.
pub(crate) async fn register_behind_service(
    client: &Client,
    address: SocketAddrV4,
    authority: &str,
) -> Outcome {
    let (namespace, name) = SERVICE;
    let services = format!("/api/v1/namespaces/{namespace}/services");
    let slices = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
    for (path, object) in [
        (
            "/api/v1/namespaces",
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        ),
        (
            services.as_str(),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"ports": [{"port": 443, "targetPort": address.port()}]},
            }),
        ),
        (
            slices.as_str(),
            json!({
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [address.ip()], "conditions": {"ready": true}}],
                "ports": [{"port": address.port()}],
            }),
        ),
    ] {
        created(client, path, &object).await?;
    }
    let configuration: MutatingWebhookConfiguration =
        configuration(MANIFEST, name, 443, authority, &[])?;
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &configuration).await;
    answer.during("register the webhook")?;
    called_for(&Namespace {
        client: client.clone(),
        name: "default".to_owned(),
    })
    .await
}

/// Registers a server on this loopback port, which `authority` (PEM) vouches for, to advise on the
/// workloads of these namespaces, and waits until the API server calls it.
pub(crate) async fn register_advice(
    port: u16,
    authority: &str,
    namespaces: &[&Namespace],
) -> Outcome {
    let Some(first) = namespaces.first() else {
        return Err(Failure::new("a registration needs a namespace"));
    };
    let client = first.client.clone();
    ensure_service(&client).await?;
    let mut names: Vec<&str> = namespaces.iter().map(|one| one.name.as_str()).collect();
    names.extend(EXCLUDED);
    let name = format!("pillion-{}", first.name);
    let configuration = configuration(ADVICE, &name, port, authority, &names)?;
    let api: Api<ValidatingWebhookConfiguration> = Api::all(client);
    let created = api.create(&PostParams::default(), &configuration).await;
    created.during("register the webhook for advice")?;
    for namespace in namespaces {
        advised_in(namespace).await?;
    }
    Ok(())
}

/// The manifest with the address and the authority filled in, for these namespaces; for none
/// means for all that it selects itself.
fn configuration<K: DeserializeOwned>(
    manifest: &str,
    name: &str,
    port: u16,
    authority: &str,
    namespaces: &[&str],
) -> Outcome<K> {
    let mut manifest: Value = serde_saphyr::from_str(manifest).during("read the manifest")?;
    let entries = manifest
        .get_mut("webhooks")
        .and_then(Value::as_array_mut)
        .ok_or_else(|| Failure::new("the manifest has no webhooks"))?;
    for entry in entries {
        set(entry, "/clientConfig/service/port", json!(port))?;
        let bundle = json!(STANDARD.encode(authority));
        set(entry, "/clientConfig", with_bundle(entry, bundle)?)?;
        if namespaces.is_empty() {
            continue;
        }
        let selected = entry
            .pointer_mut("/namespaceSelector/matchExpressions")
            .and_then(Value::as_array_mut)
            .ok_or_else(|| Failure::new("an entry selects no namespaces"))?;
        selected.push(json!({
            "key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces,
        }));
    }
    set(&mut manifest, "/metadata/name", json!(name))?;
    serde_json::from_value(manifest).during("read the manifest as a webhook configuration")
}

fn with_bundle(entry: &Value, bundle: Value) -> Outcome<Value> {
    let mut config = entry.get("clientConfig").cloned().unwrap_or_default();
    let fields = config
        .as_object_mut()
        .ok_or_else(|| Failure::new("an entry has no clientConfig"))?;
    fields.insert("caBundle".to_owned(), bundle);
    Ok(config)
}

fn set(object: &mut Value, pointer: &str, value: Value) -> Outcome {
    let place = object
        .pointer_mut(pointer)
        .ok_or_else(|| Failure::new(format!("the manifest lacks {pointer}")))?;
    *place = value;
    Ok(())
}

/// The Service that every registration shares; each has a port of its own.
pub(crate) async fn ensure_service(client: &Client) -> Outcome {
    let (namespace, name) = SERVICE;
    let objects = [
        (
            "/api/v1/namespaces".to_owned(),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        ),
        (
            format!("/api/v1/namespaces/{namespace}/services"),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"type": "ExternalName", "externalName": "localhost"},
            }),
        ),
    ];
    for (path, object) in objects {
        created(client, &path, &object).await?;
    }
    Ok(())
}

/// Creates an object, unless another test was first.
async fn created(client: &Client, path: &str, object: &Value) -> Outcome {
    let answer = raw::post(client, path, object).await?;
    if answer.granted() || answer.status == 409 {
        return Ok(());
    }
    let message = answer.message();
    Err(Failure::new(format!("failed to POST {path}: {message}")))
}

/// Waits until the API server has seen the new configuration. A pod that asks for a template
/// that cannot exist is refused in every namespace as soon as it has.
pub(crate) async fn called_for(namespace: &Namespace) -> Outcome {
    let what = format!("the webhook to be called for namespace {}", namespace.name);
    refused(namespace, &what, true).await
}

/// Waits until the API server has seen that there is no configuration any more.
pub(crate) async fn no_longer_called_for(namespace: &Namespace) -> Outcome {
    let name = &namespace.name;
    let what = format!("the webhook to be no longer called for namespace {name}");
    refused(namespace, &what, false).await
}

/// Waits until a pod that asks for a template that cannot exist is refused by a webhook, or is
/// not.
async fn refused(namespace: &Namespace, what: &str, wanted: bool) -> Outcome {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "is-the-webhook-called",
            "labels": {"pillion.dev/inject": "true"},
            "annotations": {"pillion.dev/inject": MISSING_TEMPLATE},
        },
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
    });
    wait_until(what, Duration::from_secs(30), async || {
        let answer = namespace.create_pod("dryRun=All", &pod).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        let refused = answer.message().contains("denied the request");
        if refused == wanted && (refused || answer.granted()) {
            return Ok(());
        }
        Err(format!("status {} {}", answer.status, answer.message()))
    })
    .await
}

/// Waits until the API server asks for advice: a Deployment whose pods ask for a template that
/// cannot exist gives a warning in every namespace as soon as it does.
async fn advised_in(namespace: &Namespace) -> Outcome {
    let asks = json!({
        "labels": {"app": "asks", "pillion.dev/inject": "true"},
        "annotations": {"pillion.dev/inject": MISSING_TEMPLATE},
    });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "is-advice-given"},
        "spec": {
            "selector": {"matchLabels": {"app": "asks"}},
            "template": {
                "metadata": asks,
                "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
            },
        },
    });
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments?dryRun=All",
        namespace.name
    );
    let what = format!("advice to be given in namespace {}", namespace.name);
    wait_until(&what, Duration::from_secs(30), async || {
        let answer = raw::post(&namespace.client, &path, &deployment).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.granted() && !answer.warnings.is_empty() {
            return Ok(());
        }
        Err(format!("status {} {}", answer.status, answer.message()))
    })
    .await
}
