//! What is measured: whom the API server asks, about which pod, and what it is answered.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::handler::{Handler, Reply, besides};
use crate::pods::{NO_LABEL, NONE, ONE, OPTED_OUT, THREE, pod};
use crate::registration::{Asked, as_installed, with_entries};
use crate::shapes::{self, Said};
use crate::support::failure::Outcome;
use crate::support::pillion::{Identity, Pillion};
use crate::{policy, registration};

/// What ratios are to.
pub(crate) const NO_WEBHOOK: &str = "no webhook";
/// What ratios of shapes are to.
pub(crate) const AS_SENT: &str = "as Pillion sends it";
/// What ratios of stored pods are to.
pub(crate) const NO_WEBHOOK_STORED: &str = "stored, no webhook";

/// Warnings as large as a careful webhook's are.
const WARNING: &str = "pgbouncer: ImageTagFloating: the image `docker.io/edoburu/pgbouncer:latest` can change under a running pod";

/// Which table a scenario is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Ways to change a pod, and not to.
    Way,
    /// One change, written as different patches.
    Shape,
    /// Stored pods, not dry runs.
    Stored,
}

impl Group {
    /// The scenario that the group's are measured beside.
    pub(crate) fn reference(self) -> &'static str {
        match self {
            Self::Way => NO_WEBHOOK,
            Self::Shape => AS_SENT,
            Self::Stored => NO_WEBHOOK_STORED,
        }
    }
}

/// Which pod must come of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The pod as it was sent.
    Untouched,
    /// The pod that comes of Pillion's own answer, in everything.
    Injected,
    /// The same, but for the status annotation.
    InjectedButStatus,
    /// Something else, in which this text is.
    With(&'static str),
}

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) group: Group,
    pub(crate) pod: Value,
    /// Whether the pod is made in the namespace that is labelled `disabled`.
    pub(crate) disabled: bool,
    pub(crate) stored: bool,
    pub(crate) asked: Asked,
    /// What the bench's own webhook answers.
    pub(crate) reply: Arc<Reply>,
    /// How often each creation must bring the API server to the bench's own webhook.
    pub(crate) calls: u64,
    pub(crate) result: Expected,
}

impl Scenario {
    /// Whether it is what its group is measured beside.
    pub(crate) fn is_reference(&self) -> bool {
        self.name == self.group.reference()
    }
}

/// What scenarios are made of.
pub(crate) struct Parts<'a> {
    /// The bench's own webhook.
    pub(crate) handler: &'a Handler,
    /// Pillion, running.
    pub(crate) pillion: (&'a Pillion, &'a Identity),
    /// What it says about the pod that asks for one template, and in the second call.
    pub(crate) said: &'a Said,
    pub(crate) again: &'a Said,
}

/// The whole configuration with the bench's own webhook behind it.
pub(crate) fn own(handler: &Handler) -> Outcome<Value> {
    as_installed(handler.port, &handler.authority)
}

/// All of them, in the order of the tables.
pub(crate) fn all(parts: &Parts<'_>) -> Outcome<Vec<Scenario>> {
    let mut all = left_out(parts)?;
    all.extend(ways(parts)?);
    all.extend(shapes_of(parts)?);
    all.extend(stored(parts)?);
    Ok(all)
}

/// A dry run of the pod that asks for one template, of which nobody is told.
fn plain(name: impl Into<String>) -> Scenario {
    Scenario {
        name: name.into(),
        group: Group::Way,
        pod: pod(&ONE, NO_LABEL),
        disabled: false,
        stored: false,
        asked: Asked::Nobody,
        reply: Arc::default(),
        calls: 0,
        result: Expected::Untouched,
    }
}

/// Nobody is asked, or the registration keeps the pod from us.
fn left_out(parts: &Parts<'_>) -> Outcome<Vec<Scenario>> {
    let own = own(parts.handler)?;
    let asked = Asked::Webhook(own.clone());
    let united = with_entries(&own, unite_conditions);
    Ok(vec![
        plain(NO_WEBHOOK),
        Scenario {
            disabled: true,
            asked: asked.clone(),
            ..plain("left out by the namespaceSelector")
        },
        Scenario {
            pod: pod(&ONE, OPTED_OUT),
            asked: asked.clone(),
            ..plain("left out by the objectSelector")
        },
        Scenario {
            pod: pod(&NONE, NO_LABEL),
            asked,
            ..plain("left out by the matchConditions")
        },
        Scenario {
            pod: pod(&NONE, NO_LABEL),
            asked: Asked::Webhook(united),
            ..plain("left out by one matchCondition for both")
        },
    ])
}

/// Puts all match conditions of an entry into one, which stops at the first that is false. The API
/// server evaluates every condition of a list.
fn unite_conditions(entry: &mut Value) {
    let Some(Value::Array(conditions)) = entry.get_mut("matchConditions") else {
        return;
    };
    let expressions = conditions.iter().filter_map(|condition| {
        let expression = condition.get("expression")?.as_str()?;
        Some(format!("({expression})"))
    });
    let expression = expressions.collect::<Vec<_>>().join(" && ");
    *conditions = vec![json!({"name": "all", "expression": expression})];
}

/// Who is asked about a pod that asks.
fn ways(parts: &Parts<'_>) -> Outcome<Vec<Scenario>> {
    let (server, identity) = parts.pillion;
    let pillion = Asked::Webhook(as_installed(server.webhook.port(), identity.authority())?);
    Ok(vec![
        Scenario {
            asked: Asked::Webhook(own(parts.handler)?),
            calls: 1,
            ..plain("webhook that changes nothing")
        },
        Scenario {
            asked: pillion.clone(),
            result: Expected::Injected,
            ..plain("Pillion, one template")
        },
        Scenario {
            pod: pod(&THREE, NO_LABEL),
            asked: pillion,
            result: Expected::With("pillion.dev/status.wait-for"),
            ..plain("Pillion, three templates")
        },
        Scenario {
            asked: policy::one_annotation(),
            result: Expected::With("example.dev/policy"),
            ..plain("policy that adds one annotation")
        },
        Scenario {
            asked: policy::same_patch(&shapes::without_token(&parts.said.patch)),
            result: Expected::Injected,
            ..plain("policy that applies Pillion's patch")
        },
    ])
}

/// One change as different patches, all answered by the bench's own webhook.
fn shapes_of(parts: &Parts<'_>) -> Outcome<Vec<Scenario>> {
    let asked = Asked::Webhook(own(parts.handler)?);
    let (said, again) = (parts.said, parts.again);
    let (pod, patch) = (&said.pod, said.patch.as_slice());
    let shape = |name: &str, patch: &[Value]| Scenario {
        group: Group::Shape,
        asked: asked.clone(),
        reply: Arc::new(said.with(patch, again)),
        calls: 1,
        result: Expected::Injected,
        ..plain(name)
    };
    let mut scenarios = vec![
        shape(AS_SENT, patch),
        shape("whole lists", &shapes::whole_lists(pod, patch)?),
        shape("the whole spec", &shapes::whole_spec(pod, patch)?),
        shape("each field by itself", &shapes::single_fields(patch)),
        shape("annotations last", &shapes::annotations_last(patch)),
        shape("at `-`", &shapes::at_the_end(pod, patch)?),
    ];
    let without = shapes::without_token(patch);
    scenarios.push(Scenario {
        // The API server changes the pod behind the first call, so there is a second.
        calls: 2,
        ..shape("without the token's mount", &without)
    });
    scenarios.push(Scenario {
        asked: Asked::Webhook(with_entries(&own(parts.handler)?, never_again)),
        ..shape("without it, reinvocationPolicy Never", &without)
    });
    for (name, size) in [
        ("no status", 0),
        ("status of 200 B", 200),
        ("status of 1 KB", 1024),
        ("status of 8 KB", 8192),
    ] {
        scenarios.push(Scenario {
            result: Expected::InjectedButStatus,
            ..shape(name, &shapes::with_status(patch, size))
        });
    }
    let bare = Reply {
        patch: Some(json!(patch).to_string()),
        ..Reply::default()
    };
    let warnings = json!([WARNING, WARNING.to_uppercase(), WARNING.to_lowercase()]);
    let warns = Reply {
        patch: bare.patch.clone(),
        besides: besides(&said.audit_annotations, &warnings),
        besides_again: besides(&again.audit_annotations, &warnings),
    };
    for (name, reply) in [
        ("no audit annotations", bare),
        ("with three warnings", warns),
    ] {
        scenarios.push(Scenario {
            reply: Arc::new(reply),
            ..shape(name, patch)
        });
    }
    Ok(scenarios)
}

fn never_again(entry: &mut Value) {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("reinvocationPolicy".to_owned(), json!("Never"));
    }
}

/// The same as some of the ways, but the pods are really stored.
fn stored(parts: &Parts<'_>) -> Outcome<Vec<Scenario>> {
    let (server, identity) = parts.pillion;
    let own = own(parts.handler)?;
    let pillion = registration::as_installed(server.webhook.port(), identity.authority())?;
    let stored = |name: &str| Scenario {
        group: Group::Stored,
        stored: true,
        ..plain(name)
    };
    Ok(vec![
        stored(NO_WEBHOOK_STORED),
        Scenario {
            asked: Asked::Webhook(own),
            calls: 1,
            ..stored("stored, webhook that changes nothing")
        },
        Scenario {
            asked: Asked::Webhook(pillion),
            result: Expected::Injected,
            ..stored("stored, Pillion, one template")
        },
    ])
}
