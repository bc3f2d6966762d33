//! `pillion.dev/lint-ignore: CODE,CODE`: what the author of a template knows better.

use super::{LintCode, LintFinding};
use crate::kubernetes::keys::LINT_IGNORE;
use crate::template::Source;
use crate::template::node::{Node, Place};

pub(super) struct Ignored<'s> {
    source: &'s Source,
    template: &'s str,
    place: Place,
    codes: Vec<LintCode>,
    unknown: Vec<String>,
    is_explained: bool,
}

impl<'s> Ignored<'s> {
    pub(super) fn read(source: &'s Source, document: &Node, template: &'s str) -> Self {
        let annotations = document
            .get("metadata")
            .and_then(|own| own.get("annotations"));
        let node = annotations.and_then(|annotations| annotations.get(LINT_IGNORE));
        let text = node.and_then(Node::text).unwrap_or_default();
        let place = node.map_or(document.place, |node| node.place);
        let mut ignored = Self {
            source,
            template,
            place,
            codes: Vec::new(),
            unknown: Vec::new(),
            is_explained: node.is_none() || is_explained(&source.text, place),
        };
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match LintCode::named(name) {
                Some(code) => ignored.codes.push(code),
                None => ignored.unknown.push(name.to_owned()),
            }
        }
        ignored
    }

    /// The findings that are left, and what is wrong with the annotation itself.
    pub(super) fn apply(&self, mut findings: Vec<LintFinding>) -> Vec<LintFinding> {
        let mut own: Vec<_> = self
            .codes
            .iter()
            // Whether a port is taken depends on what is checked together.
            .filter(|code| **code != LintCode::PortTaken)
            .filter(|code| findings.iter().all(|found| found.code != **code))
            .map(|code| {
                self.finding(
                    LintCode::IgnoreUnused,
                    format!("{code} finds nothing here: remove it"),
                )
            })
            .collect();
        for name in &self.unknown {
            let known = LintCode::ALL.iter().map(|code| code.as_str());
            let hint = crate::wording::did_you_mean(name, known);
            let message = format!("there is no code `{name}`{hint}");
            own.push(self.finding(LintCode::IgnoreUnknown, message));
        }
        if !self.is_explained {
            let message = "say why in a comment above the annotation, or behind it".to_owned();
            own.push(self.finding(LintCode::IgnoreUnexplained, message));
        }
        findings.retain(|found| !self.codes.contains(&found.code));
        own.extend(findings);
        own
    }

    fn finding(&self, code: LintCode, message: String) -> LintFinding {
        LintFinding {
            code,
            file: self.source.path.clone(),
            template: self.template.to_owned(),
            line: self.place.line,
            column: self.place.column,
            field: format!("metadata.annotations['{LINT_IGNORE}']"),
            message,
        }
    }
}

/// Whether a comment stands on the line or on the one above it.
fn is_explained(text: &str, place: Place) -> bool {
    let line = (place.line as usize).saturating_sub(1);
    let at = |index: usize| text.lines().nth(index).unwrap_or_default();
    let before = line.checked_sub(1).map(at).unwrap_or_default();
    let behind = at(line).split_once(" #").map_or("", |(_, comment)| comment);
    let above = before.trim_start().strip_prefix('#').unwrap_or_default();
    !behind.trim().is_empty() || !above.trim().is_empty()
}
