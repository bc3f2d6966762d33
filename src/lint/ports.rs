//! Ports that two templates of one catalog use.

use std::collections::BTreeMap;

use serde_json::Value;

use super::LintCode;
use super::origin::{containers, is_made_up, origin};
use super::sample::Sample;
use super::subject::LintContext;
use crate::kubernetes::object::list_at;

/// The ports of the templates before: number and protocol to the template's name.
pub(super) type Taken = BTreeMap<(u64, String), String>;

/// Looks at the ports of what stays beside the app.
pub(super) fn lint(context: &mut LintContext<'_>, sample: &Sample<'_>, taken: &mut Taken) {
    let own = &context.template.name;
    for (pointer, container) in containers(context.template, &sample.additions) {
        let is_step = pointer.contains("init") && container.get("restartPolicy").is_none();
        if is_step {
            continue;
        }
        for (index, port) in list_at(container, "/ports").iter().enumerate() {
            let Some(number) = port.get("containerPort").and_then(Value::as_u64) else {
                continue;
            };
            let pointer = format!("{pointer}/ports/{index}/containerPort");
            let (node, field) = origin(context, sample, &pointer);
            if is_made_up(context, sample, node) {
                continue;
            }
            let protocol = port.get("protocol").and_then(Value::as_str);
            let key = (number, protocol.unwrap_or("TCP").to_owned());
            let other = taken.entry(key).or_insert_with(|| own.clone());
            if other != own {
                let message = format!(
                    "the template `{other}` uses port {number} too, so that the two cannot be in one pod"
                );
                context.add(LintCode::PortTaken, node.place, &field, message);
            }
        }
    }
}
