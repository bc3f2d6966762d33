//! An installation as the chart makes it, on a control plane of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::wait::wait_until;
use crate::support::webhook;

const NAMESPACE: &str = "pillion-system";
const REGISTRATION: &str = "admissionregistration.k8s.io/v1";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
const DEFINITIONS: [(&str, &str, &str); 2] = [
    (
        "clusterinjectiontemplates",
        "ClusterInjectionTemplate",
        "Cluster",
    ),
    ("injectiontemplates", "InjectionTemplate", "Namespaced"),
];
const POLICIES: [&str; 2] = [
    include_str!("../../deploy/chart/pillion/files/require-injection-policy.yaml"),
    include_str!("../../deploy/chart/pillion/files/namespace-guard-policy.yaml"),
];

/// An installation, its server and the control plane; all end with it.
pub(crate) struct Installation {
    pub(crate) identity: Identity,
    server: Pillion,
    client: Client,
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

impl Installation {
    pub(crate) async fn create() -> Outcome<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let client = control_plane.client()?;
        let identity = Identity::new()?;
        let program = Path::new(env!("CARGO_BIN_EXE_pillion"));
        let server = Pillion::start(&Settings::new(program), &identity).await?;
        let installation = Self {
            identity,
            server,
            client,
            control_plane,
        };
        webhook::ensure_service(&installation.client).await?;
        installation.define().await?;
        installation.roles().await?;
        installation.deployment().await?;
        installation.register().await?;
        Ok(installation)
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    fn api(
        &self,
        version: &str,
        kind: &str,
        plural: &str,
        namespace: Option<&str>,
    ) -> Api<DynamicObject> {
        let (group, short) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: short.to_owned(),
            api_version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client(), namespace, &resource),
            None => Api::all_with(self.client(), &resource),
        }
    }

    /// Creates an object, or puts it in the place of the one that is there.
    async fn put(&self, object: &Value, plural: &str, namespace: Option<&str>) -> Outcome {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let api = self.api(text("/apiVersion"), text("/kind"), plural, namespace);
        let name = text("/metadata/name");
        let parameters = PatchParams::apply("test").force();
        let put = api.patch(name, &parameters, &Patch::Apply(object)).await;
        put.map(drop).during(&format!("put {plural} {name}"))
    }

    async fn delete(&self, version: &str, plural: &str, name: &str) -> Outcome {
        let api = self.api(version, "", plural, None);
        let deleted = api.delete(name, &DeleteParams::default()).await;
        deleted.map(drop).during(&format!("delete {plural} {name}"))
    }

    /// The kinds of templates.
    pub(crate) async fn define(&self) -> Outcome {
        for (plural, kind, scope) in DEFINITIONS {
            let name = format!("{plural}.pillion.dev");
            let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            let object = json!({
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": name, "labels": {"app.kubernetes.io/version": env!("CARGO_PKG_VERSION")}},
                "spec": {
                    "group": "pillion.dev", "scope": scope,
                    "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                    "versions": [{
                        "name": "v1alpha1", "served": true, "storage": true,
                        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
                        "subresources": {"status": {}},
                    }],
                },
            });
            self.put(&object, "customresourcedefinitions", None).await?;
        }
        Ok(())
    }

    pub(crate) async fn remove_definition(&self) -> Outcome {
        let name = "injectiontemplates.pillion.dev";
        self.delete("apiextensions.k8s.io/v1", "customresourcedefinitions", name)
            .await
    }

    /// A template that was judged: it does not compile, and an earlier revision is served or not.
    pub(crate) async fn template(&self, name: &str, served: &str) -> Outcome {
        let object = json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "ClusterInjectionTemplate",
            "metadata": {"name": name}, "spec": {"pattern": "Sidecar"},
        });
        self.put(&object, "clusterinjectiontemplates", None).await?;
        let api = self.api(
            "pillion.dev/v1alpha1",
            "ClusterInjectionTemplate",
            "clusterinjectiontemplates",
            None,
        );
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "message": "spec.sidecars: of a test"});
        let status = json!({"status": {"conditions": [condition("Compiled", "False"), condition("Served", served)]}});
        let patched = api
            .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
            .await;
        patched.map(drop).during("write a status")
    }

    pub(crate) async fn remove_template(&self, name: &str) -> Outcome {
        self.delete("pillion.dev/v1alpha1", "clusterinjectiontemplates", name)
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
        self.put(&role, "clusterroles", None).await?;
        let role = json!({"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": own});
        self.put(&role, "roles", Some(NAMESPACE)).await?;
        let binding = json!({
            "apiVersion": RBAC, "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pillion"},
            "subjects": [{"kind": "ServiceAccount", "name": "pillion", "namespace": NAMESPACE}],
        });
        self.put(&binding, "rolebindings", Some(NAMESPACE)).await?;
        self.bind("pillion", "pillion").await
    }

    /// Gives the ServiceAccount a ClusterRole.
    pub(crate) async fn bind(&self, name: &str, role: &str) -> Outcome {
        let binding = json!({
            "apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "pillion", "namespace": NAMESPACE}],
        });
        self.put(&binding, "clusterrolebindings", None).await
    }

    pub(crate) async fn unbind(&self, name: &str) -> Outcome {
        self.delete(RBAC, "clusterrolebindings", name).await
    }

    async fn deployment(&self) -> Outcome {
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pillion"}});
        self.put(&account, "serviceaccounts", Some(NAMESPACE))
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
        self.put(&deployment, "deployments", Some(NAMESPACE))
            .await?;
        self.ready(2).await
    }

    /// Sets the number of replicas, and waits until so many are ready.
    pub(crate) async fn scale(&self, replicas: usize) -> Outcome {
        let api = self.api("apps/v1", "Deployment", "deployments", Some(NAMESPACE));
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let scaled = api.patch("pillion", &PatchParams::default(), &patch).await;
        scaled.map(drop).during("scale the Deployment")?;
        self.ready(replicas).await
    }

    /// Plays the kubelet: says of each pod that it is ready, until the Deployment counts so many.
    async fn ready(&self, replicas: usize) -> Outcome {
        let pods = self.api("v1", "Pod", "pods", Some(NAMESPACE));
        let deployments = self.api("apps/v1", "Deployment", "deployments", Some(NAMESPACE));
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
        let [mut mutating, validating] = webhook::installed(self.server.webhook.port(), authority)?;
        let is_there = mutating.to_string().contains("config.mirror");
        for entry in mutating["webhooks"].as_array_mut().into_iter().flatten() {
            if !is_there {
                let condition = json!({
                    "name": "is-no-mirror-pod",
                    "expression": pillion::cluster::hazards::NOT_A_MIRROR_POD,
                });
                let mut conditions = entry["matchConditions"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                conditions.push(condition);
                entry["matchConditions"] = json!(conditions);
            }
        }
        Ok([mutating, validating])
    }

    /// Installs the webhook configurations as they are shipped, in place of what is there.
    pub(crate) async fn register(&self) -> Outcome {
        self.trust(self.identity.authority()).await
    }

    /// The same with another authority.
    pub(crate) async fn trust(&self, authority: &str) -> Outcome {
        for configuration in self.configurations(authority)? {
            let kind = configuration["kind"].as_str().unwrap_or_default();
            let api = self.api(
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
            self.delete(REGISTRATION, plural, "pillion").await?;
        }
        Ok(())
    }

    /// Replaces a field of the mutating configuration.
    pub(crate) async fn edit(&self, path: &str, value: Value) -> Outcome {
        let api = self.api(
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
        let api = self.api("v1", "Service", "services", Some(NAMESPACE));
        let deleted = api.delete("pillion", &DeleteParams::default()).await;
        deleted.map(drop).during("delete the Service")?;
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "pillion"},
            "spec": {"selector": {"app": "nobody"}, "ports": [{"port": self.server.webhook.port()}]},
        });
        self.put(&service, "services", Some(NAMESPACE)).await
    }

    /// Sets a namespace's label `pillion.dev/injection`.
    pub(crate) async fn label(&self, namespace: &str, value: &str) -> Outcome {
        let api = self.api("v1", "Namespace", "namespaces", None);
        let patch = Patch::Merge(json!({"metadata": {"labels": {"pillion.dev/injection": value}}}));
        let labelled = api.patch(namespace, &PatchParams::default(), &patch).await;
        labelled.map(drop).during("label a namespace")
    }

    /// Lets a pod ask that exists already, which nobody listens to.
    pub(crate) async fn ask_late(&self, namespace: &str, pod: &str, list: &str) -> Outcome {
        let api = self.api("v1", "Pod", "pods", Some(namespace));
        let patch =
            Patch::Merge(json!({"metadata": {"annotations": {"pillion.dev/inject": list}}}));
        let asked = api.patch(pod, &PatchParams::default(), &patch).await;
        asked.map(drop).during("annotate a pod")
    }

    /// Installs the policies with their bindings, or takes the bindings away.
    pub(crate) async fn policies(&self, bound: bool) -> Outcome {
        for document in POLICIES.iter().flat_map(|text| text.split("\n---\n")) {
            let object: Value = serde_saphyr::from_str(document).during("read a policy")?;
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            match (object["kind"].as_str(), bound) {
                (Some("ValidatingAdmissionPolicy"), _) => {
                    self.put(&object, "validatingadmissionpolicies", None)
                        .await?;
                }
                (_, true) => {
                    self.put(&object, "validatingadmissionpolicybindings", None)
                        .await?
                }
                (_, false) => {
                    self.delete(REGISTRATION, "validatingadmissionpolicybindings", name)
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
