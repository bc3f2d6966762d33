//! Whose part of a pod is judged: everything, or what one template added.

use crate::check::pod::{Container, Pod, PodSecurityContext, Port, Probe, SecurityContext, Volume};

/// Whose part of the pod counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'p> {
    /// Everybody's, as for the API server.
    Everybody,
    /// One template's alone.
    Template(&'p str),
}

/// A pod, and whose part of it is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuditScope<'p, 'a> {
    pub(super) pod: &'p Pod<'a>,
    pub(super) whose: Whose<'p>,
}

impl<'p, 'a> AuditScope<'p, 'a> {
    /// The containers, init containers first, whose security context offends. A context that a
    /// template added to offends by the template only where it did not before.
    pub(super) fn offenders(
        self,
        offends: impl Fn(&SecurityContext<'a>) -> bool,
    ) -> Vec<&'p Container<'a>> {
        let all = self.pod.all();
        all.filter(|container| {
            let judged = match self.whose {
                Whose::Everybody => true,
                Whose::Template(name) if container.added_by == Some(name) => true,
                Whose::Template(name) => {
                    let before = container.security_before.as_ref();
                    container.changed("securityContext", name)
                        && before.is_some_and(|before| !offends(before))
                }
            };
            judged && offends(&container.security)
        })
        .collect()
    }

    /// Whether the pod's own security context offends.
    pub(super) fn pod_offends(self, offends: impl Fn(&PodSecurityContext<'a>) -> bool) -> bool {
        let spec = &self.pod.spec;
        match self.whose {
            Whose::Everybody => offends(&spec.security),
            Whose::Template(name) => {
                let before = spec.security_before.as_ref();
                self.pod.changed("securityContext", name)
                    && offends(&spec.security)
                    && !before.is_some_and(offends)
            }
        }
    }

    /// Whether fields of the spec that no template can set count.
    pub(super) fn is_whole(self) -> bool {
        matches!(self.whose, Whose::Everybody)
    }

    /// The volumes that count.
    pub(super) fn volumes(self) -> impl Iterator<Item = &'p Volume<'a>> {
        let volumes = self.pod.volumes.iter();
        volumes.filter(move |volume| match self.whose {
            Whose::Everybody => true,
            Whose::Template(name) => volume.added_by == Some(name),
        })
    }

    /// Whether a container counts as a whole.
    pub(super) fn counts(self, container: &Container<'a>) -> bool {
        match self.whose {
            Whose::Everybody => true,
            Whose::Template(name) => container.added_by == Some(name),
        }
    }

    /// Whether a port counts.
    pub(super) fn counts_port(self, port: &Port<'a>) -> bool {
        match self.whose {
            Whose::Everybody => true,
            Whose::Template(name) => port.by == Some(name),
        }
    }

    /// Whether a field of a container counts.
    pub(super) fn counts_field(self, container: &Container<'a>, field: &str) -> bool {
        match self.whose {
            Whose::Everybody => true,
            Whose::Template(name) => {
                container.added_by == Some(name) || container.changed(field, name)
            }
        }
    }

    /// The probes of a container that count, each with its field.
    pub(super) fn probes(
        self,
        container: &'p Container<'a>,
    ) -> impl Iterator<Item = (&'static str, &'p Probe<'a>)> {
        let probes = container.probes();
        probes.filter(move |(field, _)| self.counts_field(container, field))
    }

    /// Whether the pod runs in a user namespace of its own.
    pub(super) fn has_user_namespace(self) -> bool {
        self.pod.spec.host_users == Some(false)
    }

    /// Whether the pod says by `spec.os` that it is for Windows; a node selector does not count.
    pub(super) fn is_windows(self) -> bool {
        self.pod.spec.os_name() == "windows"
    }
}
