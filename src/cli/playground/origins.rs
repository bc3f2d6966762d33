//! Where in the injected manifest each added field stands.
//!
//! `explain` knows the line of the template for each field; the page shows it beside the line of
//! the result. So the result is read once more, with places, and each field's path is walked in it.

use crate::template::node::{self, Node, NodeValue};

/// The objects of a text, in the order in which they are visited, lists opened.
pub(super) fn objects(text: &str) -> Vec<Node> {
    // What a person is told about a text that does not parse was told when it was first read.
    let documents = node::read(text).unwrap_or_default();
    let mut objects = Vec::new();
    for document in documents {
        open(document, &mut objects);
    }
    objects
}

fn open(node: Node, objects: &mut Vec<Node>) {
    let kind = node.get("kind").and_then(Node::text);
    let is_list = kind.is_some_and(|kind| kind.ends_with("List"));
    match node.get("items").map(|items| items.value.clone()) {
        Some(NodeValue::List(items)) if is_list => {
            for item in items {
                open(item, objects);
            }
        }
        _ => objects.push(node),
    }
}

/// The line of a field of the pod that an object has at a pointer; the nearest line above it where
/// the field itself stands in no line of its own.
pub(super) fn line(object: &Node, pointer: &str, path: &str) -> Option<u32> {
    let mut node = object;
    for key in pointer.split('/').skip(1) {
        node = node.get(key)?;
    }
    let mut place = None;
    let mut rest = path;
    while !rest.is_empty() {
        let (found, line, tail) = step(node, rest)?;
        place = Some(line);
        node = found;
        rest = tail;
    }
    place
}

/// One step of a path: the node that it leads to, that node's line, and what is left of the path.
fn step<'n, 'p>(node: &'n Node, path: &'p str) -> Option<(&'n Node, u32, &'p str)> {
    match &node.value {
        NodeValue::Map(entries) => {
            let (name, bracket) = match path.strip_prefix('[') {
                Some(inside) => (inside, "]"),
                None => (path.strip_prefix('.').unwrap_or(path), ""),
            };
            // A key can have dots itself, so the longest that fits is meant.
            let mut fitting: Vec<_> = entries
                .iter()
                .filter_map(|entry| {
                    let tail = name
                        .strip_prefix(entry.key.as_str())?
                        .strip_prefix(bracket)?;
                    let ends = tail.is_empty() || tail.starts_with(['.', '[']);
                    ends.then_some((entry, tail))
                })
                .collect();
            fitting.sort_by_key(|(entry, _)| entry.key.len());
            let (entry, tail) = fitting.pop()?;
            Some((&entry.value, entry.place.line, tail))
        }
        NodeValue::List(items) => {
            let (name, tail) = path.strip_prefix('[')?.split_once(']')?;
            let named = items
                .iter()
                .find(|item| item.get("name").and_then(Node::text) == Some(name));
            let item = named.or_else(|| items.get(name.parse::<usize>().ok()?))?;
            Some((item, item.place.line, tail))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "kind: List
items:
  - kind: Deployment
    spec:
      template:
        metadata:
          annotations:
            pillion.dev/file.a.b: x
        spec:
          nodeSelector:
            kubernetes.io/os: linux
          containers:
            - name: app
              env:
                - name: A
                  value: \"1\"
---
kind: Pod
";

    #[test]
    fn a_path_leads_to_its_line() {
        let objects = objects(TEXT);
        assert_eq!(objects.len(), 2);
        let table = [
            ("metadata.annotations[pillion.dev/file.a.b]", Some(8)),
            ("spec.nodeSelector.kubernetes.io/os", Some(11)),
            ("spec.containers[app].name", Some(13)),
            ("spec.containers[app].env[0].value", Some(16)),
            ("spec.containers[web].name", None),
            ("spec.containers[app].image", None),
        ];
        for (path, expected) in table {
            assert_eq!(
                line(&objects[0], "/spec/template", path),
                expected,
                "{path}"
            );
        }
    }
}
