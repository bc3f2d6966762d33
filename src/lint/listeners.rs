//! Probes that come to a listener which only the pod itself reaches.
//!
//! The kubelet calls a port at the pod's address. Where a helper listens on the loopback address alone,
//! such a probe fails for ever, and with it the start of the app. What a program listens on is taken from
//! its words and from the files that it mounts, as a sample has them and as far as they say it.

use serde_json::Value;

use super::LintCode;
use super::origin::containers;
use super::sample::Sample;
use crate::inject::trace::AddedTo;
use crate::kubernetes::object::{list_at, text_or_json};
use crate::template::{Template, node};

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

/// Looks at the helpers of a sample: the code, the JSON pointer in the pod, and the sentence.
pub(super) fn found(template: &Template, sample: &Sample<'_>) -> Vec<(LintCode, String, String)> {
    let mut found = Vec::new();
    for (pointer, container) in containers(template, &sample.additions) {
        let words = words(template, sample, container);
        for probe in PROBES {
            let Some((handler, port)) = called(container, probe) else {
                continue;
            };
            let is_heard = |hosts: &[&str]| {
                let mut listeners = words.iter().filter(|word| !word.connects);
                listeners.any(|word| hosts.iter().any(|host| word.names(host, &port)))
            };
            if is_heard(&LOOPBACK) && !is_heard(&ANY) {
                let name = container.get("name").and_then(Value::as_str);
                let message = format!(
                    "`{}` listens on port {port} of the loopback address alone, and the kubelet calls \
                     the pod's address: let it listen on all of them, give the probe a listener of its \
                     own, or use `exec`",
                    name.unwrap_or_default()
                );
                let pointer = format!("{pointer}/{probe}/{handler}");
                found.push((LintCode::ProbeOnLoopback, pointer, message));
            }
        }
    }
    found
}

/// By which handler a probe calls a port of the pod's address, and the port's number.
fn called(container: &Value, probe: &str) -> Option<(&'static str, String)> {
    let probe = container.get(probe)?;
    let mut handlers = ["tcpSocket", "httpGet", "grpc"].into_iter();
    let (handler, call) = handlers.find_map(|handler| Some((handler, probe.get(handler)?)))?;
    if call.get("host").is_some() {
        return None;
    }
    let port = text_or_json(call.get("port")?);
    if is_number(&port) {
        return Some((handler, port));
    }
    let mut ports = container.get("ports")?.as_array()?.iter();
    let named = ports.find(|one| one.get("name").is_some_and(|name| *name == port))?;
    Some((handler, text_or_json(named.get("containerPort")?)))
}

fn is_number(text: &str) -> bool {
    text.chars().all(|digit| digit.is_ascii_digit())
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
fn words(template: &Template, sample: &Sample<'_>, container: &Value) -> Vec<Word> {
    let mut words = Vec::new();
    for field in ["command", "args", "env"] {
        let value = container.get(field).unwrap_or(&Value::Null);
        add(value, "", &[], &mut words);
    }
    let mounts = list_at(container, "/volumeMounts");
    let files = template
        .volumes
        .iter()
        .filter(|volume| {
            let name = volume.emitted.as_str();
            mounts.iter().any(|mount| mount["name"] == name)
        })
        .filter_map(|volume| volume.files.as_ref())
        .flat_map(|files| &files.files);
    for file in files {
        let content = sample
            .additions
            .iter()
            .find(|addition| matches!(&addition.to, AddedTo::Annotation(key) if *key == file.key));
        if let Some(content) = content {
            let tree = file.format.and_then(|_| {
                let tree = node::read(content.value.as_str()?).ok()?;
                Some(tree.first()?.to_json())
            });
            add(tree.as_ref().unwrap_or(&content.value), "", &[], &mut words);
        }
    }
    words
}

fn add(value: &Value, name: &str, beside: &[String], words: &mut Vec<Word>) {
    match value {
        Value::Array(items) => {
            for item in items {
                add(item, name, &[], words);
            }
        }
        Value::Object(entries) => {
            let numbers: Vec<_> = entries
                .values()
                .map(text_or_json)
                .filter(|text| is_number(text))
                .collect();
            for (key, value) in entries {
                add(value, &format!("{name}.{key}"), &numbers, words);
            }
        }
        Value::Null | Value::Bool(_) => {}
        value => {
            for line in text_or_json(value).lines() {
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
