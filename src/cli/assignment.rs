//! `TEMPLATE.PARAMETER=VALUE`, as flags spell the value of a parameter.

use crate::kubernetes::keys::PARAMETER_INFIX;

/// A value for a parameter of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The template's name.
    pub template: String,
    /// The parameter's name; with `.key` for an element of a map.
    pub parameter: String,
    /// The value, as an annotation would hold it.
    pub value: String,
}

impl Assignment {
    /// The annotation that sets the parameter.
    pub fn annotation(&self) -> String {
        format!("{}{PARAMETER_INFIX}{}", self.template, self.parameter)
    }
}

impl std::str::FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "expected TEMPLATE.PARAMETER=VALUE, such as pgbouncer.host=db, but got {text:?}"
            )
        };
        let (key, value) = text.split_once('=').ok_or_else(wrong)?;
        match key.split_once('.') {
            Some((template, parameter)) if !template.is_empty() && !parameter.is_empty() => {
                Ok(Self {
                    template: template.to_owned(),
                    parameter: parameter.to_owned(),
                    value: value.to_owned(),
                })
            }
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_behind_the_first_equals_sign() {
        let table = [
            ("pgbouncer.host=db", Some(("pgbouncer", "host", "db"))),
            ("vault.secret.db=a=b", Some(("vault", "secret.db", "a=b"))),
            ("a.b=", Some(("a", "b", ""))),
            ("a=b", None),
            ("a.b", None),
            (".b=c", None),
            ("a.=c", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(template, parameter, value)| Assignment {
                template: template.to_owned(),
                parameter: parameter.to_owned(),
                value: value.to_owned(),
            });
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
