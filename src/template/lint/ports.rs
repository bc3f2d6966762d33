//! Ports that two templates of one catalog use.

use std::collections::BTreeMap;

use super::LintCode;
use super::subject::{LintContext, items};

/// The ports of the templates before: number and protocol to the template's name.
pub(super) type Taken = BTreeMap<(String, String), String>;

pub(super) fn lint(subject: &mut LintContext<'_>, taken: &mut Taken) {
    let mut own = Vec::new();
    for helper in subject.helpers().iter().filter(|helper| helper.is_sidecar) {
        let ports = helper.node.get("ports").map(items).unwrap_or_default();
        for (index, port) in ports.iter().enumerate() {
            let Some(node) = port.get("containerPort") else {
                continue;
            };
            let Some(number) = subject.usual(node) else {
                continue;
            };
            let protocol = port.get("protocol").and_then(|node| subject.usual(node));
            let key = (number, protocol.unwrap_or_else(|| "TCP".to_owned()));
            let field = format!("{}.ports[{index}].containerPort", helper.path);
            if let Some(other) = taken
                .get(&key)
                .filter(|other| **other != subject.template.name)
            {
                let message = format!(
                    "the template `{other}` uses port {} too, so that the two cannot be in one pod",
                    key.0
                );
                subject.add(LintCode::PortTaken, node.place, &field, message);
            }
            own.push(key);
        }
    }
    for key in own {
        let name = || subject.template.name.clone();
        taken.entry(key).or_insert_with(name);
    }
}
