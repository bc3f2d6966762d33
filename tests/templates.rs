//! What loading says about templates: every rule of the template language that is enforced at load
//! has a file with mistakes and, beside it, the exact errors that their author reads.
//!
//! `UPDATE=1 cargo test --test offline templates::` writes the expected errors anew; read the difference as
//! the author of the template would, before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use pillion::lint::{LintCode, lint};
use pillion::template::{Catalog, CatalogLookup, Source};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates")
}

/// The YAML files of a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
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

fn source(path: &Path) -> Source {
    Source {
        path: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(path).unwrap(),
    }
}

fn errors(path: &Path) -> String {
    let (_, errors) = Catalog::load(&[source(path)], None);
    let line = |text: String, error: &_| format!("{text}{error}\n");
    errors.iter().fold(String::new(), line)
}

fn findings(path: &Path) -> String {
    let line = |text: String, finding: &_| format!("{text}{finding}\n");
    lint(&[source(path)]).iter().fold(String::new(), line)
}

#[test]
fn every_mistake_has_its_place_and_says_what_would_be_right() {
    let cases = files(&folder());
    assert!(cases.len() > 100, "only {} cases found", cases.len());
    compare_all(cases, errors);
}

#[test]
fn every_code_of_lint_finds_its_mistake_and_nothing_else() {
    let folder = folder().join("lint");
    let cases = files(&folder);
    assert_eq!(cases.len(), LintCode::ALL.len());
    compare_all(cases, findings);
    for code in LintCode::ALL {
        let name = format!("{}.yaml", kebab(code.as_str()));
        let broken = folder.join(&name);
        assert_eq!(errors(&broken), "", "{name}");
        let found = lint(&[source(&broken)]);
        assert!(found.iter().any(|finding| finding.code == *code), "{name}");
        assert!(
            found.iter().all(|finding| finding.code == *code),
            "{name}: {found:#?}"
        );
        let good = folder.join("good").join(&name);
        assert_eq!(errors(&good), "", "good/{name}");
        assert_eq!(findings(&good), "", "good/{name}");
    }
}

/// `ImageTagFloating` as `image-tag-floating`.
fn kebab(word: &str) -> String {
    let mut kebab = String::new();
    for character in word.chars() {
        if character.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
    }
    kebab
}

#[test]
fn lint_finds_nothing_in_the_catalog() {
    let found = lint(&pillion::template::built_in::sources());
    assert_eq!(found, []);
}

/// Compares what is said about each file with what stands beside it.
fn compare_all(cases: Vec<PathBuf>, told: fn(&Path) -> String) {
    let update = std::env::var_os("UPDATE").is_some();
    let mut differing = Vec::new();
    for case in cases {
        let found = told(&case);
        if found.is_empty() {
            differing.push(format!("nothing is wrong with {}", case.display()));
            continue;
        }
        let beside = case.with_extension("txt");
        if update {
            fs::write(&beside, &found).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if expected != found {
            let name = beside.file_name().unwrap().to_string_lossy().into_owned();
            differing.push(format!("{name}: expected\n{expected}found\n{found}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_expectation_belongs_to_a_case() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            assert!(path.with_extension("yaml").exists(), "{}", path.display());
        }
    }
}

#[test]
fn good_templates_load() {
    let cases = files(&folder().join("good"));
    assert!(cases.len() > 5, "only {} cases found", cases.len());
    for case in cases {
        assert_eq!(errors(&case), "", "{}", case.display());
        let (catalog, _) = Catalog::load(&[source(&case)], None);
        assert!(!catalog.summaries().is_empty(), "{}", case.display());
    }
}

/// A small template of this name, whose description tells versions apart.
fn template(name: &str, description: &str) -> String {
    format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: {name}}}\n\
         spec:\n  description: {description}\n  metadata: {{annotations: {{example.com/by: {name}}}}}\n"
    )
}

fn file(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// `name=description`, with `!` behind a template whose newest text was refused.
fn served(catalog: &Catalog) -> Vec<String> {
    let summaries = catalog.summaries();
    let line = |s: &pillion::template::catalog::Summary| {
        let stale = if s.stale { "!" } else { "" };
        format!("{}={}{stale}", s.name, s.description)
    };
    summaries.iter().map(line).collect()
}

#[test]
fn a_broken_document_is_refused_alone() {
    let broken = [
        (
            "a wrong field",
            "metadata: {name: bad}\nspec: {patern: Init}\n",
        ),
        (
            "a duplicate key",
            "metadata: {name: bad}\nspec: {order: 1, order: 2}\n",
        ),
        ("no YAML at all", "metadata: {name: bad\nspec: [\n"),
    ];
    for (what, rest) in broken {
        let bad =
            format!("apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n{rest}");
        let text = [template("first", "one"), bad, template("last", "two")].join("---\n");
        let (catalog, errors) = Catalog::load(&[file("all.yaml", &text)], None);
        assert_eq!(
            served(&catalog),
            ["first=one", "last=two"],
            "{what}: {errors:?}"
        );
        assert_eq!(errors.len(), 1, "{what}: {errors:?}");
        assert!((8..=12).contains(&errors[0].line), "{what}: {}", errors[0]);
        assert!(
            matches!(catalog.find("shop", "bad"), CatalogLookup::Broken(_)),
            "{what}: a person who asks for it must learn that it is broken"
        );
    }
}

#[test]
fn the_last_good_revision_serves_until_its_text_is_mended_or_gone() {
    let (first, errors) = Catalog::load(
        &[
            file("a.yaml", &template("a", "one")),
            file("b.yaml", &template("b", "one")),
        ],
        None,
    );
    assert!(errors.is_empty(), "{errors:?}");
    for broken in [
        template("a", "two").replace("spec:", "spec:\n  nonsense: 1"),
        template("a", "two").replace("spec:", "spec: {"),
        template("a", "two").replace("spec:", "kind: Twice\nspec:"),
    ] {
        let b = file("b.yaml", &template("b", "two"));
        let (second, errors) = Catalog::load(&[file("a.yaml", &broken), b], Some(&first));
        assert_eq!(served(&second), ["a=one!", "b=two"], "{broken}");
        assert!(!errors.is_empty());
        let (third, errors) = Catalog::load(&[file("a.yaml", &broken)], Some(&second));
        assert_eq!(
            served(&third),
            ["a=one!"],
            "b is gone with its file: {errors:?}"
        );
        let mended = file("a.yaml", &template("a", "three"));
        let (fourth, errors) = Catalog::load(&[mended], Some(&third));
        assert_eq!(served(&fourth), ["a=three"], "{errors:?}");
    }
}

#[test]
fn a_broken_template_without_a_good_revision_is_known_as_broken() {
    let broken = template("a", "one").replace("spec:", "spec:\n  nonsense: 1");
    let (catalog, errors) = Catalog::load(&[file("a.yaml", &broken)], None);
    let CatalogLookup::Broken(why) = catalog.find("shop", "a") else {
        panic!("expected it to be broken");
    };
    assert_eq!(why, errors[0].to_string());
    assert!(matches!(catalog.find("shop", "b"), CatalogLookup::Nothing));
}

#[test]
fn the_first_of_two_with_one_name_serves() {
    let files = [
        file("a.yaml", &template("a", "one")),
        file("z.yaml", &template("a", "two")),
    ];
    let (catalog, errors) = Catalog::load(&files, None);
    assert_eq!(served(&catalog), ["a=one"]);
    assert_eq!(
        errors[0].to_string(),
        "z.yaml:3:18: metadata.name: duplicate template `a`: the one in a.yaml is used"
    );
}

#[test]
fn a_namespace_gets_its_own_template_only_where_that_is_allowed() {
    let own = template("a", "own")
        .replace("ClusterInjectionTemplate", "InjectionTemplate")
        .replace("{name: a}", "{name: a, namespace: shop}");
    for (shadowable, expected) in [(false, "cluster"), (true, "own")] {
        let cluster = template("a", "cluster")
            .replace("spec:", &format!("spec:\n  shadowable: {shadowable}"));
        let files = [file("cluster.yaml", &cluster), file("own.yaml", &own)];
        let (catalog, errors) = Catalog::load(&files, None);
        assert!(errors.is_empty(), "{errors:?}");
        for (namespace, expected) in [("shop", expected), ("bank", "cluster")] {
            let CatalogLookup::Template(found) = catalog.find(namespace, "a") else {
                panic!("a template serves");
            };
            assert_eq!(
                found.description, expected,
                "shadowable: {shadowable}, {namespace}"
            );
        }
    }
}
