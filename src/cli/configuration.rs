//! The configuration file: each field is a flag by another spelling.
//!
//! A field has the name of its flag's value in Kubernetes' spelling, `kubernetesVersion` for
//! `--kubernetes-version`, and stands behind the flag and its environment variable: it is what
//! clap takes where neither is there. So there is one list of settings, one check of each value,
//! and one help text.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::builder::OsStr;
use clap::{Arg, Command, FromArgMatches as _};
use serde_json::{Map, Value};

use super::flag_values::LINE_BREAK;
use super::{Cli, command};
use crate::wording::did_you_mean;

/// The environment variable that names the file.
pub(super) const VARIABLE: &str = "PILLION_CONFIG";

/// The command line with these arguments, and with what the configuration file says besides. An error
/// is clap's own where the arguments are wrong or ask for help.
pub(super) fn parse(arguments: &[OsString]) -> anyhow::Result<Cli> {
    let Some(path) = path(arguments) else {
        return Ok(taken(command(), arguments)?);
    };
    match taken(configured(command(), &path)?, arguments) {
        Err(error) if error.use_stderr() && taken(command(), arguments).is_ok() => {
            // Only the file is wrong.
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let message = first.trim_start_matches("error: ");
            bail!("{}: {message}", path.display())
        }
        taken => Ok(taken?),
    }
}

fn taken(command: Command, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command.try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// The file that the arguments or the environment name.
fn path(arguments: &[OsString]) -> Option<PathBuf> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--") => break,
            Some("--config") => return rest.next().map(PathBuf::from),
            Some(text) if text.starts_with("--config=") => {
                return text.strip_prefix("--config=").map(PathBuf::from);
            }
            _ => {}
        }
    }
    std::env::var_os(VARIABLE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// The command whose defaults are what the file says.
fn configured(mut command: Command, path: &Path) -> anyhow::Result<Command> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("failed to read the configuration {name}"))?;
    let options = serde_saphyr::options! { strict_booleans: true };
    let fields: Option<Map<String, Value>> = serde_saphyr::from_str_with_options(&text, options)
        .with_context(|| format!("{name}: not a configuration"))?;
    for (field, value) in fields.unwrap_or_default() {
        let texts = texts(&field, &value)
            .map_err(|expected| anyhow!("{name}: `{field}`: expected {expected}"))?;
        let values: Vec<OsStr> = texts.iter().map(OsStr::from).collect();
        let mut is_known = false;
        command = each_subcommand(command, &mut |subcommand| {
            subcommand.mut_args(|arg| {
                if !is_configurable(&arg) || spelled(&arg) != field {
                    return arg;
                }
                is_known = true;
                arg.default_values(values.clone()).required(false)
            })
        });
        if !is_known {
            bail!(
                "{name}: there is no field `{field}`{}",
                hint(&command, &field)
            );
        }
    }
    Ok(command)
}

/// Changes every command that can be called, those inside others too.
pub(super) fn each_subcommand(
    command: Command,
    change: &mut dyn FnMut(Command) -> Command,
) -> Command {
    let names: Vec<_> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |subcommand| {
            let subcommand = change(subcommand);
            each_subcommand(subcommand, change)
        })
    })
}

/// Whether a flag configures: those that are environment variables too.
fn is_configurable(arg: &Arg) -> bool {
    arg.get_env().is_some() && arg.get_id() != "config"
}

/// `kubernetes_version` as `kubernetesVersion`.
fn spelled(arg: &Arg) -> String {
    let mut parts = arg.get_id().as_str().split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        let mut letters = part.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

fn hint(command: &Command, field: &str) -> String {
    fn names(command: &Command) -> Vec<String> {
        let own = command
            .get_arguments()
            .filter(|arg| is_configurable(arg))
            .map(spelled);
        let below = command.get_subcommands().flat_map(names);
        own.chain(below).collect()
    }
    did_you_mean(field, names(command).iter().map(String::as_str))
}

/// A field's value as its flag takes it.
fn texts(field: &str, value: &Value) -> Result<Vec<String>, &'static str> {
    let expected = "a text, a number or a list of them";
    match (field, value) {
        ("findings", Value::Object(policies)) => policies
            .iter()
            .map(|(code, policy)| Some(format!("{code}={}", policy.as_str()?)))
            .collect::<Option<_>>()
            .ok_or("a policy for each code, `CODE: Warn`"),
        ("parameters", Value::Object(templates)) => parameters(templates).ok_or(
            "a value for each parameter below its template, and in a list items of one line",
        ),
        (_, Value::Array(items)) => {
            let items = items.iter().map(scalar);
            items.collect::<Option<_>>().ok_or(expected)
        }
        (_, value) => Ok(vec![scalar(value).ok_or(expected)?]),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// `TEMPLATE.PARAMETER=VALUE` for each.
fn parameters(templates: &Map<String, Value>) -> Option<Vec<String>> {
    let mut set = Vec::new();
    for (template, values) in templates {
        for (parameter, value) in values.as_object()? {
            let value = match value {
                Value::Array(items) => list(items)?,
                value => scalar(value)?,
            };
            if value.contains(LINE_BREAK) {
                return None;
            }
            let value = value.replace('\n', &LINE_BREAK.to_string());
            set.push(format!("{template}.{parameter}={value}"));
        }
    }
    Some(set)
}

/// A list as an annotation has it: with a line break behind each item where an item has commas, as these
/// are between items only in a text of one line.
fn list(items: &[Value]) -> Option<String> {
    let items = items.iter().map(scalar).collect::<Option<Vec<_>>>()?;
    if items.iter().any(|item| item.trim().contains('\n')) {
        return None;
    }
    if items.iter().any(|item| item.contains(',')) {
        return Some(
            items
                .iter()
                .flat_map(|item| [item.as_str(), "\n"])
                .collect(),
        );
    }
    Some(items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flag_values::Assignment;

    fn problem(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path();
        let error = configured(command(), path).unwrap_err();
        error
            .to_string()
            .replace(&path.display().to_string(), "FILE")
    }

    /// The value of a flag of `review` with this file and these arguments.
    fn value(text: &str, arguments: &[&str], id: &str) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let command = configured(command(), file.path()).unwrap();
        let arguments = ["pillion", "review"].iter().chain(arguments);
        let matches = command.try_get_matches_from(arguments).unwrap();
        let review = matches.subcommand_matches("review").unwrap();
        let raw = review.get_raw(id).into_iter().flatten();
        raw.map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn fields_stand_behind_flags() {
        let text = "kubernetesVersion: '1.31'\nexcludeNamespace: [a, b]\n\
                    findings: {FieldKept: Ignore}\n\
                    parameters: {pgbouncer: {image: 'x:1', databases: [a, b], port: 1}}\n";
        assert_eq!(value(text, &[], "kubernetes_version"), ["1.31"]);
        let flag = ["--kubernetes-version=1.32"];
        assert_eq!(value(text, &flag, "kubernetes_version"), ["1.32"]);
        assert_eq!(value(text, &[], "exclude_namespace"), ["a", "b"]);
        assert_eq!(value(text, &[], "findings"), ["FieldKept=Ignore"]);
        let parameters = [
            "pgbouncer.image=x:1",
            "pgbouncer.databases=a,b",
            "pgbouncer.port=1",
        ];
        assert_eq!(value(text, &[], "parameters"), parameters);
        assert!(value("", &[], "findings").is_empty());
    }

    #[test]
    fn values_of_parameters_are_not_split() {
        let text = "parameters:\n  java:\n    options: ['-Xlog:gc,safepoint', -Xmx1g]\n    \
                    pair: ['a,b']\n    rules: |\n      a: b\n      c.d=e\n";
        let read = value(text, &[], "parameters");
        let read = read.iter().map(|text| text.parse::<Assignment>().unwrap());
        let values: Vec<_> = read.map(|set| set.value).collect();
        let expected = ["-Xlog:gc,safepoint\n-Xmx1g\n", "a,b\n", "a: b\nc.d=e\n"];
        assert_eq!(values, expected);
        // Lines of the variable are assignments each, as are those of a flag.
        let flag = ["--parameter=a.b=1\nc.d=2"];
        assert_eq!(value(text, &flag, "parameters"), ["a.b=1", "c.d=2"]);
        let told = "FILE: `parameters`: expected a value for each parameter below its template";
        let lines = problem("parameters: {java: {options: ['a\n\n  b', c]}}");
        assert!(lines.starts_with(told), "{lines}");
    }

    #[test]
    fn wrong_fields_are_named() {
        assert_eq!(
            problem("kubernetesVerson: '1.31'"),
            "FILE: there is no field `kubernetesVerson`; did you mean `kubernetesVersion`?"
        );
        assert_eq!(
            problem("findings: {FieldKept: [Warn]}"),
            "FILE: `findings`: expected a policy for each code, `CODE: Warn`"
        );
        assert_eq!(
            problem("registry: {a: b}"),
            "FILE: `registry`: expected a text, a number or a list of them"
        );
        assert_eq!(problem("[1]"), "FILE: not a configuration");
    }
}
