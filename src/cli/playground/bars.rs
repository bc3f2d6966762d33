//! Requests and limits before and after, with numbers that can be drawn.

use serde::Serialize;

use crate::explain::{Amount, Resources};
use crate::kubernetes::quantity::Quantity;

/// One amount of the whole pod without the templates and with them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bar {
    /// The resource and what it is: `cpu requests`.
    pub(super) name: String,
    /// Without the templates; absent where it is not set.
    pub(super) before: Option<Size>,
    /// With them.
    pub(super) after: Option<Size>,
}

/// An amount as Kubernetes writes it, and as a number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Size {
    pub(super) text: String,
    pub(super) number: f64,
}

/// The bars of a pod.
pub(super) fn of(resources: &Resources) -> Vec<Bar> {
    resources.amounts.iter().flat_map(both).collect()
}

fn both(amount: &Amount) -> Vec<Bar> {
    let bar = |what: &str, before: &Option<String>, after: &Option<String>| Bar {
        name: format!("{} {what}", amount.resource),
        before: before.as_deref().and_then(size),
        after: after.as_deref().and_then(size),
    };
    [
        bar("requests", &amount.request_before, &amount.request_after),
        bar("limits", &amount.limit_before, &amount.limit_after),
    ]
    .into_iter()
    .filter(|bar| bar.before.is_some() || bar.after.is_some())
    .collect()
}

fn size(text: &str) -> Option<Size> {
    let quantity: Quantity = text.parse().ok()?;
    Some(Size {
        text: text.to_owned(),
        number: quantity.as_approximate_float(),
    })
}
