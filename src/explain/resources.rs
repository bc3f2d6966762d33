//! What the pod requests and may use, without the templates and with them.

use serde::Serialize;

use crate::check::resources::{Amounts, Effect};
use crate::kubernetes::quantity::Quantity;

/// The whole pod's resources, by the scheduler's formula.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resources {
    /// The quality-of-service class without the templates.
    pub(crate) class_before: &'static str,
    /// The class with them.
    pub(crate) class_after: &'static str,
    /// The amounts, by resource.
    pub(crate) amounts: Vec<Amount>,
}

/// One resource of the whole pod; what is absent is not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Amount {
    /// The resource, such as `cpu`.
    pub(crate) resource: String,
    /// The effective request without the templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_before: Option<String>,
    /// The effective request with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_after: Option<String>,
    /// The effective limit without the templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_before: Option<String>,
    /// The effective limit with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_after: Option<String>,
}

impl From<&Effect> for Resources {
    fn from(effect: &Effect) -> Self {
        Self {
            class_before: effect.class_before.as_str(),
            class_after: effect.class_after.as_str(),
            amounts: effect.amounts.iter().map(Amount::from).collect(),
        }
    }
}

fn text(amount: Option<&Quantity>) -> Option<String> {
    amount.map(ToString::to_string)
}

impl From<&Amounts> for Amount {
    fn from(amounts: &Amounts) -> Self {
        Self {
            resource: amounts.resource.clone(),
            request_before: text(amounts.request_before.as_ref()),
            request_after: text(amounts.request_after.as_ref()),
            limit_before: text(amounts.limit_before.as_ref()),
            limit_after: text(amounts.limit_after.as_ref()),
        }
    }
}
