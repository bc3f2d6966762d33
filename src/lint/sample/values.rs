//! Values of parameters: those that a declaration names, and one that it allows where it names none.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::expression::Budget;
use crate::kubernetes::object::text_or_json;
use crate::template::Template;
use crate::template::compiled::VolumeTemplate;
use crate::template::fragment::Fragment;
use crate::template::parameter::{Parameter, ParameterType};

/// What is tried for a parameter whose declaration names no value, before what its bounds and its
/// pattern say.
const USUAL: [&str; 6] = [NAME, DIRECTORY, "1Mi", "30s", "8080", "1"];

/// A word that may be a name, and the key under which a map parameter gets a value.
pub(super) const NAME: &str = "sample";

/// A directory that the app mounts, whatever the template adopts.
const DIRECTORY: &str = "/var/lib/app";

/// The longest text that is made from a pattern, in bytes.
const LONGEST: usize = 4096;

/// The value of one parameter, or of one element of it.
#[derive(Clone)]
pub(in crate::lint) struct Setting<'t> {
    pub(in crate::lint) parameter: &'t Parameter,
    pub(super) text: String,
    /// Whether the declaration does not name the value, so that what is wrong with it is nobody's fault.
    pub(in crate::lint) is_made_up: bool,
}

impl Setting<'_> {
    /// What is set, as the configuration names it.
    pub(super) fn key(&self) -> String {
        let name = &self.parameter.name;
        if self.parameter.ty == ParameterType::Map {
            return format!("{name}.{NAME}");
        }
        name.clone()
    }
}

/// The directories that the app mounts: where a template adopts a volume and brings none, those that it
/// names, or that its parameters have by default.
pub(super) fn directories(template: &Template) -> BTreeSet<String> {
    let brought = |volume: &VolumeTemplate| volume.source.is_some() || volume.files.is_some();
    let adopted = template.volumes.iter().filter(|volume| !brought(volume));
    let named = adopted
        .filter_map(|volume| volume.adopt.as_ref())
        .flat_map(|adopt| match adopt {
            Fragment::Constant(path) => Vec::from([text_or_json(path.value())]),
            _ => template.parameters.iter().filter_map(default).collect(),
        });
    let mut directories: BTreeSet<_> = named.filter(|path| path.starts_with('/')).collect();
    directories.insert(DIRECTORY.to_owned());
    directories
}

/// The parameters that a pod must set.
pub(super) fn needed(template: &Template) -> Vec<Setting<'_>> {
    let needed = template.parameters.iter().filter(|it| is_needed(it));
    needed
        .filter_map(|it| settings(it).into_iter().next())
        .collect()
}

/// The other values that a pod may set and that decide something: all of a boolean and of an `enum`,
/// and one of a parameter that is empty by default.
pub(super) fn changes(template: &Template) -> Vec<Setting<'_>> {
    let others = template.parameters.iter().filter(|it| !is_needed(it));
    let mut changes: Vec<_> = others.flat_map(settings).collect();
    changes.retain(|setting| match default(setting.parameter) {
        Some(default) if setting.is_made_up => default.is_empty(),
        default => !setting.is_made_up && default.as_ref() != Some(&setting.text),
    });
    changes
}

fn is_needed(parameter: &Parameter) -> bool {
    parameter.default.is_none() && (parameter.required || !parameter.ty.has_empty())
}

/// The text of a parameter that nobody sets; `None` where that depends on the pod.
pub(super) fn default(parameter: &Parameter) -> Option<String> {
    match &parameter.default {
        Some(Fragment::Constant(constant)) if !Parameter::is_empty(constant.value()) => {
            Some(text_or_json(constant.value()))
        }
        Some(Fragment::Constant(_)) | None => Some(String::new()),
        Some(_) => None,
    }
}

/// The values that decide something, else one that is made up.
fn settings(parameter: &Parameter) -> Vec<Setting<'_>> {
    let mut texts: Vec<_> = parameter
        .constraints
        .one_of
        .iter()
        .map(text_or_json)
        .collect();
    if [parameter.ty, parameter.items].contains(&ParameterType::Boolean) {
        texts = ["true", "false"].map(str::to_owned).into();
    }
    let is_made_up = texts.is_empty();
    if is_made_up {
        texts.extend(made_up(parameter));
    }
    texts
        .into_iter()
        .map(|text| Setting {
            parameter,
            text,
            is_made_up,
        })
        .collect()
}

/// A text that the parameter takes.
fn made_up(parameter: &Parameter) -> Option<String> {
    let rules = &parameter.constraints;
    let bounds = [&rules.minimum, &rules.maximum]
        .into_iter()
        .flatten()
        .map(|bound| bound.written().to_owned());
    let pattern = rules
        .pattern
        .as_ref()
        .and_then(|pattern| regex_syntax::parse(pattern.source()).ok());
    let matching = [1, 0].into_iter().filter_map(|times| {
        let mut text = String::new();
        write(pattern.as_ref()?, times, &mut text);
        Some(text)
    });
    let usual = USUAL.into_iter().map(str::to_owned);
    let budget = Budget::new();
    usual.chain(bounds).chain(matching).find(|text| {
        let value = match parameter.ty {
            ParameterType::Map => parameter.parse_element(text, &budget),
            _ => parameter.parse(text, &budget),
        };
        value.is_ok_and(|value| !Parameter::is_empty(&value))
    })
}

/// Writes a text that a pattern accepts, with each part repeated so many times where it may be.
fn write(pattern: &Hir, times: u32, text: &mut String) {
    match pattern.kind() {
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let usual = ['a', 'A', '1'].into_iter().find(|wanted| {
                class
                    .iter()
                    .any(|it| (it.start()..=it.end()).contains(wanted))
            });
            text.extend(usual.or_else(|| Some(class.iter().next()?.start())));
        }
        HirKind::Repetition(part) => {
            for _ in 0..times.max(part.min).min(part.max.unwrap_or(u32::MAX)) {
                if text.len() < LONGEST {
                    write(&part.sub, times, text);
                }
            }
        }
        HirKind::Capture(part) => write(&part.sub, times, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, times, text)),
        HirKind::Alternation(parts) => parts
            .iter()
            .take(1)
            .for_each(|part| write(part, times, text)),
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => {}
    }
}
