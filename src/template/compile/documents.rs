//! The documents of a file, each by itself.
//!
//! A parser gives up at the first error, and all documents behind it, and before it, would be lost
//! with the one that is broken. So a file that does not parse as a whole is cut at its `---` lines,
//! which YAML allows nowhere inside a document, and every piece is read alone.

use crate::template::node::{self, Node, NodeValue, YamlError};

/// One document, or what is wrong with it.
#[derive(Debug)]
pub(super) enum Document {
    /// A document that was read.
    Read(Node),
    /// One that is no YAML.
    Broken {
        error: YamlError,
        /// What can be told of it all the same.
        header: Header,
    },
}

/// What a document is that could not be read, as far as its lines tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
    /// Whether a line of it seems to make a template mandatory. What for cannot be known, and a helper that
    /// must not be missing would be, were it taken for optional.
    pub(crate) is_mandatory: bool,
}

/// Reads all documents of a file. What `kubectl get` prints is read like the files that it came of: the
/// items of a list are documents, and what the cluster says of an object is none of the template.
pub(super) fn read(text: &str) -> Vec<Document> {
    let documents = parse(text).into_iter();
    documents
        .flat_map(|document| match document {
            Document::Read(node) => items(node).into_iter().map(Document::Read).collect(),
            broken @ Document::Broken { .. } => vec![broken],
        })
        .collect()
}

/// The items of a list, or the object itself, each without its status.
fn items(mut node: Node) -> Vec<Node> {
    let kind = node.get("kind").and_then(Node::text);
    let is_list = kind.is_some_and(|kind| kind.ends_with("List"));
    let NodeValue::Map(entries) = &mut node.value else {
        return vec![node];
    };
    entries.retain(|entry| entry.key != "status");
    let listed = entries
        .iter_mut()
        .find(|entry| is_list && entry.key == "items");
    match listed.map(|entry| &mut entry.value.value) {
        Some(NodeValue::List(listed)) => {
            std::mem::take(listed).into_iter().flat_map(items).collect()
        }
        _ => vec![node],
    }
}

fn parse(text: &str) -> Vec<Document> {
    let whole = match node::read(text) {
        Ok(documents) => return documents.into_iter().map(Document::Read).collect(),
        Err(error) => error,
    };
    let pieces = pieces(text);
    let alone = pieces.len() == 1;
    let mut documents = Vec::new();
    let mut any_broken = false;
    for piece in pieces.iter().filter(|_| !alone) {
        match node::read(piece) {
            Ok(read) => documents.extend(read.into_iter().map(Document::Read)),
            Err(error) => {
                any_broken = true;
                let header = header(piece);
                documents.push(Document::Broken { error, header });
            }
        }
    }
    if any_broken {
        return documents;
    }
    // One document, or only the whole is too much for the parser: nothing of it is to be trusted.
    let header = if alone {
        header(text)
    } else {
        Header {
            name: None,
            namespace: None,
            is_mandatory: is_mandatory(text),
        }
    };
    vec![Document::Broken {
        error: whole,
        header,
    }]
}

/// The text cut at `---`; each piece stands behind as many empty lines as the file has before it,
/// so that places stay those of the file.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let opens = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.trim_start().len() < rest.len() || rest.is_empty());
        if opens && number > 0 {
            pieces.push("\n".repeat(number));
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(line);
        }
    }
    pieces
}

/// Name and namespace as the lines of `metadata` have them.
fn header(text: &str) -> Header {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("metadata:"));
    let first = lines.next().unwrap_or_default();
    let below = lines.take_while(|line| line.starts_with([' ', '\t', '#']) || line.is_empty());
    let metadata: Vec<&str> = std::iter::once(first.trim_start_matches("metadata:"))
        .chain(below)
        .flat_map(|line| line.split(['{', ',', '}']))
        .map(str::trim)
        .collect();
    let value = |key: &str| {
        let rest = metadata.iter().find_map(|part| part.strip_prefix(key))?;
        let word = rest.split_whitespace().next()?.trim_matches(['"', '\'']);
        (!word.is_empty()).then(|| word.to_owned())
    };
    Header {
        name: value("name:"),
        namespace: value("namespace:"),
        is_mandatory: is_mandatory(text),
    }
}

fn is_mandatory(text: &str) -> bool {
    text.lines().any(|line| {
        let written = if line.trim_start().starts_with('#') {
            ""
        } else {
            line.split_once(" #").map_or(line, |(written, _)| written)
        };
        let mut behind = written.split("requirement").skip(1);
        behind.any(|word| {
            word.trim_start_matches(['"', '\'', ':', ' '])
                .starts_with("Mandatory")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_lines() {
        let text = "a: 1\n--- # two\nb: |\n  ---\n----: x\n---\nc: 3";
        let pieces = pieces(text);
        assert_eq!(
            pieces,
            [
                "a: 1\n",
                "\n--- # two\nb: |\n  ---\n----: x\n",
                "\n\n\n\n\n---\nc: 3"
            ]
        );
    }

    #[test]
    fn what_kubectl_prints_is_read() {
        let text = "kind: List\nitems:\n- kind: A\n  spec: {}\n  status: {x: 1}\n- kind: B\n";
        let documents = read(text);
        let kinds: Vec<_> = documents
            .iter()
            .map(|document| match document {
                Document::Read(node) => (node.get("kind").and_then(Node::text), node.place.line),
                Document::Broken { error, .. } => panic!("{error}"),
            })
            .collect();
        assert_eq!(kinds, [(Some("A"), 3), (Some("B"), 6)]);
        assert!(!format!("{documents:?}").contains("status"));
    }

    #[test]
    fn names_are_found_where_the_rest_is_no_yaml() {
        let header = |name: Option<&str>, namespace: Option<&str>| Header {
            name: name.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            is_mandatory: false,
        };
        let table = [
            (
                "metadata:\n  name: a\n  namespace: b\nspec: [",
                header(Some("a"), Some("b")),
            ),
            (
                "metadata: {name: \"a\", namespace: b}\nspec: [",
                header(Some("a"), Some("b")),
            ),
            (
                "metadata:\n  # x\n  name: a # y\nspec:\n  name: c: d",
                header(Some("a"), None),
            ),
            ("spec:\n  name: c: d", header(None, None)),
            ("metadata:\nspec:\n  name: c: d", header(None, None)),
        ];
        for (text, expected) in table {
            assert_eq!(super::header(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mandatory_template_is_known_where_the_rest_is_no_yaml() {
        let table = [
            ("spec:\n  requirement: Mandatory\n  app: [", true),
            (
                "{\"spec\": {\"requirement\": \"Mandatory\", \"app\": [",
                true,
            ),
            (
                "# a Mandatory\nspec:\n  requirement: Optional\n  app: [",
                false,
            ),
            ("spec:\n  description: Mandatory\n  app: [", false),
            (
                "spec:\n  # requirement: Mandatory\n  requirement: Optional # not Mandatory\n  app: [",
                false,
            ),
            ("spec: {requirement: 'Mandatory', app: [", true),
        ];
        for (text, expected) in table {
            assert_eq!(super::header(text).is_mandatory, expected, "{text}");
        }
    }
}
