//! Volumes and their mounts.

use super::LintCode;
use super::subject::{LintContext, entries, is_dynamic, items};
use crate::kubernetes::fields::is_read_only_volume;
use crate::template::node::{Node, NodeValue};

/// Keys of a volume that are no source.
const NOT_SOURCES: [&str; 3] = ["$when", "adopt", "name"];

/// A volume of the template.
struct Volume<'s> {
    node: &'s Node,
    path: String,
    name: &'s str,
}

/// A mount that names a volume of the template.
struct Mount<'s> {
    node: &'s Node,
    path: String,
    volume: &'s str,
}

impl Mount<'_> {
    /// Whether it says that it only reads, or may say so.
    fn reads_only(&self) -> bool {
        let said = self.node.get("readOnly");
        said.is_some_and(|node| node.value == NodeValue::Boolean(true) || is_dynamic(node))
    }
}

pub(super) fn lint(subject: &mut LintContext<'_>) {
    let nodes = subject.spec.get("volumes").map(items).unwrap_or_default();
    for (index, node) in nodes.iter().enumerate() {
        let volume = Volume {
            node,
            path: format!("spec.volumes[{index}]"),
            name: node.get("name").and_then(Node::text).unwrap_or_default(),
        };
        lint_use(subject, &volume);
    }
    for helper in subject.helpers() {
        for mount in mounts(helper.node, &helper.path) {
            let volume = nodes
                .iter()
                .find(|node| node.get("name").and_then(Node::text) == Some(mount.volume));
            if volume.is_some_and(only_reads) && !mount.reads_only() {
                let message = format!(
                    "`{}` can only read the volume `{}`: say `readOnly: true`",
                    helper.name, mount.volume
                );
                subject.add(
                    LintCode::MountWritable,
                    mount.node.place,
                    &mount.path,
                    message,
                );
            }
        }
    }
}

/// Whether nothing can be written to a volume.
fn only_reads(volume: &Node) -> bool {
    let names = entries(volume).iter().map(|entry| entry.key.as_str());
    volume.get("adopt").is_none()
        && names
            .filter(|name| !NOT_SOURCES.contains(name))
            .all(|name| name == "files" || is_read_only_volume(name))
}

/// The mounts and devices of a container that name their volume.
fn mounts<'s>(container: &'s Node, path: &str) -> Vec<Mount<'s>> {
    let mut mounts = Vec::new();
    for list in ["volumeMounts", "volumeDevices"] {
        let nodes = container.get(list).map(items).unwrap_or_default();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(volume) = node.get("name").and_then(Node::text) {
                let path = format!("{path}.{list}[{index}]");
                mounts.push(Mount { node, path, volume });
            }
        }
    }
    mounts
}

fn lint_use(subject: &mut LintContext<'_>, volume: &Volume<'_>) {
    let app = subject.spec.get("app");
    let helpers = subject.helpers();
    let containers = helpers.iter().map(|helper| helper.node).chain(app);
    let mut all = containers.flat_map(|container| mounts(container, ""));
    let emitted = format!("{}-{}", subject.template.name, volume.name);
    let mut texts = subject.texts.iter();
    let is_used = all.any(|mount| mount.volume == volume.name)
        || texts.any(|text| text.node.text().is_some_and(|text| text.contains(&emitted)))
        || is_named_by_expression(subject, volume.name);
    if !is_used {
        let message = format!(
            "no container mounts the volume `{}`: mount it or remove it",
            volume.name
        );
        subject.add(
            LintCode::VolumeUnused,
            volume.node.place,
            &volume.path,
            message,
        );
    }
}

/// Whether an expression has the volume's name as a text, from which a mount can be made.
fn is_named_by_expression(context: &LintContext<'_>, name: &str) -> bool {
    let texts = context.texts.iter().flat_map(|text| &text.expressions);
    let variables = context.template.variables.iter();
    let mut sources = texts
        .map(|(_, expression)| expression.source())
        .chain(variables.map(|(_, expression)| expression.source()));
    sources.any(|source| {
        source.contains(&format!("'{name}'")) || source.contains(&format!("\"{name}\""))
    })
}
