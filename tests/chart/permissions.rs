//! The chart's permissions are exactly enough: with them nothing is refused and each is used, and
//! without any one of the rules something fails and says so.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chart::process::Replica;
use crate::chart::programs::{NAME, NAMESPACE};
use crate::chart::running::Stage;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::wait::wait_until;

/// Events are counted on after ten seconds, which is the longest of all that is waited for.
const SOON: Duration = Duration::from_mins(1);

/// The roles that the chart gives Pillion.
const ROLES: [&str; 2] = ["clusterrole", "role"];

/// A verb on a resource, as `verb resource`.
type Right = String;

fn template(image: &str) -> Value {
    json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": "helper"},
        "spec": {
            "pattern": "Sidecar",
            "sidecars": [{
                "name": "helper",
                "image": image,
                "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
            }],
        },
    })
}

impl Stage {
    fn apply(&self, object: &Value) -> Outcome {
        let file = self.programs.file("object.json", &object.to_string())?;
        self.programs.kubectl(&["apply", "-f", &file]).map(drop)
    }

    /// Lets the API server call a process of this machine by the Service's name.
    fn lead_to(&self, port: u16) -> Outcome {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        });
        let file = self.programs.file("service.json", &service.to_string())?;
        let replace = ["replace", "--force", "-f", &file];
        self.programs.kubectl(&replace)?;
        for kind in crate::chart::running::CONFIGURATIONS {
            let object = self.programs.get(&[kind, NAME])?;
            let count = object["webhooks"].as_array().map_or(0, Vec::len);
            let operations: Vec<_> = (0..count)
                .map(|index| {
                    let path = format!("/webhooks/{index}/clientConfig/service/port");
                    json!({"op": "add", "path": path, "value": port})
                })
                .collect();
            let patch = Value::from(operations).to_string();
            let patch = ["patch", kind, NAME, "--type=json", "-p", &patch];
            self.programs.kubectl(&patch)?;
        }
        Ok(())
    }

    /// Everything for which Pillion needs a right: templates come, change, break and go; pods are
    /// injected; the authority is replaced.
    async fn exercise(&self, replica: &Replica) -> Outcome {
        self.apply(&template("registry.example.com/helper:1"))?;
        let mut of_namespace = template("registry.example.com/helper:1");
        of_namespace["kind"] = json!("InjectionTemplate");
        of_namespace["metadata"] = json!({"name": "own-helper", "namespace": "default"});
        self.apply(&of_namespace)?;
        self.lead_to(replica.port().await?)?;
        let labels = [
            "label",
            "namespace",
            "default",
            "pillion.dev/injection=enabled",
            "--overwrite",
        ];
        self.programs.kubectl(&labels)?;
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "orders", "namespace": "default"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "orders"}},
                "template": {
                    "metadata": {
                        "labels": {"app": "orders"},
                        "annotations": {"pillion.dev/inject": "helper"},
                    },
                    "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
                },
            },
        });
        self.apply(&deployment)?;
        self.apply(&template("registry.example.com/helper:2"))?;
        self.apply(&template("${params.nothing}"))?;
        let rotate = [
            "annotate",
            "secret",
            "pillion-authority",
            "--namespace",
            NAMESPACE,
            "--overwrite",
            "pillion.dev/rotate=now",
        ];
        self.programs.kubectl(&rotate).map(drop)
    }
}

/// What the API server noted of Pillion's requests: what was granted, and what was refused.
fn rights(stage: &Stage) -> Outcome<(BTreeSet<Right>, BTreeSet<Right>)> {
    let log = fs::read_to_string(stage.audit_log()).during("read the audit log")?;
    let user = format!("system:serviceaccount:{NAMESPACE}:{NAME}");
    let (mut granted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for line in log.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if event["user"]["username"] != user.as_str() {
            continue;
        }
        let object = &event["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut resource = text(&object["resource"]);
        if let Some(part) = object["subresource"].as_str() {
            resource = format!("{resource}/{part}");
        }
        let right = format!("{} {resource}", text(&event["verb"]));
        if event["responseStatus"]["code"] == 403 {
            refused.insert(right);
        } else {
            granted.insert(right);
        }
    }
    Ok((granted, refused))
}

/// The rights that the chart grants.
fn declared(stage: &Stage) -> Outcome<BTreeSet<Right>> {
    let mut declared = BTreeSet::new();
    for kind in ROLES {
        let role = stage.programs.get(&[kind, NAME])?;
        for rule in role["rules"].as_array().into_iter().flatten() {
            for resource in rule["resources"].as_array().into_iter().flatten() {
                for verb in rule["verbs"].as_array().into_iter().flatten() {
                    let (verb, resource) = (verb.as_str(), resource.as_str());
                    declared.extend(
                        verb.zip(resource)
                            .map(|(verb, resource)| format!("{verb} {resource}")),
                    );
                }
            }
        }
    }
    Ok(declared)
}

#[tokio::test]
async fn every_right_is_used_and_none_is_missing() -> Outcome {
    let stage = Stage::audited().await?;
    stage.helm("install", &[])?;
    let declared = declared(&stage)?;
    let replica = Replica::start(&stage, "pillion-0")?;
    stage.exercise(&replica).await?;
    let waited = wait_until("every right to be used", SOON, async || {
        let (granted, refused) = rights(&stage).map_err(|failure| failure.to_string())?;
        if !refused.is_empty() {
            return Ok(Err(Failure::new(format!("refused: {refused:?}"))));
        }
        let unused: Vec<_> = declared.difference(&granted).collect();
        if unused == ["delete controllerrevisions"] {
            // What goes last: the template's revision goes with it.
            let delete = ["delete", "clusterinjectiontemplate", "helper"];
            stage
                .programs
                .kubectl(&delete)
                .map_err(|failure| failure.to_string())?;
        }
        if unused.is_empty() {
            return Ok(Ok(()));
        }
        Err(format!("not used: {unused:?}"))
    });
    match waited.await.flatten() {
        Ok(()) => Ok(()),
        Err(failure) => {
            let log = replica.log().join("\n");
            Err(Failure::new(format!("{failure}\n{log}")))
        }
    }
}

#[tokio::test]
async fn without_any_one_rule_something_fails_and_says_so() -> Outcome {
    let stage = Stage::audited().await?;
    stage.helm("install", &[])?;
    for kind in ROLES {
        let role = stage.programs.get(&[kind, NAME])?;
        let rules = role["rules"].as_array().cloned().unwrap_or_default();
        for index in 0..rules.len() {
            let mut fewer = rules.clone();
            let rule = fewer.remove(index);
            let patch = json!({"rules": fewer}).to_string();
            let patch = [
                "patch",
                kind,
                NAME,
                "--namespace",
                NAMESPACE,
                "--type=merge",
                "-p",
                &patch,
            ];
            stage.programs.kubectl(&patch)?;
            let replica = Replica::start(&stage, &format!("pillion-{kind}-{index}"))?;
            stage.exercise(&replica).await?;
            let resource = rule["resources"][0].as_str().unwrap_or_default();
            let resource = resource.split('/').next().unwrap_or_default();
            let told = replica.says(&["forbidden", resource]).await;
            told.map_err(|failure| Failure::new(format!("without {rule}: {failure}")))?;
        }
        let patch = json!({"rules": rules}).to_string();
        let patch = [
            "patch",
            kind,
            NAME,
            "--namespace",
            NAMESPACE,
            "--type=merge",
            "-p",
            &patch,
        ];
        stage.programs.kubectl(&patch)?;
    }
    Ok(())
}
