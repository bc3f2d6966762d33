//! What Pillion's ServiceAccount needs, and what it must not have.
//!
//! What is needed depends on what the Deployment switches on: its settings are environment variables
//! of the container, or arguments.

use serde_json::Value;

use super::KnownNames;
use crate::cluster::{Access, ClusterReader, Read};

/// A right: verbs, group, resource.
type Right = (&'static [&'static str], &'static str, &'static str);

/// Templates, and what decisions need of the cluster.
const WATCH: [Right; 6] = [
    (
        &["list", "watch"],
        "pillion.dev",
        "clusterinjectiontemplates",
    ),
    (&["list", "watch"], "pillion.dev", "injectiontemplates"),
    (&["list", "watch"], "", "namespaces"),
    (&["list", "watch"], "", "limitranges"),
    (&["list", "watch"], "", "resourcequotas"),
    (&["list", "watch"], "", "serviceaccounts"),
];

/// What the leader writes about templates.
const STATUS: [Right; 2] = [
    (
        &["patch"],
        "pillion.dev",
        "clusterinjectiontemplates/status",
    ),
    (&["patch"], "pillion.dev", "injectiontemplates/status"),
];

const EVENTS: Right = (&["create", "patch"], "events.k8s.io", "events");
const REVISIONS: Right = (
    &["list", "watch", "create", "delete"],
    "apps",
    "controllerrevisions",
);
const LEASE: Right = (&["get", "patch"], "coordination.k8s.io", "leases");
const DEPLOYMENT: Right = (&["get"], "apps", "deployments");
const AUTHORITY: Right = (&["get", "update"], "", "secrets");
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
];

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
pub(super) fn wanted(names: &KnownNames, deployment: &Value) -> Vec<(Access, bool)> {
    let account = deployment
        .pointer("/spec/template/spec/serviceAccountName")
        .and_then(Value::as_str)
        .unwrap_or("default");
    let mut wanted = Wanted {
        user: format!("system:serviceaccount:{}:{account}", names.namespace),
        namespace: names.namespace.clone(),
        rights: Vec::new(),
    };
    let is_on = |variable: &str, flag: &str| {
        setting(deployment, variable, flag).is_some_and(|value| value != "false")
    };
    let own = Some(names.namespace.as_str());
    if is_on("PILLION_WATCH_CLUSTER", "--watch-cluster") {
        for right in WATCH.iter().chain(&STATUS) {
            wanted.add(*right, None, None);
        }
        if setting(deployment, "PILLION_EVENTS", "--events").as_deref() != Some("false") {
            wanted.add(EVENTS, None, None);
        }
        let lease = setting(deployment, "PILLION_LEASE", "--lease");
        let lease = lease.unwrap_or_else(|| "pillion".to_owned());
        wanted.add(LEASE, own, Some(&lease));
        wanted.add(REVISIONS, own, None);
    }
    if let Some(name) = setting(
        deployment,
        "PILLION_WEBHOOK_CONFIGURATION",
        "--webhook-configuration",
    ) {
        for resource in CONFIGURATIONS {
            let verbs: &[_] = &["get", "list", "watch", "patch"];
            let right = (verbs, "admissionregistration.k8s.io", resource);
            wanted.add(right, None, Some(&name));
        }
        wanted.add(DEPLOYMENT, own, Some(&names.name));
    }
    if let Some(name) = setting(deployment, "PILLION_AUTHORITY_SECRET", "--authority-secret") {
        wanted.add(AUTHORITY, own, Some(&name));
    }
    let mut wanted: Vec<_> = wanted.rights.into_iter().map(|one| (one, true)).collect();
    wanted.extend(forbidden(names, account).map(|access| (access, false)));
    wanted
}

/// No Secret but its own is ever readable.
fn forbidden(names: &KnownNames, account: &str) -> impl Iterator<Item = Access> {
    let user = format!("system:serviceaccount:{}:{account}", names.namespace);
    let groups = groups(&names.namespace);
    let own = names.namespace.clone();
    let places = [(None, "get"), (None, "list"), (Some(own), "list")];
    places.into_iter().map(move |(namespace, verb)| Access {
        user: user.clone(),
        groups: groups.clone(),
        verb,
        group: "",
        resource: "secrets",
        namespace,
        name: None,
    })
}

fn groups(namespace: &str) -> Vec<String> {
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ]
}

struct Wanted {
    user: String,
    namespace: String,
    rights: Vec<Access>,
}

impl Wanted {
    fn add(
        &mut self,
        (verbs, group, resource): (&[&'static str], &'static str, &'static str),
        namespace: Option<&str>,
        name: Option<&str>,
    ) {
        for verb in verbs {
            self.rights.push(Access {
                user: self.user.clone(),
                groups: groups(&self.namespace),
                verb,
                group,
                resource,
                namespace: namespace.map(str::to_owned),
                name: name.map(str::to_owned),
            });
        }
    }
}

/// A setting of the Deployment's first container: an environment variable or an argument.
pub(super) fn setting(deployment: &Value, variable: &str, flag: &str) -> Option<String> {
    let container = deployment.pointer("/spec/template/spec/containers/0")?;
    let list = |field: &str| {
        let list = container.get(field).and_then(Value::as_array);
        list.map_or(&[][..], Vec::as_slice)
    };
    let named = list("env").iter().find(|one| one["name"] == variable);
    if let Some(value) = named.and_then(|one| one.get("value")?.as_str()) {
        return Some(value.to_owned());
    }
    let arguments: Vec<_> = list("args").iter().filter_map(Value::as_str).collect();
    let at = arguments.iter().position(|one| one.starts_with(flag))?;
    let rest = arguments.get(at)?.strip_prefix(flag)?;
    match rest.strip_prefix('=') {
        Some(value) => Some(value.to_owned()),
        None if rest.is_empty() => {
            let next = arguments.get(at + 1).filter(|next| !next.starts_with("--"));
            Some(next.map_or_else(|| "true".to_owned(), |&next| next.to_owned()))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
