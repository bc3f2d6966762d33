//! Volumes: any source of Kubernetes', generated `files`, and `adopt`.

use serde_json::json;

use super::fragment::{self, CompileScope, WHEN, origin};
use super::reader::{any_entries, entries, items, join, text};
use super::{Errors, validity};
use crate::kubernetes::keys::FILE_PREFIX;
use crate::kubernetes::names::is_label;
use crate::kubernetes::schema::FieldType;
use crate::template::compiled::{FileTemplate, FilesTemplate, TreeFormat, VolumeTemplate};
use crate::template::fragment::{Fragment, Slot};
use crate::template::node::{Entry, Node, NodeValue};
use crate::template::shape::ADOPT;
use crate::template::value::Constant;

/// The longest name part of an annotation's key.
const LONGEST_KEY: usize = 63;

/// The volumes' names, for mounts to refer to.
pub(super) fn names(errors: &mut Errors<'_>, node: Option<&Node>) -> Vec<String> {
    let Some(node) = node else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for (index, item) in items(errors, node, "spec.volumes").iter().enumerate() {
        let Some(name) = item.get("name").and_then(Node::text) else {
            continue;
        };
        if names.iter().any(|known| known == name) {
            let path = format!("spec.volumes[{index}]");
            errors.add(item.place, &path, format!("duplicate volume name `{name}`"));
        }
        names.push(name.to_owned());
    }
    names
}

pub(super) fn volumes(
    errors: &mut Errors<'_>,
    node: Option<&Node>,
    template: &str,
    meaning: CompileScope<'_>,
) -> Vec<VolumeTemplate> {
    let Some(node) = node else {
        return Vec::new();
    };
    items(errors, node, "spec.volumes")
        .to_vec()
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            volume(
                errors,
                item,
                &format!("spec.volumes[{index}]"),
                template,
                meaning,
            )
        })
        .collect()
}

fn volume(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    template: &str,
    meaning: CompileScope<'_>,
) -> Option<VolumeTemplate> {
    if !matches!(node.value, NodeValue::Map(_)) {
        any_entries(errors, node, path);
        return None;
    }
    let Some(name) = node.get("name") else {
        errors.add(node.place, path, "the field `name` is required");
        return None;
    };
    let name = text(errors, name, &join(path, "name"))?;
    let emitted = format!("{template}-{name}");
    if !is_label(name) || !is_label(&emitted) {
        let message = format!(
            "`{emitted}` is the volume's name in the pod and must be a DNS label of at most 63 \
             characters"
        );
        errors.add(node.place, &join(path, "name"), message);
        return None;
    }
    let files = node
        .get("files")
        .map(|node| files(errors, node, &join(path, "files"), &emitted, meaning));
    let volume = VolumeTemplate {
        name: name.to_owned(),
        when: fragment::when(errors, node, path, meaning.scope),
        adopt: adopt(errors, node, path, meaning),
        files,
        source: source(errors, node, path, meaning),
        origin: origin(node.place, path),
        emitted_value: Constant::new(emitted.as_str().into()),
        emitted,
    };
    check_sources(errors, node, path, &volume);
    validity::check(errors, "Volume", node, path, &["adopt", "files"]);
    Some(volume)
}

fn adopt(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    meaning: CompileScope<'_>,
) -> Option<Fragment> {
    let adopt = node.get("adopt")?;
    let adopt_path = join(path, "adopt");
    entries(errors, adopt, &adopt_path, ADOPT);
    let mount_path = adopt.get("mountPath")?;
    let path = join(&adopt_path, "mountPath");
    let literal = mount_path.text().filter(|text| !text.contains("${"));
    if literal.is_some_and(|literal| !is_absolute(literal)) {
        let message = "a mountPath begins with `/`, or on Windows with a drive such as `C:\\`";
        errors.add(mount_path.place, &path, message);
    }
    fragment::compile(
        errors,
        mount_path,
        &path,
        &Slot::of(FieldType::Text),
        meaning,
    )
}

/// Whether a path begins at the root, on Windows at that of a drive.
fn is_absolute(path: &str) -> bool {
    let below_drive = path.strip_prefix(|drive: char| drive.is_ascii_alphabetic());
    path.starts_with('/') || below_drive.is_some_and(|below| below.starts_with(":\\"))
}

/// The fields of the volume that are Kubernetes' own.
fn source(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    meaning: CompileScope<'_>,
) -> Option<Fragment> {
    let slot = Slot::object("Volume");
    let mut fields = Vec::new();
    for entry in any_entries(errors, node, path) {
        if ["name", "adopt", "files", WHEN].contains(&entry.key.as_str()) {
            continue;
        }
        let path = join(path, &entry.key);
        let Some(slot) = fragment::field_slot(errors, entry, &path, &slot) else {
            continue;
        };
        if let Some(part) = fragment::compile(errors, &entry.value, &path, &slot, meaning) {
            fields.push((entry.key.as_str().into(), part));
        }
    }
    (!fields.is_empty()).then_some(Fragment::Object(fields))
}

/// A volume has exactly one source; several may stand where all but one have a `$when`.
fn check_sources(errors: &mut Errors<'_>, node: &Node, path: &str, volume: &VolumeTemplate) {
    let (fixed, all) = match &volume.source {
        Some(Fragment::Object(fields)) => {
            let optional = fields
                .iter()
                .filter(|(_, part)| matches!(part, Fragment::When(..)));
            (fields.len() - optional.count(), fields.len())
        }
        _ => (0, 0),
    };
    let files_fixed = volume
        .files
        .as_ref()
        .is_some_and(|files| files.when.is_none());
    let fixed = fixed + usize::from(files_fixed);
    let all = all + usize::from(volume.files.is_some());
    if fixed > 1 || (fixed == 1 && all > 1) {
        errors.add(
            node.place,
            path,
            "a volume has one source; give each of several a `$when`",
        );
    }
    let own = ["name", WHEN];
    let tries = any_entries(errors, node, path)
        .iter()
        .any(|entry| !own.contains(&entry.key.as_str()) && entry.value.value != NodeValue::Null);
    if all == 0 && volume.adopt.is_none() && !tries {
        let message = "a volume needs a source, such as `emptyDir`, `files` or `adopt`";
        errors.add(node.place, path, message);
    }
}

fn files(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    emitted: &str,
    meaning: CompileScope<'_>,
) -> FilesTemplate {
    let when = fragment::when(errors, node, path, meaning.scope);
    let files: Vec<_> = any_entries(errors, node, path)
        .iter()
        .filter(|entry| entry.key != WHEN)
        .filter_map(|entry| file(errors, entry, &join(path, &entry.key), emitted, meaning))
        .collect();
    let items: Vec<_> = files.iter().map(|file| file.item.clone()).collect();
    let source = Constant::new(json!({"items": items}));
    FilesTemplate {
        when,
        files,
        source,
    }
}

fn file(
    errors: &mut Errors<'_>,
    entry: &Entry,
    path: &str,
    emitted: &str,
    meaning: CompileScope<'_>,
) -> Option<FileTemplate> {
    if let Err(message) = file_name(emitted, &entry.key) {
        errors.add(entry.place, path, message);
        return None;
    }
    let extension = entry.key.rsplit_once('.').map(|(_, extension)| extension);
    let format = match extension {
        Some("json") => Some(TreeFormat::Json),
        Some("yaml" | "yml") => Some(TreeFormat::Yaml),
        _ => None,
    };
    let is_tree = matches!(entry.value.value, NodeValue::Map(_) | NodeValue::List(_));
    if is_tree && format.is_none() {
        let message = "a tree is written by its extension: name the file `.json`, `.yaml` or \
                       `.yml`, or write text";
        errors.add(entry.value.place, path, message);
        return None;
    }
    let slot = match format {
        Some(_) => Slot::of(FieldType::Any),
        None => Slot::free_text(),
    };
    let content = fragment::compile(errors, &entry.value, path, &slot, meaning)?;
    let key = format!("{FILE_PREFIX}{emitted}.{}", entry.key);
    Some(FileTemplate {
        item: json!({
            "path": entry.key,
            "fieldRef": {"fieldPath": format!("metadata.annotations['{key}']")},
        }),
        key,
        name: entry.key.clone(),
        format,
        content,
    })
}

/// A file's annotation is `pillion.dev/file.<volume in the pod>.<file>`.
fn file_name(emitted: &str, file: &str) -> Result<(), String> {
    if file.contains("${") {
        return Err("an expression cannot stand in a key".to_owned());
    }
    let key = format!("file.{emitted}.{file}");
    let mut characters = file.chars();
    let is_allowed = characters.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if file.is_empty() || !is_allowed || file.starts_with("..") {
        return Err(format!(
            "`{file}` is not a file name of letters, digits, `-`, `_` and `.`"
        ));
    }
    if !file.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(format!("`{file}` must end with a letter or digit"));
    }
    if key.len() > LONGEST_KEY {
        return Err(format!(
            "the annotation `pillion.dev/{key}` carries the file, and its name may have {LONGEST_KEY} \
             characters after the `/`; this has {}",
            key.len()
        ));
    }
    Ok(())
}
