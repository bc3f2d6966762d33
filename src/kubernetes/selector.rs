//! Label selectors with the meaning that `metav1.LabelSelector` has in the API server.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Which pods a template applies to without being asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// What the namespace's labels must be; `None` and empty match all.
    pub(crate) namespace: LabelSelector,
    /// What the pod's labels must be; `None` and empty match all.
    pub(crate) pod: LabelSelector,
}

/// Requirements on labels, all of which must hold; none: everything matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(pub(crate) Vec<Requirement>);

/// One requirement on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    /// What is asked of it.
    pub(crate) operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operator {
    /// The label is there with one of these values.
    In(Vec<String>),
    /// The label is not there, or has none of these values.
    NotIn(Vec<String>),
    Exists,
    /// The label is not there.
    DoesNotExist,
}

/// A label selector as the API writes it (`metav1.LabelSelector`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SelectorDocument {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Clone, Deserialize)]
struct Expression {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

impl SelectorDocument {
    /// The selector; `Err` holds an operator that there is not.
    pub(crate) fn into_selector(self) -> Result<LabelSelector, String> {
        let equal = self.match_labels.into_iter().map(|(key, value)| {
            let operator = Operator::In(vec![value]);
            Ok(Requirement { key, operator })
        });
        let expressions = self.match_expressions.into_iter().map(|expression| {
            let operator = match expression.operator.as_str() {
                "In" => Operator::In(expression.values),
                "NotIn" => Operator::NotIn(expression.values),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => return Err(expression.operator),
            };
            Ok(Requirement {
                key: expression.key,
                operator,
            })
        });
        equal
            .chain(expressions)
            .collect::<Result<_, _>>()
            .map(LabelSelector)
    }
}

impl LabelSelector {
    /// Whether all requirements hold for these labels.
    pub(crate) fn matches<T: Borrow<str> + Ord>(&self, labels: &BTreeMap<T, T>) -> bool {
        self.unmet(labels).is_none()
    }

    /// The first requirement that does not hold for these labels.
    pub(crate) fn unmet<T: Borrow<str> + Ord>(
        &self,
        labels: &BTreeMap<T, T>,
    ) -> Option<&Requirement> {
        let mut requirements = self.0.iter();
        requirements.find(|requirement| !requirement.holds(labels))
    }
}

impl Requirement {
    fn holds<T: Borrow<str> + Ord>(&self, labels: &BTreeMap<T, T>) -> bool {
        let value = labels.get(self.key.as_str()).map(Borrow::borrow);
        match &self.operator {
            Operator::In(values) => {
                value.is_some_and(|value| values.iter().any(|known| known == value))
            }
            Operator::NotIn(values) => {
                !value.is_some_and(|value| values.iter().any(|known| known == value))
            }
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl fmt::Display for Requirement {
    /// As `kubectl` prints a selector.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.operator {
            Operator::In(values) => write!(f, "{key} in ({})", values.join(", ")),
            Operator::NotIn(values) => write!(f, "{key} not in ({})", values.join(", ")),
            Operator::Exists => write!(f, "{key} exists"),
            Operator::DoesNotExist => write!(f, "{key} does not exist"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_hold_as_in_the_api_server() {
        let labels = BTreeMap::from([("tier".to_owned(), "web".to_owned())]);
        let values = |list: &[&str]| list.iter().map(|v| (*v).to_owned()).collect();
        let table = [
            ("tier", Operator::In(values(&["web", "db"])), true),
            ("tier", Operator::In(values(&["db"])), false),
            ("none", Operator::In(values(&["db"])), false),
            ("tier", Operator::NotIn(values(&["web"])), false),
            ("none", Operator::NotIn(values(&["web"])), true),
            ("tier", Operator::Exists, true),
            ("none", Operator::Exists, false),
            ("tier", Operator::DoesNotExist, false),
            ("none", Operator::DoesNotExist, true),
        ];
        for (key, operator, expected) in table {
            let selector = LabelSelector(vec![Requirement {
                key: key.to_owned(),
                operator: operator.clone(),
            }]);
            assert_eq!(selector.matches(&labels), expected, "{key} {operator:?}");
        }
        assert!(LabelSelector::default().matches::<String>(&BTreeMap::new()));
    }
}
