//! Sample pods: what the engine makes of a template on an ordinary pod.
//!
//! The pod is a Deployment's, with one app container that by itself gives no finding, in a namespace
//! that enforces the Pod Security level of the template. Parameters have their defaults, and those
//! that have none a value that their declaration allows. What is off by default is seen on further
//! samples: each value of a boolean and of an `enum`, something for each parameter that is empty, one
//! at a time and then all together. A sample that the template refuses or skips is no pod of anybody's,
//! and says nothing; only where already the first is such, all are rendered without the template's
//! `matchConditions` and `validations`, and with a label under every name that a parameter has: what a
//! pod that fits looks like can only be guessed.

mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::inject::trace::{Addition, Trace};
use crate::inject::{EnforcedFinding, Engine, Namespace, Reason, RequestContext, Settings};
use crate::kubernetes::keys::{ENFORCE, INJECT};
use crate::review::{Document, Pod};
use crate::template::compile::MandatoryFor;
use crate::template::{Catalog, CatalogEntry, PodSecurityLevel, Template};
use values::Setting;

/// How many samples of one template are rendered, besides that with defaults and that with everything.
const MOST_SAMPLES: usize = 32;

/// The namespace of the samples.
const NAMESPACE: &str = "sample";

/// What a template makes of one pod.
pub(super) struct Sample<'t> {
    pub(super) additions: Vec<Addition>,
    /// What is found about that.
    pub(super) findings: Vec<EnforcedFinding>,
    pub(super) settings: Vec<Setting<'t>>,
}

/// Renders a template on its samples. `Err`: why there is none.
pub(super) fn render(template: &Template) -> Result<Vec<Sample<'_>>, String> {
    let needed = values::needed(template);
    let directories = values::directories(template);
    let pod = plain_pod(&BTreeMap::new(), &directories);
    let mut engine = (catalog(template.clone()), pod);
    let mut first = sample(template, &engine, needed.clone());
    if first.is_err() {
        let unconditional = Template {
            match_conditions: Vec::new(),
            validations: Vec::new(),
            ..template.clone()
        };
        let names = template.parameters.iter().filter_map(values::default);
        let labels = names.map(|name| (name, values::NAME.into())).collect();
        engine = (catalog(unconditional), plain_pod(&labels, &directories));
        first = sample(template, &engine, needed.clone());
    }
    let changes = values::changes(template);
    let problem = first.as_ref().err().cloned();
    let more = changes
        .chunks(1)
        .take(MOST_SAMPLES)
        .chain((changes.len() > 1).then_some(changes.as_slice()))
        .filter_map(|changes| sample(template, &engine, [&needed, changes].concat()).ok());
    let samples: Vec<_> = first.into_iter().chain(more).collect();
    match problem {
        Some(problem) if samples.is_empty() => Err(problem),
        _ => Ok(samples),
    }
}

/// A catalog with this template alone, for the whole cluster.
fn catalog(template: Template) -> Arc<Catalog> {
    Arc::new(Catalog::of_entries([CatalogEntry {
        namespace: String::new(),
        name: template.name.clone(),
        template: Some(Arc::new(template)),
        mandatory: MandatoryFor::Nobody,
        error: None,
        path: String::new(),
        earlier: None,
    }]))
}

/// What the template makes of a pod where this is set. `Err`: why nothing.
fn sample<'t>(
    template: &Template,
    (catalog, pod): &(Arc<Catalog>, String),
    set: Vec<Setting<'t>>,
) -> Result<Sample<'t>, String> {
    let level = template
        .pod_security_level
        .unwrap_or(PodSecurityLevel::Restricted);
    let name = template.name.as_str();
    let mut settings = Settings::default();
    let namespace = Namespace {
        labels: [(ENFORCE.to_owned(), level.as_str().to_owned())].into(),
        ..Namespace::default()
    };
    settings.namespaces.insert(NAMESPACE, namespace);
    let parameters = set
        .iter()
        .map(|one| ((name.to_owned(), one.key()), one.text.clone()));
    settings.parameters = parameters.collect();
    let context = RequestContext {
        namespace: NAMESPACE.to_owned(),
        is_admission: true,
        annotations: [(INJECT.to_owned(), name.to_owned())].into(),
        ..RequestContext::default()
    };
    let trace = Trace::default();
    let document = Document::read(pod).map_err(|error| error.to_string())?;
    let pod = Pod::read(document.root()).map_err(|error| error.to_string())?;
    let engine = Engine::new(Arc::clone(catalog), Arc::new(settings));
    let decision = engine.decide(&context, &pod, Some(&trace));
    let notes = trace.into_notes().0.into_iter().next().unwrap_or_default();
    match decision.outcomes.into_iter().next() {
        Some(outcome) if !notes.additions.is_empty() || outcome.reason == Reason::NothingToAdd => {
            Ok(Sample {
                additions: notes.additions,
                findings: outcome.findings,
                settings: set,
            })
        }
        outcome => Err(outcome.map_or(decision.message, |outcome| outcome.message)),
    }
}

/// A Deployment's pod about which there is nothing to say, whose app mounts a volume at each of the
/// directories. It has a name, so that a template which takes that for granted is looked at all the same.
fn plain_pod(labels: &BTreeMap<String, Value>, directories: &BTreeSet<String>) -> String {
    let (volumes, mounts): (Vec<_>, Vec<_>) = directories
        .iter()
        .enumerate()
        .map(|(index, directory)| {
            let name = match index {
                0 => "data".to_owned(),
                _ => format!("data-{index}"),
            };
            let mount = json!({"name": name, "mountPath": directory});
            (
                json!({"name": name, "emptyDir": {"sizeLimit": "1Gi"}}),
                mount,
            )
        })
        .unzip();
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "app-5d4f8c9b6-x2x7p",
            "generateName": "app-5d4f8c9b6-",
            "labels": labels,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-5d4f8c9b6",
                "uid": "00000000-0000-4000-8000-000000000000", "controller": true,
            }],
        },
        "spec": {"volumes": volumes, "containers": [{
            "name": "app",
            "image": "registry.example.com/app:1.0.0",
            "ports": [{"name": "app", "containerPort": 31000}],
            "volumeMounts": mounts,
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }]},
    });
    pod.to_string()
}
