//! Whether what expressions gave is what the API server takes.
//!
//! Constants were checked when their template was loaded. What an expression copies from the app is
//! the user's own: the API server judges it in the app already, by rules that may be newer.

use serde_json::{Map, Value};

use crate::template::fragment::Fragment;
use crate::template::validity::{self, Problem, Step};

/// The first thing that the API server would refuse in an object that a fragment gave.
pub(super) fn check(
    definition: &str,
    value: &Map<String, Value>,
    fragment: &Fragment,
) -> Option<Problem> {
    if matches!(fragment, Fragment::Constant(_)) {
        return None;
    }
    let problems = validity::check_fields(definition, value);
    problems
        .into_iter()
        .find(|problem| !is_the_users(fragment, &problem.path))
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
