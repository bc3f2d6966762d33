//! What `doctor` reads of an installation: lists, access reviews and a dry-run creation.
//!
//! What may not be read is an answer like any other. Lists end after a bounded number of objects,
//! and say so.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use serde::Serialize;
use serde_json::Value;

use super::reader::{ClusterReader, Read, answer, in_words, typed, with_type};
use crate::template::custom_resource::{CLUSTER_PLURAL, NAMESPACED_PLURAL};

/// How many objects are asked for at once.
const PAGE: u32 = 500;

/// After so many pages a list ends.
const MOST_PAGES: usize = 20;

/// A kind of object and where the API has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource {
    /// The API group; empty for the core.
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    /// The plural, as paths and rules have it.
    pub(crate) plural: &'static str,
}

/// Templates for the whole cluster.
pub(crate) const CLUSTER_TEMPLATES: Resource = Resource {
    group: "pillion.dev",
    version: "v1alpha1",
    kind: "ClusterInjectionTemplate",
    plural: CLUSTER_PLURAL,
};

/// Templates of one namespace.
pub(crate) const NAMESPACED_TEMPLATES: Resource = Resource {
    group: "pillion.dev",
    version: "v1alpha1",
    kind: "InjectionTemplate",
    plural: NAMESPACED_PLURAL,
};

/// The objects of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ObjectPage {
    pub(crate) items: Vec<Value>,
    /// Whether there are more, which were not read.
    pub(crate) more: bool,
}

/// An action of a user, for a `SubjectAccessReview`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// Who: the full name of a user.
    pub(crate) user: String,
    /// The user's groups.
    pub(crate) groups: Vec<String>,
    pub(crate) verb: &'static str,
    /// The API group; empty for the core.
    pub(crate) group: &'static str,
    /// The plural, and behind a slash the sub-resource.
    pub(crate) resource: &'static str,
    /// The namespace; `None` for all, and for what has none.
    pub(crate) namespace: Option<String>,
    /// The object's name; `None` for any.
    pub(crate) name: Option<String>,
}

/// The result of a dry-run creation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DryRunResult {
    /// The object as it would have been stored.
    Taken(Value),
    /// The API server's refusal.
    Refused(String),
    /// The caller may not create it, or the API server did not answer.
    Unknown(String),
}

impl Resource {
    fn api(&self) -> ApiResource {
        ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: if self.group.is_empty() {
                self.version.to_owned()
            } else {
                format!("{}/{}", self.group, self.version)
            },
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }
}

impl ClusterReader {
    fn all_or_in(&self, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
        let client = self.connection.client();
        match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, resource),
            None => Api::all_with(client, resource),
        }
    }

    /// One object, by its name.
    pub(crate) async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Read<Value> {
        let resource = resource.api();
        let api = self.all_or_in(&resource, namespace);
        let got = match api.get_opt(name).await {
            Err(error) if is_not_found(&error) => Ok(None),
            got => got,
        };
        with_type(answer(got), &resource)
    }

    /// The objects of a kind that have these labels (a label selector), in one namespace or in all.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        labels: &str,
    ) -> Read<ObjectPage> {
        let resource = resource.api();
        let api = self.all_or_in(&resource, namespace);
        let mut parameters = ListParams::default().limit(PAGE);
        if !labels.is_empty() {
            parameters = parameters.labels(labels);
        }
        self.pages(parameters, async |parameters| {
            let page = api.list(parameters).await?;
            Ok((page.metadata.continue_, values(page.items, &resource)))
        })
        .await
    }

    /// The metadata alone of the objects of a kind whose fields are like this (a field selector).
    pub(crate) async fn list_metadata(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        fields: &str,
    ) -> Read<ObjectPage> {
        let resource = resource.api();
        let api = self.all_or_in(&resource, namespace);
        let mut parameters = ListParams::default().limit(PAGE);
        if !fields.is_empty() {
            parameters = parameters.fields(fields);
        }
        self.pages(parameters, async |parameters| {
            let page = api.list_metadata(parameters).await?;
            Ok((page.metadata.continue_, values(page.items, &resource)))
        })
        .await
    }

    async fn pages(
        &self,
        mut parameters: ListParams,
        mut page: impl AsyncFnMut(&ListParams) -> kube::Result<(Option<String>, Vec<Value>)>,
    ) -> Read<ObjectPage> {
        let mut listed = ObjectPage::default();
        for _ in 0..MOST_PAGES {
            match page(&parameters).await {
                Ok((token, items)) => {
                    listed.items.extend(items);
                    match token.filter(|token| !token.is_empty()) {
                        Some(token) => parameters = parameters.continue_token(&token),
                        None => return Read::Found(listed),
                    }
                }
                Err(error) if is_not_found(&error) => return Read::Missing,
                Err(error) => return Read::Unknown(in_words(&error)),
            }
        }
        listed.more = true;
        Read::Found(listed)
    }

    /// The API server's version, from `/version`.
    pub(crate) async fn version(&self) -> Read<Value> {
        match self.connection.client().apiserver_version().await {
            Ok(info) => serde_json::to_value(&info).map_or_else(
                |_| Read::Unknown("the answer cannot be read".to_owned()),
                Read::Found,
            ),
            Err(error) => Read::Unknown(in_words(&error)),
        }
    }

    /// Whether a user may do something.
    pub(crate) async fn may(&self, access: &Access) -> Read<bool> {
        let (resource, subresource) = match access.resource.split_once('/') {
            Some((resource, sub)) => (resource, Some(sub.to_owned())),
            None => (access.resource, None),
        };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(access.user.clone()),
                groups: Some(access.groups.clone()),
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(access.verb.to_owned()),
                    group: Some(access.group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource,
                    namespace: access.namespace.clone(),
                    name: access.name.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.connection.client());
        match api.create(&PostParams::default(), &review).await {
            Ok(review) => Read::Found(review.status.is_some_and(|status| status.allowed)),
            Err(error) => Read::Unknown(in_words(&error)),
        }
    }

    /// Whether the API server would take an object, with everything that admission does to it;
    /// nothing is stored.
    pub(crate) async fn try_creation(
        &self,
        resource: &Resource,
        namespace: &str,
        object: &Value,
    ) -> DryRunResult {
        let resource = resource.api();
        let object: DynamicObject = match serde_json::from_value(object.clone()) {
            Ok(object) => object,
            Err(error) => return DryRunResult::Unknown(error.to_string()),
        };
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let api = self.all_or_in(&resource, Some(namespace));
        match api.create(&parameters, &object).await {
            Ok(taken) => serde_json::to_value(taken).map_or_else(
                |error| DryRunResult::Unknown(error.to_string()),
                DryRunResult::Taken,
            ),
            Err(error) => match &error {
                kube::Error::Api(status) if !is_about_rights(&status.message) => {
                    DryRunResult::Refused(status.message.clone())
                }
                _ => DryRunResult::Unknown(in_words(&error)),
            },
        }
    }
}

/// Whether it is authorization that refuses, not admission: both answer 403.
fn is_about_rights(message: &str) -> bool {
    message.contains(" cannot create resource ")
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

fn values<T: Serialize>(items: Vec<T>, resource: &ApiResource) -> Vec<Value> {
    let values = items
        .into_iter()
        .filter_map(|item| serde_json::to_value(item).ok());
    values.map(|value| typed(value, resource)).collect()
}
