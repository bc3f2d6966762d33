//! What the amounts of a container ask of each other (`validateResourceRequirements`).

use serde_json::{Map, Value};

use super::{Problems, Step, certain, field, is_certain, names, text};
use crate::kubernetes::object::ReadObject;
use crate::kubernetes::quantity::{NANOS, Quantity};

const HUGE_PAGES: &str = "hugepages-";

/// Whether a resource is Kubernetes' own.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a container may be given more of a resource than it requests.
pub(crate) fn is_overcommitted(name: &str) -> bool {
    is_native(name) && !name.starts_with(HUGE_PAGES)
}

fn is_resource(name: &str) -> bool {
    if !name.contains('/') {
        return matches!(name, "cpu" | "memory" | "ephemeral-storage")
            || name.starts_with(HUGE_PAGES) && names::not_a_key(name).is_none();
    }
    // A quota counts a device as `requests.` and its name, which must be a key too.
    let counted = format!("requests.{name}");
    names::not_a_key(name).is_none()
        && (is_native(name)
            || !name.starts_with("requests.") && names::not_a_key(&counted).is_none())
}

/// Why a request and a limit of one resource exclude each other.
pub(crate) fn above_limit(name: &str, request: Quantity, limit: Quantity) -> Option<String> {
    if !is_overcommitted(name) && request != limit {
        let message = format!("{name} cannot be overcommitted: request and limit must be equal");
        return Some(message);
    }
    (request > limit).then(|| format!("the request for {name} is above its limit"))
}

/// Why a request needs a limit.
pub(crate) fn without_limit(name: &str) -> Option<String> {
    let needed = !is_overcommitted(name);
    needed.then(|| format!("{name} cannot be overcommitted: a request needs an equal limit"))
}

/// Why a container with these resources has none of them alone.
pub(crate) fn huge_pages_alone<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let (mut huge, mut others) = (false, false);
    for name in names {
        huge |= name.starts_with(HUGE_PAGES);
        others |= matches!(name, "cpu" | "memory");
    }
    let message = "huge pages need a request or limit of cpu or memory beside them";
    (huge && !others).then(|| message.to_owned())
}

/// A quantity, where it is known.
pub(super) fn quantity(value: &Value) -> Option<Quantity> {
    Quantity::in_field(value)
}

fn amounts<'v>(resources: &'v dyn ReadObject, list: &str) -> Option<&'v Map<String, Value>> {
    resources.get(list).and_then(Value::as_object)
}

/// The amounts of a list that surely stand there.
fn surely<'v>(
    resources: &'v dyn ReadObject,
    list: &str,
) -> impl Iterator<Item = (&'v String, &'v Value)> {
    amounts(resources, list)
        .filter(|amounts| !amounts.contains_key(super::WHEN))
        .into_iter()
        .flatten()
}

/// Checks each amount, and requests against limits.
pub(super) fn check(problems: &mut Problems, resources: &dyn ReadObject) {
    for list in ["requests", "limits"] {
        let all = amounts(resources, list).into_iter().flatten();
        for (name, amount) in all.filter(|(name, _)| *name != super::WHEN) {
            if let Some(problem) = wrong_amount(name, amount) {
                problems.at([field(list), field(name)], problem);
            }
        }
    }
    for (name, request) in amounts(resources, "requests").into_iter().flatten() {
        let limit = amounts(resources, "limits").and_then(|limits| limits.get(name));
        let both = quantity(request).zip(limit.and_then(quantity));
        let problem = both.and_then(|(request, limit)| above_limit(name, request, limit));
        if let Some(problem) = problem {
            problems.at([field("requests"), field(name)], problem);
        }
    }
    claims(problems, resources);
}

fn wrong_amount(name: &str, amount: &Value) -> Option<String> {
    if !is_resource(name) {
        return Some(format!(
            "a container has no resource `{name}`; it has cpu, memory, ephemeral-storage, \
             hugepages-<size>, and those of devices as `domain/name`"
        ));
    }
    let amount = quantity(amount)?;
    if amount.sign() < 0 {
        return Some("a quantity must not be negative".to_owned());
    }
    if !is_native(name) && amount.nanos() % NANOS != 0 {
        return Some(format!(
            "{name} is counted: the quantity must be a whole number"
        ));
    }
    let size = name.strip_prefix(HUGE_PAGES)?;
    let page = size.parse::<Quantity>().ok().map(|page| page.nanos());
    let Some(page) = page.filter(|page| *page > 0 && page % NANOS == 0) else {
        return Some(format!("`{size}` is not the size of a page, such as 2Mi"));
    };
    // A fraction of a byte counts as a byte.
    let bytes = (amount.nanos() + NANOS - 1) / NANOS;
    (bytes % (page / NANOS) != 0).then(|| format!("expected a multiple of {size}, found {amount}"))
}

/// Names of claims stand once, or once with each of their requests.
fn claims(problems: &mut Problems, resources: &dyn ReadObject) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (index, claim) in certain(resources, "claims") {
        let known = |name: &str| match claim.get(name) {
            None => Some(""),
            Some(value) => value.as_str(),
        };
        let (Some(name), Some(request)) = (known("name"), known("request")) else {
            continue;
        };
        let is_claimed = seen.iter().any(|(other, of)| {
            *other == name && (of.is_empty() || request.is_empty() || *of == request)
        });
        if is_claimed {
            let message = format!("the claim `{name}` is here twice");
            problems.at([field("claims"), Step::Index(index)], message);
        }
        seen.push((name, request));
    }
}

/// Checks what a whole container must have beside what it requests.
pub(super) fn whole(problems: &mut Problems, container: &dyn ReadObject) {
    let Some(Value::Object(resources)) = container.get("resources") else {
        return;
    };
    let known = |list: &str| resources.get(list).is_none_or(is_certain);
    if !known("limits") || resources.contains_key(super::WHEN) {
        return;
    }
    for (name, _) in surely(resources, "requests") {
        let limited = amounts(resources, "limits").is_some_and(|limits| limits.contains_key(name));
        if let Some(problem) = without_limit(name).filter(|_| !limited) {
            problems.at(
                [field("resources"), field("requests"), field(name)],
                problem,
            );
        }
    }
    let names = ["requests", "limits"]
        .into_iter()
        .flat_map(|list| surely(resources, list).map(|(name, _)| name.as_str()));
    if let Some(problem) = huge_pages_alone(names).filter(|_| known("requests")) {
        problems.at([field("resources")], problem);
    }
}

/// The units in which the downward API shows a resource (`validateContainerResourceDivisor`).
pub(super) fn divisor(problems: &mut Problems, fields: &dyn ReadObject) {
    let unit = fields
        .get("divisor")
        .and_then(quantity)
        .filter(|unit| unit.sign() != 0);
    let Some((unit, resource)) = unit.zip(text(fields, "resource")) else {
        return;
    };
    let units: &[&str] = if matches!(resource, "limits.cpu" | "requests.cpu") {
        &["1m", "1"]
    } else {
        &[
            "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
        ]
    };
    if !units.contains(&unit.to_string().as_str()) {
        let message = format!("expected one of {}, found {unit}", units.join(", "));
        problems.at([field("divisor")], message);
    }
}
