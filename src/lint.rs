//! Lint: what compiles and is still a mistake, or will be one on somebody's cluster.
//!
//! Compiling says whether a template gives valid pods. Lint says what an experienced operator
//! would say on reading it: some of it of the text, the rest of what the engine makes of the template
//! on sample pods, where the webhook's checks look. A finding has a stable [`LintCode`] and a place. A
//! template silences a code with the annotation `pillion.dev/lint-ignore: CODE,CODE` in its metadata,
//! with the reason in a comment beside it.

mod assumptions;
mod code;
mod ignore;
mod kubectl;
mod listeners;
mod origin;
mod parameters;
mod pattern;
mod ports;
mod probes;
mod rendered;
mod sample;
mod storage;
mod subject;

use std::fmt;

pub use code::LintCode;

use crate::template::Source;
use crate::template::compile;
use subject::LintContext;

/// One thing that lint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// What was found.
    pub code: LintCode,
    /// The file, as the source names it.
    pub(crate) file: String,
    pub(crate) template: String,
    /// The line, from 1.
    pub(crate) line: u32,
    /// The column in characters, from 1.
    pub(crate) column: u32,
    /// The field path, such as `spec.sidecars[0].image`.
    pub(crate) field: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            code,
            field,
            message,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {code}: {field}: {message}")
    }
}

/// Looks at the templates of these files, which may be in one pod together. A template that does
/// not compile is passed over: its errors come first.
pub fn lint(sources: &[Source]) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    let mut taken = ports::Taken::default();
    for source in sources {
        let mut is_first = true;
        for (document, compiled) in compile::documents_of(source) {
            let (Some(document), Ok(template)) = (document, &compiled.result) else {
                continue;
            };
            let mut subject = LintContext::new(source, &document, template);
            if std::mem::take(&mut is_first) {
                kubectl::lint(&mut subject);
            }
            rendered::lint(&mut subject, &mut taken);
            probes::lint(&mut subject);
            storage::lint(&mut subject);
            parameters::lint(&mut subject);
            pattern::lint(&mut subject);
            assumptions::lint(&mut subject);
            let ignored = ignore::Ignored::read(source, &document, &template.name);
            findings.extend(ignored.apply(subject.into_findings()));
        }
    }
    findings
}
