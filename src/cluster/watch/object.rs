//! The watched kinds, and the parts of their objects that are kept.
//!
//! Objects are read as untyped JSON: whatever one of them holds, it never stops the rest. What no
//! decision needs, `managedFields` above all, is dropped before anything else sees the object: there
//! may be ten thousand namespaces and twice as many ServiceAccounts.

use std::collections::BTreeMap;

use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::Value;

use super::super::names::resource;
use super::super::revisions::KeptRevision;
use crate::check::resources::{LimitRange, Quota};
use crate::kubernetes::object::{digest, list_at};
use crate::template::custom_resource::{CLUSTER_PLURAL, NAMESPACED_PLURAL};

/// The whole object once more, which `kubectl apply` leaves in it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How many objects of a kind that may be large are listed at once.
pub(super) const LARGE_PAGE: u32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Watched {
    ClusterInjectionTemplates,
    InjectionTemplates,
    Namespaces,
    LimitRanges,
    ResourceQuotas,
    /// `ServiceAccount`, for the secrets that images are pulled with.
    ServiceAccounts,
    /// `ControllerRevision`: the last good revisions of templates, in Pillion's own namespace.
    ControllerRevisions,
}

impl Watched {
    pub(crate) const ALL: [Self; 7] = [
        Self::ClusterInjectionTemplates,
        Self::InjectionTemplates,
        Self::Namespaces,
        Self::LimitRanges,
        Self::ResourceQuotas,
        Self::ServiceAccounts,
        Self::ControllerRevisions,
    ];

    /// The plural, as RBAC names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClusterInjectionTemplates => CLUSTER_PLURAL,
            Self::InjectionTemplates => NAMESPACED_PLURAL,
            Self::Namespaces => "namespaces",
            Self::LimitRanges => "limitranges",
            Self::ResourceQuotas => "resourcequotas",
            Self::ServiceAccounts => "serviceaccounts",
            Self::ControllerRevisions => "controllerrevisions",
        }
    }

    pub(super) fn is_template(self) -> bool {
        matches!(
            self,
            Self::ClusterInjectionTemplates | Self::InjectionTemplates
        )
    }

    /// Whether one object may have a megabyte.
    pub(super) fn is_large(self) -> bool {
        self.is_template() || self == Self::ControllerRevisions
    }

    fn resource(self) -> ApiResource {
        let plural = self.as_str();
        match self {
            Self::ClusterInjectionTemplates => {
                template_resource("ClusterInjectionTemplate", plural)
            }
            Self::InjectionTemplates => template_resource("InjectionTemplate", plural),
            Self::Namespaces => resource("", "Namespace", plural),
            Self::LimitRanges => resource("", "LimitRange", plural),
            Self::ResourceQuotas => resource("", "ResourceQuota", plural),
            Self::ServiceAccounts => resource("", "ServiceAccount", plural),
            Self::ControllerRevisions => resource("apps", "ControllerRevision", plural),
        }
    }

    /// The objects that are watched of this kind.
    pub(super) fn api(self, client: Client, own_namespace: &str) -> Api<DynamicObject> {
        let resource = self.resource();
        match self {
            Self::ControllerRevisions => Api::namespaced_with(client, own_namespace, &resource),
            _ => Api::all_with(client, &resource),
        }
    }
}

/// A kind of templates.
pub(in crate::cluster) fn template_resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: "pillion.dev".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "pillion.dev/v1alpha1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// An object of one kind by its namespace, empty where it has none, and its name.
pub(super) type Key = (String, String);

/// A template as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredTemplate {
    pub(super) uid: String,
    pub(super) generation: i64,
    /// Of the spec: where a backup of etcd was restored, a generation may come twice.
    pub(super) digest: String,
    pub(super) resource_version: String,
    /// `metadata.creationTimestamp`, which sorts as text.
    pub(super) created: String,
    /// `null` where it has none.
    pub(super) spec: Value,
    pub(super) status: Value,
}

/// The kept part of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Template(StoredTemplate),
    Namespace {
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    },
    LimitRange(LimitRange),
    Quota(Quota),
    /// Whether it has imagePullSecrets.
    ServiceAccount(bool),
    /// `None`: an object that is none of ours, or cannot be read as one.
    Revision(Option<KeptRevision>),
}

/// The kept part of an object, with its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WatchedObject {
    pub(super) key: Key,
    pub(super) content: Content,
}

/// What happened to the objects of a kind.
#[derive(Debug)]
pub(super) enum Change {
    /// All objects are listed anew.
    Listing,
    /// An object as it is now.
    Applied(Box<WatchedObject>),
    /// An object is no more.
    Deleted(Key),
    /// All objects were listed: others are no more.
    Listed,
    /// The watch failed; why, in one line.
    Failed(String),
}

/// A change of a kind.
#[derive(Debug)]
pub(super) struct WatchChange {
    pub(super) kind: Watched,
    pub(super) change: Change,
}

/// The key of an object. All revisions are in one namespace, so that their names are enough.
pub(super) fn key(kind: Watched, object: &DynamicObject) -> Key {
    let metadata = &object.metadata;
    let namespace = match kind {
        Watched::ControllerRevisions => None,
        _ => metadata.namespace.clone(),
    };
    (
        namespace.unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

impl WatchedObject {
    /// Keeps of an object what decisions need.
    pub(super) fn read(kind: Watched, mut object: DynamicObject) -> Self {
        let key = key(kind, &object);
        let content = match kind {
            Watched::ClusterInjectionTemplates | Watched::InjectionTemplates => {
                Content::Template(template(object))
            }
            Watched::Namespaces => Content::Namespace {
                labels: object.metadata.labels.take().unwrap_or_default(),
                annotations: {
                    let mut annotations = object.metadata.annotations.take().unwrap_or_default();
                    annotations.remove(LAST_APPLIED);
                    annotations
                },
            },
            Watched::LimitRanges => Content::LimitRange(LimitRange::read(&named(object))),
            Watched::ResourceQuotas => Content::Quota(Quota::read(&named(object))),
            Watched::ServiceAccounts => {
                Content::ServiceAccount(!list_at(&object.data, "/imagePullSecrets").is_empty())
            }
            Watched::ControllerRevisions => Content::Revision(KeptRevision::read(&object)),
        };
        Self { key, content }
    }
}

/// The largest spec in bytes of JSON that is kept: generated files are bounded to as much on the pod.
const LARGEST_SPEC: usize = 256 * 1024;

fn template(mut object: DynamicObject) -> StoredTemplate {
    let mut take = |field: &str| object.data.get_mut(field).map(Value::take);
    let mut spec = take("spec").unwrap_or_default();
    if spec.to_string().len() > LARGEST_SPEC {
        // Whoever may write templates could fill the memory of every replica.
        spec = format!("it has more than {LARGEST_SPEC} bytes").into();
    }
    let created = object.metadata.creation_timestamp.take();
    StoredTemplate {
        digest: digest(&spec),
        spec,
        status: take("status").unwrap_or_default(),
        uid: object.metadata.uid.unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        resource_version: object.metadata.resource_version.unwrap_or_default(),
        created: created.map(|time| time.0.to_string()).unwrap_or_default(),
    }
}

/// The object with its name, as the readers of manifests want it.
fn named(object: DynamicObject) -> Value {
    let name = object.metadata.name.unwrap_or_default();
    let mut value = object.data;
    if let Value::Object(fields) = &mut value {
        let metadata = serde_json::json!({"name": name});
        fields.insert("metadata".to_owned(), metadata);
    }
    value
}
