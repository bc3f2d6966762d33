//! Which objects a label selector could match, when only some of their labels are certain.
//!
//! A label that is not certain may be set by somebody tomorrow, so a selector that asks for one
//! could match. "Never" is said only where no labels at all could satisfy every requirement.

use std::collections::{BTreeMap, BTreeSet};

use crate::kubernetes::selector::{LabelSelector, Operator, Requirement};

/// Whether a selector could match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// Whatever labels anybody sets, it does not match.
    Never,
    /// It matches once labels are set that these requirements ask for.
    WithLabels(Vec<String>),
    /// It matches an object that has no labels but the certain ones.
    Plain,
}

/// The reach of a selector among objects that certainly have these labels, and may have any other.
pub(super) fn reach(selector: &LabelSelector, certain: &[(&str, &str)]) -> Reach {
    let certain: BTreeMap<String, String> = certain
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let mut open: BTreeMap<&str, Vec<&Requirement>> = BTreeMap::new();
    for requirement in &selector.0 {
        if !certain.contains_key(&requirement.key) {
            open.entry(&requirement.key).or_default().push(requirement);
        } else if !holds(requirement, &certain) {
            return Reach::Never;
        }
    }
    if !open
        .values()
        .all(|requirements| is_satisfiable(requirements))
    {
        return Reach::Never;
    }
    let asked: Vec<_> = open
        .into_values()
        .flatten()
        .filter(|requirement| !holds(requirement, &certain))
        .map(ToString::to_string)
        .collect();
    if asked.is_empty() {
        Reach::Plain
    } else {
        Reach::WithLabels(asked)
    }
}

fn holds(requirement: &Requirement, labels: &BTreeMap<String, String>) -> bool {
    LabelSelector(vec![requirement.clone()]).matches(labels)
}

/// Whether one value of a label, or its absence, satisfies all of these requirements on it.
fn is_satisfiable(requirements: &[&Requirement]) -> bool {
    let absent = requirements.iter().all(|requirement| {
        matches!(
            requirement.operator,
            Operator::DoesNotExist | Operator::NotIn(_)
        )
    });
    absent || has_value(requirements)
}

/// Whether there is a value of the label that all requirements take.
fn has_value(requirements: &[&Requirement]) -> bool {
    let mut one_of: Option<BTreeSet<&str>> = None;
    let mut none_of: BTreeSet<&str> = BTreeSet::new();
    for requirement in requirements {
        match &requirement.operator {
            Operator::DoesNotExist => return false,
            Operator::Exists => {}
            Operator::NotIn(values) => none_of.extend(values.iter().map(String::as_str)),
            Operator::In(values) => {
                let values: BTreeSet<_> = values.iter().map(String::as_str).collect();
                one_of = Some(match one_of {
                    Some(earlier) => earlier.intersection(&values).copied().collect(),
                    None => values,
                });
            }
        }
    }
    // Without `In` there are more values than `NotIn` can name.
    one_of.is_none_or(|values| values.difference(&none_of).next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::selector::SelectorDocument;
    use serde_json::json;

    #[test]
    fn what_could_match_is_told_from_what_never_does() {
        let name = "kubernetes.io/metadata.name";
        let not_system = json!({"key": name, "operator": "NotIn", "values": ["kube-system"]});
        let only_shop = json!({"key": name, "operator": "In", "values": ["shop"]});
        let exists = json!({"key": "a", "operator": "Exists"});
        let absent = json!({"key": "a", "operator": "DoesNotExist"});
        let one = json!({"key": "a", "operator": "In", "values": ["1", "2"]});
        let not_one = json!({"key": "a", "operator": "NotIn", "values": ["1"]});
        let neither = json!({"key": "a", "operator": "NotIn", "values": ["1", "2"]});
        let other = json!({"key": "a", "operator": "In", "values": ["3"]});
        let with = |texts: &[&str]| {
            Reach::WithLabels(texts.iter().map(|text| (*text).to_owned()).collect())
        };
        let table = [
            (json!([]), Reach::Plain),
            (json!([not_system]), Reach::Never),
            (json!([only_shop]), Reach::Never),
            (json!([exists]), with(&["a exists"])),
            (json!([absent]), Reach::Plain),
            (json!([not_one]), Reach::Plain),
            (json!([exists, absent]), Reach::Never),
            (json!([one, absent]), Reach::Never),
            (json!([one, not_one]), with(&["a in (1, 2)"])),
            (json!([one, neither]), Reach::Never),
            (json!([one, other]), Reach::Never),
            (json!([exists, neither]), with(&["a exists"])),
            (json!([exists, not_system]), Reach::Never),
        ];
        for (expressions, expected) in table {
            let document = json!({"matchExpressions": expressions});
            let document: SelectorDocument = serde_json::from_value(document).unwrap();
            let selector = document.into_selector().unwrap();
            let found = reach(&selector, &[(name, "kube-system")]);
            assert_eq!(found, expected, "{expressions}");
        }
    }
}
