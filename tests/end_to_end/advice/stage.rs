//! A namespace whose workloads are advised on, and the workloads.

use std::fs;

use serde_json::{Value, json};

use crate::end_to_end::scene::{app, program};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::kubectl::{Kubectl, Printed};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::register_advice;

/// The built-in templates, one whose sidecar is classic, and many that refuse in many words.
pub(super) struct Stage {
    pub(super) namespace: Namespace,
    pub(super) server: Pillion,
    pub(super) kubectl: Kubectl,
    _templates: tempfile::TempDir,
    _identity: Identity,
}

impl Stage {
    /// Opens a stage in a namespace without labels.
    pub(super) async fn open(prefix: &str) -> Outcome<Self> {
        let control_plane = ControlPlane::shared().await?;
        let client = control_plane.client()?;
        let namespace = Namespace::create(&client, prefix, &[], &[]).await?;
        Self::around(control_plane, namespace).await
    }

    /// Opens a stage around a namespace.
    pub(super) async fn around(
        control_plane: &ControlPlane,
        namespace: Namespace,
    ) -> Outcome<Self> {
        let templates = templates()?;
        let mut settings = Settings::new(program());
        settings.templates = Some(templates.path());
        let identity = Identity::new()?;
        let server = Pillion::start(&settings, &identity).await?;
        register_advice(server.webhook.port(), identity.authority(), &[&namespace]).await?;
        Ok(Self {
            kubectl: Kubectl::new(control_plane)?,
            namespace,
            server,
            _templates: templates,
            _identity: identity,
        })
    }

    /// Applies an object.
    pub(super) fn apply(&self, object: &Value) -> Outcome<Printed> {
        self.kubectl.apply(&self.namespace.name, object)
    }

    /// How many workloads the server was asked about.
    pub(super) async fn calls(&self) -> Outcome<u64> {
        calls(&self.server).await
    }
}

/// How many workloads a server was asked about.
pub(super) async fn calls(server: &Pillion) -> Outcome<u64> {
    let metrics = server.metrics().await?;
    let start = "pillion_review_duration_seconds_count{endpoint=\"advise\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(start));
    let count = count.ok_or_else(|| Failure::new(format!("no advice was counted: {metrics}")))?;
    count.parse().during("read a metric")
}

fn templates() -> Outcome<tempfile::TempDir> {
    let folder = tempfile::tempdir().during("make a folder for templates")?;
    let write = |name: &str, text: &str| {
        let file = folder.path().join(format!("{name}.yaml"));
        fs::write(file, text).during("write a template")
    };
    for name in ["pgbouncer", "log-shipper", "wait-for"] {
        let root = env!("CARGO_MANIFEST_DIR");
        let file = format!("{root}/templates/{name}/template.yaml");
        let text = fs::read_to_string(file).during("read a template of the catalog")?;
        write(name, &text)?;
    }
    let image = "registry.example.com/helper:1.0.0";
    let classic = json!({
        "lifecycle": "Classic",
        "sidecars": [{"name": "classic", "image": image}],
    });
    write("classic", &template("classic", classic).to_string())?;
    for number in 10..40 {
        let message = "viel zu groß, immer größer ".to_owned() + &"größer ".repeat(60);
        let spec = json!({"validations": [{"expression": "false", "message": message}]});
        let name = format!("talker-{number}");
        write(&name, &template(&name, spec).to_string())?;
    }
    Ok(folder)
}

fn template(name: &str, mut spec: Value) -> Value {
    spec["pattern"] = json!("Sidecar");
    json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// Annotations that ask for templates.
pub(super) fn asks(names: &str) -> Value {
    json!({"pillion.dev/inject": names})
}

/// Where a kind's pod template is.
pub(super) fn template_of(kind: &str) -> &'static str {
    match kind {
        "CronJob" => "/spec/jobTemplate/spec/template",
        _ => "/spec/template",
    }
}

/// What kubectl calls a kind.
pub(super) fn resource(kind: &str) -> String {
    let group = match kind {
        "Job" | "CronJob" => "batch",
        _ => "apps",
    };
    format!("{}.{group}", kind.to_lowercase())
}

/// A workload whose pods carry these annotations.
pub(super) fn workload(kind: &str, name: &str, annotations: &Value) -> Value {
    let ends = matches!(kind, "Job" | "CronJob");
    let mut template = json!({
        "metadata": {"labels": {"app": name}, "annotations": annotations},
        "spec": {"containers": [app()]},
    });
    if ends {
        template["spec"]["restartPolicy"] = json!("Never");
    }
    let selector = json!({"matchLabels": {"app": name}});
    let spec = match kind {
        "CronJob" => json!({
            "schedule": "0 0 1 1 *",
            "jobTemplate": {"spec": {"template": template}},
        }),
        "Job" => json!({"template": template}),
        "StatefulSet" => json!({"selector": selector, "serviceName": name, "template": template}),
        _ => json!({"selector": selector, "template": template}),
    };
    json!({
        "apiVersion": if ends { "batch/v1" } else { "apps/v1" },
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    })
}
