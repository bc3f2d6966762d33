//! Probes that come to a listener which only the pod itself reaches.
//!
//! The kubelet calls a port at the pod's address. Where a helper listens on the loopback address alone,
//! such a probe fails for ever, and with it the start of the app. What a program listens on is taken from
//! its words and from the files that it mounts, as far as they say it.

use super::LintCode;
use super::subject::{Helper, LintContext, entries, items};
use crate::template::node::{Node, NodeValue, Place};

const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];

/// Ways in which a listener on the loopback address alone is written.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Ways in which one for everybody is written.
const ANY: [&str; 4] = ["0.0.0.0", "[::]", "*", "::"];

/// Parts of names under which a program has what it connects to, not what it listens on.
const CONNECTS: [&str; 8] = [
    "upstream",
    "target",
    "backend",
    "server",
    "destination",
    "connect",
    "endpoint",
    "proxy_pass",
];

pub(super) fn lint(subject: &mut LintContext<'_>) {
    for helper in subject.helpers() {
        let words = words(subject, &helper);
        let mut found = Vec::new();
        for probe in PROBES {
            let Some((place, handler, port)) = called(subject, &helper, probe) else {
                continue;
            };
            let is_heard = |hosts: &[&str]| {
                let mut listeners = words.iter().filter(|word| !word.connects);
                listeners.any(|word| hosts.iter().any(|host| word.names(host, &port)))
            };
            if is_heard(&LOOPBACK) && !is_heard(&ANY) {
                let message = format!(
                    "`{}` listens on port {port} of the loopback address alone, and the kubelet calls \
                     the pod's address: let it listen on all of them, give the probe a listener of its \
                     own, or use `exec`",
                    helper.name
                );
                found.push((place, format!("{}.{probe}.{handler}", helper.path), message));
            }
        }
        for (place, field, message) in found {
            subject.add(LintCode::ProbeOnLoopback, place, &field, message);
        }
    }
}

/// Where a probe calls a port of the pod's address, by which handler, and the port's number.
fn called(
    subject: &LintContext<'_>,
    helper: &Helper<'_>,
    probe: &str,
) -> Option<(Place, &'static str, String)> {
    let probe = helper.node.get(probe)?;
    let mut handlers = ["tcpSocket", "httpGet", "grpc"].into_iter();
    let (handler, node) = handlers.find_map(|handler| Some((handler, probe.get(handler)?)))?;
    if node.get("host").is_some() {
        return None;
    }
    let port = subject.usual(node.get("port")?)?;
    if port.chars().all(|digit| digit.is_ascii_digit()) {
        return Some((node.place, handler, port));
    }
    let ports = helper.node.get("ports").map(items).unwrap_or_default();
    let mut named = ports
        .iter()
        .filter(|one| one.get("name").and_then(Node::text) == Some(&port));
    let number = subject.usual(named.next()?.get("containerPort")?)?;
    Some((node.place, handler, number))
}

/// A text that a helper is given.
struct Word {
    text: String,
    /// The number beside it in a map, which may be its port.
    beside: Vec<String>,
    /// Whether its name says that the program connects there.
    connects: bool,
}

impl Word {
    /// Whether the text is this address, with this port behind it or beside it.
    fn names(&self, host: &str, port: &str) -> bool {
        if self.text == host || format!("[{}]", self.text) == host {
            return self.beside.iter().any(|beside| beside == port);
        }
        let address = format!("{host}:{port}");
        self.text.match_indices(&address).any(|(at, _)| {
            let before = self.text.get(..at).unwrap_or_default();
            let behind = self.text.get(at + address.len()..).unwrap_or_default();
            !before.ends_with("://")
                && !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
                && !behind.starts_with(|c: char| c.is_ascii_digit())
        })
    }
}

/// What a helper is told by its command, environment and files.
fn words(subject: &LintContext<'_>, helper: &Helper<'_>) -> Vec<Word> {
    let mut words = Vec::new();
    for field in ["command", "args", "env"] {
        if let Some(node) = helper.node.get(field) {
            add(subject, node, "", &[], &mut words);
        }
    }
    let mounts = helper
        .node
        .get("volumeMounts")
        .map(items)
        .unwrap_or_default();
    let mounted: Vec<_> = mounts
        .iter()
        .filter_map(|mount| mount.get("name")?.text())
        .collect();
    let volumes = subject.spec.get("volumes").map(items).unwrap_or_default();
    for volume in volumes {
        let name = volume.get("name").and_then(Node::text).unwrap_or_default();
        if let Some(files) = volume.get("files").filter(|_| mounted.contains(&name)) {
            add(subject, files, "", &[], &mut words);
        }
    }
    words
}

fn add(
    subject: &LintContext<'_>,
    node: &Node,
    name: &str,
    beside: &[String],
    words: &mut Vec<Word>,
) {
    match &node.value {
        NodeValue::List(list) => {
            for item in list {
                add(subject, item, name, &[], words);
            }
        }
        NodeValue::Map(_) => {
            let numbers: Vec<String> = entries(node)
                .iter()
                .filter_map(|entry| subject.usual(&entry.value))
                .filter(|text| text.chars().all(|digit| digit.is_ascii_digit()))
                .collect();
            for entry in entries(node) {
                let named = format!("{name}.{}", entry.key);
                add(subject, &entry.value, &named, &numbers, words);
            }
        }
        _ => {
            let Some(text) = subject.usual(node) else {
                return;
            };
            for line in text.lines() {
                let said = format!("{name} {line}").to_ascii_lowercase();
                words.push(Word {
                    text: line.trim().to_owned(),
                    beside: beside.to_vec(),
                    connects: CONNECTS.iter().any(|word| said.contains(word)),
                });
            }
        }
    }
}
