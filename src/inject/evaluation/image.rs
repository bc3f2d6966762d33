//! Images from the installation's own registry.
//!
//! Where a cluster pulls from a mirror, templates need not be changed: the registry of each image
//! that a template brings is replaced. An image that somebody named, by an annotation, in the
//! configuration or in the pod itself, is what they mean and stays.

use super::EvaluationContext;
use crate::inject::pod::{List, WorkingPod};
use crate::kubernetes::image_reference::Reference;
use crate::template::Template;

/// The image to use; `None`: as the template has it.
pub(super) fn mirrored(
    image: &str,
    pod: &WorkingPod<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
) -> Option<String> {
    let registry = with.settings.registry.as_deref()?.trim_end_matches('/');
    let of_registry = image.strip_prefix(registry);
    if of_registry.is_some_and(|rest| rest.starts_with('/')) || is_named(image, pod, template, with)
    {
        return None;
    }
    let path = Reference::parse(image).map_or(image, |reference| reference.without_host(image));
    Some(format!("{registry}/{path}"))
}

/// Whether an annotation, the configuration or a container of the pod names this very image.
fn is_named(
    image: &str,
    pod: &WorkingPod<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
) -> bool {
    let prefix = template.annotation_prefix();
    let of_pod = with.annotations.iter();
    let of_namespace = with.namespace.annotations.iter();
    let mut annotated = of_pod
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .chain(of_namespace.map(|(key, value)| (key.as_str(), value.as_str())))
        .filter(|(key, _)| key.starts_with(&prefix));
    let mut configured = with.settings.parameters.iter();
    let in_pod = |list| {
        let mut elements = pod.list(list).iter();
        elements.any(|element| element.image().as_deref() == Some(image))
    };
    annotated.any(|(_, value)| value == image)
        || configured.any(|((of, _), value)| *of == template.name && value == image)
        || in_pod(List::Containers)
        || in_pod(List::InitContainers)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::inject::{Engine, RequestContext, Settings};
    use crate::review::{Document, Pod};
    use crate::template::{Catalog, Source};

    const TEMPLATE: &str = r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: t}
spec:
  parameters:
    image: {type: string, default: "docker.io/team/helper:1@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
  initContainers:
    - {name: same, image: "${app.image}"}
    - {name: short, image: "busybox:1"}
    - {name: local, image: "localhost/x:1"}
    - {name: there, image: "mirror.example:5000/all/y:1"}
  sidecars:
    - {name: helper, image: "${params.image}"}
"#;

    fn images(annotation: Option<&str>) -> Vec<String> {
        let source = Source {
            path: "t.yaml".to_owned(),
            text: TEMPLATE.to_owned(),
        };
        let (catalog, errors) = Catalog::load(&[source], None);
        assert!(errors.is_empty(), "{errors:?}");
        let settings = Settings {
            registry: Some("mirror.example:5000/all/".to_owned()),
            ..Settings::default()
        };
        let mut annotations = json!({"pillion.dev/inject": "t"});
        if let Some(image) = annotation {
            annotations["t.pillion.dev/image"] = image.into();
        }
        let pod = json!({"metadata": {"annotations": annotations},
            "spec": {"containers": [{"name": "web", "image": "ghcr.io/shop/web:1"}]}});
        let subject = RequestContext {
            namespace: "shop".to_owned(),
            ..RequestContext::default()
        };
        let engine = Engine::new(Arc::new(catalog), Arc::new(settings));
        let text = pod.to_string();
        let document = Document::read(&text).unwrap();
        let decision = engine.decide(&subject, &Pod::read(document.root()).unwrap(), None);
        let patch = serde_json::to_value(&decision.patch).unwrap();
        let list = patch.as_array().unwrap().iter();
        let mut list = list.filter(|operation| operation["path"] == "/spec/initContainers");
        let containers = list.next().unwrap()["value"].as_array().unwrap().clone();
        let images = containers.iter().map(|container| &container["image"]);
        images
            .map(|image| image.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_registry_is_replaced_unless_somebody_named_the_image() {
        let mut expected = [
            "ghcr.io/shop/web:1",
            "mirror.example:5000/all/busybox:1",
            "mirror.example:5000/all/x:1",
            "mirror.example:5000/all/y:1",
            "mirror.example:5000/all/team/helper:1@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ];
        assert_eq!(images(None), expected);
        expected[4] = "quay.io/own/helper:2";
        assert_eq!(images(Some("quay.io/own/helper:2")), expected);
    }
}
