//! What Pillion's ServiceAccount needs, and what it must not have.
//!
//! The shipped roles say what it needs with every feature switched on; which features are, the
//! Deployment says, in environment variables of its container or in arguments.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::KnownNames;
use crate::cluster::{Access, ClusterReader, Read};
use crate::kubernetes::object::list_at;

/// The roles that are shipped: one for the whole cluster, one for Pillion's own namespace.
static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    let text = include_str!("../../../../deploy/kustomize/base/rbac.yaml");
    serde_saphyr::from_multiple(text).unwrap_or_default()
});

/// A role, or a binding, which has no rules.
#[derive(Debug, Deserialize)]
struct Role {
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

/// Asks for each right whether the ServiceAccount has it; beside each whether it should.
pub(super) async fn ask(
    reader: &ClusterReader,
    names: &KnownNames,
    deployment: &Read<Value>,
) -> Vec<(Access, bool, Read<bool>)> {
    let Read::Found(deployment) = deployment else {
        return Vec::new();
    };
    let mut answers = Vec::new();
    for (access, needed) in wanted(names, deployment) {
        let read = reader.may(&access).await;
        // Who may not ask once may not ask at all.
        let denied = matches!(read, Read::Unknown(_));
        answers.push((access, needed, read));
        if denied {
            break;
        }
    }
    answers
}

/// The rights to ask for, and whether each should be there.
fn wanted(names: &KnownNames, deployment: &Value) -> Vec<(Access, bool)> {
    let blank = blank(names, deployment);
    let own = Some(names.namespace.clone());
    let mut wanted = Vec::new();
    for role in ROLES.iter() {
        let namespace = own.clone().filter(|_| role.kind == "Role");
        for (group, resource, verb) in role.rules.iter().flat_map(Rule::rights) {
            let Some(name) = needed(group, resource, names, deployment) else {
                continue;
            };
            let access = Access {
                verb,
                group,
                resource,
                namespace: namespace.clone(),
                name: Some(name).filter(|name| !name.is_empty()),
                ..blank.clone()
            };
            wanted.push((access, true));
        }
    }
    // No Secret but its own is ever readable.
    for (namespace, verb) in [(None, "get"), (None, "list"), (own, "list")] {
        let access = Access {
            verb,
            resource: "secrets",
            namespace,
            ..blank.clone()
        };
        wanted.push((access, false));
    }
    wanted
}

/// The access of Pillion's ServiceAccount to nothing yet.
fn blank(names: &KnownNames, deployment: &Value) -> Access {
    let account = deployment
        .pointer("/spec/template/spec/serviceAccountName")
        .and_then(Value::as_str)
        .unwrap_or("default");
    Access {
        user: format!("system:serviceaccount:{}:{account}", names.namespace),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{}", names.namespace),
            "system:authenticated".to_owned(),
        ],
        verb: "",
        group: "",
        resource: "",
        namespace: None,
        name: None,
    }
}

impl Rule {
    /// Each right as API group, resource and verb.
    fn rights(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.api_groups.iter().flat_map(move |group| {
            self.resources.iter().flat_map(move |resource| {
                let verbs = self.verbs.iter();
                verbs.map(move |verb| (group.as_str(), resource.as_str(), verb.as_str()))
            })
        })
    }
}

/// Whether the features that the Deployment switches on need a resource: the name of the one object
/// that they need, empty where they need all.
fn needed(group: &str, resource: &str, names: &KnownNames, deployment: &Value) -> Option<String> {
    let setting = |variable, flag| setting(deployment, variable, flag);
    let watches =
        setting("PILLION_WATCH_CLUSTER", "--watch-cluster").is_some_and(|value| value != "false");
    let configuration = setting("PILLION_WEBHOOK_CONFIGURATION", "--webhook-configuration");
    match (group, resource) {
        ("admissionregistration.k8s.io", _) => configuration,
        ("apps", "deployments") => configuration.map(|_| names.name.clone()),
        ("", "secrets") => setting("PILLION_AUTHORITY_SECRET", "--authority-secret"),
        _ if !watches => None,
        ("events.k8s.io", _) => {
            let is_off = setting("PILLION_EVENTS", "--events").is_some_and(|on| on == "false");
            (!is_off).then(String::new)
        }
        ("coordination.k8s.io", _) => {
            let lease = setting("PILLION_LEASE", "--lease");
            Some(lease.unwrap_or_else(|| "pillion".to_owned()))
        }
        _ => Some(String::new()),
    }
}

/// A setting of the Deployment's first container: an environment variable or an argument.
pub(super) fn setting(deployment: &Value, variable: &str, flag: &str) -> Option<String> {
    let container = deployment.pointer("/spec/template/spec/containers/0")?;
    let mut variables = list_at(container, "/env").iter();
    let named = variables.find(|one| one["name"] == variable);
    if let Some(value) = named.and_then(|one| one.get("value")?.as_str()) {
        return Some(value.to_owned());
    }
    let mut arguments = list_at(container, "/args").iter().filter_map(Value::as_str);
    let rest = arguments.find_map(|one| one.strip_prefix(flag))?;
    match rest.strip_prefix('=') {
        Some(value) => Some(value.to_owned()),
        None if rest.is_empty() => {
            let next = arguments.next().filter(|next| !next.starts_with("--"));
            Some(next.unwrap_or("true").to_owned())
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rights_follow_what_is_switched_on() {
        let names = KnownNames {
            namespace: "own".to_owned(),
            name: "pillion".to_owned(),
            ..KnownNames::default()
        };
        let rights = |arguments: Value| -> Vec<String> {
            let deployment =
                json!({"spec": {"template": {"spec": {"containers": [{"args": arguments}]}}}});
            let wanted = wanted(&names, &deployment);
            let needed = wanted.into_iter().filter(|(_, is_needed)| *is_needed);
            needed
                .map(|(access, _)| {
                    let name = access.name.unwrap_or_default();
                    let namespace = access.namespace.unwrap_or_default();
                    format!("{} {} {namespace}/{name}", access.verb, access.resource)
                })
                .collect()
        };
        assert_eq!(rights(json!([])), [""; 0]);
        assert_eq!(
            rights(json!(["--authority-secret=ca"])),
            ["get secrets own/ca", "update secrets own/ca"]
        );
        let watching = rights(json!(["--watch-cluster", "--events=false", "--lease", "l"]));
        assert!(
            watching.contains(&"get leases own/l".to_owned()),
            "{watching:?}"
        );
        assert!(watching.contains(&"watch namespaces /".to_owned()));
        assert!(!watching.iter().any(|right| right.contains("events")));
        let managed = rights(json!(["--webhook-configuration=w"]));
        assert_eq!(managed.len(), 9, "{managed:?}");
        assert!(managed.contains(&"get deployments own/pillion".to_owned()));
    }

    #[test]
    fn settings_are_found_as_variables_and_as_arguments() {
        let container = json!({
            "env": [{"name": "PILLION_A", "value": "x"}, {"name": "PILLION_B", "valueFrom": {}}],
            "args": ["serve", "--b=y", "--c", "z", "--watch", "--d"],
        });
        let deployment = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
        let table = [
            ("PILLION_A", "--none", Some("x")),
            ("PILLION_B", "--b", Some("y")),
            ("PILLION_C", "--c", Some("z")),
            ("PILLION_D", "--d", Some("true")),
            ("PILLION_W", "--watch", Some("true")),
            ("PILLION_N", "--none", None),
        ];
        for (variable, flag, expected) in table {
            let found = setting(&deployment, variable, flag);
            assert_eq!(found.as_deref(), expected, "{variable}");
        }
    }
}
