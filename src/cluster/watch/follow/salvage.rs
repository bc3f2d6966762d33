//! Templates one by one, where a list of them cannot be read as a whole.
//!
//! The API server takes objects that are nested more deeply than a parser reads, and anybody who may
//! write one template could so keep every new replica from ever being ready. Then the list is read
//! with the contents of its objects left as text, which has no depth, and each content by itself: what
//! cannot be read counts as a template that does not compile. Lists are tried again as usual, so that
//! this goes on only while it must.

use kube::Api;
use kube::api::{DynamicObject, ListParams, ObjectMeta};
use kube::core::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::object::{Change, LARGE_PAGE, Watched, WatchedObject};
use crate::cluster::bounded;
use crate::wording::with_sources;

#[derive(Deserialize)]
struct Page<'a> {
    metadata: PageMeta,
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Item<'a> {
    metadata: ItemMeta,
    #[serde(borrow, default)]
    spec: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemMeta {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    uid: Option<String>,
    #[serde(default)]
    generation: Option<i64>,
    #[serde(default)]
    resource_version: Option<String>,
}

/// The changes that a whole list would have given; empty where this fails, too.
pub(super) async fn changes(kind: Watched, api: &Api<DynamicObject>) -> Vec<Change> {
    let mut changes = vec![Change::Listing];
    let mut parameters = ListParams::default().limit(LARGE_PAGE);
    loop {
        match page(kind, api, &parameters, &mut changes).await {
            Ok(Some(next)) => parameters = parameters.continue_token(&next),
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(
                    resource = kind.as_str(),
                    error,
                    "they cannot be listed one by one either"
                );
                return Vec::new();
            }
        }
    }
    changes.push(Change::Listed);
    changes
}

/// Adds a page's objects. Returns where the next begins.
async fn page(
    kind: Watched,
    api: &Api<DynamicObject>,
    parameters: &ListParams,
    changes: &mut Vec<Change>,
) -> Result<Option<String>, String> {
    let request = Request::new(api.resource_url())
        .list(parameters)
        .map_err(|error| with_sources(&error))?;
    let client = api.clone().into_client();
    let text = bounded(client.request_text(request))
        .await
        .ok_or_else(|| "no answer in time".to_owned())?
        .map_err(|error| with_sources(&error))?;
    let page: Page<'_> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    for item in page.items {
        changes.push(Change::Applied(Box::new(WatchedObject::read(
            kind,
            object(item),
        ))));
    }
    Ok(page.metadata.next.filter(|token| !token.is_empty()))
}

fn read(raw: Option<&RawValue>) -> serde_json::Result<Value> {
    serde_json::from_str(raw.map_or("null", RawValue::get))
}

fn object(item: Item<'_>) -> DynamicObject {
    let spec = read(item.spec).unwrap_or_else(|error| format!("it cannot be read: {error}").into());
    DynamicObject {
        types: None,
        metadata: ObjectMeta {
            name: Some(item.metadata.name),
            namespace: item.metadata.namespace,
            uid: item.metadata.uid,
            generation: item.metadata.generation,
            resource_version: item.metadata.resource_version,
            ..ObjectMeta::default()
        },
        data: json!({"spec": spec, "status": read(item.status).unwrap_or_default()}),
    }
}
