//! Containers with the image `auto`, which say: take the injector's.
//!
//! Where the name is a helper's of a template that nobody asked for, the pod could not start, and the
//! person surely meant to ask. Under any other name another webhook may fill the image in: gateways of
//! Istio are such pods.

use std::sync::Arc;

use super::evaluation::PLACEHOLDER;
use super::verdict::{Reason, Refusal};
use crate::finding::{Code, Finding};
use crate::review::{Json, Pod};
use crate::template::{Catalog, CatalogLookup, Template};

/// Refuses a pod with the placeholder of a template that is not selected, and finds other ones.
pub(crate) fn check(
    catalog: &Catalog,
    namespace: &str,
    selected: &[Arc<Template>],
    pod: &Pod<'_>,
) -> Result<Vec<Finding>, Refusal> {
    let Ok(spec) = pod.spec() else {
        return Ok(Vec::new());
    };
    let lists = [
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ];
    let mut found = Vec::new();
    for (list, containers) in lists {
        for (index, container) in containers.into_iter().flat_map(Json::elements).enumerate() {
            if !is_placeholder(container) {
                continue;
            }
            let name = container.text("name").unwrap_or_default();
            if selected.iter().any(|template| template.has_helper(&name)) {
                continue;
            }
            if let Some(template) = emitting(catalog, namespace, &name) {
                return Err(not_asked_for(&name, &template.name));
            }
            let message = format!(
                "the container `{name}` has the image `{PLACEHOLDER}`, which no template of Pillion fills in"
            );
            let path = format!("spec.{list}[{index}].image");
            found.push(Finding::new(Code::PlaceholderUnfilled, path, message));
        }
    }
    Ok(found)
}

fn is_placeholder(container: Json<'_>) -> bool {
    container.text("image").as_deref() == Some(PLACEHOLDER)
}

/// A served template that adds a container of this name.
fn emitting<'c>(catalog: &'c Catalog, namespace: &str, container: &str) -> Option<&'c Template> {
    catalog
        .names(namespace)
        .find_map(|name| match catalog.find(namespace, name) {
            CatalogLookup::Template(template) if template.has_helper(container) => {
                Some(template.as_ref())
            }
            _ => None,
        })
}

fn not_asked_for(container: &str, template: &str) -> Refusal {
    let message = format!(
        "the container `{container}` has the image `{PLACEHOLDER}`, which the template `{template}` \
         fills in, and nothing asks for that template; add it to the annotation pillion.dev/inject, or \
         give the container an image"
    );
    Refusal::new(Reason::Conflict, message)
}
