//! The server of one case.

use std::fs;
use std::path::Path;

use crate::corpus::case::{self, Case};
use crate::support::failure::{During, Outcome};
use crate::support::pillion::{Identity, Pillion, Settings};

/// Starts `pillion serve` with the templates, the namespaces and the version of a case.
pub(crate) async fn start(case: &Case, identity: &Identity, port: u16) -> Outcome<Pillion> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let folder = folder.join(&case.name);
    let templates = folder.join("templates").is_dir();
    let extra = tempfile::tempdir().during("make a folder for namespaces")?;
    // `pillion inject` also learns namespaces from the manifests that it works on.
    let namespaces = extra.path().join("namespaces.yaml");
    let input = case.input();
    let of_input = case::documents(&input).into_iter();
    let of_input: Vec<_> = of_input
        .filter(|text| case::yaml(text)["kind"] == "Namespace")
        .chain(case.file("namespace.yaml").as_deref().map(str::trim_end))
        .map(str::to_owned)
        .collect();
    let mut arguments = Vec::new();
    if !of_input.is_empty() {
        fs::write(&namespaces, of_input.join("\n---\n")).during("write the namespaces")?;
        arguments.push(format!("--namespace-manifest={}", namespaces.display()));
    }
    if let Some(version) = &case.options.kubernetes_version {
        arguments.push(format!("--kubernetes-version={version}"));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let settings = Settings {
        program: Path::new(env!("CARGO_BIN_EXE_pillion")),
        // Messages name files by their short paths, as in the reports.
        folder: Some(&folder),
        templates: templates.then_some(Path::new("templates")),
        port,
        arguments: &arguments,
    };
    // Read at the start only, so the folder may go with the end of this function.
    Pillion::start(&settings, identity).await
}
