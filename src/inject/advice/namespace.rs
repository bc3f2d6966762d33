//! A Namespace that is applied: what its labels and annotations will mean to its pods.

use std::collections::BTreeMap;

use crate::inject::answer::{Answer, DecidedPod};
use crate::inject::namespace_keys::{NamespaceProblem, UnknownTemplates, is_ours, problems};
use crate::inject::settings::{Namespace, Settings};
use crate::inject::verdict::{Decision, Reason};
use crate::review::{Request, Response, Text};
use crate::template::Catalog;

/// The answer to a request about a Namespace, which says nothing where what it says to Pillion is as it
/// was; `None`: the request is about something else.
pub(in crate::inject) fn answer(
    request: &Request<'_>,
    catalog: &Catalog,
    settings: &Settings,
) -> Option<Answer> {
    let object = request.object.filter(|_| is_about_a_namespace(request))?;
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
    let warning = |problem: &NamespaceProblem| format!("pillion: {}", problem.sentence());
    let response = Response::allowed(request.uid.as_str()).with_warnings(found.iter().map(warning));
    let response = match found.len() {
        0 => response,
        count => response.with_audit("problems", count.to_string()),
    };
    let decision = Decision::plain(
        Reason::NotAPod,
        "what a Namespace says is told and not judged",
    );
    let decided = DecidedPod::named(format!("Namespace/{name}"), decision);
    Some(Answer::with_body(request, response.to_json(), decided))
}

fn is_about_a_namespace(request: &Request<'_>) -> bool {
    let is = |field: Option<&Text<'_>>, text: &str| field.map_or("", Text::as_str) == text;
    request
        .kind
        .as_ref()
        .is_some_and(|kind| is(kind.group.as_ref(), "") && is(kind.kind.as_ref(), "Namespace"))
        && is(request.sub_resource.as_ref(), "")
}

/// Whether nothing that Pillion gives a meaning to is other than it was.
fn says_the_same(before: &Namespace, now: &Namespace) -> bool {
    fn ours(keys: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
        keys.iter().filter(|(key, _)| is_ours(key))
    }
    ours(&before.labels).eq(ours(&now.labels))
        && ours(&before.annotations).eq(ours(&now.annotations))
}
