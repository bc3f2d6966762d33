//! Objects of any kind, created and deleted as plain JSON.

use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::Value;

use crate::support::failure::{During, Outcome};

/// The objects of one cluster.
pub(crate) struct Objects(pub(crate) Client);

impl Objects {
    pub(crate) fn api(
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
            Some(namespace) => Api::namespaced_with(self.0.clone(), namespace, &resource),
            None => Api::all_with(self.0.clone(), &resource),
        }
    }

    /// Creates an object, or puts it in the place of the one that is there.
    pub(crate) async fn put(
        &self,
        object: &Value,
        plural: &str,
        namespace: Option<&str>,
    ) -> Outcome {
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

    pub(crate) async fn delete(&self, version: &str, plural: &str, name: &str) -> Outcome {
        let api = self.api(version, "", plural, None);
        let deleted = api.delete(name, &DeleteParams::default()).await;
        deleted.map(drop).during(&format!("delete {plural} {name}"))
    }
}
