//! The parts of documents that a program can write.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use pillion::cli::{self, Check};
use pillion::finding::{Code, Refusal};
use pillion::inject::{Answer, Decision, Endpoint, Engine, Reason};
use pillion::lint::LintCode;
use pillion::telemetry::Metrics;
use pillion::template::json_schema::json_schema;
use pillion::template::{Catalog, TemplateCounts};
use serde_json::Value;

/// The text that an order in a document asks for.
pub(crate) fn part(order: &str) -> String {
    let (kind, argument) = order.split_once(' ').unwrap_or((order, ""));
    match kind {
        "run" => format!("```console\n$ {argument}\n{}```\n", output(argument)),
        "yaml" => format!("```yaml\n{}```\n", file(argument)),
        "parameters" => parameters(argument),
        "reasons" => reasons(),
        "findings" => findings(),
        "lint" => lint(),
        "functions" => super::functions::table(),
        "flags" => flags(argument),
        "checks" => checks(),
        "metrics" => metrics(),
        "alerts" => alerts(),
        "values" => values(),
        "template-fields" => template_fields(argument),
        _ => panic!("nobody knows how to generate {order:?}"),
    }
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a shell prints for a command in which `pillion` is the program under test, run at the
/// root of the project, standard error included.
pub(crate) fn output(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_pillion"));
    let folder = program.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap();
    let run = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", format!("{folder}:{path}"))
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(!text.is_empty(), "{command} printed nothing");
    text.trim_end_matches('\n').to_owned() + "\n"
}

/// The fields of parts of a template's spec, as its schema has them.
fn template_fields(parts: &str) -> String {
    let spec = &json_schema()["properties"]["spec"]["properties"];
    let mut table = "| Part | Fields |\n|---|---|\n".to_owned();
    for part in parts.split(' ') {
        let fields = spec[part]["properties"].as_object().unwrap().keys();
        let fields: Vec<_> = fields
            .filter(|name| !name.starts_with('$'))
            .map(|name| code(name))
            .collect();
        writeln!(table, "| {} | {} |", code(part), fields.join(", ")).unwrap();
    }
    table
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The parameters of a template of the catalog, as its file declares them.
fn parameters(template: &str) -> String {
    let text = file(&format!("templates/{template}/template.yaml"));
    let document: Value = serde_saphyr::from_str(&text).unwrap();
    let mut table =
        "| Annotation | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|\n".to_owned();
    for (name, parameter) in document["spec"]["parameters"].as_object().unwrap() {
        let default = match (&parameter["default"], &parameter["required"]) {
            (_, Value::Bool(true)) => "**required**".to_owned(),
            (Value::Null, _) => "empty".to_owned(),
            (default, _) => code(&shown(default)),
        };
        writeln!(
            table,
            "| `{template}.pillion.dev/{name}` | {} | {default} | {} | {} |",
            parameter["type"].as_str().unwrap(),
            allowed(parameter),
            cell(parameter["description"].as_str().unwrap()),
        )
        .unwrap();
    }
    table
}

fn allowed(parameter: &Value) -> String {
    let mut rules = Vec::new();
    for constraints in [parameter, &parameter["items"]] {
        if let Some(values) = constraints["enum"].as_array() {
            rules.extend(values.iter().map(|value| code(&shown(value))));
        }
        match (&constraints["patternHint"], &constraints["pattern"]) {
            (Value::String(hint), _) => rules.push(cell(hint)),
            (_, Value::String(pattern)) => rules.push(code(pattern)),
            _ => {}
        }
    }
    if let (Some(low), Some(high)) = (
        &parameter["minimum"].as_i64(),
        &parameter["maximum"].as_i64(),
    ) {
        rules.push(format!("{low} to {high}"));
    }
    if let Some(setters) = parameter["setBy"].as_array() {
        let setters: Vec<_> = setters.iter().map(shown).collect();
        rules.push(format!("set by the {} only", setters.join(" or ")));
    }
    rules.join(", ")
}

/// Every reason code, with the words that the source explains it with.
fn reasons() -> String {
    let source = file("src/inject/verdict/reason.rs");
    let mut table = "| Reason | Verdict | HTTP | Meaning |\n|---|---|---|---|\n".to_owned();
    for reason in Reason::OWN {
        let declared = source
            .find(&format!("    {reason} => "))
            .unwrap_or_else(|| panic!("{reason} is not declared"));
        let meaning: Vec<_> = source[..declared]
            .lines()
            .rev()
            .map_while(|line| line.trim().strip_prefix("/// "))
            .collect();
        assert!(!meaning.is_empty(), "{reason} is not explained");
        let meaning: Vec<_> = meaning.into_iter().rev().collect();
        let http = match reason.http_code() {
            200 => String::new(),
            code => code.to_string(),
        };
        let (verdict, meaning) = (reason.verdict(), cell(&meaning.join(" ")));
        writeln!(table, "| `{reason}` | {verdict} | {http} | {meaning} |").unwrap();
    }
    table
}

/// Every finding, family by family, from the registry; the examples are what its fixture tells.
fn findings() -> String {
    let mut text = String::new();
    let mut families: Vec<_> = Code::ALL.iter().map(|code| code.family()).collect();
    families.dedup();
    for family in families {
        let codes = || Code::ALL.iter().filter(|code| code.family() == family);
        let _ = writeln!(text, "\n## {}\n", family.as_str());
        text.push_str("| Code | Severity | Default policy | Refused by the API server |\n");
        text.push_str("|---|---|---|---|\n");
        for code in codes() {
            let refused = match code.refusal() {
                None => "",
                Some(Refusal::Invalid) => "yes: the pod is invalid",
                Some(Refusal::Forbidden) => "yes: admission of the cluster",
            };
            let (severity, policy) = (code.severity().as_str(), code.default_policy());
            let anchor = code.as_str().to_lowercase();
            let _ = writeln!(
                text,
                "| [`{code}`](#{anchor}) | {severity} | `{policy}` | {refused} |"
            );
        }
        for code in codes() {
            let _ = writeln!(text, "\n### {code}\n\n{}\n", code.meaning());
            let example = format!("tests/findings/{code}/fail.txt");
            if Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(&example)
                .is_file()
            {
                let example = file(&example);
                let example = example.lines().next().unwrap_or_default();
                let _ = writeln!(text, "```text\n{example}\n```\n");
            }
            let _ = writeln!(text, "**Remedy:** {}", code.help());
        }
    }
    text + "\n"
}

/// Every code of lint.
fn lint() -> String {
    let mut table = "| Code | What the template has | What to do |\n|---|---|---|\n".to_owned();
    for code in LintCode::ALL {
        let (meaning, help) = (cell(code.meaning()), cell(code.help()));
        writeln!(table, "| `{code}` | {meaning} | {help} |").unwrap();
    }
    table
}

/// Every check of the doctor.
fn checks() -> String {
    let mut table =
        "| Check | What must hold | What you need to know it |\n|---|---|---|\n".to_owned();
    for check in Check::ALL {
        let (meaning, needs) = (cell(check.meaning()), cell(check.needs()));
        writeln!(table, "| `{}` | {meaning} | {needs} |", check.as_str()).unwrap();
    }
    table
}

/// The flags of a command.
fn flags(command: &str) -> String {
    let mut cli = cli::command();
    cli.build();
    let command = cli.find_subcommand(command).unwrap();
    let mut table = "| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n".to_owned();
    for flag in command.get_arguments() {
        let long = flag.get_long().unwrap_or_default();
        if matches!(long, "help" | "version") {
            continue;
        }
        let value = flag.get_value_names().unwrap_or_default().join(" ");
        let defaults = flag.get_default_values().iter();
        let defaults: Vec<_> = defaults
            .map(|value| code(value.to_str().unwrap()))
            .collect();
        let variable = flag
            .get_env()
            .map_or(String::new(), |name| code(name.to_str().unwrap()));
        writeln!(
            table,
            "| `--{long} {}` | {variable} | {} | {} |",
            cell(&value),
            defaults.join(" "),
            cell(&flag.get_help().map(ToString::to_string).unwrap_or_default()),
        )
        .unwrap();
    }
    table
}

/// A decision in which one template had a part.
fn decision() -> Decision {
    let engine = Engine::new(Arc::new(Catalog::built_in()), Arc::default());
    match engine.review(file("examples/review.json").as_bytes()) {
        Answer::Review { decision, .. } => Arc::unwrap_or_clone(decision),
        other => panic!("{other:?}"),
    }
}

/// The metrics, as the server describes them.
fn metrics() -> String {
    let metrics = Metrics::default();
    // A family appears with its first member.
    metrics.reviewed(Endpoint::Mutate, &decision(), Duration::ZERO, |_| true);
    metrics.rejected(400);
    metrics.templates(TemplateCounts::default());
    metrics.watch_up("namespaces", true);
    metrics.watch_error("namespaces");
    metrics.authority_expires(Some(std::time::SystemTime::UNIX_EPOCH), None);
    metrics.webhook_entries(1, 0, 0);
    metrics.event("written");
    let text = metrics.to_text();
    let described = |line: &str| {
        let (name, help) = line.strip_prefix("# HELP ")?.split_once(' ')?;
        let kind = format!("# TYPE {name} ");
        let kind = text.lines().find_map(|line| line.strip_prefix(&kind))?;
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        Some(format!("| `{name}{suffix}` | {kind} | {} |\n", cell(help)))
    };
    let rows: String = text.lines().filter_map(described).collect();
    let source = file("src/telemetry/metrics.rs");
    let (registered, _) = source.split_once("#[cfg(test)]").unwrap();
    for name in registered.split("\"pillion_").skip(1) {
        let name = name.split('"').next().unwrap();
        assert!(
            rows.contains(&format!("| `pillion_{name}")),
            "{name} has no member"
        );
    }
    format!("| Metric | Type | Meaning |\n|---|---|---|\n{rows}")
}

/// The chart's alerts, each about metrics that there are.
fn alerts() -> String {
    let metrics = metrics();
    let mut table = "| Alert | When | What it says |\n|---|---|---|\n".to_owned();
    let source = file("deploy/chart/pillion/templates/monitoring.yaml");
    for alert in source.split("- alert: ").skip(1) {
        let field = |key: &str| {
            let value = alert.lines().find_map(|line| line.trim().strip_prefix(key));
            value
                .unwrap_or_else(|| panic!("{key} is missing: {alert}"))
                .trim()
        };
        let (name, expression) = (alert.lines().next().unwrap_or_default(), field("expr:"));
        let names = expression.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        for metric in names.filter(|name| name.starts_with("pillion_")) {
            let row = format!("| `{metric}` |");
            assert!(metrics.contains(&row), "{name}: there is no {metric}");
        }
        let summary = cell(field("summary:"));
        let _ = writeln!(table, "| `{name}` | `{expression}` | {summary} |");
    }
    table
}

/// Every value of the chart, with its default and what its comment says.
fn values() -> String {
    let mut table = "| Value | Default | Meaning |\n|---|---|---|\n".to_owned();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut meaning: Vec<String> = Vec::new();
    for line in file("deploy/chart/pillion/values.yaml").lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(comment) = text.strip_prefix('#') {
            meaning.push(comment.trim().to_owned());
            continue;
        }
        let Some((key, default)) = text.split_once(':') else {
            meaning.clear();
            continue;
        };
        above.retain(|(parent, _)| *parent < indent);
        above.push((indent, key.to_owned()));
        let default = default.trim();
        if !default.is_empty() || !meaning.is_empty() {
            let path: Vec<_> = above.iter().map(|(_, key)| key.as_str()).collect();
            let default = if default.is_empty() {
                String::new()
            } else {
                code(default)
            };
            let (path, meaning) = (path.join("."), cell(&meaning.join(" ")));
            writeln!(table, "| `{path}` | {default} | {meaning} |").unwrap();
        }
        meaning.clear();
    }
    table
}
