//! Formats of changed manifests, and writing them back.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::cli::manifest::kinds::Identity;
use crate::cli::report::TransformResult;
use crate::cli::streams::without;
use crate::cli::transform::{ObjectTransform, TreatmentError, transform};
use crate::inject::Reason;

const JOB: &str = "# nightly\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: job\nspec:\n  \
    template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: a\n          \
    image: b\n---\nother: 1 # kept\n";

/// Names a scheduler in every pod.
struct Schedule;

impl ObjectTransform for Schedule {
    fn treat(
        &self,
        _: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError> {
        object.pointer_mut(pointer).unwrap()["spec"]["schedulerName"] = "night".into();
        Ok(TransformResult {
            patch: Some(json!([{"op": "add", "path": "/x", "value": 1}])),
            ..TransformResult::plain(Reason::Applied, "scheduled")
        })
    }
}

fn changed(files: &[PathBuf]) -> (Vec<Manifest>, Report) {
    let mut manifests = without(|streams| Manifest::read(files, streams)).unwrap();
    let report = transform(&mut manifests, "default", &Schedule).unwrap();
    (manifests, report)
}

fn write(directory: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_diff_shows_the_change_and_not_the_taste() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "job.yaml", JOB);
    let (manifests, report) = changed(std::slice::from_ref(&file));
    let diff = render(OutputFormat::Diff, &manifests, &report, Paint::NONE).unwrap();
    let name = file.display();
    assert_eq!(
        diff,
        format!(
            "--- {name}\n+++ {name}\n@@ -10,5 +10,6 @@\n       containers:\n         - name: a\n           \
             image: b\n+      schedulerName: night\n ---\n other: 1 # kept\n"
        )
    );
}

#[test]
fn a_missing_line_break_is_told() {
    let mut text = String::new();
    let plain = Paint::for_stream(&tempfile::tempfile().unwrap());
    add_diff(&mut text, "x", "a", "b\n", plain);
    assert_eq!(
        text,
        "--- x\n+++ x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    );
}

#[test]
fn patches_are_one_line_for_each_object() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "job.yaml", JOB);
    let (manifests, report) = changed(&[file]);
    assert_eq!(
        render(OutputFormat::Patch, &manifests, &report, Paint::NONE).unwrap(),
        "{\"object\":\"Job/default/job\",\
         \"patch\":[{\"op\":\"add\",\"path\":\"/x\",\"value\":1}]}\n"
    );
}

#[test]
fn several_files_are_one_stream() {
    let directory = tempfile::tempdir().unwrap();
    let files = [
        write(&directory, "1.yaml", "a: 1"),
        write(&directory, "2.yaml", "\u{feff}# c\nb: 2\n"),
        write(&directory, "3.yaml", "%YAML 1.2\n---\nc: 3\n"),
        write(&directory, "4.yaml", "# d\n---\nd: 4\n"),
        write(&directory, "5.json", "{\"e\":5} {\"f\":6}"),
    ];
    let (manifests, report) = changed(&files);
    let stream = render(OutputFormat::Yaml, &manifests, &report, Paint::NONE).unwrap();
    assert_eq!(
        stream,
        "a: 1\n---\n# c\nb: 2\n...\n%YAML 1.2\n---\nc: 3\n# d\n---\nd: 4\n---\n{\"e\":5}\n---\n \
         {\"f\":6}"
    );
    let whole = write(&directory, "whole.yaml", &stream);
    let read = without(|streams| Manifest::read(&[whole], streams)).unwrap();
    let documents = read[0].documents.iter();
    let values: Vec<_> = documents
        .map(|document| document.value.to_string())
        .collect();
    let expected = ["a\":1", "b\":2", "c\":3", "d\":4", "e\":5", "f\":6"];
    assert_eq!(values, expected.map(|pair| format!("{{\"{pair}}}")));
}

#[test]
fn no_file_is_replaced_where_another_cannot_be_written_as_text() {
    let directory = tempfile::tempdir().unwrap();
    let first = write(&directory, "1.yaml", JOB);
    // A word that kubectl reads otherwise is not written anew.
    let second = write(
        &directory,
        "2.yaml",
        &JOB.replace("name: job", "name: job\n  labels: {a: nULL}"),
    );
    let (manifests, _) = changed(&[first.clone(), second.clone()]);
    let error = write_back(&manifests).unwrap_err();
    assert!(matches!(error, OutputError::Manifest(_)), "{error}");
    assert_eq!(fs::read_to_string(&first).unwrap(), JOB);

    let gone = write(&directory, "3.yaml", JOB);
    let (manifests, _) = changed(&[first.clone(), gone.clone()]);
    fs::remove_file(&gone).unwrap();
    let error = write_back(&manifests).unwrap_err().to_string();
    assert!(error.contains("of 2 files 1 are written"), "{error}");
    assert!(fs::read_to_string(&first).unwrap().contains("night"));
}

#[test]
fn files_are_replaced_through_links_with_their_mode() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "job.yaml", JOB);
    let untouched = write(&directory, "other.yaml", "other: 1");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link.yaml");
    symlink("job.yaml", &link).unwrap();
    let (manifests, _) = changed(&[link.clone(), untouched.clone()]);
    write_back(&manifests).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("schedulerName: night"), "{text}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&untouched).unwrap(), "other: 1");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}
