//! Slots: what a place in a pod takes.
//!
//! Besides the field's type a slot knows two rules of the language: where any scalar is taken as
//! text, and where `$` is doubled. The kubelet expands `$(NAME)` in `command`, `args`, `env.value`,
//! `subPathExpr` and a probe's `exec.command`; there a `$` inside an interpolated value is doubled,
//! so that `$(TOKEN)` in an annotation reads nothing. It does not expand in lifecycle handlers.

use std::borrow::Cow;

use crate::kubernetes::schema::{self, FieldType};

/// What a place takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a rule of the language by itself"
)]
pub(crate) struct Slot {
    pub(crate) ty: FieldType,
    /// Whether numbers and booleans are taken as text.
    pub(crate) scalars_as_text: bool,
    /// Whether a `$` in an interpolated value is doubled.
    pub(crate) doubles_dollars: bool,
    /// Whether the place is below a container's `lifecycle`.
    in_lifecycle: bool,
    /// Whether a whole list is copied from the app, whose `$` mean there what they mean here.
    is_copied: bool,
}

impl Slot {
    /// The slot of an object of this definition.
    pub(crate) fn object(definition: &str) -> Self {
        Self::of(FieldType::Object(definition.to_owned()))
    }

    /// A slot with no rules but its type.
    pub(crate) fn of(ty: FieldType) -> Self {
        let scalars_as_text = false;
        Self {
            ty,
            scalars_as_text,
            doubles_dollars: false,
            in_lifecycle: false,
            is_copied: false,
        }
    }

    /// A text that takes any scalar: an annotation, a label, a file.
    pub(crate) fn free_text() -> Self {
        Self {
            scalars_as_text: true,
            ..Self::of(FieldType::Text)
        }
    }

    /// The slot of a field; `None` where the definition has no such field.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
        let FieldType::Object(definition) = &self.ty else {
            return match &self.ty {
                FieldType::Map(value) => Some(Self {
                    ty: (**value).clone(),
                    scalars_as_text: **value == FieldType::Text,
                    ..self.clone()
                }),
                FieldType::Any => Some(self.clone()),
                _ => None,
            };
        };
        let ty = schema::field(definition, name)?.ty.clone();
        let in_lifecycle = self.in_lifecycle || definition == "Lifecycle";
        let expands = matches!(
            (definition.as_str(), name),
            ("EnvVar", "value")
                | ("Container", "args" | "command")
                | ("VolumeMount", "subPathExpr")
                | ("ExecAction", "command")
        );
        Some(Self {
            ty,
            scalars_as_text: expands && name != "subPathExpr",
            doubles_dollars: expands && !in_lifecycle && !self.is_copied,
            in_lifecycle,
            is_copied: self.is_copied,
        })
    }

    /// The slot of a list's elements.
    pub(crate) fn element(&self) -> Option<Self> {
        match &self.ty {
            FieldType::List(element) => Some(Self {
                ty: (**element).clone(),
                ..self.clone()
            }),
            FieldType::Any => Some(self.clone()),
            _ => None,
        }
    }

    /// The same slot for a value that is copied from the app: in a whole list `env`, `command`,
    /// `args` or `volumeMounts` no `$` is doubled.
    pub(crate) fn copied(mut self) -> Self {
        let FieldType::List(element) = &self.ty else {
            return self;
        };
        let holds_references = ["EnvVar", "VolumeMount"]
            .iter()
            .any(|name| **element == FieldType::Object((*name).to_owned()));
        if holds_references || self.doubles_dollars {
            self.is_copied = true;
            self.doubles_dollars = false;
        }
        self
    }

    /// An interpolated value's text as this place needs it.
    pub(crate) fn interpolated<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.doubles_dollars && text.contains('$') {
            Cow::Owned(text.replace('$', "$$"))
        } else {
            Cow::Borrowed(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_double_where_the_kubelet_expands_and_nowhere_else() {
        let table: &[(&[&str], bool)] = &[
            (&["command", "*"], true),
            (&["args", "*"], true),
            (&["env", "*", "value"], true),
            (&["env", "*", "name"], false),
            (&["volumeMounts", "*", "subPathExpr"], true),
            (&["volumeMounts", "*", "subPath"], false),
            (&["livenessProbe", "exec", "command", "*"], true),
            (&["lifecycle", "preStop", "exec", "command", "*"], false),
            (&["image"], false),
            (&["resources", "limits", "cpu"], false),
        ];
        for (path, doubled) in table {
            let mut slot = Slot::object("Container");
            for step in *path {
                slot = if *step == "*" {
                    slot.element()
                } else {
                    slot.field(step)
                }
                .unwrap();
            }
            assert_eq!(slot.interpolated("$(A)") == "$$(A)", *doubled, "{path:?}");
        }
    }
}
