//! Pillion as the manifests install it, but for the network: its ServiceAccount with the shipped
//! rules, its Secret and Lease, its configurations, and replicas behind a Service.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::proxy::Proxy;
use crate::end_to_end::scene::program;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::{Namespace, SOON};
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::raw::{self, Answer};
use crate::support::wait::wait_until;
use crate::support::webhook::{ADVICE, MANIFEST, SERVICE, ensure_service};

/// The rules that the manifests give.
const RULES: &str = include_str!("../../../deploy/kustomize/base/rbac.yaml");

/// The path of both kinds of configurations.
pub(super) const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";

/// One installation, named apart from all others on the control plane.
pub(super) struct Installation {
    pub(super) control_plane: &'static ControlPlane,
    /// The namespace whose pods come to it.
    pub(super) namespace: Namespace,
    pub(super) name: String,
    pub(super) proxy: Proxy,
    folder: tempfile::TempDir,
}

impl Installation {
    /// Everything but the replicas.
    pub(super) async fn prepare(prefix: &str) -> Outcome<Self> {
        let control_plane = ControlPlane::shared().await?;
        let client = control_plane.client()?;
        let namespace = Namespace::create(&client, prefix, &[], &[]).await?;
        ensure_service(&client).await?;
        let installation = Self {
            control_plane,
            name: format!("pillion-{}", namespace.name),
            namespace,
            proxy: Proxy::start().await?,
            folder: tempfile::tempdir().during("make a folder")?,
        };
        installation.objects().await?;
        installation.kubeconfig().await?;
        Ok(installation)
    }

    async fn objects(&self) -> Outcome {
        let (namespace, _) = SERVICE;
        let core = format!("/api/v1/namespaces/{namespace}");
        let named = |name: &str| json!({"metadata": {"name": name}});
        self.create(&format!("{core}/serviceaccounts"), &named(&self.name))
            .await?;
        let secret = named(&self.secret());
        self.create(&format!("{core}/secrets"), &secret).await?;
        let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        self.create(&leases, &named(&self.name)).await?;
        for document in RULES.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(document).during("read the rules")?;
            let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
            let scope = match object.pointer("/metadata/namespace") {
                Some(_) => format!("/namespaces/{namespace}"),
                None => String::new(),
            };
            let path = format!("/apis/rbac.authorization.k8s.io/v1{scope}/{kind}s");
            self.create(&path, &self.renamed(object)).await?;
        }
        Ok(())
    }

    /// The names of the manifests in the names of this installation.
    fn renamed(&self, object: Value) -> Value {
        match object {
            Value::String(text) if text == "pillion" => self.name.clone().into(),
            Value::String(text) if text == "pillion-authority" => self.secret().into(),
            Value::Array(items) => items.into_iter().map(|item| self.renamed(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (key, self.renamed(value)))
                .collect(),
            other => other,
        }
    }

    /// The configurations without caBundle, as manifests.
    pub(super) fn manifests(&self) -> Outcome<[Value; 2]> {
        let [mutating, validating] = [MANIFEST, ADVICE].map(|text| self.manifest(text));
        Ok([mutating?, validating?])
    }

    fn manifest(&self, text: &str) -> Outcome<Value> {
        let mut manifest: Value = serde_saphyr::from_str(text).during("read a manifest")?;
        manifest["metadata"]["name"] = self.name.clone().into();
        let entries = manifest["webhooks"].as_array_mut();
        for entry in entries.into_iter().flatten() {
            entry["clientConfig"]["service"]["port"] = self.proxy.port.into();
            let selected = entry["namespaceSelector"]["matchExpressions"].as_array_mut();
            let selected = selected.ok_or_else(|| Failure::new("an entry without selector"))?;
            // Other tests have namespaces too.
            selected.push(json!({
                "key": "kubernetes.io/metadata.name", "operator": "In",
                "values": [self.namespace.name],
            }));
        }
        Ok(manifest)
    }

    /// Creates both configurations.
    pub(super) async fn register(&self) -> Outcome {
        for manifest in self.manifests()? {
            let kind = manifest["kind"].as_str().unwrap_or_default().to_lowercase();
            self.create(&format!("{CONFIGURATIONS}/{kind}s"), &manifest)
                .await?;
        }
        Ok(())
    }

    /// The Secret's name.
    pub(super) fn secret(&self) -> String {
        format!("{}-authority", self.name)
    }

    pub(super) fn secret_path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets/{}", SERVICE.0, self.secret())
    }

    /// The path of the configuration of this kind.
    pub(super) fn path(&self, kind: &str) -> String {
        format!("{CONFIGURATIONS}/{kind}webhookconfigurations/{}", self.name)
    }

    /// Starts a replica that reads this certificate, or signs its own, with further arguments.
    pub(super) async fn replica(
        &self,
        name: &str,
        identity: Option<&Identity>,
        further: &[&str],
    ) -> Outcome<Pillion> {
        let kubeconfig = self.folder.path().join("kubeconfig").display().to_string();
        let secret = self.secret();
        let mut arguments = vec![
            "--kubeconfig",
            &kubeconfig,
            "--events=false",
            "--lease",
            &self.name,
            "--pod-name",
            name,
            "--webhook-configuration",
            &self.name,
        ];
        if identity.is_none() {
            arguments.extend(["--authority-secret", &secret]);
        }
        arguments.extend(further);
        let settings = Settings {
            arguments: &arguments,
            ..Settings::new(program())
        };
        Pillion::launch(&settings, identity).await
    }

    /// The data of the Secret.
    pub(super) async fn data(&self) -> Outcome<Value> {
        let secret = raw::get(&self.namespace.client, &self.secret_path()).await?;
        Ok(secret.body["data"].clone())
    }

    /// The authority that signs, once it is another one than `old`.
    pub(super) async fn authority_after(&self, old: &str) -> Outcome<String> {
        wait_until("another authority to sign", SOON * 2, async || {
            let data = self.data().await.map_err(|failure| failure.to_string())?;
            let current = data["ca.crt"].as_str().unwrap_or_default();
            if current.is_empty() || current == old {
                let keys = data
                    .as_object()
                    .map(|data| data.keys().cloned().collect::<Vec<_>>());
                return Err(format!("the old one; there are {keys:?}"));
            }
            Ok(current.to_owned())
        })
        .await
    }

    /// Each entry of both configurations with its caBundle, decoded.
    pub(super) async fn bundles(&self) -> Outcome<Vec<(String, String)>> {
        let mut found = Vec::new();
        for kind in ["mutating", "validating"] {
            let answer = raw::get(&self.namespace.client, &self.path(kind)).await?;
            let entries = answer.body["webhooks"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for entry in entries {
                let bundle = entry
                    .pointer("/clientConfig/caBundle")
                    .and_then(Value::as_str);
                let bundle = STANDARD.decode(bundle.unwrap_or_default());
                let bundle = bundle.during("decode a caBundle")?;
                let name = entry["name"].as_str().unwrap_or_default().to_owned();
                found.push((name, String::from_utf8_lossy(&bundle).into_owned()));
            }
        }
        Ok(found)
    }

    async fn create(&self, path: &str, object: &Value) -> Outcome<Answer> {
        let answer = raw::post(&self.namespace.client, path, object).await?;
        if answer.granted() {
            return Ok(answer);
        }
        let message = answer.message();
        Err(Failure::new(format!("failed to POST {path}: {message}")))
    }

    /// Writes a kubeconfig of the ServiceAccount.
    async fn kubeconfig(&self) -> Outcome<PathBuf> {
        let path = format!(
            "/api/v1/namespaces/{}/serviceaccounts/{}/token",
            SERVICE.0, self.name
        );
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        });
        let answer = self.create(&path, &request).await?;
        let admin = std::fs::read_to_string(self.control_plane.kubeconfig());
        let admin: Value = serde_json::from_str(&admin.during("read the kubeconfig")?)
            .during("read the kubeconfig")?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": admin["clusters"],
            "users": [{"name": "pillion", "user": {"token": answer.body["status"]["token"]}}],
            "contexts": [{"name": "pillion", "context": {"cluster": "pillion", "user": "pillion"}}],
            "current-context": "pillion",
        });
        let file = self.folder.path().join("kubeconfig");
        std::fs::write(&file, config.to_string()).during("write a kubeconfig")?;
        Ok(file)
    }
}
