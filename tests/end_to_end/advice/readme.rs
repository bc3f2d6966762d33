//! The document on serving shows what kubectl prints: it is compared with what it really prints, and written
//! with `UPDATE=1`.

use std::fs;
use std::path::Path;

use super::stage::Stage;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;

const BEGIN: &str = "<!-- kubectl: begin -->\n```console\n";
const END: &str = "```\n<!-- kubectl: end -->\n";

#[tokio::test]
async fn the_document_shows_what_kubectl_prints() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let namespace = Namespace::named(&control_plane.client()?, "shop", &[], &[]).await?;
    let stage = Stage::around(control_plane, namespace).await?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("docs/serving.md");
    let document = fs::read_to_string(&file).during("read the document")?;
    let (before, rest) = document
        .split_once(BEGIN)
        .ok_or_else(|| Failure::new(format!("the document has no {BEGIN}")))?;
    let (shown, after) = rest
        .split_once(END)
        .ok_or_else(|| Failure::new(format!("the document has no {END}")))?;
    let commands: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert!(commands.len() > 1, "{shown}");
    let mut printed = String::new();
    for command in commands {
        let output = stage.kubectl.shell(root, command)?;
        printed.push_str("$ ");
        printed.push_str(command);
        printed.push('\n');
        printed.push_str(&output);
    }
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        let document = format!("{before}{BEGIN}{printed}{END}{after}");
        fs::write(&file, document).during("write the document")?;
    } else {
        assert_eq!(shown, printed, "run it with UPDATE=1");
    }
    Ok(())
}
