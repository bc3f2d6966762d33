//! Labels and annotations for the pod, and selectors.

use super::Errors;
use super::fragment::{self, CompileScope, WHEN};
use super::reader::{any_entries, choice, entries, items, join, text};
use crate::kubernetes::names;
use crate::kubernetes::schema::FieldType;
use crate::kubernetes::selector::{LabelSelector, Operator, Requirement, Selector};
use crate::template::fragment::{Fragment, Slot};
use crate::template::node::Node;
use crate::template::shape::{LABEL_SELECTOR, METADATA, REQUIREMENT, SELECTOR, SelectorOperator};

/// The domain that Pillion keeps for itself.
const OWN_DOMAIN: &str = "pillion.dev";

/// Compiles `metadata`: labels and annotations.
pub(super) fn metadata(
    errors: &mut Errors<'_>,
    spec: &Node,
    meaning: CompileScope<'_>,
) -> (Option<Fragment>, Option<Fragment>) {
    let Some(node) = spec.get("metadata") else {
        return (None, None);
    };
    entries(errors, node, "spec.metadata", METADATA);
    let mut part = |field: &str| {
        let node = node.get(field)?;
        let path = join("spec.metadata", field);
        for entry in any_entries(errors, node, &path) {
            let domain = entry.key.split_once('/').map_or("", |(domain, _)| domain);
            if domain == OWN_DOMAIN
                || domain
                    .strip_suffix(OWN_DOMAIN)
                    .is_some_and(|d| d.ends_with('.'))
            {
                let message = "keys of `pillion.dev` are Pillion's own";
                errors.add(entry.place, &join(&path, &entry.key), message);
            }
            let key = Some(&entry.key).filter(|key| *key != WHEN && !key.contains("${"));
            if let Some(problem) = key.and_then(|key| names::not_a_key(key)) {
                errors.add(entry.place, &join(&path, &entry.key), problem);
            }
            let value = entry.value.text().filter(|value| !value.contains("${"));
            let problem = value.and_then(names::not_a_label_value);
            if let Some(problem) = problem.filter(|_| field == "labels") {
                errors.add(entry.value.place, &join(&path, &entry.key), problem);
            }
        }
        let texts = Slot::of(FieldType::Map(Box::new(FieldType::Text)));
        fragment::compile(errors, node, &path, &texts, meaning)
    };
    (part("labels"), part("annotations"))
}

/// Compiles `selector`; absent or `{}` it selects nothing by itself.
pub(super) fn selector(errors: &mut Errors<'_>, node: &Node, path: &str) -> Option<Selector> {
    let found = entries(errors, node, path, SELECTOR);
    if found.is_empty() {
        return None;
    }
    let mut part = |field: &str| {
        node.get(field)
            .map(|node| label_selector(errors, node, &join(path, field)))
    };
    let namespace = part("namespaceSelector").unwrap_or_default();
    let pod = part("podSelector").unwrap_or_default();
    Some(Selector { namespace, pod })
}

fn label_selector(errors: &mut Errors<'_>, node: &Node, path: &str) -> LabelSelector {
    entries(errors, node, path, LABEL_SELECTOR);
    let mut requirements = Vec::new();
    if let Some(labels) = node.get("matchLabels") {
        let path = join(path, "matchLabels");
        for entry in any_entries(errors, labels, &path) {
            let path = join(&path, &entry.key);
            if let Some(value) = text(errors, &entry.value, &path) {
                let wrong = names::not_a_key(&entry.key);
                if let Some(problem) = wrong.or_else(|| names::not_a_label_value(value)) {
                    errors.add(entry.place, &path, problem);
                }
                let operator = Operator::In(vec![value.to_owned()]);
                requirements.push(Requirement {
                    key: entry.key.clone(),
                    operator,
                });
            }
        }
    }
    if let Some(list) = node.get("matchExpressions") {
        let path = join(path, "matchExpressions");
        for (index, item) in items(errors, list, &path).iter().enumerate() {
            requirements.extend(requirement(errors, item, &format!("{path}[{index}]")));
        }
    }
    LabelSelector(requirements)
}

fn requirement(errors: &mut Errors<'_>, node: &Node, path: &str) -> Option<Requirement> {
    entries(errors, node, path, REQUIREMENT);
    let (key, operator) = (node.get("key")?, node.get("operator")?);
    let key_path = join(path, "key");
    let key_place = key.place;
    let key = text(errors, key, &key_path)?.to_owned();
    if let Some(problem) = names::not_a_key(&key) {
        errors.add(key_place, &key_path, problem);
    }
    let chosen = choice(errors, operator, &join(path, "operator"))?;
    let values = values(errors, node, path);
    let takes_values = matches!(chosen, SelectorOperator::In | SelectorOperator::NotIn);
    if values.is_empty() == takes_values {
        let message = "`In` and `NotIn` need `values`, `Exists` and `DoesNotExist` take none";
        errors.add(node.place, path, message);
        return None;
    }
    let operator = match chosen {
        SelectorOperator::In => Operator::In(values),
        SelectorOperator::NotIn => Operator::NotIn(values),
        SelectorOperator::Exists => Operator::Exists,
        SelectorOperator::DoesNotExist => Operator::DoesNotExist,
    };
    Some(Requirement { key, operator })
}

fn values(errors: &mut Errors<'_>, node: &Node, path: &str) -> Vec<String> {
    let path = join(path, "values");
    let Some(list) = node.get("values") else {
        return Vec::new();
    };
    items(errors, list, &path)
        .iter()
        .filter_map(|item| text(errors, item, &path).map(str::to_owned))
        .collect()
}
