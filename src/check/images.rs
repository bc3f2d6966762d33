//! Images of helpers: whether their names say which program runs, and whether it can be pulled.

use super::CheckContext;
use super::pod::{Container, Pod, text};
use super::settings::Settings;
use crate::finding::{Code, Finding};
use crate::kubernetes::image_reference::Reference;
use crate::review::Text;

/// Finds images that are not named exactly, or cannot be pulled.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for helper in pod.helpers() {
        let Some(image) = helper.image.as_ref().map(Text::as_str) else {
            continue;
        };
        let Some(reference) = Reference::parse(image) else {
            continue;
        };
        findings.extend(invalid(helper, image, &reference));
        findings.extend(unnamed(helper, image, &reference));
        if pod.spec.image_pull_secrets.is_empty() && !account_pulls(pod, with) {
            findings.extend(locked(helper, image, &reference, with.settings));
        }
    }
}

/// Whether the pod's ServiceAccount is known to have secrets to pull with: the API server gives them
/// to pods, and not to the pod templates that advice is about.
fn account_pulls(pod: &Pod<'_>, with: &CheckContext<'_>) -> bool {
    let named = text(pod.spec.service_account_name.as_ref());
    let account = if named.is_empty() { "default" } else { named };
    with.surroundings.pulling_accounts.contains(account)
}

fn finding(helper: &Container<'_>, code: Code, message: String, logged: &str) -> Finding {
    let path = format!("{}.image", helper.place);
    let logged = format!("the image of {} {logged}", helper.title());
    Finding::with_value(code, path, message, logged).of(helper.added_by)
}

/// A reference that no container runtime takes.
fn invalid(helper: &Container<'_>, image: &str, reference: &Reference<'_>) -> Option<Finding> {
    let problem = reference.problem()?;
    let message = format!(
        "the image `{image}` of {} is no reference that a container runtime takes: {problem}",
        helper.title()
    );
    let logged = "is no reference that a container runtime takes";
    Some(finding(helper, Code::ImageInvalid, message, logged))
}

/// An image without a digest: the tag may move, or does by habit.
fn unnamed(helper: &Container<'_>, image: &str, reference: &Reference<'_>) -> Option<Finding> {
    if reference.digest.is_some() {
        return None;
    }
    let title = helper.title();
    let found = |code, message, logged| Some(finding(helper, code, message, logged));
    match reference.tag {
        None => found(
            Code::ImageTagFloating,
            format!("the image `{image}` of {title} has no tag, which means latest"),
            "has no tag, which means latest",
        ),
        Some(tag) if reference.moves() => found(
            Code::ImageTagFloating,
            format!(
                "the image `{image}` of {title} has the tag {tag}, which moves from one program to the next"
            ),
            "has a tag that moves from one program to the next",
        ),
        Some(_) => found(
            Code::ImageNotPinned,
            format!("the image `{image}` of {title} is named by its tag and not by a digest"),
            "is named by its tag and not by a digest",
        ),
    }
}

/// An image of a private registry, in a pod without a secret to pull it with. In a cluster the API
/// server has copied those of the service account into the pod by now.
fn locked(
    helper: &Container<'_>,
    image: &str,
    reference: &Reference<'_>,
    settings: &Settings,
) -> Option<Finding> {
    let mut private = settings.private_registries.iter();
    let registry = private.find(|start| reference.starts_with(start))?;
    let title = helper.title();
    let message = format!(
        "the image `{image}` of {title} comes from the private registry {registry}, and the pod \
         has no imagePullSecrets"
    );
    let logged = "comes from a private registry, and the pod has no imagePullSecrets";
    Some(finding(helper, Code::PullSecretMissing, message, logged))
}

#[cfg(test)]
mod tests;
