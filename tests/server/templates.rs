//! Templates that change under a running server.

use std::path::Path;

use crate::server::client::plain;
use crate::server::process::{Server, wait_for};

fn template(name: &str, image: &str) -> String {
    format!(
        "apiVersion: pillion.dev/v1alpha1\n\
         kind: ClusterInjectionTemplate\n\
         metadata: {{name: {name}}}\n\
         spec:\n  \
           pattern: Sidecar\n  \
           sidecars: [{{name: {name}, {image}}}]\n"
    )
}

fn write(directory: &Path, name: &str, image: &str) {
    let path = directory.join(format!("{name}.yaml"));
    // Written beside and moved, so that the server never reads half a file.
    let beside = directory.join(".beside");
    std::fs::write(&beside, template(name, image)).unwrap();
    std::fs::rename(beside, path).unwrap();
}

fn wait_for_metrics(server: &Server, expected: &[&str]) {
    wait_for(&format!("{expected:?}"), || {
        let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
        expected
            .iter()
            .all(|line| metrics.contains(line))
            .then_some(())
    });
}

#[test]
fn templates_come_change_and_go_while_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display().to_string();
    let good = "image: \"example.org/helper:1\"";
    let wrong = "image: x, imaeg: y";
    write(directory.path(), "one", good);
    write(directory.path(), "broken", wrong);
    let server = Server::start(&["--templates", &path, "--templates-poll-seconds=1"]);
    let newest = |count: u32| format!("pillion_templates{{state=\"served\"}} {count}");
    let stale = |count: u32| format!("pillion_templates{{state=\"stale\"}} {count}");
    let broken = |count: u32| format!("pillion_templates{{state=\"broken\"}} {count}");
    wait_for_metrics(&server, &[&newest(1), &stale(0), &broken(1)]);
    let told = server.logged("a template has an error").unwrap();
    assert_eq!(told["template"], "broken", "{told}");
    assert!(
        told["error"].as_str().unwrap().contains("broken.yaml:"),
        "{told}"
    );

    write(directory.path(), "two", good);
    wait_for_metrics(&server, &[&newest(2), &stale(0)]);
    write(directory.path(), "one", wrong);
    wait_for_metrics(&server, &[&newest(1), &stale(1)]);
    std::fs::remove_file(directory.path().join("one.yaml")).unwrap();
    wait_for_metrics(&server, &[&newest(1), &stale(0)]);

    let away = directory.path().with_extension("away");
    std::fs::rename(directory.path(), &away).unwrap();
    wait_for("the directory to be missed", || {
        server.logged("failed to read the templates; those in use stay")
    });
    wait_for_metrics(&server, &[&newest(1), &stale(0)]);
    std::fs::rename(&away, directory.path()).unwrap();
    write(directory.path(), "three", good);
    wait_for_metrics(&server, &[&newest(2), &stale(0)]);
    let refusals = server.log().matches("a template has an error").count();
    assert_eq!(refusals, 2, "each error is told once: {}", server.log());
}

#[test]
fn a_directory_that_becomes_something_else_keeps_its_templates_and_an_emptied_one_has_none() {
    let directory = tempfile::tempdir().unwrap();
    let (folder, away) = (
        directory.path().join("templates"),
        directory.path().join("away"),
    );
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "one", "image: \"example.org/helper:1\"");
    let path = folder.display().to_string();
    let server = Server::start(&["--templates", &path, "--templates-poll-seconds=1"]);
    let served = |count: u32| format!("pillion_templates{{state=\"served\"}} {count}");
    wait_for_metrics(&server, &[&served(1)]);

    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "no directory").unwrap();
    wait_for("the file to be told", || {
        server.logged("failed to read the templates; those in use stay")
    });
    wait_for_metrics(&server, &[&served(1)]);

    // Swapped for another one at once, as a volume is; and emptied, as its author means it.
    std::fs::remove_file(&folder).unwrap();
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    for name in ["two", "three"] {
        write(&other, name, "image: \"example.org/helper:1\"");
    }
    std::fs::rename(&other, &folder).unwrap();
    wait_for_metrics(&server, &[&served(2)]);
    for name in ["two", "three"] {
        std::fs::remove_file(folder.join(format!("{name}.yaml"))).unwrap();
    }
    wait_for_metrics(&server, &[&served(0)]);
}

#[test]
fn a_template_that_is_nested_deeply_is_refused_while_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "one", "image: \"example.org/helper:1\"");
    let path = directory.path().display().to_string();
    let server = Server::start(&["--templates", &path, "--templates-poll-seconds=1"]);
    let served = ["pillion_templates{state=\"served\"} 1"];
    wait_for_metrics(&server, &served);
    let deep = format!("a: {}x{}\n", "[t: ".repeat(60), "]".repeat(60));
    std::fs::write(directory.path().join("deep.yaml"), deep).unwrap();
    wait_for("the refusal", || server.logged("a template has an error"));
    wait_for_metrics(&server, &served);
}
