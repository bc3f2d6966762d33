//! A Namespace that is applied: what its labels and annotations will mean to its pods.

use crate::inject::answer::{Answer, DecidedPod};
use crate::inject::namespace_keys::{NamespaceProblem, of_keys, of_values};
use crate::inject::settings::{Namespace, Settings};
use crate::inject::verdict::{Decision, Reason};
use crate::review::{Request, Response, Text};
use crate::template::Catalog;

/// The answer to a request about a Namespace, which says nothing where its labels and annotations are as
/// they were; `None`: the request is about something else.
pub(in crate::inject) fn answer(
    request: &Request<'_>,
    catalog: &Catalog,
    settings: &Settings,
) -> Option<Answer> {
    let is_of = |field: Option<&Text<'_>>, text: &str| field.map_or("", Text::as_str) == text;
    let kind = request.kind.as_ref()?;
    let is_namespace = is_of(kind.group.as_ref(), "")
        && is_of(kind.kind.as_ref(), "Namespace")
        && is_of(request.sub_resource.as_ref(), "");
    let object = request.object.filter(|_| is_namespace)?.to_value();
    let name = request.name.as_ref().map_or("", Text::as_str);
    let now = Namespace::of_object(&object);
    let before = request
        .old_object
        .map(|old| Namespace::of_object(&old.to_value()));
    let is_as_before = before
        .is_some_and(|before| before.labels == now.labels && before.annotations == now.annotations);
    let problems = if is_as_before {
        Vec::new()
    } else {
        let is_excluded = settings.excluded_namespaces.contains(name);
        let mut problems = of_keys(&now, is_excluded);
        problems.extend(of_values(catalog, name, &now));
        problems
    };
    let warning = |problem: &NamespaceProblem| format!("pillion: {}", problem.sentence());
    let body = Response::allowed(request.uid.as_str())
        .with_warnings(problems.iter().map(warning))
        .to_json();
    let decision = Decision::plain(
        Reason::NotAPod,
        "what a Namespace says is told and not judged",
    );
    let decided = DecidedPod::named(format!("Namespace/{name}"), decision);
    Some(Answer::with_body(request, body, decided))
}
