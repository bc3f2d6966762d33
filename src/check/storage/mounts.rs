//! Mounts of one container at one path, or above and below each other.
//!
//! Within a container of its own an author knows what lies where, but for a path that comes from a
//! parameter and meets another. In an app container the user, or another template, did not know.

use super::super::CheckContext;
use super::super::pod::{Container, Mount, Pod};
use super::text;
use crate::finding::{Code, Finding};
use crate::kubernetes::defaults::TOKEN_PATH;
use crate::kubernetes::paths::{Relation, relation};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all() {
        for (index, mount) in container.mounts.iter().enumerate() {
            if mount.by.is_some() {
                let ours = Ours {
                    pod,
                    with,
                    container,
                    index,
                    mount,
                };
                findings.extend(ours.reserved().or_else(|| ours.met()));
                findings.extend(ours.adopted());
            }
        }
    }
}

/// A mount of a template's.
#[derive(Clone, Copy)]
struct Ours<'p, 'a> {
    pod: &'p Pod<'a>,
    with: &'p CheckContext<'p>,
    container: &'p Container<'a>,
    index: usize,
    mount: &'p Mount<'a>,
}

impl<'a> Ours<'_, 'a> {
    fn finding(&self, code: Code, message: String, logged: &str) -> Finding {
        let path = format!("{}.volumeMounts[{}]", self.container.place, self.index);
        let logged = format!("{path} of `{}` {logged}", self.container.name);
        Finding::new(code, path, message)
            .of(self.mount.by)
            .logged_as(logged)
    }

    /// The volume that it mounts.
    fn volume(&self) -> Option<&super::Volume<'a>> {
        self.pod.volume(text(self.mount.name.as_ref()))
    }

    /// Whether the volume is a directory of the node.
    fn is_of_node(&self) -> bool {
        let volume = self.volume();
        volume.is_some_and(|volume| volume.kinds.contains(&"hostPath"))
    }

    /// What the container runtime or Kubernetes mounts at its path.
    fn reserved(&self) -> Option<Finding> {
        let what = self.taken_by_runtime().or_else(|| self.taken_by_token())?;
        let message = format!("{}, {what}", self.described());
        let logged = "is at a path of the container runtime's or of the service account token";
        Some(self.finding(Code::MountConflict, message, logged))
    }

    /// What of the runtime's it hides. Containers do mount the node's own such directories, and files
    /// below `/dev`.
    fn taken_by_runtime(&self) -> Option<&'static str> {
        let path = self.mount.path();
        if relation(path, "/") == Relation::Same {
            return Some("the root of the container's own files: mount it in a directory");
        }
        let is_system = matches!(relation(path, "/proc"), Relation::Same | Relation::Below)
            || relation(path, "/dev") == Relation::Same;
        (is_system && !self.is_of_node() && !self.is_as_in_an_app()).then_some(
            "which is the kernel's: the container does not start, or lacks what is there; mount it \
             elsewhere",
        )
    }

    /// Whether a container of the user's has the same volume there: the user knows that it runs so.
    fn is_as_in_an_app(&self) -> bool {
        let mut mounts = self.pod.all().flat_map(|container| &container.mounts);
        mounts.any(|mount| {
            mount.by.is_none()
                && text(mount.name.as_ref()) == text(self.mount.name.as_ref())
                && relation(mount.path(), self.mount.path()) == Relation::Same
        })
    }

    /// Whether an app loses its token by it: the API server mounts none where something is mounted.
    fn taken_by_token(&self) -> Option<&'static str> {
        let is_token = self.volume().is_some_and(super::Volume::may_have_token);
        let is_wanted = self.pod.spec.automount_service_account_token != Some(false);
        let is_app = self.container.added_by.is_none();
        let is_there = relation(self.mount.path(), TOKEN_PATH) == Relation::Same;
        (is_app && is_wanted && is_there && !is_token).then_some(
            "where Kubernetes mounts the service account's token, and then does not: the app loses the \
             API; mount it elsewhere",
        )
    }

    /// The first other mount at, above or below its path.
    fn met(&self) -> Option<Finding> {
        let mut others = self.container.mounts.iter().enumerate();
        others.find_map(|(index, other)| {
            if index == self.index || !self.is_subject(index, other) {
                return None;
            }
            let (path, theirs) = (self.mount.path(), other.path());
            match relation(path, theirs) {
                Relation::Same if path == theirs || !same_files(self.mount, other) => {
                    Some(self.hidden(other))
                }
                Relation::Above | Relation::Below
                    if other.by != self.mount.by
                        && relation(theirs, TOKEN_PATH) != Relation::Same
                        && !self.is_told() =>
                {
                    Some(self.nested(other))
                }
                _ => None,
            }
        })
    }

    /// Whether a finding about both is about this one.
    fn is_subject(&self, index: usize, other: &Mount<'a>) -> bool {
        match other.by {
            None => true,
            by if by == self.mount.by => index < self.index,
            by => self.with.later(by, self.mount.by) == self.mount.by,
        }
    }

    /// Whether composing said already that the volume's path lies above or below another mount.
    fn is_told(&self) -> bool {
        let template = self.mount.by.and_then(|name| self.with.template(name));
        let mut volumes = template.into_iter().flat_map(|template| &template.volumes);
        let name = text(self.mount.name.as_ref());
        volumes.any(|volume| volume.adopt.is_some() && volume.emitted == name)
    }

    fn described(&self) -> String {
        let template = self.mount.by.unwrap_or_default();
        let name = text(self.mount.name.as_ref());
        let (path, container) = (self.mount.path(), self.container.name);
        format!("volume `{name}` (template {template}) is mounted in `{container}` at `{path}`")
    }

    fn hidden(&self, other: &Mount<'_>) -> Finding {
        let message = format!(
            "{}, where volume `{}` is mounted already: one hides the other",
            self.described(),
            text(other.name.as_ref())
        );
        self.finding(
            Code::MountConflict,
            message,
            "is at the path of another mount",
        )
    }

    fn nested(&self, other: &Mount<'_>) -> Finding {
        let below = relation(self.mount.path(), other.path()) == Relation::Below;
        let outer = if below { other } else { self.mount };
        let volume = self.pod.volume(text(outer.name.as_ref()));
        let is_read_only =
            outer.read_only == Some(true) || volume.is_some_and(super::Volume::is_read_only);
        let end = if is_read_only {
            "; the upper one is read-only, so the container starts only if the directory is there"
        } else {
            ""
        };
        let message = format!(
            "{}, {} `{}` of volume `{}`{end}",
            self.described(),
            if below { "below" } else { "above" },
            other.path(),
            text(other.name.as_ref())
        );
        self.finding(
            Code::NestedMount,
            message,
            "lies above or below another mount",
        )
    }

    /// A volume of the user's in a helper, which lacks what the app has mounted below it.
    fn adopted(&self) -> Option<Finding> {
        self.container.added_by?;
        let volume = self.pod.volume(text(self.mount.name.as_ref()))?;
        if volume.added_by.is_some() {
            return None;
        }
        let mut apps = self
            .pod
            .containers
            .iter()
            .filter(|app| app.added_by.is_none());
        let (app, below) = apps.find_map(|app| {
            let adopted = app.mounts.iter().find(|mount| {
                same_files(mount, self.mount)
                    && relation(mount.path(), self.mount.path()) == Relation::Same
            })?;
            let below = app.mounts.iter().find(|mount| {
                relation(mount.path(), adopted.path()) == Relation::Below
                    && mount.by != self.mount.by
            })?;
            Some((app, below))
        })?;
        let message = format!(
            "{} sees volume `{}` at `{}`, but not what `{}` has mounted below it at `{}`",
            self.container.title(),
            volume.name,
            self.mount.path(),
            app.name,
            below.path()
        );
        Some(self.finding(
            Code::NestedMount,
            message,
            "lacks what the app has mounted below it",
        ))
    }
}

/// Whether both mount the same files of one volume.
fn same_files(one: &Mount<'_>, other: &Mount<'_>) -> bool {
    text(one.name.as_ref()) == text(other.name.as_ref())
        && text(one.sub_path_expr.as_ref()) == text(other.sub_path_expr.as_ref())
        && relation(text(one.sub_path.as_ref()), text(other.sub_path.as_ref())) == Relation::Same
}
