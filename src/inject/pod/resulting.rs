//! The view of the pod as it is now that the checks look at.

use super::element::Element;
use super::{List, WorkingPod};
use crate::check::pod::{Addition, Container, Place, Pod, Source, Spec, Volume};

/// The lists of a container whose new elements are reported one by one.
const LISTS: [&str; 3] = ["env", "ports", "volumeMounts"];

impl WorkingPod<'_> {
    /// The pod as it is now, for the checks.
    pub(crate) fn resulting(&self) -> Pod<'_> {
        let fields_by = self.fields_by.iter();
        let elements = self.list(List::Volumes).iter().enumerate();
        let volumes = elements.map(|(index, element)| {
            let (added_by, source) = read(element);
            Volume::read(index, element.name(), added_by, source)
        });
        Pod {
            init_containers: self.containers_of(List::InitContainers, Place::Init),
            containers: self.containers_of(List::Containers, Place::Regular),
            volumes: volumes.collect(),
            spec: Spec::read(Source::Spec(self.others, &self.changed)),
            fields_by: fields_by
                .map(|(field, by)| (field.as_str(), by.as_str()))
                .collect(),
            labels: self.labels.all(),
            annotations: self.annotations.all(),
            must_end: self.must_end(),
        }
        .with_volumes_found()
    }

    fn containers_of(&self, list: List, place: fn(usize) -> Place) -> Vec<Container<'_>> {
        self.list(list)
            .iter()
            .enumerate()
            .map(|(index, element)| {
                let (added_by, source) = read(element);
                let additions = additions(element);
                let mut container =
                    Container::read(place(index), element.name(), added_by, source, &additions);
                container.fields_by = fields_by(element);
                container
            })
            .collect()
    }
}

/// The template that added an element, and where its fields are read.
fn read<'e>(element: &'e Element<'_>) -> (Option<&'e str>, Source<'e>) {
    match element {
        Element::Added { template, value } => (Some(template), Source::Added(value)),
        Element::Users { object, .. } => match element.changed(&LISTS) {
            Some(changed) => (None, Source::Changed(*object, changed)),
            None => (None, Source::Json(*object)),
        },
    }
}

/// The other fields of the user's element that templates added to.
fn fields_by<'e>(element: &'e Element<'_>) -> Vec<(&'e str, &'e str)> {
    let Element::Users { edits, .. } = element else {
        return Vec::new();
    };
    let edits = edits.iter();
    let others = edits.filter(|edit| edit.new_element(&LISTS).is_none());
    let mut fields: Vec<_> = others
        .map(|edit| (edit.field(), edit.template.as_ref()))
        .collect();
    fields.dedup();
    fields
}

/// What templates added to the lists of the user's element.
fn additions<'e>(element: &'e Element<'_>) -> Vec<Addition<'e>> {
    let (Element::Users { edits, .. }, Some(changed)) = (element, element.changed(&LISTS)) else {
        return Vec::new();
    };
    edits
        .iter()
        .filter_map(|edit| {
            let (list, index) = edit.new_element(&LISTS)?;
            (!changed.contains_key(list)).then(|| Addition {
                template: &edit.template,
                list,
                index,
                value: edit.value(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::inject::merge::{InFront, fill};
    use crate::review::Pod as Review;

    fn object(value: Value) -> serde_json::Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => serde_json::Map::new(),
        }
    }

    #[test]
    fn everything_says_which_template_it_comes_from() {
        let text = json!({"metadata": {}, "spec": {"hostNetwork": true, "containers": [{
            "name": "app", "image": "app:1", "env": [{"name": "OWN", "value": "1"}],
            "resources": {"requests": {"cpu": "1"}}, "ports": [{"containerPort": 80}]}]}})
        .to_string();
        let document = crate::review::Document::read(&text).unwrap();
        let review = Review::read(document.root()).unwrap();
        let mut pod = WorkingPod::new(&review).unwrap();
        let want = object(json!({"env": [{"name": "OURS", "value": "$(OWN)"}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "ports": [{"containerPort": 80, "name": "web"}],
            "resources": {"requests": {"memory": "1Gi"}}}));
        let edit = fill(
            pod.list(List::Containers)[0].view(),
            &want.into(),
            "Container",
            InFront::default(),
        );
        pod.edit(List::Containers, 0, "helper", edit);
        pod.add(
            List::InitContainers,
            "helper",
            object(
                json!({"name": "side", "restartPolicy": "Always", "ports": [{"containerPort": 81}]}),
            )
            .into(),
            true,
        );
        let seen = pod.resulting();
        assert!(seen.spec.host_network);
        let app = &seen.containers[0];
        let env: Vec<_> = app
            .env
            .iter()
            .map(|env| (env.name.as_ref().unwrap().as_str(), env.by))
            .collect();
        assert_eq!(env, [("OURS", Some("helper")), ("OWN", None)]);
        assert_eq!(app.mounts[0].by, Some("helper"));
        assert_eq!(app.ports.len(), 1);
        assert!(app.ports[0].name.is_none() && app.ports[0].by.is_none());
        assert!(app.resources.request("memory").is_some());
        let before = app.resources_before.as_ref().unwrap();
        assert_eq!(app.field_by("resources"), Some("helper"));
        assert_eq!(app.field_by("lifecycle"), None);
        assert!(before.request("memory").is_none() && before.request("cpu").is_some());
        assert_eq!(app.fields_by, [("resources", "helper")]);
        let side = &seen.init_containers[0];
        assert!(side.is_sidecar());
        assert_eq!(
            (side.added_by, side.ports[0].by),
            (Some("helper"), Some("helper"))
        );
    }
}
