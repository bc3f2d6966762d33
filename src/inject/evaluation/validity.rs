//! Whether what expressions gave is what the API server takes.
//!
//! Constants were checked when their template was loaded. What an expression copies from the app is
//! the user's own: the API server judges it in the app already, by rules that may be newer.

use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::validity::{self, Step};
use crate::template::fragment::{Fragment, Origin};
use crate::template::value::TemplateObject;

/// Refuses an object that a fragment gave where the API server would refuse it. `place` says in
/// words where the fragment stands.
pub(super) fn check(
    definition: &str,
    value: &TemplateObject,
    fragment: &Fragment,
    place: impl FnOnce() -> String,
) -> Result<(), Refusal> {
    if matches!(fragment, Fragment::Constant(_)) {
        return Ok(());
    }
    let problems = validity::check_fields(definition, value, fragment);
    let first = problems
        .iter()
        .find(|problem| !is_the_users(fragment, &problem.path));
    match first {
        Some(problem) => Err(refusal(&place(), &problem.field(), &problem.message)),
        None => Ok(()),
    }
}

/// The refusal of what an expression gave; the value may be anybody's and is not logged.
pub(super) fn refusal(place: &str, field: &str, problem: &str) -> Refusal {
    let place = if field.is_empty() {
        place.to_owned()
    } else {
        format!("{place}: {field}")
    };
    let logged = format!("{place}: not what the API server takes");
    let message = format!("{place}: {problem}");
    Refusal::with_value(Reason::EvaluationFailed, message, logged)
}

/// Whether something on a path is copied from the app.
fn is_the_users(fragment: &Fragment, path: &[Step]) -> bool {
    match fragment {
        Fragment::Dynamic(dynamic) => dynamic.verbatim,
        Fragment::When(_, inner) | Fragment::Mount(_, inner, _) => is_the_users(inner, path),
        Fragment::Object(_) => match path.split_first() {
            Some((Step::Field(name), rest)) => fragment
                .field(name)
                .is_some_and(|inner| is_the_users(inner, rest)),
            _ => false,
        },
        // Elements that were left out have moved the others, so the one meant is not known.
        Fragment::List(items) => match path.split_first() {
            Some((Step::Index(_), rest)) => items.iter().any(|item| is_the_users(item, rest)),
            _ => false,
        },
        Fragment::Constant(_) | Fragment::Text(_) => false,
    }
}

/// Where a part of a template stands, in words.
pub(super) fn place(origin: &Origin) -> String {
    format!("{} (line {})", origin.field, origin.line)
}

#[cfg(test)]
mod tests;
