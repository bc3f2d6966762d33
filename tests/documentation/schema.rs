//! The JSON Schema of templates that is checked in: current, true of every good template, and of
//! no template whose structure is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use pillion::template::json_schema::json_schema;
use pillion::template::node;
use serde_json::Value;

const FILE: &str = "docs/template.schema.json";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The schema, compiled by a program that is not ours.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler
            .add_resource("template.json", json_schema())
            .unwrap();
        let index = compiler.compile("template.json", &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    /// What is wrong with the documents of a file.
    fn errors(&self, path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        let documents =
            node::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!documents.is_empty(), "{}", path.display());
        let documents = documents.iter().map(node::Node::to_json);
        let error = |document: Value| {
            self.schemas
                .validate(&document, self.index)
                .err()
                .map(|error| format!("{error:#}"))
        };
        documents.filter_map(error).collect()
    }
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_schema_is_current() {
    let made = format!("{:#}\n", json_schema());
    let path = root().join(FILE);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{FILE} is not up to date; run UPDATE=1 cargo test --test offline documentation::"
    );
}

#[test]
fn every_good_template_is_valid() {
    let validator = Validator::new();
    let mut files = yaml_files("tests/templates/good");
    files.extend(yaml_files("tests/templates/lint"));
    files.extend(yaml_files("tests/templates/lint/good"));
    let catalog = fs::read_dir(root().join("templates")).unwrap();
    let folders = catalog.map(|entry| entry.unwrap().path());
    files.extend(
        folders
            .map(|folder| folder.join("template.yaml"))
            .filter(|file| file.is_file()),
    );
    assert!(files.len() > 50, "only {} files were found", files.len());
    let wrong: Vec<_> = files
        .iter()
        .flat_map(|file| {
            validator
                .errors(file)
                .into_iter()
                .map(|error| format!("{}: {error}", file.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the compiler says where a structure is wrong wherever it stands: not what depends on other
/// fields, such as a bound on the parameter's type.
fn is_structural(message: &str) -> bool {
    let says = |words: &str| message.contains(words);
    let bound = [".minimum: ", ".maximum: ", ".enum: ", ".default"];
    let kinds = [
        "text",
        "a list",
        "a map",
        "nothing",
        "the integer",
        "the boolean",
        "the number",
    ];
    let found = |kind: &&str| says(&format!(", found {kind}"));
    says("unknown field `")
        || (says("the field `") && says("` is required") && !says("Probe.exec: "))
        || (says("expected ") && kinds.iter().any(found) && !bound.iter().any(|field| says(field)))
}

#[test]
fn a_template_with_a_wrong_structure_is_not_valid() {
    let validator = Validator::new();
    let mut count = 0;
    let mut passed = Vec::new();
    for file in yaml_files("tests/templates") {
        let said = fs::read_to_string(file.with_extension("txt")).unwrap();
        let Ok(documents) = node::read(&fs::read_to_string(&file).unwrap()) else {
            continue;
        };
        if !said.lines().any(is_structural) || documents.is_empty() {
            continue;
        }
        count += 1;
        if validator.errors(&file).is_empty() {
            passed.push(format!("{}:\n{said}", file.display()));
        }
    }
    assert!(
        count > 30,
        "only {count} files with a wrong structure were found"
    );
    assert!(passed.is_empty(), "the schema takes\n{}", passed.join("\n"));
}
