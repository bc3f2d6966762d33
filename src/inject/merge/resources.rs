//! Requests and limits of a container, resource by resource.
//!
//! The API server copies a limit to the request that is not there: such a request comes and goes with
//! its limit, and belongs to whom the limit belongs. A limit below the user's request would make the pod
//! invalid.

use serde_json::{Map, Value};

use super::Filling;
use super::place::At;
use super::view::{Opened, View};
use crate::kubernetes::element_digest::element_digest;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, FieldType};
use crate::template::value::ValueRef;

const DEFINITION: &str = "ResourceRequirements";

/// The requests and limits that a container has.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    requests: Value,
    limits: Value,
}

impl Amounts {
    fn of(user: &Opened<'_>) -> Self {
        let amounts = |name: &str| {
            let mut amounts = user.get(name).map(View::to_value).unwrap_or_default();
            if let Value::Object(amounts) = &mut amounts {
                amounts.retain(|_, amount| !amount.is_null());
            }
            amounts
        };
        Self {
            requests: amounts("requests"),
            limits: amounts("limits"),
        }
    }

    /// The limit of which the request is a copy, or will be one.
    fn copied_limit(&self, resource: &str) -> Option<&Value> {
        let limit = self.limits.get(resource)?;
        let request = self.requests.get(resource);
        let is_copy = request.is_none_or(|request| is_same(request, limit));
        is_copy.then_some(limit)
    }

    fn has(&self, resource: &str) -> bool {
        self.requests.get(resource).is_some() || self.limits.get(resource).is_some()
    }
}

impl Filling {
    pub(super) fn resources(&mut self, user: &Opened<'_>, want: &Map<String, Value>, at: &At<'_>) {
        let own = Amounts::of(user);
        for (name, value) in want {
            let Some(field) = schema::field(DEFINITION, name) else {
                continue;
            };
            let added = match (name.as_str(), value) {
                ("requests", Value::Object(wanted)) => Some(self.requests(&own, wanted, at)),
                ("limits", Value::Object(wanted)) => Some(self.limits(&own, wanted, at)),
                _ => None,
            };
            let value = ValueRef::Own(added.as_ref().unwrap_or(value));
            self.field(user, DEFINITION, name, &field.ty, value, &at.field(name));
        }
        self.note_copied_requests(&own, want, at);
    }

    /// The requests that can be added: where the user has a limit alone, it is the request.
    fn requests(&mut self, own: &Amounts, wanted: &Map<String, Value>, at: &At<'_>) -> Value {
        let mut added = wanted.clone();
        added.retain(|resource, amount| match own.copied_limit(resource) {
            Some(limit) => {
                if !is_same(amount, limit) {
                    self.keep_limit(resource, at);
                }
                false
            }
            None => true,
        });
        Value::Object(added)
    }

    /// The limits that can be added: where there is one already, it is judged as any other field.
    fn limits(&mut self, own: &Amounts, wanted: &Map<String, Value>, at: &At<'_>) -> Value {
        let mut added = wanted.clone();
        added.retain(|resource, amount| {
            let is_too_low =
                own.limits.get(resource).is_none() && is_below(amount, own.requests.get(resource));
            if is_too_low {
                let key = at.field("limits").field(resource).key();
                self.fill.exceeded.push(key);
            }
            !is_too_low
        });
        Value::Object(added)
    }

    /// Notes a limit that keeps a request out. Whose it is does not matter: two templates may well have
    /// one limit.
    fn keep_limit(&mut self, resource: &str, at: &At<'_>) {
        let key = at.field("limits").field(resource).key();
        if !self.fill.bounding.contains(&key) {
            self.fill.bounding.push(key);
        }
    }

    /// Notes the requests that the API server copies from limits that are added.
    pub(super) fn note_copied_requests(
        &mut self,
        own: &Amounts,
        want: &Map<String, Value>,
        at: &At<'_>,
    ) {
        let requested = want.get("requests");
        let limits = want.get("limits").and_then(Value::as_object);
        for (resource, limit) in limits.into_iter().flatten() {
            let is_requested = requested.is_some_and(|wanted| wanted.get(resource).is_some());
            if !is_requested && !own.has(resource) {
                let key = at.field("requests").field(resource).key();
                let digest = element_digest(&FieldType::Quantity, limit);
                self.fill.added.push((key, digest));
            }
        }
    }
}

/// Whether two amounts are the same.
fn is_same(one: &Value, other: &Value) -> bool {
    match (Quantity::in_field(one), Quantity::in_field(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Whether one amount is below another.
fn is_below(amount: &Value, other: Option<&Value>) -> bool {
    match (
        Quantity::in_field(amount),
        other.and_then(Quantity::in_field),
    ) {
        (Some(amount), Some(other)) => amount < other,
        _ => false,
    }
}
