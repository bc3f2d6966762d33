//! The mount of the ServiceAccount's token in the containers that templates add.
//!
//! The API server's ServiceAccount plugin has mounted the token into the user's containers before we
//! are asked, and mounts it into ours when we have answered. That changes the pod, so the API server
//! asks once more. With the very same mount in our patch nothing is left to change, and it does not:
//! a tenth of what an injected pod costs it, and one call for each.
//!
//! It is written into the patch with each of them, and only where the plugin was at work: where the pod has
//! the volume as the plugin makes it, and every container of the user's has a mount at the path: the plugin
//! leaves out those that have another one there. A ServiceAccount that mounts no token is not known
//! here: a pod that was copied with such a volume, under one, gets the mount in our containers as it
//! has it in its own.

use serde::Deserialize;

use super::element::Element;
use super::{List, WorkingPod};
use crate::kubernetes::defaults::{TOKEN_PATH, TOKEN_VOLUME};
use crate::review::{Json, Text};

/// What is read of a mount.
#[derive(Deserialize)]
struct Mount<'a> {
    #[serde(borrow, default, rename = "mountPath")]
    path: Option<Text<'a>>,
}

/// What is read of a projected volume.
#[derive(Deserialize)]
struct Projected<'a> {
    #[serde(borrow, default)]
    sources: Vec<Source<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    #[serde(borrow, default)]
    service_account_token: Option<Token<'a>>,
    #[serde(borrow, default)]
    config_map: Option<ConfigMap<'a>>,
    #[serde(rename = "downwardAPI", default)]
    downward_api: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(default)]
    expiration_seconds: Option<i64>,
}

#[derive(Deserialize)]
struct ConfigMap<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

/// How long the plugin's token is valid, in seconds (k8s:pkg/serviceaccount/claims.go,
/// `WarnOnlyBoundTokenExpirationPeriod`).
const EXPIRATION: i64 = 3607;

impl Source<'_> {
    /// Whether it is the token as the plugin asks for it.
    fn is_token(&self) -> bool {
        self.service_account_token.as_ref().is_some_and(|token| {
            is(token.path.as_ref(), "token") && token.expiration_seconds == Some(EXPIRATION)
        })
    }

    /// Whether it is the API server's certificate authority.
    fn is_authority(&self) -> bool {
        let map = self.config_map.as_ref();
        map.is_some_and(|map| is(map.name.as_ref(), "kube-root-ca.crt"))
    }
}

fn is(text: Option<&Text<'_>>, expected: &str) -> bool {
    text.is_some_and(|text| text.as_str() == expected)
}

impl WorkingPod<'_> {
    /// The volume that the plugin mounts into every container; `None` where it may not.
    pub(in crate::inject) fn token_volume(&self) -> Option<String> {
        let automount = self.others.get("automountServiceAccountToken");
        if automount.is_some_and(|json| json.raw() == "false") {
            return None;
        }
        // The plugin takes the first whose name begins so.
        let (name, volume) = self
            .list(List::Volumes)
            .iter()
            .filter_map(users)
            .find(|(name, _)| name.starts_with(TOKEN_VOLUME))?;
        let projected: Projected<'_> = volume.get_as("projected")?;
        let [token, authority, namespace] = projected.sources.as_slice() else {
            return None;
        };
        let is_plugins = is_made_up(name)
            && token.is_token()
            && authority.is_authority()
            && namespace.downward_api.is_some();
        if !is_plugins {
            return None;
        }
        let init_containers = self.list(List::InitContainers).iter();
        let containers = init_containers.chain(self.list(List::Containers));
        containers
            .filter_map(users)
            .all(|(_, container)| mounts_token(container))
            .then(|| name.to_owned())
    }
}

/// How many characters it makes up.
pub(in crate::inject) const MADE_UP: usize = 5;

/// The characters that the API server makes up names of (apimachinery:pkg/util/rand).
const ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Whether a volume's name is one that the plugin makes up.
pub(in crate::inject) fn is_made_up(name: &str) -> bool {
    let made_up = name.strip_prefix(TOKEN_VOLUME);
    made_up.is_some_and(|text| text.len() == MADE_UP && text.chars().all(|c| ALPHABET.contains(c)))
}

/// An element of the user's, with its name.
fn users<'e>(element: &'e Element<'_>) -> Option<(&'e str, Json<'e>)> {
    match element {
        Element::Users { name, object, .. } => Some((name, *object)),
        Element::Added { .. } => None,
    }
}

/// Whether a container has a mount where the plugin's would be.
fn mounts_token(container: Json<'_>) -> bool {
    let mounts: Vec<Mount<'_>> = container.get_as("volumeMounts").unwrap_or_default();
    mounts
        .iter()
        .any(|mount| is(mount.path.as_ref(), TOKEN_PATH))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::review::Pod;

    const TOKEN: &str = "kube-api-access-bcdfg";

    /// The pod as the plugin leaves it.
    fn pod() -> Value {
        let mount = json!({"name": TOKEN, "readOnly": true, "mountPath": TOKEN_PATH});
        json!({"spec": {
            "containers": [{"name": "web", "volumeMounts": [{"name": "x", "mountPath": "/x"}, mount]}],
            "volumes": [{"name": TOKEN, "projected": {"sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                {"configMap": {"name": "kube-root-ca.crt", "items": []}},
                {"downwardAPI": {"items": []}}]}}]}})
    }

    /// The mounts of a container that is added to the pod with these of its own.
    fn mounts_of_ours(pod: &Value, own: &Value) -> Value {
        let text = pod.to_string();
        let document = crate::review::Document::read(&text).unwrap();
        let read = Pod::read(document.root()).unwrap();
        let mut working = WorkingPod::new(&read).unwrap();
        let Value::Object(container) = json!({"name": "ours", "volumeMounts": own}) else {
            unreachable!()
        };
        working.add(List::InitContainers, "t", container.into(), true);
        let patch = serde_json::to_value(working.into_patch()).unwrap();
        patch[0]["value"][0]["volumeMounts"].clone()
    }

    #[test]
    fn ours_get_the_mount_that_the_plugin_would_add_behind_their_own() {
        let mount = json!({"name": TOKEN, "readOnly": true, "mountPath": TOKEN_PATH});
        let own = json!({"name": "c", "mountPath": "/c"});
        assert_eq!(mounts_of_ours(&pod(), &json!([])), json!([mount]));
        assert_eq!(mounts_of_ours(&pod(), &json!([own])), json!([own, mount]));
        let taken = json!([{"name": "other", "mountPath": TOKEN_PATH}]);
        assert_eq!(mounts_of_ours(&pod(), &taken), taken);
    }

    #[test]
    fn a_container_that_has_something_else_there_changes_nothing() {
        let mut pod = pod();
        pod["spec"]["containers"][0]["volumeMounts"][1]["name"] = json!("x");
        let mount = json!({"name": TOKEN, "readOnly": true, "mountPath": TOKEN_PATH});
        assert_eq!(mounts_of_ours(&pod, &json!([])), json!([mount]));
    }

    #[test]
    fn ours_get_none_where_the_plugin_may_not_add_it() {
        let changes = [
            ("/spec/containers/0/volumeMounts/1/mountPath", json!("/t")),
            ("/spec/volumes/0/name", json!("my-token")),
            ("/spec/volumes/0/projected/sources/0", json!({"secret": {}})),
            ("/spec/volumes/0/projected/sources/1", json!({"secret": {}})),
            ("/spec/volumes/0/projected/sources/2", json!({"secret": {}})),
            (
                "/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds",
                json!(600),
            ),
            ("/spec/volumes/0/projected/sources", json!([])),
            ("/spec/volumes/0/projected", json!(null)),
        ];
        for (pointer, value) in changes {
            let mut pod = pod();
            *pod.pointer_mut(pointer).unwrap() = value;
            assert_eq!(mounts_of_ours(&pod, &json!([])), json!([]), "{pointer}");
        }
        let handmade = pod().to_string().replace("bcdfg", "token");
        let handmade: Value = serde_json::from_str(&handmade).unwrap();
        assert_eq!(mounts_of_ours(&handmade, &json!([])), json!([]));
        let mut without = pod();
        without["spec"]["automountServiceAccountToken"] = json!(false);
        assert_eq!(mounts_of_ours(&without, &json!([])), json!([]));
        let mut two = pod();
        let containers = two.pointer_mut("/spec/containers").unwrap();
        containers
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "no"}));
        assert_eq!(mounts_of_ours(&two, &json!([])), json!([]));
    }
}
