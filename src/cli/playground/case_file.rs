//! What stands on the page as a case for `pillion template test`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::manifest::kinds;
use crate::cli::manifest::{Manifest, yaml};
use crate::cli::template::case_of;
use crate::inject::Settings;
use crate::template::Catalog;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CaseFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// The case of this manifest, or why it cannot be one. `set` are annotations that the pod is treated
/// to carry; a case says them in its manifest.
pub(super) fn of(
    template: &str,
    manifest: &Manifest,
    set: &BTreeMap<String, String>,
    settings: &Settings,
    catalog: &Arc<Catalog>,
) -> Result<CaseFile, String> {
    let mut documents = manifest.documents.iter().filter(|one| !one.is_empty());
    let (Some(document), None) = (documents.next(), documents.next()) else {
        return Err("a case has one object; the manifest has another number of them".to_owned());
    };
    let mut object = document.value.clone();
    kinds::each_object(&mut object, "default", |identity, object| {
        if let Some(pointer) = identity.pod_pointer() {
            annotate(object, pointer, set);
        }
    });
    let given = yaml(&given(object, settings)).map_err(|error| error.to_string())?;
    let path = format!("templates/{template}/cases/playground.yaml");
    let text = case_of(Path::new(&path), &given, catalog).map_err(|error| error.to_string())?;
    Ok(CaseFile { path, text })
}

fn given(manifest: Value, settings: &Settings) -> Value {
    let mut given = Map::new();
    given.insert("description".to_owned(), "From the playground.".into());
    let minor = settings.kubernetes_minor;
    if minor != Settings::default().kubernetes_minor {
        given.insert("kubernetes".to_owned(), format!("1.{minor}").into());
    }
    if !settings.parameters.is_empty() {
        let mut parameters: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for ((template, name), value) in &settings.parameters {
            parameters.entry(template).or_default().insert(name, value);
        }
        given.insert("parameters".to_owned(), json!(parameters));
    }
    given.insert("manifest".to_owned(), manifest);
    Value::Object(given)
}

fn annotate(object: &mut Value, pointer: &str, set: &BTreeMap<String, String>) {
    let holder = object.pointer_mut(pointer).and_then(Value::as_object_mut);
    let Some(holder) = holder.filter(|_| !set.is_empty()) else {
        return;
    };
    let mut below = holder;
    for key in ["metadata", "annotations"] {
        let found = below.entry(key).or_insert_with(|| json!({}));
        if found.is_null() {
            *found = json!({});
        }
        match found.as_object_mut() {
            Some(map) => below = map,
            None => return,
        }
    }
    for (key, value) in set {
        below.insert(key.clone(), value.as_str().into());
    }
}
