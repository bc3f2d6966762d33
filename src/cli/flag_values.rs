//! What several commands take by flags: an assignment to a parameter, a duration, files by `-f`, text or
//! JSON by `-o`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{RangedI64ValueParser, RangedU64ValueParser};

use super::manifest::kinds::Scope;
use super::manifest::pod_path::PodPath;
use crate::kubernetes::keys::PARAMETER_INFIX;

/// What stands for a line break of a value in the configuration file. Flags and variables, whose line
/// breaks are between assignments, cannot have this character.
pub(super) const LINE_BREAK: char = '\0';

/// A value for a parameter of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) template: String,
    /// The parameter's name; with `.key` for an element of a map.
    pub(crate) parameter: String,
    /// The value, as an annotation would hold it.
    pub(crate) value: String,
}

impl Assignment {
    /// The annotations that set the parameters.
    pub(crate) fn annotations(set: &[Self]) -> BTreeMap<String, String> {
        set.iter()
            .map(|set| {
                let key = format!("{}{PARAMETER_INFIX}{}", set.template, set.parameter);
                (key, set.value.clone())
            })
            .collect()
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
                    value: value.replace(LINE_BREAK, "\n"),
                })
            }
            _ => Err(wrong()),
        }
    }
}

/// Where objects of kinds that are not known have their pods.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PodPathFlag {
    /// Where objects of kinds that are not known have a pod template (repeatable), such as
    /// spec.driver.template; `*` stands for each entry, as in spec.replicaSpecs.*.template
    #[arg(
        long = "pod-template-path",
        value_name = "PATH",
        env = "PILLION_POD_TEMPLATE_PATHS",
        value_delimiter = ','
    )]
    pod_template_paths: Vec<PodPath>,
}

impl PodPathFlag {
    /// What objects are looked at with.
    pub(crate) fn scope<'s>(&'s self, namespace: &'s str) -> Scope<'s> {
        Scope {
            namespace,
            paths: &self.pod_template_paths,
        }
    }
}

/// How a command writes its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// Reads a number of seconds.
pub(super) fn seconds(range: RangeInclusive<u64>) -> RangedU64ValueParser {
    range.into()
}

/// Reads a size in MiB.
pub(super) fn mib(range: RangeInclusive<i64>) -> RangedI64ValueParser<u32> {
    range.into()
}

/// Units and their seconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// The longest duration: a hundred years, which every clock can add to now.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// Reads a duration: `720h`, `1h30m`, as Go writes them, and `30d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}`: expected a duration such as 30d, 12h, 1h30m or 90s");
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = UNITS.iter().find_map(|(unit, seconds)| {
            let rest = tail.strip_prefix(unit)?;
            Some((*seconds, rest))
        });
        let (seconds, next) = unit.ok_or_else(wrong)?;
        let part = Duration::from_secs(number.saturating_mul(seconds));
        total = total.saturating_add(part);
        rest = next;
    }
    if total > LONGEST {
        return Err(format!("`{text}`: more than a hundred years"));
    }
    Ok(total)
}

/// `-f` of commands whose files are the argument `files`, so that it can be written as for other commands.
#[derive(Debug, clap::Args)]
pub(crate) struct FilenameFlag {
    /// The same files, given as to other commands: `-f FILE` is `FILE`. May be given several times
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE|DIR|-",
        conflicts_with = "files"
    )]
    named: Vec<PathBuf>,
}

impl FilenameFlag {
    /// The files that the flag names, else those of the argument.
    pub(crate) fn or<'f>(&'f self, files: &'f [PathBuf]) -> &'f [PathBuf] {
        if self.named.is_empty() {
            files
        } else {
            &self.named
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

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [("30d", 2_592_000), ("1h30m", 5_400), ("90s", 90), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "30",
            "d",
            "-1h",
            "1.5h",
            "1w",
            "99999999999999999999s",
            "101y",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration("36501d").unwrap_err().contains("hundred years"));
    }
}
