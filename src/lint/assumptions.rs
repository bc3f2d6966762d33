//! What a template takes for granted, and many pods or clusters do not have.

use super::LintCode;
use super::subject::{LintContext, entries, has};
use crate::template::compile::{WHEN, join};
use crate::template::node::{Node, NodeValue, Place};

/// The name that the pods of controllers do not have yet when they are decided about.
const POD_NAME: &str = "pod.metadata.name";

pub(super) fn lint(subject: &mut LintContext<'_>) {
    let mut found = Vec::new();
    find_names(subject.spec, "spec".to_owned(), false, &mut found);
    for (place, field) in found {
        let message = "a controller's pod has no name yet when it is decided about, and is refused: \
                       read `pod.metadata.?name.orValue('')`, or take the name from a `fieldRef` of \
                       `metadata.name`";
        subject.add(LintCode::PodNameAssumed, place, &field, message);
    }
    let mut holders: Vec<_> = subject
        .helpers()
        .into_iter()
        .map(|helper| (helper.node, helper.path))
        .collect();
    let app = subject.spec.get("app");
    holders.extend(app.map(|app| (app, "spec.app".to_owned())));
    for (node, path) in holders {
        let lifecycle = node.get("lifecycle");
        let Some(lifecycle) = lifecycle.filter(|lifecycle| has(lifecycle, "stopSignal")) else {
            continue;
        };
        let message = "API servers drop `stopSignal` unless the feature gate ContainerStopSignals is on, \
                       and it needs the pod's `os`: the container ends by SIGTERM then; trap that, or use \
                       `preStop`";
        let field = format!("{path}.lifecycle.stopSignal");
        subject.add(
            LintCode::StopSignalIgnored,
            lifecycle.place,
            &field,
            message,
        );
    }
}

/// Notes the expressions that read the pod's name as if it were always there.
fn find_names(node: &Node, path: String, is_expression: bool, found: &mut Vec<(Place, String)>) {
    match &node.value {
        NodeValue::Text(text) if (is_expression || text.contains("${")) && reads_name(text) => {
            found.push((node.place, path));
        }
        NodeValue::List(items) => {
            for (index, item) in items.iter().enumerate() {
                find_names(item, format!("{path}[{index}]"), false, found);
            }
        }
        NodeValue::Map(_) => {
            for entry in entries(node) {
                let is_expression = entry.key == WHEN || entry.key == "expression";
                let path = join(&path, &entry.key);
                find_names(&entry.value, path, is_expression, found);
            }
        }
        _ => {}
    }
}

/// Whether an expression names the field, and does not ask before whether it is there.
fn reads_name(text: &str) -> bool {
    !text.contains(&format!("has({POD_NAME})"))
        && text.match_indices(POD_NAME).any(|(at, _)| {
            let behind = text.get(at + POD_NAME.len()..).unwrap_or_default();
            !behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
}
