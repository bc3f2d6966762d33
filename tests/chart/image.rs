//! The image's recipe: what the script and the Dockerfile say must be the same, and an archive is
//! the same bytes for the same files. That the image runs is shown on the node.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::failure::{During, Outcome};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Makes an archive of two files, made anew, as the scripts do.
fn archive(folder: &Path, compression: &str) -> Outcome<Vec<u8>> {
    let script = r#"set -euo pipefail
. "$1/deploy/image/archive.sh"
mkdir -p "$2/files/etc"
echo program >"$2/files/pillion"
echo user >"$2/files/etc/passwd"
archive "$2/files" example.com/pillion:1 '{"User":"65532"}' "$2/image.tar" arm64 "$3""#;
    let output = Command::new("bash")
        .args(["-c", script, "archive", ROOT])
        .arg(folder)
        .arg(compression)
        .output()
        .during("run bash")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    fs::read(folder.join("image.tar")).during("read the archive")
}

#[test]
fn an_archive_is_an_image_layout_and_the_same_bytes_each_time() -> Outcome {
    for (compression, layer) in [
        ("gzip", "application/vnd.oci.image.layer.v1.tar+gzip"),
        ("none", "application/vnd.oci.image.layer.v1.tar"),
    ] {
        let folders = [tempfile::tempdir(), tempfile::tempdir()];
        let mut archives = Vec::new();
        for folder in folders {
            let folder = folder.during("make a folder")?;
            archives.push(archive(folder.path(), compression)?);
            let files = unpacked(folder.path())?;
            let manifest = child(&files, &files["index.json"]["manifests"][0]);
            assert_eq!(manifest["layers"][0]["mediaType"], layer);
            let config = child(&files, &manifest["config"]);
            assert_eq!(config["architecture"], "arm64");
            assert_eq!(config["config"]["User"], "65532");
            assert!(config["rootfs"]["diff_ids"][0].is_string(), "{config}");
            let name =
                &files["index.json"]["manifests"][0]["annotations"]["io.containerd.image.name"];
            assert_eq!(name, "example.com/pillion:1");
        }
        assert!(
            archives[0] == archives[1],
            "{compression}: two archives differ"
        );
    }
    Ok(())
}

/// The JSON files of an archive, by name; every blob is what its name says.
fn unpacked(folder: &Path) -> Outcome<BTreeMap<String, Value>> {
    let script = r#"cd "$1" && mkdir layout && tar -C layout -xf image.tar && cd layout/blobs/sha256 &&
for blob in *; do echo "$blob  $blob"; done | sha256sum --check --quiet"#;
    let checked = Command::new("bash")
        .args(["-ec", script, "unpack"])
        .arg(folder)
        .output();
    let checked = checked.during("unpack the archive")?;
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let mut files = BTreeMap::new();
    for part in ["layout", "layout/blobs/sha256"] {
        for entry in fs::read_dir(folder.join(part)).during("list the archive")? {
            let path = entry.during("list the archive")?.path();
            let Some(value) = fs::read(&path)
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok())
            else {
                continue;
            };
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            files.insert(name, value);
        }
    }
    Ok(files)
}

/// The blob that a descriptor names.
fn child<'a>(files: &'a BTreeMap<String, Value>, descriptor: &Value) -> &'a Value {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    &files[digest.trim_start_matches("sha256:")]
}

fn text(path: &str) -> Outcome<String> {
    fs::read_to_string(Path::new(ROOT).join(path)).during(&format!("read {path}"))
}

/// No image builder is at hand where the tests run, so the Dockerfile is compared, not built.
#[test]
fn the_dockerfile_says_what_the_script_does() -> Outcome {
    let (dockerfile, script) = (text("Dockerfile")?, text("deploy/image/build.sh")?);
    let program = text("deploy/image/program.sh")?;
    assert!(program.contains("target-feature=+crt-static"));
    // What the program is trained with.
    assert!(text("deploy/image/train.sh")?.contains("benches/engine/review.json"));
    assert!(dockerfile.contains("COPY benches benches\n"));
    for (one, other) in [
        ("USER 65532:65532", r#""User":"65532:65532""#),
        (r#"ENTRYPOINT ["/pillion"]"#, r#""Entrypoint":["/pillion"]"#),
        (
            "deploy/image/program.sh release",
            "deploy/image/program.sh\" \"$profile\"",
        ),
        ("deploy/image/passwd deploy/image/group /etc/", "passwd"),
        ("FROM scratch", "archive \"$stage\""),
    ] {
        assert!(dockerfile.contains(one), "the Dockerfile lacks {one}");
        assert!(script.contains(other), "build.sh lacks {other}");
    }
    Ok(())
}

/// Whether a line includes a file from outside its own folder.
fn is_inclusion(line: &&str) -> bool {
    line.contains("include_str!(") && line.contains("\"../")
}

/// Whatever the program includes when it is built is copied into the build.
#[test]
fn the_dockerfile_copies_everything_that_the_program_includes() -> Outcome {
    let dockerfile = text("Dockerfile")?;
    let copied: Vec<_> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY ")?.rsplit_once(' '))
        .flat_map(|(sources, _)| sources.split(' '))
        .collect();
    let mut count = 0;
    let mut folders = vec![Path::new(ROOT).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).during("list the source")? {
            let path = entry.during("list the source")?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).during("read the source")?;
            for line in source.lines().filter(is_inclusion) {
                let outside = line.split('"').find(|part| part.starts_with("../"));
                let outside = outside.unwrap_or_default().trim_start_matches("../");
                let is_copied = copied.iter().any(|copied| outside.starts_with(copied));
                assert!(is_copied, "{}: {outside} is not copied", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 2, "what is included was not found");
    Ok(())
}
