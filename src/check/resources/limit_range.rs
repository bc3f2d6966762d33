//! LimitRanges: what they fill in, and what they refuse (plugin/pkg/admission/limitranger).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kubernetes::quantity::Quantity;

/// Amounts by the name of the resource.
type Amounts = BTreeMap<String, Quantity>;

/// A LimitRange of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRange {
    pub(crate) name: String,
    /// Its limits, for containers and for pods.
    pub(super) items: Vec<Item>,
}

/// What an entry of `spec.limits` is about; those about claims are none of a pod's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each container.
    Container,
    /// The pod as a whole.
    Pod,
}

impl Kind {
    /// The word of `type`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Container => "Container",
            Self::Pod => "Pod",
        }
    }
}

/// An entry of `spec.limits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    min: Amounts,
    max: Amounts,
    ratio: Amounts,
    default: Amounts,
    default_request: Amounts,
}

impl LimitRange {
    /// Reads a LimitRange. What it leaves out is filled in as the API server does
    /// (pkg/apis/core/v1/defaults.go, `SetDefaults_LimitRangeItem`).
    pub fn read(object: &Value) -> Self {
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let items = object.pointer("/spec/limits").and_then(Value::as_array);
        Self {
            name: name.unwrap_or_default().to_owned(),
            items: items.into_iter().flatten().filter_map(Item::read).collect(),
        }
    }
}

impl Item {
    fn read(entry: &Value) -> Option<Self> {
        let kind = match entry.get("type").and_then(Value::as_str)? {
            "Container" => Kind::Container,
            "Pod" => Kind::Pod,
            _ => return None,
        };
        let mut item = Self {
            kind,
            min: amounts(entry.get("min")),
            max: amounts(entry.get("max")),
            ratio: amounts(entry.get("maxLimitRequestRatio")),
            default: amounts(entry.get("default")),
            default_request: amounts(entry.get("defaultRequest")),
        };
        if kind == Kind::Container {
            fill(&mut item.default, &item.max);
            fill(&mut item.default_request, &item.default);
            fill(&mut item.default_request, &item.min);
        }
        Some(item)
    }

    /// The names of the resources that it bounds.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (min, max, ratio) = (&self.min, &self.max, &self.ratio);
        let beside_min = move |name: &&String| !min.contains_key(*name);
        let of_max = max.keys().filter(beside_min);
        let ratios = ratio.keys().filter(beside_min);
        let of_ratio = ratios.filter(move |name| !max.contains_key(*name));
        min.keys().chain(of_max).chain(of_ratio).map(String::as_str)
    }

    /// Why it refuses these amounts of a resource, in the API server's words.
    pub(super) fn refusal(
        &self,
        name: &str,
        request: Option<Quantity>,
        limit: Option<Quantity>,
    ) -> Option<String> {
        let kind = self.kind.as_str();
        let min = self
            .min
            .get(name)
            .and_then(|min| below(*min, request, limit));
        let max = self
            .max
            .get(name)
            .and_then(|max| above(*max, request, limit));
        if let Some(why) = min {
            return Some(format!("minimum {name} usage per {kind} is {why}"));
        }
        if let Some(why) = max {
            return Some(format!("maximum {name} usage per {kind} is {why}"));
        }
        let ratio = self.ratio.get(name)?;
        let why = beyond(*ratio, request, limit)?;
        Some(format!(
            "{name} max limit to request ratio per {kind} is {why}"
        ))
    }
}

/// Reads amounts; what is no quantity is left out.
pub(super) fn amounts(value: Option<&Value>) -> Amounts {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, value)| Some((name.clone(), Quantity::in_field(value)?)))
        .collect()
}

fn fill(amounts: &mut Amounts, from: &Amounts) {
    for (name, amount) in from {
        amounts.entry(name.clone()).or_insert(*amount);
    }
}

/// The limit that a container gets which has none.
pub(super) fn default_limit(ranges: &[LimitRange], name: &str) -> Option<Quantity> {
    of_containers(ranges, |item| item.default.get(name))
}

/// The request that a container gets which has none.
pub(super) fn default_request(ranges: &[LimitRange], name: &str) -> Option<Quantity> {
    of_containers(ranges, |item| item.default_request.get(name))
}

/// The first LimitRange fills in, and in it the last entry for containers
/// (`defaultContainerResourceRequirements`).
fn of_containers<'r>(
    ranges: &'r [LimitRange],
    amount: impl Fn(&'r Item) -> Option<&'r Quantity>,
) -> Option<Quantity> {
    ranges.iter().find_map(|range| {
        let last_first = range.items.iter().rev();
        let mut items = last_first.filter(|item| item.kind == Kind::Container);
        items.find_map(&amount).copied()
    })
}

/// Thousandths, rounded up, as LimitRanger compares.
fn millis(amount: Quantity) -> i128 {
    let nanos = amount.nanos();
    nanos.div_euclid(1_000_000) + i128::from(nanos.rem_euclid(1_000_000) != 0)
}

fn below(min: Quantity, request: Option<Quantity>, limit: Option<Quantity>) -> Option<String> {
    let Some(request) = request else {
        return Some(format!("{min}.  No request is specified"));
    };
    if millis(request) < millis(min) {
        return Some(format!("{min}, but request is {request}"));
    }
    let limit = limit.filter(|limit| millis(*limit) < millis(min))?;
    Some(format!("{min}, but limit is {limit}"))
}

fn above(max: Quantity, request: Option<Quantity>, limit: Option<Quantity>) -> Option<String> {
    let Some(limit) = limit else {
        return Some(format!("{max}.  No limit is specified"));
    };
    if millis(limit) > millis(max) {
        return Some(format!("{max}, but limit is {limit}"));
    }
    let request = request.filter(|request| millis(*request) > millis(max))?;
    Some(format!("{max}, but request is {request}"))
}

fn beyond(ratio: Quantity, request: Option<Quantity>, limit: Option<Quantity>) -> Option<String> {
    let nonzero = |amount: Option<Quantity>| amount.filter(|amount| millis(*amount) != 0);
    let Some(request) = nonzero(request) else {
        return Some(format!(
            "{ratio}, but no request is specified or request is 0"
        ));
    };
    let Some(limit) = nonzero(limit) else {
        return Some(format!("{ratio}, but no limit is specified or limit is 0"));
    };
    let allowed = millis(request).saturating_mul(millis(ratio));
    if millis(limit).saturating_mul(1000) <= allowed {
        return None;
    }
    let found = limit.as_approximate_float() / request.as_approximate_float();
    Some(format!("{ratio}, but provided ratio is {found:.6}"))
}
