//! What every scenario begins with: a namespace, a server with a certificate, and the
//! registration that makes the API server call it.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::LimitRange;
use serde_json::{Value, json};

use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

/// The binary under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pillion"))
}

/// A namespace whose pods come to a server with the built-in templates.
pub(crate) struct Scene {
    pub(crate) control_plane: &'static ControlPlane,
    pub(crate) namespace: Namespace,
    pub(crate) identity: Identity,
    pub(crate) server: Pillion,
}

impl Scene {
    /// Opens a scene in a namespace without labels, where a pod asks by its annotation.
    pub(crate) async fn open(prefix: &str) -> Outcome<Self> {
        Self::with_arguments(prefix, &[]).await
    }

    /// The same, with further arguments for the server.
    pub(crate) async fn with_arguments(prefix: &str, arguments: &[&str]) -> Outcome<Self> {
        let control_plane = ControlPlane::shared().await?;
        let client = control_plane.client()?;
        let namespace = Namespace::create(&client, prefix, &[], &[]).await?;
        let identity = Identity::new()?;
        let settings = Settings {
            arguments,
            ..Settings::new(program())
        };
        let server = Pillion::start(&settings, &identity).await?;
        let port = server.webhook.port();
        Registration::install(port, identity.authority(), &[&namespace]).await?;
        Ok(Self {
            control_plane,
            namespace,
            identity,
            server,
        })
    }

    /// Creates a Deployment of `replicas` pods with these annotations on them.
    pub(crate) async fn deploy(
        &self,
        name: &str,
        replicas: u32,
        annotations: &Value,
    ) -> Outcome<Deployment> {
        let manifest = json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}, "annotations": annotations},
                    "spec": {"containers": [app()]},
                },
            },
        });
        self.namespace.create_object(manifest).await
    }
}

/// Makes the API server call twice for the pods of a namespace that get a container: a LimitRange
/// gives it a limit that it has not, once we have answered. To be called before there are pods.
pub(crate) async fn change_after_us(namespace: &Namespace) -> Outcome {
    let limits = json!({"type": "Container", "default": {"ephemeral-storage": "1Gi"},
        "defaultRequest": {"ephemeral-storage": "1Mi"}});
    let manifest = json!({"metadata": {"name": "storage"}, "spec": {"limits": [limits]}});
    let created: LimitRange = namespace.create_object(manifest).await?;
    drop(created);
    Ok(())
}

/// Starts a server that has these templates, by their names, knows these namespaces, by their
/// manifests, and is called for them.
pub(crate) async fn serve_places(
    folder: &Path,
    templates: impl IntoIterator<Item = (impl Display, Value)>,
    places: &[(&Namespace, Value)],
) -> Outcome<Pillion> {
    let files = folder.join("templates");
    fs::create_dir(&files).during("make a folder for templates")?;
    for (name, template) in templates {
        let file = files.join(format!("{name}.yaml"));
        fs::write(file, template.to_string()).during("write a template")?;
    }
    let manifest = folder.join("namespaces.json");
    let items: Vec<_> = places.iter().map(|(_, manifest)| manifest).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(&manifest, list.to_string()).during("write the namespaces")?;
    let manifest = manifest.display().to_string();
    let arguments = ["--namespace-manifest", &manifest];
    let mut settings = Settings::new(program());
    settings.templates = Some(&files);
    settings.arguments = &arguments;
    let identity = Identity::new()?;
    let server = Pillion::start(&settings, &identity).await?;
    let namespaces: Vec<_> = places.iter().map(|(namespace, _)| *namespace).collect();
    Registration::install(server.webhook.port(), identity.authority(), &namespaces).await?;
    Ok(server)
}

/// The annotations of a pod that asks for a connection pool.
pub(crate) fn asks_for_a_pool() -> Value {
    json!({
        "pillion.dev/inject": "pgbouncer",
        "pgbouncer.pillion.dev/host": "db.example.com",
    })
}

/// The user's container of every scenario.
pub(crate) fn app() -> Value {
    json!({
        "name": "app",
        "image": "registry.example.com/app:1.4.2",
        "env": [{"name": "MODE", "value": "live"}],
        "ports": [{"containerPort": 8080}],
    })
}

/// A pod of that one container with these annotations.
pub(crate) fn pod(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"containers": [app()]},
    })
}
