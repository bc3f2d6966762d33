//! A Namespace that is applied: what its labels and annotations will mean to its pods.

use crate::inject::answer::{Answer, DecidedPod};
use crate::inject::namespace_keys::{UnknownTemplates, ours, problems};
use crate::inject::settings::{Namespace, Settings};
use crate::inject::verdict::{Decision, Reason};
use crate::review::{Request, Response, Text};
use crate::template::Catalog;

/// The answer to a request about a Namespace, without a warning where the keys that Pillion gives a meaning
/// to are as they were; `None`: the request is about something else.
pub(in crate::inject) fn answer(
    request: &Request<'_>,
    catalog: &Catalog,
    settings: &Settings,
) -> Option<Answer> {
    let object = request.object.filter(|_| request.is_about("Namespace"))?;
    let name = request.name.as_ref().map_or("", Text::as_str);
    let now = Namespace::of_object(&object.to_value());
    let before = request
        .old_object
        .map(|old| Namespace::of_object(&old.to_value()));
    let found = match before {
        Some(before) if says_the_same(&before, &now) => Vec::new(),
        Some(_) => problems((catalog, settings), name, &now, UnknownTemplates::Absent),
        // Its own templates can only come after it.
        None => problems((catalog, settings), name, &now, UnknownTemplates::MayExist),
    };
    let warnings = found
        .iter()
        .map(|problem| format!("pillion: {}", problem.sentence()));
    let mut response = Response::allowed(request.uid.as_str()).with_warnings(warnings);
    if !found.is_empty() {
        response = response.with_audit("problems", found.len().to_string());
    }
    let decision = Decision::plain(
        Reason::NotAPod,
        "Pillion gives advice about a Namespace and decides nothing",
    );
    let decided = DecidedPod::named(format!("Namespace/{name}"), decision);
    Some(Answer::with_body(request, response.to_json(), decided))
}

/// Whether nothing that Pillion gives a meaning to is other than it was.
fn says_the_same(before: &Namespace, now: &Namespace) -> bool {
    ours(&before.labels).eq(ours(&now.labels))
        && ours(&before.annotations).eq(ours(&now.annotations))
}
