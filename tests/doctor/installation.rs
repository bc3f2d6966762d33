//! An installation as the chart makes it, on a control plane of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kube::Client;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::doctor::objects::Objects;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::wait::wait_until;
use crate::support::webhook;

const NAMESPACE: &str = "pillion-system";
const REGISTRATION: &str = "admissionregistration.k8s.io/v1";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
const DEFINITIONS: [&str; 2] = [
    include_str!("../../deploy/chart/pillion/files/crds/clusterinjectiontemplates.yaml"),
    include_str!("../../deploy/chart/pillion/files/crds/injectiontemplates.yaml"),
];
const POLICIES: [&str; 2] = [
    include_str!("../../deploy/chart/pillion/files/require-injection-policy.yaml"),
    include_str!("../../deploy/chart/pillion/files/namespace-guard-policy.yaml"),
];

/// An installation, its server and the control plane; all end with it.
pub(crate) struct Installation {
    pub(crate) identity: Identity,
    server: Pillion,
    objects: Objects,
    control_plane: ControlPlane,
}

/// What the doctor said.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: i32,
    document: Value,
}

impl Report {
    pub(crate) fn lines(&self) -> &[Value] {
        self.document["lines"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Whether a message or a remedy has these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        let has = |text: &Value| text.as_str().is_some_and(|text| text.contains(words));
        self.lines()
            .iter()
            .any(|line| has(&line["message"]) || has(&line["remedy"]))
    }
}

/// Runs `pillion doctor` with a kubeconfig.
pub(crate) fn doctor(kubeconfig: &Path, arguments: &[&str]) -> Outcome<Output> {
    Command::new(env!("CARGO_BIN_EXE_pillion"))
        .args(["doctor", "--kubeconfig"])
        .arg(kubeconfig)
        .args(arguments)
        .output()
        .during("run pillion doctor")
}

async fn define(objects: &Objects) -> Outcome {
    for text in DEFINITIONS {
        let mut object: Value = serde_saphyr::from_str(text).during("read a definition")?;
        object["metadata"]["labels"] =
            json!({"app.kubernetes.io/version": env!("CARGO_PKG_VERSION")});
        objects
            .put(&object, "customresourcedefinitions", None)
            .await?;
    }
    Ok(())
}

impl Installation {
    pub(crate) async fn create() -> Outcome<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let client = control_plane.client()?;
        let identity = Identity::new()?;
        webhook::ensure_service(&client).await?;
        let kubeconfig = control_plane.kubeconfig().display().to_string();
        let program = Path::new(env!("CARGO_BIN_EXE_pillion"));
        let arguments = ["--watch-cluster", "--kubeconfig", &kubeconfig];
        let objects = Objects(client);
        define(&objects).await?;
        let mut settings = Settings::new(program);
        settings.arguments = &arguments;
        let server = Pillion::start(&settings, &identity).await?;
        let installation = Self {
            identity,
            server,
            objects,
            control_plane,
        };
        installation.roles().await?;
        installation.deployment().await?;
        installation.register().await?;
        Ok(installation)
    }

    pub(crate) fn client(&self) -> Client {
        self.objects.0.clone()
    }

    /// The kinds of templates, as the chart installs them.
    pub(crate) async fn define(&self) -> Outcome {
        define(&self.objects).await
    }

    pub(crate) async fn remove_definition(&self) -> Outcome {
        let name = "injectiontemplates.pillion.dev";
        self.objects
            .delete("apiextensions.k8s.io/v1", "customresourcedefinitions", name)
            .await
    }

    /// A template of one sidecar; its image makes it compile, or not.
    pub(crate) async fn template(&self, name: &str, image: &str) -> Outcome {
        let object = json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "ClusterInjectionTemplate",
            "metadata": {"name": name},
            "spec": {
                "pattern": "Sidecar",
                "description": "Of a test.",
                "sidecars": [{"name": name, "image": image}],
            },
        });
        self.objects
            .put(&object, "clusterinjectiontemplates", None)
            .await
    }

    pub(crate) async fn remove_template(&self, name: &str) -> Outcome {
        self.objects
            .delete("pillion.dev/v1alpha1", "clusterinjectiontemplates", name)
            .await
    }

    /// The roles of the chart.
    async fn roles(&self) -> Outcome {
        let rule = |group: &str, resources: &[&str], names: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "resourceNames": names, "verbs": verbs});
        let watch = ["list", "watch"];
        let configurations = [
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
        ];
        let cluster = json!([
            rule(
                "pillion.dev",
                &["clusterinjectiontemplates", "injectiontemplates"],
                &[],
                &watch
            ),
            rule(
                "pillion.dev",
                &[
                    "clusterinjectiontemplates/status",
                    "injectiontemplates/status"
                ],
                &[],
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
                &[],
                &watch
            ),
            rule(
                "admissionregistration.k8s.io",
                &configurations,
                &["pillion"],
                &["get", "list", "watch", "patch"]
            ),
            rule("events.k8s.io", &["events"], &[], &["create", "patch"]),
        ]);
        let own = json!([
            rule(
                "",
                &["secrets"],
                &["pillion-authority"],
                &["get", "list", "watch", "update"]
            ),
            rule(
                "coordination.k8s.io",
                &["leases"],
                &["pillion"],
                &["get", "patch"]
            ),
            rule(
                "apps",
                &["controllerrevisions"],
                &[],
                &["list", "watch", "create", "patch", "delete"]
            ),
            rule("apps", &["deployments"], &["pillion"], &["get"]),
        ]);
        let metadata = json!({"name": "pillion"});
        let role = json!({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": metadata, "rules": cluster});
        self.objects.put(&role, "clusterroles", None).await?;
        let role = json!({"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": own});
        self.objects.put(&role, "roles", Some(NAMESPACE)).await?;
        let binding = json!({
            "apiVersion": RBAC, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pillion"},
            "subjects": [{"kind": "ServiceAccount", "name": "pillion", "namespace": NAMESPACE}],
        });
        self.objects
            .put(&binding, "rolebindings", Some(NAMESPACE))
            .await?;
        self.bind("pillion", "pillion").await
    }

    /// Binds the account of the server to a role of the cluster.
    pub(crate) async fn bind(&self, name: &str, role: &str) -> Outcome {
        let binding = json!({
            "apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "pillion", "namespace": NAMESPACE}],
        });
        self.objects
            .put(&binding, "clusterrolebindings", None)
            .await
    }

    pub(crate) async fn unbind(&self, name: &str) -> Outcome {
        self.objects.delete(RBAC, "clusterrolebindings", name).await
    }

    async fn deployment(&self) -> Outcome {
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pillion"}});
        self.objects
            .put(&account, "serviceaccounts", Some(NAMESPACE))
            .await?;
        let labels = json!({"app.kubernetes.io/name": "pillion"});
        let environment = [
            ("PILLION_WATCH_CLUSTER", "true"),
            ("PILLION_WEBHOOK_CONFIGURATION", "pillion"),
            ("PILLION_AUTHORITY_SECRET", "pillion-authority"),
        ];
        let environment = environment.map(|(name, value)| json!({"name": name, "value": value}));
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "pillion"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "serviceAccountName": "pillion",
                        "containers": [{
                            "name": "pillion",
                            "image": concat!("registry.example.com/pillion:", env!("CARGO_PKG_VERSION")),
                            "env": environment,
                        }],
                    },
                },
            },
        });
        self.objects
            .put(&deployment, "deployments", Some(NAMESPACE))
            .await?;
        self.ready(2).await
    }

    /// Sets the number of replicas, and waits until so many are ready.
    pub(crate) async fn scale(&self, replicas: usize) -> Outcome {
        let api = self
            .objects
            .api("apps/v1", "Deployment", "deployments", Some(NAMESPACE));
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let scaled = api.patch("pillion", &PatchParams::default(), &patch).await;
        scaled.map(drop).during("scale the Deployment")?;
        self.ready(replicas).await
    }

    /// Plays the kubelet: says of each pod that it is ready, until the Deployment counts so many.
    async fn ready(&self, replicas: usize) -> Outcome {
        let pods = self.objects.api("v1", "Pod", "pods", Some(NAMESPACE));
        let deployments = self
            .objects
            .api("apps/v1", "Deployment", "deployments", Some(NAMESPACE));
        let status = Patch::Merge(json!({"status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
        }}));
        let bound = std::time::Duration::from_secs(30);
        wait_until("the replicas to be ready", bound, async || {
            let listed = pods.list(&kube::api::ListParams::default()).await;
            for pod in listed.map_err(|error| error.to_string())?.items {
                let name = pod.metadata.name.unwrap_or_default();
                // One that is being deleted meanwhile needs nothing.
                let _ = pods
                    .patch_status(&name, &PatchParams::default(), &status)
                    .await;
            }
            let deployment = deployments.get("pillion").await;
            let deployment = deployment.map_err(|error| error.to_string())?;
            let count = |field: &str| deployment.data["status"][field].as_u64().unwrap_or(0);
            let wanted = replicas as u64;
            let done = count("readyReplicas") == wanted && count("replicas") == wanted;
            done.then_some(())
                .ok_or_else(|| deployment.data["status"].to_string())
        })
        .await
    }

    fn configurations(&self, authority: &str) -> Outcome<[Value; 2]> {
        webhook::installed(self.server.webhook.port(), authority)
    }

    /// Installs the webhook configurations as they are shipped, in place of what is there.
    pub(crate) async fn register(&self) -> Outcome {
        self.trust(self.identity.authority()).await
    }

    /// The same with another authority.
    pub(crate) async fn trust(&self, authority: &str) -> Outcome {
        for configuration in self.configurations(authority)? {
            let kind = configuration["kind"].as_str().unwrap_or_default();
            let api = self.objects.api(
                REGISTRATION,
                kind,
                &format!("{}s", kind.to_lowercase()),
                None,
            );
            // Applied by one owner alone, an edit of another one would stay.
            let _ = api.delete("pillion", &DeleteParams::default()).await;
            let object =
                serde_json::from_value(configuration.clone()).during("read a configuration")?;
            let created = api.create(&PostParams::default(), &object).await;
            created.map(drop).during("register the webhook")?;
        }
        Ok(())
    }

    pub(crate) async fn unregister(&self) -> Outcome {
        for plural in [
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
        ] {
            self.objects.delete(REGISTRATION, plural, "pillion").await?;
        }
        Ok(())
    }

    /// Registers a webhook of an installation that is gone; it asks about nothing.
    pub(crate) async fn leave_behind(&self, name: &str) -> Outcome {
        let service = json!({"namespace": "gone", "name": "pillion"});
        let configuration = json!({
            "apiVersion": REGISTRATION, "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": "namespace.pillion.dev", "clientConfig": {"service": service},
                "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            }],
        });
        self.objects
            .put(&configuration, "mutatingwebhookconfigurations", None)
            .await
    }

    pub(crate) async fn forget(&self, name: &str) -> Outcome {
        self.objects
            .delete(REGISTRATION, "mutatingwebhookconfigurations", name)
            .await
    }

    /// Replaces a field of the mutating configuration.
    pub(crate) async fn edit(&self, path: &str, value: Value) -> Outcome {
        let api = self.objects.api(
            REGISTRATION,
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
            None,
        );
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        let patch: json_patch::Patch =
            serde_json::from_value(operations).during("build a patch")?;
        let parameters = PatchParams::default();
        let edited = api
            .patch("pillion", &parameters, &Patch::Json::<()>(patch))
            .await;
        edited.map(drop).during("edit the configuration")
    }

    /// A Service without endpoints in place of the one that leads to the server.
    pub(crate) async fn lead_nowhere(&self) -> Outcome {
        let api = self
            .objects
            .api("v1", "Service", "services", Some(NAMESPACE));
        let deleted = api.delete("pillion", &DeleteParams::default()).await;
        deleted.map(drop).during("delete the Service")?;
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "pillion"},
            "spec": {"selector": {"app": "nobody"}, "ports": [{"port": self.server.webhook.port()}]},
        });
        self.objects
            .put(&service, "services", Some(NAMESPACE))
            .await
    }

    /// Sets a namespace's label `pillion.dev/injection`.
    pub(crate) async fn label(&self, namespace: &str, value: &str) -> Outcome {
        let api = self.objects.api("v1", "Namespace", "namespaces", None);
        let patch = Patch::Merge(json!({"metadata": {"labels": {"pillion.dev/injection": value}}}));
        let labelled = api.patch(namespace, &PatchParams::default(), &patch).await;
        labelled.map(drop).during("label a namespace")
    }

    /// Lets a pod ask that exists already, which nobody listens to.
    pub(crate) async fn ask_late(&self, namespace: &str, pod: &str, list: &str) -> Outcome {
        let api = self.objects.api("v1", "Pod", "pods", Some(namespace));
        let patch =
            Patch::Merge(json!({"metadata": {"annotations": {"pillion.dev/inject": list}}}));
        let asked = api.patch(pod, &PatchParams::default(), &patch).await;
        asked.map(drop).during("annotate a pod")
    }

    pub(crate) async fn finish(&self, namespace: &str, pod: &str) -> Outcome {
        let api = self.objects.api("v1", "Pod", "pods", Some(namespace));
        let patch = Patch::Merge(json!({"status": {"phase": "Succeeded"}}));
        let ended = api.patch_status(pod, &PatchParams::default(), &patch).await;
        ended.map(drop).during("end a pod")
    }

    /// Installs the policies with their bindings, or takes the bindings away.
    pub(crate) async fn policies(&self, bound: bool) -> Outcome {
        for document in POLICIES.iter().flat_map(|text| text.split("\n---\n")) {
            let object: Value = serde_saphyr::from_str(document).during("read a policy")?;
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            match (object["kind"].as_str(), bound) {
                (Some("ValidatingAdmissionPolicy"), _) => {
                    self.objects
                        .put(&object, "validatingadmissionpolicies", None)
                        .await?;
                }
                (_, true) => {
                    self.objects
                        .put(&object, "validatingadmissionpolicybindings", None)
                        .await?;
                }
                (_, false) => {
                    self.objects
                        .delete(REGISTRATION, "validatingadmissionpolicybindings", name)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Asks the doctor.
    pub(crate) fn doctor(&self, arguments: &[&str]) -> Outcome<Report> {
        self.ask(&self.control_plane.kubeconfig(), arguments)
    }

    /// The same as somebody who may do nothing.
    pub(crate) fn doctor_as(&self, user: &str) -> Outcome<Report> {
        let text = std::fs::read_to_string(self.control_plane.kubeconfig())
            .during("read the kubeconfig")?;
        let mut config: Value = serde_json::from_str(&text).during("read the kubeconfig")?;
        config["users"][0]["user"]["as"] = json!(user);
        let path: PathBuf = self.control_plane.folder().join("kubeconfig-as");
        std::fs::write(&path, config.to_string()).during("write a kubeconfig")?;
        self.ask(&path, &[])
    }

    fn ask(&self, kubeconfig: &Path, arguments: &[&str]) -> Outcome<Report> {
        let address = self.server.webhook.to_string();
        let mut all = vec!["-o", "json", "--connect", &address];
        all.extend(arguments);
        let output = doctor(kubeconfig, &all)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let document = serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::new(format!("no JSON: {error}: {said}")))?;
        Ok(Report {
            status: output.status.code().unwrap_or(-1),
            document,
        })
    }

    /// What a person sees.
    pub(crate) fn text(&self) -> Outcome<String> {
        let address = self.server.webhook.to_string();
        let output = doctor(&self.control_plane.kubeconfig(), &["--connect", &address])?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
