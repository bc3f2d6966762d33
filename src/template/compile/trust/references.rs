//! Variables of a container as a way for values: the kubelet expands `$(NAME)` in commands,
//! arguments, sub-paths and other variables.

use std::collections::BTreeMap;

use crate::template::node::{Node, NodeValue};

/// The variables of a container whose value a pod may decide, each with what decides it.
pub(super) fn open_variables(
    container: &Node,
    reached: impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let entries = match container.get("env").map(|env| &env.value) {
        Some(NodeValue::List(entries)) => entries.as_slice(),
        _ => &[],
    };
    let mut open = BTreeMap::new();
    for entry in entries {
        let Some(name) = entry.get("name").and_then(Node::text) else {
            continue;
        };
        if let Some(what) = reached(name).or_else(|| copied_from_metadata(entry)) {
            open.insert(name.to_owned(), what);
        }
    }
    // A variable can hold others.
    loop {
        let next = entries.iter().find_map(|entry| {
            let name = entry.get("name")?.text()?;
            if open.contains_key(name) {
                return None;
            }
            let value = entry.get("value")?.text()?;
            let what = references(value)
                .into_iter()
                .find_map(|name| open.get(name))?;
            Some((name.to_owned(), what.clone()))
        });
        match next {
            Some((name, what)) => open.insert(name, what),
            None => return open,
        };
    }
}

/// Whether a variable's value is one of the pod's labels or annotations.
fn copied_from_metadata(entry: &Node) -> Option<String> {
    let reference = entry.get("valueFrom")?.get("fieldRef")?;
    let field = reference.get("fieldPath")?.text()?;
    ["metadata.annotations", "metadata.labels"]
        .iter()
        .any(|start| field.starts_with(start))
        .then(|| "what the pod itself says".to_owned())
}

/// The names in `$(NAME)`; `$$` is a literal `$` (Kubernetes, `third_party/forked/golang/expansion`).
pub(super) fn references(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let behind = rest.get(at + 1..).unwrap_or_default();
        rest = match behind.chars().next() {
            Some('$') => behind.get(1..).unwrap_or_default(),
            Some('(') => {
                let inside = behind.get(1..).unwrap_or_default();
                names.extend(inside.split_once(')').map(|(name, _)| name));
                inside
            }
            _ => behind,
        };
    }
    names
}

#[cfg(test)]
mod tests {
    use super::references;

    #[test]
    fn references_are_read_as_the_kubelet_reads_them() {
        for (text, names) in [
            ("$(A)/$(B)", vec!["A", "B"]),
            ("$$(A) $(B)", vec!["B"]),
            ("$$$(A) ${B} $C $(D", vec!["A"]),
            ("", vec![]),
        ] {
            assert_eq!(references(text), names, "{text}");
        }
    }
}
