//! Images that move.

use super::LintCode;
use super::subject::LintContext;
use crate::kubernetes::image_reference::Reference;
use crate::template::node::Node;
use crate::template::text::{self, TextSegment};

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
    let reference = Reference::parse(image).filter(Reference::moves)?;
    Some(match reference.tag {
        None => "has no tag, which means `latest`".to_owned(),
        Some(tag) => format!("has the tag `{tag}`, which moves"),
    })
}
