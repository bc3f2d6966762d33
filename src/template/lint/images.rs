//! Images that move.

use super::LintCode;
use super::subject::LintContext;
use crate::template::node::Node;
use crate::template::text::{self, TextSegment};

/// Tags that their makers move to every new build.
const MOVING: [&str; 9] = [
    "canary", "dev", "edge", "head", "latest", "main", "master", "nightly", "stable",
];

pub(super) fn lint(subject: &mut LintContext<'_>) {
    for helper in subject.helpers() {
        let Some(node) = helper.node.get("image") else {
            continue;
        };
        let Some(image) = subject.usual(node) else {
            continue;
        };
        if let Some(problem) = floats(&image) {
            // The default of the one parameter that the image is, else the image itself.
            let default = only_parameter(node).and_then(|name| {
                let parameter = subject.parameter(&name)?;
                let declared = subject.declaration(parameter)?;
                let field = format!("spec.parameters.{}.default", parameter.name);
                Some((declared.value.get("default")?, field))
            });
            let (node, field) = default.unwrap_or_else(|| (node, format!("{}.image", helper.path)));
            let message =
                format!("the image `{image}` {problem}; name a released version or a digest");
            subject.add(LintCode::ImageTagFloating, node.place, &field, message);
        }
    }
}

/// The parameter of a text that is `${params.<name>}` and nothing else.
fn only_parameter(node: &Node) -> Option<String> {
    match text::split(node.text()?).ok()?.as_slice() {
        [TextSegment::Expression { source, .. }] => {
            source.trim().strip_prefix("params.").map(str::to_owned)
        }
        _ => None,
    }
}

/// Why an image is not always the same.
fn floats(image: &str) -> Option<String> {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains('@') {
        return None;
    }
    match name.split_once(':') {
        None => Some("has no tag, which is `latest`".to_owned()),
        Some((_, tag)) if MOVING.contains(&tag) => {
            Some(format!("has the tag `{tag}`, which moves"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::floats;

    #[test]
    fn a_tag_or_a_digest_holds_an_image() {
        for good in [
            "a:1",
            "r:5000/a:1.2",
            "a@sha256:0",
            "a:latest@sha256:0",
            "r/a:stable-2.1",
        ] {
            assert_eq!(floats(good), None, "{good}");
        }
        for bad in ["a", "r:5000/a", "a:latest", "r/b/a:main"] {
            assert!(floats(bad).is_some(), "{bad}");
        }
    }
}
