//! What helps to write a template: `show`, `render`, `new` and `schema`.

use std::fs;

use serde_json::Value;

use crate::command_line::program::{pillion, pillion_in, stderr, stdout};

#[test]
fn a_template_is_shown_with_the_annotations_to_copy() {
    let output = pillion(&["template", "show", "pgbouncer"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.starts_with("pgbouncer (Ambassador) "), "{told}");
    for line in [
        "PostgreSQL connection pool on localhost.",
        "  host: string, required",
        "      allowed: session, transaction, statement",
        "      set by the Namespace only",
        "  pgbouncer.pillion.dev/host: …",
        "  # pgbouncer.pillion.dev/port: \"5432\"",
        "  sidecar: pgbouncer (${params.image})",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    // What a pod may not set is nothing to copy.
    assert!(!told.contains("# pgbouncer.pillion.dev/image"), "{told}");

    let output = pillion(&["template", "show", "-o", "json", "log-shipper"], "");
    let told: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(
        told["parameters"][0]["annotation"],
        "log-shipper.pillion.dev/path"
    );
    assert_eq!(
        told["adds"]["in each app container"][0],
        "volumeMounts logs, logs-2, logs-3, logs-4"
    );
}

#[test]
fn a_name_that_is_none_is_told_with_the_nearest() {
    for command in ["show", "render"] {
        let output = pillion(&["template", command, "pgbuoncer"], "");
        assert_eq!(output.status.code(), Some(2));
        let expected = "error: there is no template `pgbuoncer`; did you mean `pgbouncer`?\n";
        assert_eq!(stderr(&output), expected);
    }
}

#[test]
fn what_is_added_is_rendered_and_nothing_else() {
    let set = ["--set", "pgbouncer.host=db.shop"];
    let arguments = [&["template", "render", "-o", "json", "pgbouncer"], &set[..]].concat();
    let output = pillion(&arguments, "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let added: Value = serde_json::from_str(stdout(&output)).unwrap();
    let app = serde_json::json!({"name": "app", "env": [
        {"name": "DATABASE_HOST", "value": "localhost"},
        {"name": "DATABASE_PORT", "value": "6432"},
    ]});
    assert_eq!(added["spec"]["containers"], serde_json::json!([app]));
    assert_eq!(added["spec"]["initContainers"][0]["name"], "pgbouncer");
    let annotations = added["metadata"]["annotations"].as_object().unwrap();
    let keys: Vec<_> = annotations.keys().collect();
    assert_eq!(keys, ["pillion.dev/file.pgbouncer-config.pgbouncer.ini"]);
    assert!(added["metadata"].get("name").is_none());

    let output = pillion(&["template", "render", "pgbouncer"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    assert!(
        stderr(&output).contains("Denied (ParameterMissing)"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_new_template_passes_check_and_test_at_once() {
    let root = tempfile::tempdir().unwrap();
    let patterns = ["Sidecar", "Ambassador", "Adapter", "Init"];
    for pattern in patterns {
        let name = format!("my-{}", pattern.to_lowercase());
        let arguments = ["template", "new", &name, "--pattern", pattern];
        let output = pillion_in(root.path(), &arguments, "");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let files: Vec<_> = stdout(&output).lines().collect();
        let expected = ["template.yaml", "README.md", "cases/plain.yaml"];
        assert_eq!(
            files,
            expected.map(|file| format!("templates/{name}/{file}"))
        );
    }
    let output = pillion_in(root.path(), &["template", "check", "templates"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(stdout(&output), "4 templates compiled, no errors\n");
    let output = pillion_in(root.path(), &["template", "test"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("4 cases: 4 passed\n"));

    let case = root.path().join("templates/my-init/cases/plain.yaml");
    let before = fs::read_to_string(&case).unwrap();
    assert!(before.contains("verdict: Injected\n"), "{before}");
    let again = ["template", "new", "my-init", "--pattern", "sidecar"];
    let output = pillion_in(root.path(), &again, "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("templates/my-init exists already"));
    assert_eq!(fs::read_to_string(&case).unwrap(), before);

    for wrong in ["My-Init", "a/b", ".."] {
        let arguments = ["template", "new", wrong, "--pattern", "Init"];
        let output = pillion_in(root.path(), &arguments, "");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(
            stderr(&output).contains("cannot be the name of a template"),
            "{wrong}"
        );
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}
