//! The steps of the way, each a part of the text.

use std::fmt::Write as _;

use super::super::super::terminal::{Colour, Paint, printable};
use super::{heading, shown};
use crate::explain::gates::{Call, EntryGates, GateResult};
use crate::explain::rules::{Effect, Rule};
use crate::explain::stop::words;
use crate::explain::{
    Condition, Existence, Field, FindingExplanation, Gates, Needed, Parameter, Resources,
    TemplateExplanation,
};

/// The API server's own gates.
pub(super) fn gates(text: &mut String, gates: &Gates, paint: Paint) {
    let title = format!("Gates of the API server (from {})", printable(&gates.from));
    heading(text, paint, &title);
    if let Some(problem) = &gates.problem {
        let _ = writeln!(text, "  {}", printable(problem));
    }
    for entry in &gates.entries {
        add_entry(text, entry, paint);
    }
}

fn add_entry(text: &mut String, entry: &EntryGates, paint: Paint) {
    let (colour, call) = match entry.call {
        Call::Called => (Colour::Green, "calls Pillion"),
        Call::NotCalled => (Colour::Dim, "does not call Pillion"),
        Call::Refused => (Colour::Red, "refuses the pod"),
        Call::Unknown => (Colour::Yellow, "cannot be told here"),
    };
    let _ = writeln!(
        text,
        "  {} of {}: {} (failurePolicy {})",
        printable(&entry.entry),
        printable(&entry.configuration),
        paint.text(colour, call),
        entry.failure_policy
    );
    for gate in &entry.gates {
        let (colour, word) = match gate.result {
            GateResult::Match => (Colour::Green, "passes "),
            GateResult::NoMatch => (Colour::Yellow, "stops  "),
            GateResult::Error => (Colour::Red, "fails  "),
            GateResult::Unknown => (Colour::Yellow, "unknown"),
        };
        let name = gate
            .name
            .as_ref()
            .map(|name| format!(" {}", printable(name)));
        let _ = writeln!(
            text,
            "    {} {}{}: {}",
            paint.text(colour, word),
            gate.gate,
            name.unwrap_or_default(),
            printable(&gate.why)
        );
    }
}

/// The rules of the selection.
pub(super) fn selection(text: &mut String, rules: &[Rule], paint: Paint) {
    heading(text, paint, "Selection, first rule first");
    for rule in rules {
        let (colour, effect) = match rule.effect {
            Effect::Silent => (Colour::Dim, "-        "),
            Effect::Enables => (Colour::Green, "enables  "),
            Effect::Asks => (Colour::Green, "asks     "),
            Effect::Removes => (Colour::Yellow, "removes  "),
            Effect::Stops => (Colour::Yellow, "stops    "),
            Effect::Overruled => (Colour::Dim, "overruled"),
        };
        let mark = if rule.decides { "=>" } else { "  " };
        let _ = writeln!(
            text,
            "  {mark} {} {}: {}",
            paint.text(colour, effect),
            words(rule.rule),
            printable(&rule.says)
        );
    }
}

pub(super) fn templates(text: &mut String, templates: &[TemplateExplanation], paint: Paint) {
    for template in templates {
        let file = template.file.as_deref().unwrap_or("no file");
        let title = format!(
            "Template {} ({}, revision {})",
            template.name,
            printable(file),
            template.revision
        );
        heading(text, paint, &title);
        let _ = writeln!(
            text,
            "  {} ({}): {}",
            template.verdict,
            template.reason,
            printable(&template.message)
        );
        let askers: Vec<_> = template.asked_for_by.iter().map(|by| by.words()).collect();
        let _ = writeln!(text, "  asked for by {}", askers.join(", "));
        add_parameters(text, &template.parameters);
        add_conditions(text, "match conditions", &template.match_conditions);
        add_conditions(text, "validations", &template.validations);
        let adds = template.verdict == "Injected";
        add_fields(text, &template.fields, adds);
        if !template.findings.is_empty() {
            let _ = writeln!(text, "  findings");
        }
        for one in &template.findings {
            finding(text, one, paint);
        }
    }
}

fn add_parameters(text: &mut String, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return;
    }
    let _ = writeln!(text, "  parameters");
    for parameter in parameters {
        let places: Vec<_> = parameter
            .from
            .iter()
            .map(|from| match &from.key {
                Some(key) => format!("{} {}", from.place.words(), printable(key)),
                None => from.place.words().to_owned(),
            })
            .collect();
        let (value, from) = (shown(&parameter.value), places.join(", "));
        let _ = writeln!(text, "    {} = {value}  ({from})", parameter.name);
    }
}

fn add_conditions(text: &mut String, what: &str, conditions: &[Condition]) {
    if conditions.is_empty() {
        return;
    }
    let _ = writeln!(text, "  {what}");
    for condition in conditions {
        let word = match (condition.evaluated, condition.holds) {
            (true, Some(true)) => "true       ",
            (true, Some(false)) => "false      ",
            (true, None) => "failed     ",
            (false, _) => "not reached",
        };
        let name = condition.name.as_ref().map(|name| format!("{name}: "));
        let _ = writeln!(
            text,
            "    {word} {}{}  (line {})",
            name.unwrap_or_default(),
            printable(&condition.expression),
            condition.line
        );
    }
}

fn add_fields(text: &mut String, fields: &[Field], adds: bool) {
    if fields.is_empty() {
        return;
    }
    let what = if adds { "adds" } else { "would add" };
    let _ = writeln!(text, "  {what}");
    for field in fields {
        let line = field.line.map(|line| format!("  (line {line})"));
        let _ = writeln!(
            text,
            "    {} = {}{}",
            printable(&field.path),
            shown(&field.value),
            line.unwrap_or_default()
        );
    }
}

pub(super) fn finding(text: &mut String, finding: &FindingExplanation, paint: Paint) {
    let colour = match finding.severity {
        "Error" => Colour::Red,
        "Warning" => Colour::Yellow,
        _ => Colour::Dim,
    };
    let _ = writeln!(
        text,
        "    {} ({}, policy {}) at {}",
        paint.text(colour, finding.code),
        finding.severity,
        finding.policy,
        printable(&finding.path)
    );
    let _ = writeln!(text, "      {}", printable(&finding.message));
    let _ = writeln!(text, "      help: {}", finding.help);
}

fn change(before: Option<&str>, after: Option<&str>) -> String {
    let (before, after) = (before.unwrap_or("none"), after.unwrap_or("none"));
    format!("{before} -> {after}")
}

/// The whole pod's resources.
pub(super) fn resources(text: &mut String, resources: &Resources, paint: Paint) {
    heading(
        text,
        paint,
        "Effective resources of the pod, before and after",
    );
    for amount in &resources.amounts {
        let request = change(
            amount.request_before.as_deref(),
            amount.request_after.as_deref(),
        );
        let limit = change(
            amount.limit_before.as_deref(),
            amount.limit_after.as_deref(),
        );
        let resource = printable(&amount.resource);
        let _ = writeln!(text, "  {resource}: request {request}, limit {limit}");
    }
    let (before, after) = (resources.class_before, resources.class_after);
    let _ = writeln!(text, "  quality of service: {before} -> {after}");
}

/// What the templates' additions need.
pub(super) fn references(text: &mut String, references: &[Needed], paint: Paint) {
    if references.is_empty() {
        return;
    }
    heading(text, paint, "Objects that are needed");
    for needed in references {
        let (colour, word) = match needed.exists {
            Existence::Found => (Colour::Green, "exists"),
            Existence::Missing if needed.optional => (Colour::Yellow, "missing, but optional"),
            Existence::Missing => (Colour::Red, "missing"),
            Existence::Unknown => (Colour::Yellow, "not known"),
            Existence::NotAsked => (Colour::Dim, "no cluster asked"),
        };
        let keys = match needed.keys.as_slice() {
            [] => String::new(),
            keys => format!(" ({})", keys.join(", ")),
        };
        let _ = writeln!(
            text,
            "  {} {}{}: {}  ({}, template {})",
            needed.kind,
            printable(&needed.name),
            printable(&keys),
            paint.text(colour, word),
            printable(&needed.path),
            needed.template
        );
    }
}
