//! What a person is told about a template: its parameters and what it adds.
//!
//! Made from the compiled template, so that it says what really holds: defaults as they were
//! understood, bounds as they are compared.

use serde_json::{Map, Value};

use super::compiled::{ContainerTemplate, Template, VolumeTemplate};
use super::fragment::{Fragment, TextPart};
use super::parameter::{Parameter, ParameterType};
use super::word::Word;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: String,
    /// The namespace that it is for; empty: the whole cluster.
    pub(crate) namespace: String,
    pub(crate) pattern: &'static str,
    /// What its author says of it.
    pub(crate) text: String,
    pub(crate) revision: String,
    /// Its parameters, in the order in which they are evaluated.
    pub(crate) parameters: Vec<Described>,
    /// What it adds to a pod: what kind of thing, and each thing.
    pub(crate) adds: Vec<(&'static str, Vec<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its name, as annotations spell it.
    pub(crate) name: String,
    /// The annotation that sets it; of a map one for each `<key>`.
    pub(crate) annotation: String,
    /// Its type, with that of its elements.
    pub(crate) ty: String,
    /// Whether a pod without a value is refused.
    pub(crate) required: bool,
    /// Its default as text, `${…}` where it is computed; `None` where it has none.
    pub(crate) default: Option<String>,
    /// What its value, or each of its elements, may be.
    pub(crate) allowed: Vec<String>,
    /// Who may set it; nobody: only the configuration.
    pub(crate) set_by: Vec<&'static str>,
    pub(crate) text: String,
}

pub(crate) fn describe(template: &Template) -> Description {
    Description {
        name: template.name.clone(),
        namespace: template.namespace.clone().unwrap_or_default(),
        pattern: template.pattern.name(),
        text: template.description.clone(),
        revision: template.revision.clone(),
        parameters: template
            .parameters
            .iter()
            .map(|parameter| parameter_of(template, parameter))
            .collect(),
        adds: adds(template),
    }
}

fn parameter_of(template: &Template, parameter: &Parameter) -> Described {
    let is_map = parameter.ty == ParameterType::Map;
    let key = if is_map { ".<key>" } else { "" };
    let ty = match parameter.ty {
        ParameterType::List | ParameterType::Map => {
            format!("{} of {}", parameter.ty.name(), parameter.items.name())
        }
        ty => ty.name().to_owned(),
    };
    Described {
        name: parameter.name.clone(),
        annotation: format!("{}{}{key}", template.annotation_prefix(), parameter.name),
        ty,
        required: parameter.required,
        default: parameter.default.as_ref().map(written),
        allowed: allowed(parameter),
        set_by: parameter
            .set_by
            .iter()
            .map(|setter| setter.word())
            .collect(),
        text: parameter.description.clone(),
    }
}

fn allowed(parameter: &Parameter) -> Vec<String> {
    let rules = &parameter.constraints;
    let mut allowed: Vec<String> = rules.one_of.iter().map(plain).collect();
    if let Some(pattern) = &rules.pattern {
        allowed.extend(pattern.hint().map(str::to_owned));
        allowed.push(format!("matches {}", pattern.source()));
    }
    match (&rules.minimum, &rules.maximum) {
        (Some(low), Some(high)) => allowed.push(format!("{} to {}", low.written(), high.written())),
        (Some(low), None) => allowed.push(format!("at least {}", low.written())),
        (None, Some(high)) => allowed.push(format!("at most {}", high.written())),
        (None, None) => {}
    }
    allowed
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A fragment as its author wrote it, in one line.
fn written(fragment: &Fragment) -> String {
    match fragment {
        Fragment::Constant(constant) => plain(constant.value()),
        Fragment::Dynamic(dynamic) => format!("${{{}}}", dynamic.expression.source()),
        Fragment::Text(text) => text
            .parts
            .iter()
            .map(|part| match part {
                TextPart::Literal(literal) => literal.clone(),
                TextPart::Expression(expression) => format!("${{{}}}", expression.source()),
            })
            .collect(),
        Fragment::List(items) => items.iter().map(written).collect::<Vec<_>>().join(","),
        Fragment::When(_, inner) | Fragment::Mount(_, inner, _) => written(inner),
        Fragment::Object(fields) => fields
            .iter()
            .map(|(key, value)| format!("{key}={}", written(value)))
            .collect::<Vec<_>>()
            .join(","),
    }
}

fn adds(template: &Template) -> Vec<(&'static str, Vec<String>)> {
    let init_containers = template.init_containers.iter().map(container);
    let all: [(&'static str, Vec<String>); 7] = [
        ("init container", init_containers.collect()),
        ("sidecar", template.sidecars.iter().map(container).collect()),
        ("volume", template.volumes.iter().map(volume).collect()),
        ("in each app container", in_app(template.app.as_ref())),
        ("label", keys(template.labels.as_ref())),
        ("annotation", keys(template.annotations.as_ref())),
        ("field of the pod", keys(template.pod.as_ref())),
    ];
    all.into_iter()
        .filter(|(_, things)| !things.is_empty())
        .collect()
}

/// `name (image)`.
fn container(container: &ContainerTemplate) -> String {
    let image = match &container.body {
        Fragment::Constant(body) => body.value().get("image").map(plain),
        body => body.field("image").map(written),
    };
    format!("{} ({})", container.name, image.unwrap_or_default())
}

/// `name: source or source`.
fn volume(volume: &VolumeTemplate) -> String {
    let mut sources = Vec::new();
    if let Some(path) = &volume.adopt {
        sources.push(format!("the app's own at {}", written(path)));
    }
    if let Some(files) = &volume.files {
        let names: Vec<_> = files.files.iter().map(|file| file.name.as_str()).collect();
        sources.push(format!("files {}", names.join(", ")));
    }
    sources.extend(keys(volume.source.as_ref()));
    format!("{}: {}", volume.emitted, sources.join(" or "))
}

/// The keys of a map.
fn keys(fragment: Option<&Fragment>) -> Vec<String> {
    match fragment {
        Some(Fragment::Constant(constant)) => {
            let fields = constant.value().as_object().into_iter();
            fields.flat_map(Map::keys).cloned().collect()
        }
        Some(Fragment::Object(fields)) => fields.iter().map(|(key, _)| key.to_string()).collect(),
        Some(Fragment::When(_, inner) | Fragment::Mount(_, inner, _)) => keys(Some(inner)),
        Some(Fragment::Dynamic(_) | Fragment::Text(_) | Fragment::List(_)) | None => Vec::new(),
    }
}

/// Each field, with what its elements are called where it is a list.
fn in_app(app: Option<&Fragment>) -> Vec<String> {
    keys(app)
        .into_iter()
        .map(|field| {
            let names = app.map_or_else(Vec::new, |app| element_names(app, &field));
            if names.is_empty() {
                field
            } else {
                format!("{field} {}", names.join(", "))
            }
        })
        .collect()
}

/// The names in a constant list.
fn constants(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|value| ["name", "mountPath"].iter().find_map(|key| value.get(key)))
        .map(plain)
        .collect()
}

fn element_names(app: &Fragment, field: &str) -> Vec<String> {
    match app.field(field) {
        Some(Fragment::Constant(list)) => constants(list.value()),
        Some(Fragment::List(items)) => items.iter().filter_map(element_name).collect(),
        Some(_) => Vec::new(),
        None => match app {
            Fragment::Constant(app) => app.value().get(field).map(constants).unwrap_or_default(),
            _ => Vec::new(),
        },
    }
}

fn element_name(item: &Fragment) -> Option<String> {
    match item {
        Fragment::Constant(constant) => constant.value().get("name").map(plain),
        Fragment::Mount(Some(volume), ..) => Some(volume.clone()),
        Fragment::When(_, inner) => element_name(inner),
        item => item.field("name").map(written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Catalog, CatalogLookup};

    fn described(name: &str) -> Description {
        let catalog = Catalog::built_in();
        match catalog.find("default", name) {
            CatalogLookup::Template(template) => describe(template),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_template_is_told_with_what_it_adds() {
        let pgbouncer = described("pgbouncer");
        let image = "pgbouncer (${params.image})".to_owned();
        let volumes = vec![
            "pgbouncer-config: files pgbouncer.ini".to_owned(),
            "pgbouncer-users: secret".to_owned(),
        ];
        let env = vec!["env DATABASE_HOST, DATABASE_PORT".to_owned()];
        assert_eq!(
            pgbouncer.adds,
            [
                ("sidecar", vec![image]),
                ("volume", volumes),
                ("in each app container", env)
            ]
        );
        assert_eq!(pgbouncer.pattern, "Ambassador");
    }

    #[test]
    fn parameters_are_told_with_their_rules() {
        let find = |template: &str, name: &str| {
            let parameters = described(template).parameters;
            parameters.into_iter().find(|one| one.name == name).unwrap()
        };
        let port = find("pgbouncer", "port");
        assert_eq!(
            (port.ty.as_str(), port.default.as_deref()),
            ("integer", Some("5432"))
        );
        assert_eq!(port.allowed, ["1 to 65535"]);
        assert_eq!(port.annotation, "pgbouncer.pillion.dev/port");
        let databases = find("pgbouncer", "databases");
        assert_eq!(
            (databases.ty.as_str(), databases.default.as_deref()),
            ("list of string", Some("*"))
        );
        let image = find("pgbouncer", "image");
        assert_eq!(image.set_by, ["Namespace"]);
        assert!(find("pgbouncer", "host").required);
        let computed = find("log-shipper", "port").default.unwrap();
        assert!(computed.starts_with("${{'loki': 3100"), "{computed}");
    }
}
