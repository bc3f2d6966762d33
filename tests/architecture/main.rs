//! The house as its map says it is: arrows run one way, files use each other in no circle, the core
//! names nothing of the world, and files keep to their size and form.
//!
//! `main → cli → {server, cluster, tls, telemetry} → lint → explain → inject → check → template → expression →
//! review → {finding, kubernetes} → wording → wording`
//!
//! Reviews would find a wrong import too, but later, and only when somebody looks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test states what it expects"
)]

mod embedded;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// The rooms of the house from the outermost in. A room may use rooms further in, never one
/// further out, and never another one of its own rank.
const RANKS: [&[&str]; 12] = [
    &["main", "lib"],
    &["cli"],
    &["server", "cluster", "tls", "telemetry"],
    &["lint"],
    &["explain"],
    &["inject"],
    &["check"],
    &["template"],
    &["expression"],
    &["review"],
    &["finding", "kubernetes"],
    &["wording"],
];

/// The rooms that depend on nothing but their arguments.
const CORE: [&str; 10] = [
    "lint",
    "explain",
    "inject",
    "check",
    "template",
    "expression",
    "finding",
    "review",
    "kubernetes",
    "wording",
];

/// What the core may not name, as the first segments of a path.
const WORLD: [&[&str]; 20] = [
    &["tokio"],
    &["axum"],
    &["axum_server"],
    &["hyper"],
    &["tower"],
    &["rustls"],
    &["kube"],
    &["clap"],
    &["rand"],
    &["getrandom"],
    &["tracing"],
    &["prometheus_client"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "time"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "io", "stdin"],
];

/// Macros that write to the terminal.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// No file is longer.
const MOST_LINES: usize = 500;

#[test]
fn arrows_run_inwards_only() {
    let sources = sources();
    assert!(sources.len() > 50, "src/ was not found");
    let found: Vec<_> = sources.iter().flat_map(against_the_arrows).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_core_names_nothing_of_the_world() {
    let found: Vec<_> = sources().iter().flat_map(worldly_names).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn files_use_each_other_in_no_circle() {
    let found = circles(&sources());
    assert!(
        found.is_empty(),
        "these make circles:\n{}",
        found.join("\n")
    );
}

#[test]
fn files_keep_to_their_size_and_form() {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for path in rust_files(&root().join(folder)) {
            found.extend(against_the_form(&path, &fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The uses of rooms that the module may not use.
fn against_the_arrows(source: &Source) -> Vec<String> {
    let room = source.room();
    let Some(own) = rank(room) else {
        return vec![format!("{room}: a room that the map does not show")];
    };
    let mut found: Vec<_> = source
        .paths()
        .iter()
        .filter_map(|path| source.room_of(path))
        .filter_map(|used| {
            let allowed = used == room || own < rank(&used)?;
            (!allowed).then(|| format!("{} uses {used}", source.module.join("::")))
        })
        .collect();
    found.dedup();
    found
}

/// The uses between files that are part of a circle, or lead from one to another. That a module names
/// its own submodules, and they their parents, is how modules are made and no circle.
fn circles(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<_> = sources.iter().map(|source| source.module.clone()).collect();
    let mut uses: BTreeMap<_, BTreeSet<_>> = sources
        .iter()
        .map(|source| {
            let used = source.paths().into_iter().filter_map(|path| {
                let mut path = source.resolved(&path)?;
                while !path.is_empty() && !modules.contains(&path) {
                    path.pop();
                }
                let counts = !path.is_empty() && !path.starts_with(&source.module);
                counts.then_some(path)
            });
            (source.module.clone(), used.collect())
        })
        .collect();
    // What nobody uses, and what uses nobody, is in no circle; nor is then what is left alone.
    loop {
        let before = uses.len();
        let used: BTreeSet<_> = uses.values().flatten().cloned().collect();
        uses.retain(|module, targets| used.contains(module) && !targets.is_empty());
        let left: BTreeSet<_> = uses.keys().cloned().collect();
        for targets in uses.values_mut() {
            targets.retain(|target| left.contains(target));
        }
        if uses.len() == before {
            break;
        }
    }
    let line = |(module, targets): (Vec<String>, BTreeSet<Vec<String>>)| {
        let module = module.join("::");
        let line = move |target: Vec<String>| format!("{module} uses {}", target.join("::"));
        targets.into_iter().map(line)
    };
    uses.into_iter().flat_map(line).collect()
}

/// The names in a module of the core that reach out of it.
fn worldly_names(source: &Source) -> Vec<String> {
    if !CORE.contains(&source.room()) {
        return Vec::new();
    }
    let module = source.module.join("::");
    let paths = source.paths();
    let named = paths.iter().filter_map(|path| {
        let world = WORLD.iter().find(|name| path.starts_with_names(name))?;
        Some(format!("{module} names {}", world.join("::")))
    });
    let printed = source
        .macros()
        .into_iter()
        .filter(|name| PRINTING.contains(&name.as_str()))
        .map(|name| format!("{module} uses {name}!"));
    named.chain(printed).collect()
}

/// What is wrong with the form of a file.
fn against_the_form(path: &Path, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let rules = [
        (
            lines > MOST_LINES,
            format!("has {lines} lines, more than {MOST_LINES}"),
        ),
        (
            path.ends_with("mod.rs"),
            "is a mod.rs: write foo.rs beside foo/".to_owned(),
        ),
        (
            !text.starts_with("//! "),
            "does not open with //! saying what it is for".to_owned(),
        ),
    ];
    rules
        .into_iter()
        .filter(|(broken, _)| *broken)
        .map(|(_, rule)| format!("{} {rule}", path.display()))
        .collect()
}

fn rank(room: &str) -> Option<usize> {
    RANKS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether a path begins with certain names.
trait StartsWithNames {
    fn starts_with_names(&self, names: &[&str]) -> bool;
}

impl StartsWithNames for Vec<String> {
    fn starts_with_names(&self, names: &[&str]) -> bool {
        self.len() >= names.len() && self.iter().zip(names).all(|(own, name)| own == name)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The modules of src/ without their tests.
fn sources() -> Vec<Source> {
    let folder = root().join("src");
    let all: Vec<_> = rust_files(&folder)
        .into_iter()
        .map(|path| {
            let module = source::module_of(path.strip_prefix(&folder).unwrap());
            Source::new(module, &fs::read_to_string(&path).unwrap())
        })
        .collect();
    let tests: Vec<_> = all.iter().flat_map(Source::test_modules).collect();
    all.into_iter()
        .filter(|source| !tests.iter().any(|test| source.module.starts_with(test)))
        .collect()
}

/// The Rust files below a folder, in a fixed order; none where the folder does not exist.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}

/// The detectors themselves, on texts that are wrong: a check that finds nothing proves nothing.
mod detectors {
    use super::*;

    fn source(module: &str, text: &str) -> Source {
        Source::new(module.split("::").map(str::to_owned).collect(), text)
    }

    #[test]
    fn an_arrow_outwards_is_found_however_it_is_written() {
        for text in [
            "use crate::server::Server;",
            "use crate::{review::Pod, server};",
            "use crate::{\n    review::{Pod, request},\n    server::{self, Drain},\n};",
            "use super::super::server::Drain;",
            "fn f() -> crate::server::Drain { todo!() }",
            "use super::{super::{server}};",
        ] {
            let found = against_the_arrows(&source("inject::plan", text));
            assert_eq!(found, ["inject::plan uses server"], "{text}");
        }
        let up = against_the_arrows(&source("review", "use super::template::Catalog;"));
        assert_eq!(up, ["review uses template"]);
        let beside = against_the_arrows(&source("server::run", "use crate::tls;"));
        assert_eq!(beside, ["server::run uses tls"]);
        let unknown = against_the_arrows(&source("cellar", ""));
        assert_eq!(unknown, ["cellar: a room that the map does not show"]);
    }

    #[test]
    fn arrows_inwards_comments_texts_and_tests_are_left_alone() {
        for text in [
            "use crate::template::Catalog;",
            "use super::{patch, super::review::Pod};",
            "// use crate::server::Server;",
            "/* crate::server /* nested */ crate::cli */",
            "const A: &str = \"crate::server\";",
            "const A: &str = r#\"\"crate::server\"#;",
            "const A: [char; 2] = ['\"', '\\'']; // crate::server",
            "#[cfg(test)]\nmod tests { use crate::server::X; fn f() { } }",
            "#[cfg(test)]\nuse crate::server::X;",
        ] {
            let found = against_the_arrows(&source("inject::plan", text));
            assert_eq!(found, [""; 0], "{text}");
        }
        let after = "#[cfg(test)]\nmod tests { const A: char = '}'; }\nuse crate::cli::Cli;";
        let found = against_the_arrows(&source("inject::plan", after));
        assert_eq!(found, ["inject::plan uses cli"]);
    }

    #[test]
    fn a_circle_is_found_and_a_chain_is_not() {
        let files = [
            source("a", "pub mod b;\nuse b::B;"),
            source("a::b", "use super::A;\nuse super::c::{self, C};"),
            source("a::c", "use crate::d::D;"),
            source("d", "fn f() -> crate::a::b::B { todo!() }"),
            source("e", "use crate::a::b::B;"),
        ];
        let circle = ["a::b uses a::c", "a::c uses d", "d uses a::b"];
        let found = circles(&files);
        assert!(
            circle
                .iter()
                .all(|line| found.contains(&(*line).to_owned())),
            "{found:?}"
        );
        assert!(
            !found.iter().any(|line| line.starts_with("e ")),
            "{found:?}"
        );
        let chain = files.into_iter().filter(|file| file.module != ["d"]);
        assert_eq!(circles(&chain.collect::<Vec<_>>()), [""; 0]);
    }

    #[test]
    fn the_world_is_found_in_the_core_and_nowhere_else() {
        for (text, name) in [
            ("use tokio::sync::Mutex;", "names tokio"),
            ("use std::{fmt, fs};", "names std::fs"),
            (
                "fn f() { let _ = std::time::Instant::now(); }",
                "names std::time",
            ),
            ("use std::thread;", "names std::thread"),
            ("fn f() { tracing::info!(\"\"); }", "names tracing"),
            ("fn f() { println!(\"{}\", 1); }", "uses println!"),
        ] {
            let found = worldly_names(&source("template::node", text));
            assert_eq!(found, [format!("template::node {name}")], "{text}");
            assert_eq!(worldly_names(&source("server::run", text)), [""; 0]);
        }
    }

    #[test]
    fn a_wrong_form_is_found() {
        let long = format!("//! Long.\n{}", "\n".repeat(MOST_LINES));
        for (path, text, count) in [
            ("src/good.rs", "//! Good.\n", 0),
            ("src/long.rs", long.as_str(), 1),
            ("src/foo/mod.rs", "//! A room.\n", 1),
            ("src/silent.rs", "use std::fmt;\n", 1),
        ] {
            assert_eq!(
                against_the_form(Path::new(path), text).len(),
                count,
                "{path}"
            );
        }
    }

    #[test]
    fn modules_are_named_by_their_files_and_test_modules_are_known() {
        let name = |path: &str| source::module_of(Path::new(path)).join("::");
        assert_eq!(name("inject/plan/files.rs"), "inject::plan::files");
        assert_eq!(name("main.rs"), "main");
        let parent = source("inject::merge", "mod view;\n#[cfg(test)]\nmod tests;\n");
        let tests = parent.test_modules();
        assert_eq!(tests, [["inject", "merge", "tests"]]);
    }
}
