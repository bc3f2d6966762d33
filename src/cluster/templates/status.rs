//! The status that is due to a template: whether it compiles, and what serves.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cluster::watch::TemplateReport;
use crate::template::{Catalog, Found};

/// How many errors a status tells; the rest is counted.
const MOST_ERRORS: usize = 16;
/// The longest text of one error in characters.
const LONGEST_ERROR: usize = 1024;

/// One condition without its time.
struct Condition {
    ty: &'static str,
    holds: bool,
    reason: &'static str,
    message: String,
}

/// The status of a template, where that is another than the stored one; `catalog` is all that is
/// served.
pub(super) fn due(report: &TemplateReport, catalog: &Catalog) -> Option<Value> {
    let conditions = [compiled(report), served(report, catalog)];
    let stored = |ty: &str| {
        let conditions = report.status.get("conditions").and_then(Value::as_array);
        let mut conditions = conditions.into_iter().flatten();
        conditions.find(|condition| condition.get("type").and_then(Value::as_str) == Some(ty))
    };
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let condition = |condition: &Condition| {
        let Condition {
            ty,
            holds,
            reason,
            message,
        } = condition;
        let status = if *holds { "True" } else { "False" };
        let before = stored(ty).filter(|before| before["status"] == status);
        let since = before.and_then(|before| before["lastTransitionTime"].as_str());
        json!({
            "type": ty,
            "status": status,
            "observedGeneration": report.generation,
            "lastTransitionTime": since.unwrap_or(&now),
            "reason": reason,
            "message": message,
        })
    };
    let conditions: Vec<_> = conditions.iter().map(condition).collect();
    let mut status = Map::new();
    status.insert("observedGeneration".to_owned(), report.generation.into());
    status.insert("conditions".to_owned(), conditions.into());
    if let Some(good) = &report.good {
        let revision = &good.template.revision;
        if report.errors.is_empty() {
            status.insert("revision".to_owned(), revision.clone().into());
        }
        if is_served(report, catalog) {
            status.insert("servedRevision".to_owned(), revision.clone().into());
        }
    }
    let status = Value::Object(status);
    (lasting(&status) != lasting(&report.status)).then_some(status)
}

/// A status without the times of its conditions, which do not make it another.
pub(super) fn lasting(status: &Value) -> Value {
    let mut status = status.clone();
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        if let Some(condition) = condition.as_object_mut() {
            condition.remove("lastTransitionTime");
        }
    }
    status
}

fn compiled(report: &TemplateReport) -> Condition {
    let holds = report.errors.is_empty();
    Condition {
        ty: "Compiled",
        holds,
        reason: if holds { "Valid" } else { "Invalid" },
        message: if holds {
            "the template compiles".to_owned()
        } else {
            errors(report)
        },
    }
}

/// All errors with their field paths, within bounds.
fn errors(report: &TemplateReport) -> String {
    let line = |error: &crate::template::TemplateError| {
        let line = if error.field.is_empty() {
            error.message.clone()
        } else {
            format!("{}: {}", error.field, error.message)
        };
        line.chars().take(LONGEST_ERROR).collect::<String>()
    };
    let mut lines: Vec<_> = report.errors.iter().take(MOST_ERRORS).map(line).collect();
    let more = report.errors.len().saturating_sub(MOST_ERRORS);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

/// Whether pods of the template's own namespace, or of any, get this very template.
fn is_served(report: &TemplateReport, catalog: &Catalog) -> bool {
    let Some(good) = &report.good else {
        return false;
    };
    let found = catalog.find(&report.namespace, &report.name);
    matches!(found, Found::Template(found) if found.revision == good.template.revision
        && found.namespace == good.template.namespace)
}

fn served(report: &TemplateReport, catalog: &Catalog) -> Condition {
    let (holds, reason, message) = match &report.good {
        None => (
            false,
            "NoGoodRevision",
            "no generation compiled so far: pods that ask for the template are refused".to_owned(),
        ),
        Some(_) if !is_served(report, catalog) => (
            false,
            "NotShadowable",
            format!(
                "pods get the template `{}` of the whole cluster, which is not shadowable",
                report.name
            ),
        ),
        Some(_) if report.errors.is_empty() => {
            (true, "Newest", "pods get the newest generation".to_owned())
        }
        Some(good) => (
            true,
            "LastGood",
            format!(
                "pods get revision {} of generation {}, the last that compiled",
                good.template.revision, good.generation
            ),
        ),
    };
    Condition {
        ty: "Served",
        holds,
        reason,
        message,
    }
}
