//! Amounts of resources, read once: checks ask for them many times.

use std::collections::BTreeMap;

use super::field::{Field, FromField};
use crate::kubernetes::quantity::Quantity;
use crate::review::Text;

/// Amounts by the name of the resource.
pub(crate) type Amounts<'a> = BTreeMap<Text<'a>, Amount>;

/// An amount; `None` where what stands there is no quantity, which the API server refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Option<Quantity>);

impl FromField<'_> for Amount {
    fn from_field(field: Field<'_>) -> Option<Self> {
        let amount = match field.number() {
            Some(number) => number.parse(),
            None => field.text()?.as_str().parse(),
        };
        Some(Self(amount.ok()))
    }
}
