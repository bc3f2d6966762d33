//! What goes to standard output: documents, and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::manifest::{Manifest, ManifestError, Syntax};
use super::report::Report;
use super::streams::StdoutError;
use super::terminal::{Colour, Paint, printable, printable_lines};

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// The documents as they came, byte for byte where nothing was changed.
    Yaml,
    /// One JSON document for each input document, in order; empty ones are left out.
    Json,
    /// One line of JSON for each changed object: its name and the JSON Patch on it.
    Patch,
    /// A unified diff for each changed file.
    Diff,
}

/// Why output could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// A document could not be written as text.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Standard output did not take the text.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// A file could not be replaced; it is as it was.
    #[error("failed to replace {path}")]
    Replace { path: String, source: io::Error },
    /// A file could not be replaced when others were already.
    #[error(
        "failed to replace {path}, which is as it was: of {all} files {replaced} are written; mend this and run the \
         command again, which leaves those as they are"
    )]
    HalfDone {
        path: String,
        replaced: usize,
        all: usize,
        source: io::Error,
    },
    /// Standard input has no file to write back to.
    #[error("--in-place needs files to write to: standard input is none")]
    NoFile,
}

/// The manifests in a format.
pub(crate) fn render(
    format: OutputFormat,
    manifests: &[Manifest],
    report: &Report,
    paint: Paint,
) -> Result<String, ManifestError> {
    match format {
        OutputFormat::Yaml => yaml(manifests).map(|text| shown(text, paint)),
        OutputFormat::Json => json(manifests).map(|text| shown(text, paint)),
        OutputFormat::Patch => Ok(shown(patches(report), paint)),
        OutputFormat::Diff => diffs(manifests, paint),
    }
}

/// A document as it is shown on a terminal that has colours; without them it is byte for byte.
fn shown(text: String, paint: Paint) -> String {
    if paint.is_enabled() {
        printable_lines(&text).into_owned()
    } else {
        text
    }
}

/// One file comes out as it is. Several are one stream, so each starts a document of its own; then
/// also the documents of a JSON stream are separated, which no reader of YAML could tell apart.
fn yaml(manifests: &[Manifest]) -> Result<String, ManifestError> {
    let [first, rest @ ..] = manifests else {
        return Ok(String::new());
    };
    if rest.is_empty() {
        return first.render();
    }
    let mut stream = String::new();
    for manifest in manifests {
        let texts = manifest.render_documents()?;
        for (index, (text, document)) in texts.iter().zip(&manifest.documents).enumerate() {
            if index == 0 || document.syntax == Syntax::Json {
                start_document(&mut stream, text);
            }
            // A byte order mark is only allowed where a stream or a document starts.
            stream.push_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        }
    }
    Ok(stream)
}

fn start_document(stream: &mut String, text: &str) {
    if stream.is_empty() {
        return;
    }
    if !stream.ends_with('\n') {
        stream.push('\n');
    }
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let first = lines.find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    match first {
        Some(line) if line.starts_with('%') => stream.push_str("...\n"),
        Some(line) if line == "---" || line.starts_with("--- ") => {}
        _ => stream.push_str("---\n"),
    }
}

fn json(manifests: &[Manifest]) -> Result<String, ManifestError> {
    let mut text = String::new();
    for manifest in manifests {
        manifest.check_words()?;
        for (index, document) in manifest.documents.iter().enumerate() {
            if document.is_empty() {
                continue;
            }
            let pretty = serde_json::to_string_pretty(&document.value);
            text.push_str(&pretty.map_err(|source| ManifestError::Emit {
                name: manifest.name.clone(),
                document: index + 1,
                source: source.into(),
            })?);
            text.push('\n');
        }
    }
    Ok(text)
}

fn patches(report: &Report) -> String {
    let mut text = String::new();
    for entry in &report.entries {
        if let Some(patch) = &entry.treated.patch {
            let line = json!({ "object": entry.identity.to_string(), "patch": patch });
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn diffs(manifests: &[Manifest], paint: Paint) -> Result<String, ManifestError> {
    let mut text = String::new();
    for manifest in manifests.iter().filter(|manifest| manifest.is_changed()) {
        let name = if manifest.path.is_some() {
            &manifest.name
        } else {
            "stdin"
        };
        add_diff(
            &mut text,
            name,
            &manifest.original(),
            &manifest.render()?,
            paint,
        );
    }
    Ok(text)
}

/// A unified diff with three lines of context, as `diff -u` writes it and `patch` reads it.
pub(crate) fn add_diff(text: &mut String, name: &str, before: &str, after: &str, paint: Paint) {
    let lines = hunks(before, after, paint);
    if !lines.is_empty() {
        let name = printable(name);
        let _ = writeln!(text, "{}", paint.text(Colour::Bold, &format!("--- {name}")));
        let _ = writeln!(text, "{}", paint.text(Colour::Bold, &format!("+++ {name}")));
        text.push_str(&lines);
    }
}

/// The hunks of a unified diff; empty where the texts are the same.
pub(crate) fn hunks(before: &str, after: &str, paint: Paint) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let header = hunk.header().to_string();
        let _ = writeln!(lines, "{}", paint.text(Colour::Cyan, &header));
        for change in hunk.iter_changes() {
            let (sign, colour) = match change.tag() {
                ChangeTag::Delete => ("-", Some(Colour::Red)),
                ChangeTag::Insert => ("+", Some(Colour::Green)),
                ChangeTag::Equal => (" ", None),
            };
            let value = shown(change.value().trim_end_matches('\n').to_owned(), paint);
            let line = format!("{sign}{value}");
            let _ = match colour {
                Some(colour) => writeln!(lines, "{}", paint.text(colour, &line)),
                None => writeln!(lines, "{line}"),
            };
            if change.missing_newline() {
                lines.push_str("\\ No newline at end of file\n");
            }
        }
    }
    lines
}

/// Replaces the text of a file, which is wholly the old or wholly the new one at any moment.
pub(crate) fn rewrite(path: &Path, text: &str) -> Result<(), OutputError> {
    replace(path, text).map_err(|source| OutputError::Replace {
        path: path.display().to_string(),
        source,
    })
}

/// Replaces every changed file; each is either wholly the old or wholly the new one at any moment. All of
/// them are written as text before the first is replaced, as what cannot be written so is in no file yet.
pub(crate) fn write_back(manifests: &[Manifest]) -> Result<(), OutputError> {
    let changed = manifests.iter().filter(|manifest| manifest.is_changed());
    let texts = changed.map(|manifest| {
        let path = manifest.path.as_deref().ok_or(OutputError::NoFile)?;
        Ok((path, manifest.render()?))
    });
    let texts: Vec<_> = texts.collect::<Result<_, OutputError>>()?;
    for (replaced, (path, text)) in texts.iter().enumerate() {
        rewrite(path, text).map_err(|error| match error {
            OutputError::Replace { path, source } if replaced > 0 => OutputError::HalfDone {
                path,
                replaced,
                all: texts.len(),
                source,
            },
            error => error,
        })?;
    }
    Ok(())
}

/// Writes beside the file and renames, through a link to the file behind it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    if !fs::metadata(&target)?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = target.with_file_name(format!(".{name}.{}.pillion", std::process::id()));
    let written = write_beside(&beside, &target, text).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // The first error is the one to tell; a file that was never made cannot be removed.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_beside(beside: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create_new(beside)?;
    file.write_all(text.as_bytes())?;
    let (old, new) = (fs::metadata(target)?, file.metadata()?);
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        // Before the mode, which a change of the owner would cut.
        fchown(&file, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(old.permissions())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
