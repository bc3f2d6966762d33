//! Two versions of the program answer side by side while a rollout replaces one by the other: for
//! the same revision of a template they must give the same pod the same patch.
//!
//! `generation.txt` remembers what came of each case: a digest of what was given, the revisions of
//! the templates included, and one of what was made. Another result from the same is a failure,
//! also with `UPDATE=1`: the revisions must then differ too, which `GENERATION` in
//! `src/template/compile/spec.rs` sees to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pillion::kubernetes::object::digest;
use serde_json::{Value, json};

use crate::corpus::case::{Case, all, documents, yaml};

/// Behind this a status says a revision; it is JSON inside a text of YAML.
const REVISION: &str = "\\\"revision\\\":\\\"";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/generation.txt")
}

/// The digests of what is given and of what is made of it; `None` where no template is applied.
fn digests(case: &Case) -> Option<(String, String)> {
    let expected = case.file("expected.yaml")?;
    let revisions: BTreeSet<_> = expected
        .split(REVISION)
        .skip(1)
        .filter_map(|rest| rest.split('\\').next())
        .collect();
    if revisions.is_empty() {
        return None;
    }
    let given = json!({
        "input": case.input(),
        "options": case.file("options.yaml"),
        "namespace": case.file("namespace.yaml"),
        "revisions": revisions,
    });
    let made: Vec<Value> = documents(&expected).into_iter().map(yaml).collect();
    Some((digest(&given), digest(&Value::Array(made))))
}

fn known() -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(file()).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some((words.next()?, (words.next()?, words.next()?)))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn one_revision_makes_one_patch_in_every_version() {
    let known = known();
    let (mut text, mut changed) = (String::new(), Vec::new());
    for case in all() {
        let Some((given, made)) = digests(&case) else {
            continue;
        };
        if let Some((before, then)) = known.get(&case.name)
            && *before == given
            && *then != made
        {
            changed.push(case.name.clone());
        }
        writeln!(text, "{} {given} {made}", case.name).unwrap();
    }
    assert!(
        changed.is_empty(),
        "the same revisions make other pods of {changed:?}: raise GENERATION in \
         src/template/compile/spec.rs, so that the revisions differ too"
    );
    if std::env::var_os("CASE").is_some() {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(file(), text).unwrap();
    } else {
        let now = fs::read_to_string(file()).unwrap_or_default();
        assert_eq!(now, text, "UPDATE=1 writes what is new to generation.txt");
    }
}
