//! What a template may not do, whoever wrote it.
//!
//! A namespaced template comes from a tenant: nothing of the node, no other identity. And where a
//! template adds privilege above the Pod Security level *baseline*, a value that a pod may set
//! cannot reach what decides how that privilege is used: neither by an expression nor by a variable
//! of the container that the kubelet expands there (`$(NAME)`).

mod privileges;
mod reach;
mod references;

use super::Errors;
use crate::template::compiled::Template;
use crate::template::node::Node;
use privileges::{annotated_privileges, privileges};

/// Checks a compiled template against the rules of trust; whether it adds privilege.
pub(super) fn check(errors: &mut Errors<'_>, spec: &Node, template: &Template) -> bool {
    let mut privileged = privileges(spec);
    privileged.extend(annotated_privileges(spec));
    if template.namespace.is_some() {
        for (node, path) in &privileged {
            let message = "an InjectionTemplate adds no privilege above the level baseline; that \
                           takes a ClusterInjectionTemplate";
            errors.add(node.place, path, message);
        }
    }
    if let Some((_, raised_by)) = privileged.first() {
        reach::check(errors, spec, template, raised_by);
    }
    !privileged.is_empty()
}
