//! A cluster of its own with the kinds of templates, and servers that have exactly the rights that
//! the chart gives them.

use std::path::PathBuf;

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::end_to_end::scene::program;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::definitions;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::raw;
use crate::support::wait::wait_until;
use crate::support::webhook::register_for_every_pod;

/// Changes arrive in milliseconds; this is for busy machines, and for a lease that has to end.
pub(crate) const SOON: std::time::Duration = std::time::Duration::from_mins(1);

/// The namespace that Pillion runs in.
pub(crate) const HOME: &str = "pillion-system";

/// The name of everything of ours.
const NAME: &str = "pillion";

/// The cluster, and what every step needs.
pub(crate) struct Stage {
    pub(crate) control_plane: ControlPlane,
    pub(crate) client: Client,
    pub(crate) identity: Identity,
    kubeconfig: PathBuf,
}

impl Stage {
    /// Starts a cluster without servers.
    pub(crate) async fn open() -> Outcome<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let client = control_plane.client()?;
        definitions::ensure(&client).await?;
        Namespace::named(&client, HOME, &[], &[]).await?;
        grant(&client).await?;
        let kubeconfig = kubeconfig(&control_plane, &client).await?;
        Ok(Self {
            control_plane,
            client,
            identity: Identity::new()?,
            kubeconfig,
        })
    }

    /// Starts a server and waits until it is ready; port 0 is any.
    pub(crate) async fn server(&self, replica: &str, port: u16) -> Outcome<Pillion> {
        let kubeconfig = self.kubeconfig.display().to_string();
        let arguments = [
            "--watch-cluster",
            "--kubeconfig",
            &kubeconfig,
            "--own-namespace",
            HOME,
            "--pod-name",
            replica,
        ];
        let settings = Settings {
            port,
            arguments: &arguments,
            ..Settings::new(program())
        };
        Pillion::start(&settings, &self.identity).await
    }

    /// Makes the API server call a server for every pod outside of Pillion's own namespace.
    pub(crate) async fn register(&self, server: &Pillion) -> Outcome {
        let port = server.webhook.port();
        register_for_every_pod(&self.client, port, self.identity.authority(), HOME).await
    }

    /// Makes the API server call another server.
    pub(crate) async fn lead_to(&self, server: &Pillion) -> Outcome {
        let api: Api<MutatingWebhookConfiguration> = Api::all(self.client.clone());
        let patch = json!([{
            "op": "replace",
            "path": "/webhooks/0/clientConfig/service/port",
            "value": server.webhook.port(),
        }]);
        let patch: json_patch::Patch = serde_json::from_value(patch).during("build a patch")?;
        let (parameters, patch) = (PatchParams::default(), Patch::Json::<()>(patch));
        let patched = api.patch("every-pod", &parameters, &patch).await;
        patched.map(drop).during("lead to another server")
    }

    /// The templates of a namespace; empty: of the whole cluster.
    pub(crate) fn templates(&self, namespace: &str) -> Api<DynamicObject> {
        let kind = if namespace.is_empty() {
            "ClusterInjectionTemplate"
        } else {
            "InjectionTemplate"
        };
        let resource =
            ApiResource::from_gvk(&GroupVersionKind::gvk("pillion.dev", "v1alpha1", kind));
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    /// Stores a template, as `kubectl apply --server-side` does.
    pub(crate) async fn store(&self, namespace: &str, name: &str, spec: &Value) -> Outcome {
        let api = self.templates(namespace);
        let kind = if namespace.is_empty() {
            "ClusterInjectionTemplate"
        } else {
            "InjectionTemplate"
        };
        let object = json!({
            "apiVersion": "pillion.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        });
        let parameters = PatchParams::apply("author").force();
        let stored = api.patch(name, &parameters, &Patch::Apply(&object)).await;
        stored.map(drop).during(&format!("store {kind} {name}"))
    }

    /// Deletes a template.
    pub(crate) async fn delete(&self, namespace: &str, name: &str) -> Outcome {
        let api = self.templates(namespace);
        let deleted = api.delete(name, &DeleteParams::default()).await;
        deleted.map(drop).during(&format!("delete {name}"))
    }

    /// What a pod of a namespace gets that asks for a template: the image of the container of its
    /// name, or the refusal.
    pub(crate) async fn image(&self, namespace: &str, template: &str) -> Result<String, String> {
        let annotations = json!({"pillion.dev/inject": template});
        let answer = self.dry_pod(namespace, &annotations).await?;
        if !answer.granted() {
            return Ok(answer.message().to_owned());
        }
        Ok(image_of(&answer.body, template).unwrap_or_else(|| "bare".to_owned()))
    }

    /// Creates a pod with these annotations in a dry run.
    pub(crate) async fn dry_pod(
        &self,
        namespace: &str,
        annotations: &Value,
    ) -> Result<raw::Answer, String> {
        let namespace = Namespace {
            client: self.client.clone(),
            name: namespace.to_owned(),
        };
        let pod = crate::end_to_end::scene::pod("asks", annotations);
        let answer = namespace.create_pod("dryRun=All", &pod).await;
        answer.map_err(|failure| failure.to_string())
    }

    /// Waits until a pod that asks for a template gets what begins like this, or is refused with a
    /// text that contains it.
    pub(crate) async fn wait_for(&self, namespace: &str, template: &str, wanted: &str) -> Outcome {
        let what = format!("{template} in {namespace} to be {wanted}");
        wait_until(&what, SOON, async || {
            let image = self.image(namespace, template).await?;
            if image.contains(wanted) {
                return Ok(());
            }
            Err(image)
        })
        .await
    }

    /// Waits until the conditions of a template have these reasons; gives the status.
    pub(crate) async fn wait_for_status(
        &self,
        namespace: &str,
        name: &str,
        reasons: [&str; 2],
    ) -> Outcome<Value> {
        let api = self.templates(namespace);
        wait_until(&format!("the status of {name}"), SOON, async || {
            let object = api.get(name).await.map_err(|error| error.to_string())?;
            let generation = object.metadata.generation;
            let status = object.data.get("status").cloned().unwrap_or_default();
            let reason = |index: usize| status["conditions"][index]["reason"].as_str();
            let is_new = status["observedGeneration"].as_i64() == generation;
            if is_new && [reason(0), reason(1)] == reasons.map(Some) {
                return Ok(status);
            }
            Err(status.to_string())
        })
        .await
    }

    /// The names of the revisions that are kept.
    pub(crate) async fn revisions(&self) -> Result<Vec<String>, String> {
        let gvk = GroupVersionKind::gvk("apps", "v1", "ControllerRevision");
        let resource = ApiResource::from_gvk(&gvk);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), HOME, &resource);
        let list = api.list(&ListParams::default()).await;
        let list = list.map_err(|error| error.to_string())?;
        let names = list.items.into_iter().filter_map(|item| item.metadata.name);
        Ok(names.collect())
    }
}

/// The image of a pod's container of this name, wherever it stands.
pub(crate) fn image_of(pod: &Value, container: &str) -> Option<String> {
    let lists = [&pod["spec"]["containers"], &pod["spec"]["initContainers"]];
    let mut all = lists.into_iter().filter_map(Value::as_array).flatten();
    let found = all.find(|one| one["name"] == container)?;
    found["image"].as_str().map(str::to_owned)
}

/// Exactly what Pillion needs to watch and to write about templates.
fn roles() -> [(&'static str, Value); 2] {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let cluster = json!([
        rule(
            "pillion.dev",
            &["clusterinjectiontemplates", "injectiontemplates"],
            &["list", "watch"]
        ),
        rule(
            "pillion.dev",
            &[
                "clusterinjectiontemplates/status",
                "injectiontemplates/status"
            ],
            &["patch"]
        ),
        rule(
            "",
            &[
                "namespaces",
                "limitranges",
                "resourcequotas",
                "serviceaccounts"
            ],
            &["list", "watch"]
        ),
        rule("events.k8s.io", &["events"], &["create", "patch"]),
    ]);
    let own = json!([
        rule(
            "coordination.k8s.io",
            &["leases"],
            &["get", "create", "patch"]
        ),
        rule(
            "apps",
            &["controllerrevisions"],
            &["list", "watch", "create", "delete"]
        ),
    ]);
    [("ClusterRole", cluster), ("Role", own)]
}

/// Makes Pillion's ServiceAccount with its rights.
async fn grant(client: &Client) -> Outcome {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME},
    });
    let accounts = format!("/api/v1/namespaces/{HOME}/serviceaccounts");
    let mut objects = vec![(accounts, account)];
    for (kind, rules) in roles() {
        let group = "/apis/rbac.authorization.k8s.io/v1".to_owned();
        let base = if kind == "Role" {
            format!("{group}/namespaces/{HOME}")
        } else {
            group
        };
        let plural = kind.to_ascii_lowercase();
        let api_version = "rbac.authorization.k8s.io/v1";
        let role = json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"name": NAME}, "rules": rules,
        });
        let binding = json!({
            "apiVersion": api_version,
            "kind": format!("{kind}Binding"),
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": HOME}],
        });
        objects.push((format!("{base}/{plural}s"), role));
        objects.push((format!("{base}/{plural}bindings"), binding));
    }
    for (path, object) in objects {
        let answer = raw::post(client, &path, &object).await?;
        if !answer.granted() {
            let message = answer.message();
            return Err(Failure::new(format!("failed to POST {path}: {message}")));
        }
    }
    Ok(())
}

/// A kubeconfig of Pillion's ServiceAccount.
async fn kubeconfig(control_plane: &ControlPlane, client: &Client) -> Outcome<PathBuf> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), HOME);
    let request = TokenRequest::default();
    let token = accounts
        .create_token_request(NAME, &PostParams::default(), &request)
        .await
        .during("make a token")?;
    let token = token.status.map(|status| status.token).unwrap_or_default();
    let text = std::fs::read_to_string(control_plane.kubeconfig()).during("read a kubeconfig")?;
    let mut kubeconfig: Value = serde_json::from_str(&text).during("read a kubeconfig")?;
    kubeconfig["users"][0]["user"] = json!({"token": token});
    let path = control_plane.folder().join("kubeconfig-pillion");
    std::fs::write(&path, kubeconfig.to_string()).during("write a kubeconfig")?;
    Ok(path)
}
