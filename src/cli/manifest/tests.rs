//! Documents in, documents out.

use super::*;
use serde_json::json;

fn manifest(name: &str, text: &str) -> Manifest {
    Manifest {
        name: name.to_owned(),
        path: None,
        documents: documents(name, text).unwrap(),
    }
}

const NASTY: &str = "\u{feff}# head\r\n%YAML 1.2\r\n---\r\na: &x {b: 0644}\r\nc: *x\r\n# tail\r\n\
    ---\r\n---\n# kept\n\nkind: Pod   # lost\nspec:\n    - a\n    - |+\n      x\n\n# after\n\
    ...\n# nothing\n--- {d: 1}\n";

#[test]
fn untouched_documents_keep_every_byte() {
    for text in [
        NASTY,
        "",
        "\n",
        "---\n",
        "{\"a\":1}\n{\"b\":2}",
        "[1, 2]\n",
        "a: 1",
    ] {
        let manifest = manifest("x.yaml", text);
        assert_eq!(manifest.original(), text);
        assert_eq!(manifest.render().unwrap(), text);
    }
}

#[test]
fn a_changed_document_keeps_its_surroundings() {
    let mut manifest = manifest("x.yaml", NASTY);
    assert_eq!(manifest.documents.len(), 4);
    manifest.documents[2].value["kind"] = json!("Job");
    manifest.documents[2].changed = true;
    manifest.documents[3].changed = true;
    let expected = NASTY
        .replace("kind: Pod   # lost\n", "kind: Job\n")
        .replace("    - a\n    - |+\n      x\n", "  - a\n  - |+\n    x\n    ")
        .replace("--- {d: 1}\n", "---\nd: 1\n");
    assert_eq!(manifest.render().unwrap(), expected);
    let back = documents("x.yaml", &expected).unwrap();
    assert_eq!(back[2].value, manifest.documents[2].value);
}

#[test]
fn json_stays_json() {
    let mut manifest = manifest("-", "{\"a\":1}\n{\n\"b\": 2\n}\n");
    for document in &mut manifest.documents {
        assert_eq!(document.syntax, Syntax::Json);
        document.changed = true;
    }
    assert_eq!(manifest.render().unwrap(), "{\"a\":1}\n{\n  \"b\": 2\n}\n");
}

#[test]
fn errors_name_file_document_line_and_column() {
    let table = [
        (
            "x.yaml",
            "a: 1\n---\nb: 1\nb: 2\n",
            "x.yaml:4:1: document 2: duplicate",
        ),
        (
            "x.json",
            "{}\n{\"a\" 1}",
            "x.json:2:6: document 2: expected `:`",
        ),
        ("-", "{a: 1\n", "-:1:1: document 1: "),
    ];
    for (name, text, expected) in table {
        let message = documents(name, text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}
