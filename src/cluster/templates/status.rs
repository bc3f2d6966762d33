//! The status that is due to a template: whether it compiles, and what serves.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cluster::model::TemplateReport;
use crate::kubernetes::object::list_at;
use crate::template::{Catalog, CatalogLookup};

/// How many errors a status lists; the rest is counted.
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

/// The condition of this type that is stored.
fn stored<'r>(report: &'r TemplateReport, ty: &str) -> Option<&'r Value> {
    let mut conditions = list_at(&report.status, "/conditions").iter();
    conditions.find(|condition| condition["type"] == ty)
}

/// The status of a template, where that is another than the stored one; `catalog` is all that is
/// served.
pub(super) fn due(report: &TemplateReport, catalog: &Catalog) -> Option<Value> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let conditions: Vec<_> = [compiled(report), served(report, catalog)]
        .into_iter()
        .map(|condition| {
            let status = if condition.holds { "True" } else { "False" };
            let before = stored(report, condition.ty).filter(|before| before["status"] == status);
            let since = before.and_then(|before| before["lastTransitionTime"].as_str());
            json!({
                "type": condition.ty,
                "status": status,
                "observedGeneration": report.generation,
                "lastTransitionTime": since.unwrap_or(&now),
                "reason": condition.reason,
                "message": condition.message,
            })
        })
        .collect();
    let mut fields = Map::new();
    fields.insert("observedGeneration".to_owned(), report.generation.into());
    fields.insert("conditions".to_owned(), conditions.into());
    if let Some(good) = &report.good {
        let revision = &good.template.revision;
        if report.errors.is_empty() {
            fields.insert("revision".to_owned(), revision.clone().into());
        }
        if is_served(report, catalog) {
            fields.insert("servedRevision".to_owned(), revision.clone().into());
        }
    }
    let status = Value::Object(fields);
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
    let mut lines: Vec<String> = report
        .errors
        .iter()
        .take(MOST_ERRORS)
        .map(|error| {
            let line = if error.field.is_empty() {
                error.message.clone()
            } else {
                format!("{}: {}", error.field, error.message)
            };
            line.chars().take(LONGEST_ERROR).collect()
        })
        .collect();
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
    matches!(found, CatalogLookup::Template(found) if found.revision == good.template.revision
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cluster::model::ServedRevision;
    use crate::template::compile::{MandatoryFor, compile_object};
    use crate::template::{CatalogEntry, TemplateError};

    /// A report of a template of the shop whose generations compile as `good` says.
    fn report(good: Option<i64>, errors: usize, status: Value) -> TemplateReport {
        let spec = json!({"metadata": {"labels": {"a": "b"}}});
        let template = compile_object("shop", "logs", Some(&spec)).result.unwrap();
        let template = Arc::from(template);
        let errors = (0..errors).map(|number| TemplateError {
            file: "InjectionTemplate/shop/logs".to_owned(),
            template: "logs".to_owned(),
            line: 0,
            column: 0,
            field: format!("spec.sidecars[{number}].image"),
            message: "wrong ".repeat(300),
        });
        TemplateReport {
            namespace: "shop".to_owned(),
            name: "logs".to_owned(),
            uid: "u".to_owned(),
            generation: 3,
            resource_version: "7".to_owned(),
            status: Arc::new(status),
            errors: errors.collect(),
            good: good.map(|generation| ServedRevision {
                template,
                generation,
                spec: spec.to_string().into(),
            }),
            kept: Vec::new(),
        }
    }

    fn catalog(report: &TemplateReport, also_cluster: bool) -> Catalog {
        let entry = |namespace: &str| CatalogEntry {
            namespace: namespace.to_owned(),
            name: "logs".to_owned(),
            template: report.good.as_ref().map(|good| Arc::clone(&good.template)),
            mandatory: MandatoryFor::default(),
            error: None,
            path: String::new(),
            earlier: None,
        };
        let mut entries = vec![entry("shop")];
        if also_cluster {
            let spec = json!({"metadata": {"labels": {"c": "d"}}});
            let template = compile_object("", "logs", Some(&spec)).result.unwrap();
            entries.push(CatalogEntry {
                template: Some(Arc::from(template)),
                ..entry("")
            });
        }
        Catalog::of_entries(entries)
    }

    #[test]
    fn the_conditions_say_what_compiles_and_what_serves() {
        let table = [
            (Some(3), 0, false, "True Valid", "True Newest"),
            (Some(1), 2, false, "False Invalid", "True LastGood"),
            (None, 1, false, "False Invalid", "False NoGoodRevision"),
            (Some(3), 0, true, "True Valid", "False NotShadowable"),
        ];
        for (good, errors, also_cluster, compiled, served) in table {
            let report = report(good, errors, Value::Null);
            let status = due(&report, &catalog(&report, also_cluster)).unwrap();
            let condition = |index: usize| {
                let condition = &status["conditions"][index];
                assert_eq!(condition["observedGeneration"], 3);
                let text = |field: &str| condition[field].as_str().unwrap().to_owned();
                format!("{} {}", text("status"), text("reason"))
            };
            assert_eq!(
                (condition(0).as_str(), condition(1).as_str()),
                (compiled, served)
            );
            let revision = report.good.map(|good| good.template.revision.clone());
            let revision = revision.map(Value::from);
            let newest = revision.clone().filter(|_| errors == 0);
            assert_eq!(status.get("revision"), newest.as_ref());
            let serves = revision.filter(|_| served.starts_with("True"));
            assert_eq!(status.get("servedRevision"), serves.as_ref());
        }
    }

    #[test]
    fn what_is_stored_already_is_not_written_again() {
        let first = report(Some(3), 0, Value::Null);
        let catalog = catalog(&first, false);
        let mut status = due(&first, &catalog).unwrap();
        let since = "2020-01-01T00:00:00Z";
        status["conditions"][1]["lastTransitionTime"] = since.into();
        let stored = report(Some(3), 0, status.clone());
        assert_eq!(due(&stored, &catalog), None);
        // Where one condition changes, the other keeps its time.
        status["conditions"][0]["status"] = "False".into();
        let changed = report(Some(3), 0, status);
        let due = due(&changed, &catalog).unwrap();
        assert_eq!(due["conditions"][1]["lastTransitionTime"], since);
        assert_ne!(due["conditions"][0]["lastTransitionTime"], since);
    }

    #[test]
    fn errors_are_told_within_bounds() {
        let report = report(None, 100, Value::Null);
        let status = due(&report, &Catalog::default()).unwrap();
        let message = status["conditions"][0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("spec.sidecars[0].image: wrong"),
            "{message}"
        );
        assert!(message.ends_with("\nand 84 more"), "{message}");
        assert!(message.len() < 32768);
    }
}
