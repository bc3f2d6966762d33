//! The controls of level baseline (psa:policy, one `check_*.go` each).

use std::collections::BTreeSet;

use super::subject::AuditScope;
use super::violation::ControlViolation;
use super::words::{containers, counted, plural, quoted, setters};
use crate::check::pod::{Container, Profile, SeLinux, WindowsOptions, text};
use crate::kubernetes::keys::{SECCOMP_CONTAINER_PREFIX, SECCOMP_POD};
use crate::kubernetes::pod_security_level::BASELINE_CAPABILITIES;
use crate::review::Text;

/// `SELinux` types that may be set, each with the version that allowed it (`check_seLinuxOptions.go`).
const SELINUX_TYPES: [(&str, u32); 5] = [
    ("", 0),
    ("container_t", 0),
    ("container_init_t", 0),
    ("container_kvm_t", 0),
    ("container_engine_t", 31),
];

/// Safe kernel settings, each with the version that allowed it (`check_sysctls.go`).
const SYSCTLS: [(&str, u32); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_notsent_lowat", 37),
];

fn allowed(list: &[(&str, u32)], name: &str, minor: u32) -> bool {
    list.iter()
        .any(|(known, since)| *known == name && minor >= *since)
}

/// What is said of containers that add capabilities which they must not.
pub(super) fn must_not_add(adding: &[&Container<'_>], is_bad: impl Fn(&str) -> bool) -> String {
    let bad: BTreeSet<&str> = adding
        .iter()
        .flat_map(|container| container.security.added_capabilities())
        .filter(|name| is_bad(name))
        .collect();
    format!(
        "{} must not include {} in securityContext.capabilities.add",
        containers(adding),
        quoted(bad.iter()),
    )
}

pub(super) fn capabilities(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let is_bad = |name: &str| !BASELINE_CAPABILITIES.contains(&name);
    let offenders = subject.offenders(|security| security.added_capabilities().any(is_bad));
    offenders.first()?;
    Some(ControlViolation::in_contexts(
        false,
        &offenders,
        "capabilities.add",
        "non-default capabilities",
        must_not_add(&offenders, is_bad),
    ))
}

pub(super) fn host_namespaces(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let spec = &subject.pod.spec;
    let all = [
        ("hostNetwork", spec.host_network),
        ("hostPID", spec.host_pid),
        ("hostIPC", spec.host_ipc),
    ];
    let mut shared = all.into_iter().filter(|(_, shared)| *shared).peekable();
    let (first, _) = *shared.peek().filter(|_| subject.is_whole())?;
    let set: Vec<String> = shared.map(|(field, _)| format!("{field}=true")).collect();
    Some(ControlViolation::at(
        format!("spec.{first}"),
        "host namespaces",
        set.join(", "),
    ))
}

pub(super) fn host_path_volumes(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let bad: Vec<_> = subject
        .volumes()
        .filter(|volume| volume.kinds.contains(&"hostPath"))
        .collect();
    let path = format!("{}.hostPath", bad.first()?.path());
    let detail = counted("volume", "volumes", bad.iter().map(|volume| volume.name));
    Some(ControlViolation::at(path, "hostPath volumes", detail))
}

pub(super) fn host_ports(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let host_network = subject.pod.spec.host_network;
    let mut offenders: Vec<&Container<'_>> = Vec::new();
    let mut ports = BTreeSet::new();
    let mut first = None;
    for container in subject.pod.all() {
        let listed = container.ports.iter().enumerate();
        for (index, port) in listed.filter(|(_, port)| subject.counts_port(port)) {
            let Some(number) = port.node_port(host_network) else {
                continue;
            };
            first.get_or_insert_with(|| format!("{}.ports[{index}].hostPort", container.place));
            ports.insert(number.to_string());
            offenders.push(container);
        }
    }
    let path = first?;
    offenders.dedup_by_key(|container| container.place);
    let detail = format!(
        "{} {} {} {}",
        containers(&offenders),
        plural("uses", "use", offenders.len()),
        plural("hostPort", "hostPorts", ports.len()),
        ports.into_iter().collect::<Vec<_>>().join(", "),
    );
    Some(ControlViolation::at(path, "hostPort", detail).about(&offenders))
}

/// The hosts other than the pod that probes and hooks of a container call, each with its field.
fn called_hosts<'p>(
    subject: AuditScope<'p, '_>,
    container: &'p Container<'_>,
) -> impl Iterator<Item = (&'static str, &'p str)> {
    let probes = subject
        .probes(container)
        .map(|(field, probe)| (field, &probe.http_get, &probe.tcp_socket));
    let hooks = container
        .lifecycle
        .iter()
        .filter(move |_| subject.counts_field(container, "lifecycle"))
        .flat_map(|lifecycle| [&lifecycle.post_start, &lifecycle.pre_stop])
        .flatten()
        .map(|hook| ("lifecycle", &hook.http_get, &hook.tcp_socket));
    probes
        .chain(hooks)
        .flat_map(|(field, http, tcp)| [(field, http), (field, tcp)])
        .filter_map(|(field, target)| Some((field, text(target.as_ref()?.host.as_ref()))))
        .filter(|(_, host)| !host.is_empty())
}

pub(super) fn probe_hosts(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let mut offenders: Vec<&Container<'_>> = Vec::new();
    let mut forbidden = BTreeSet::new();
    let mut first = None;
    for container in subject.pod.all() {
        for (field, host) in called_hosts(subject, container) {
            first.get_or_insert_with(|| format!("{}.{field}", container.place));
            forbidden.insert(host);
            offenders.push(container);
        }
    }
    let path = first?;
    offenders.dedup_by_key(|container| container.place);
    // This control alone sorts the containers (check_hostProbesAndhostLifecycle.go).
    offenders.sort_by_key(|container| container.name);
    let detail = format!(
        "{} {} {}",
        containers(&offenders),
        plural("uses", "use", offenders.len()),
        counted(
            "probe or lifecycle host",
            "probe or lifecycle hosts",
            forbidden.iter(),
        ),
    );
    Some(ControlViolation::at(path, "probe or lifecycle host", detail).about(&offenders))
}

pub(super) fn privileged(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let offenders = subject.offenders(|security| security.privileged == Some(true));
    offenders.first()?;
    let detail = format!(
        "{} must not set securityContext.privileged=true",
        containers(&offenders)
    );
    Some(ControlViolation::in_contexts(
        false,
        &offenders,
        "privileged",
        "privileged",
        detail,
    ))
}

pub(super) fn proc_mount(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    if minor >= 35 && subject.has_user_namespace() {
        return None;
    }
    unmasked(subject)
}

/// Whether a container unmasks `/proc`, whatever its user namespace.
pub(super) fn unmasked(subject: AuditScope<'_, '_>) -> Option<ControlViolation> {
    let offenders = subject.offenders(|security| {
        let mount = security.proc_mount.as_ref();
        mount.is_some_and(|mount| mount.as_str() != "Default")
    });
    offenders.first()?;
    let mounts: BTreeSet<&str> = offenders
        .iter()
        .map(|container| text(container.security.proc_mount.as_ref()))
        .collect();
    let detail = format!(
        "{} must not set securityContext.procMount to {}",
        containers(&offenders),
        quoted(mounts.iter()),
    );
    Some(ControlViolation::in_contexts(
        false,
        &offenders,
        "procMount",
        "procMount",
        detail,
    ))
}

pub(super) fn se_linux(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    let bad = |options: &Option<SeLinux<'_>>| {
        options.as_ref().is_some_and(|options| {
            !allowed(&SELINUX_TYPES, text(options.kind.as_ref()), minor)
                || is_set(options.user.as_ref())
                || is_set(options.role.as_ref())
        })
    };
    let pod = subject.pod_offends(|security| bad(&security.se_linux_options));
    let offenders = subject.offenders(|security| bad(&security.se_linux_options));
    if !pod && offenders.is_empty() {
        return None;
    }
    let of_pod = subject.pod.spec.security.se_linux_options.as_ref();
    let options: Vec<&SeLinux<'_>> = offenders
        .iter()
        .filter_map(|container| container.security.se_linux_options.as_ref())
        .chain(of_pod.filter(|_| pod))
        .collect();
    let detail = format!(
        "{} set forbidden securityContext.seLinuxOptions: {}",
        setters(pod, &offenders),
        forbidden_options(&options, minor),
    );
    Some(ControlViolation::in_contexts(
        pod,
        &offenders,
        "seLinuxOptions",
        "seLinuxOptions",
        detail,
    ))
}

fn is_set(field: Option<&Text<'_>>) -> bool {
    !text(field).is_empty()
}

/// What of these options may not be.
fn forbidden_options(options: &[&SeLinux<'_>], minor: u32) -> String {
    let types: BTreeSet<&str> = options
        .iter()
        .map(|options| text(options.kind.as_ref()))
        .filter(|kind| !allowed(&SELINUX_TYPES, kind, minor))
        .collect();
    let mut data = Vec::new();
    if !types.is_empty() {
        data.push(counted("type", "types", types.iter()));
    }
    if options.iter().any(|options| is_set(options.user.as_ref())) {
        data.push("user may not be set".to_owned());
    }
    if options.iter().any(|options| is_set(options.role.as_ref())) {
        data.push("role may not be set".to_owned());
    }
    data.join("; ")
}

/// Whether a profile is set that is neither the runtime's nor one of the node's.
pub(super) fn is_bad_profile(profile: Option<&Profile<'_>>) -> bool {
    profile.is_some_and(|profile| {
        !matches!(text(profile.kind.as_ref()), "RuntimeDefault" | "Localhost")
    })
}

pub(super) fn seccomp(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    if minor < 19 {
        return seccomp_annotations(subject);
    }
    bad_seccomp(subject)
}

/// Profiles that are set and may not be (`check_seccompProfile_baseline.go`, since 1.19).
pub(super) fn bad_seccomp(subject: AuditScope<'_, '_>) -> Option<ControlViolation> {
    let pod = subject.pod_offends(|security| is_bad_profile(security.seccomp_profile.as_ref()));
    let offenders = subject.offenders(|security| is_bad_profile(security.seccomp_profile.as_ref()));
    if !pod && offenders.is_empty() {
        return None;
    }
    let of_pod = subject.pod.spec.security.seccomp_profile.as_ref();
    let types: BTreeSet<&str> = offenders
        .iter()
        .filter_map(|container| container.security.seccomp_profile.as_ref())
        .chain(of_pod.filter(|_| pod))
        .map(|profile| text(profile.kind.as_ref()))
        .collect();
    let detail = format!(
        "{} must not set securityContext.seccompProfile.type to {}",
        setters(pod, &offenders),
        quoted(types.iter()),
    );
    let field = "seccompProfile.type";
    Some(ControlViolation::in_contexts(
        pod,
        &offenders,
        field,
        "seccompProfile",
        detail,
    ))
}

fn seccomp_annotations(subject: AuditScope<'_, '_>) -> Option<ControlViolation> {
    let pod = subject.pod;
    let bad = |value: &str| {
        !matches!(value, "runtime/default" | "docker/default") && !value.starts_with("localhost/")
    };
    let mut forbidden = BTreeSet::new();
    if let Some(value) = pod.annotations.get(SECCOMP_POD).filter(|value| bad(value))
        && subject.is_whole()
    {
        forbidden.insert(format!("{SECCOMP_POD}={value:?}"));
    }
    let annotations = pod.annotations_with_prefix(SECCOMP_CONTAINER_PREFIX);
    for (key, value) in annotations.filter(|(_, value)| bad(value)) {
        let name = key.trim_start_matches(SECCOMP_CONTAINER_PREFIX);
        let mut all = pod.all();
        if all.any(|container| container.name == name && subject.counts(container)) {
            forbidden.insert(format!("{key}={value:?}"));
        }
    }
    forbidden.first()?;
    let detail = format!(
        "forbidden {} {}",
        plural("annotation", "annotations", forbidden.len()),
        forbidden.into_iter().collect::<Vec<_>>().join(", "),
    );
    let path = "metadata.annotations".to_owned();
    Some(ControlViolation::at(path, "seccompProfile", detail))
}

pub(super) fn sysctls(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    let security = &subject.pod.spec.security;
    let is_bad = |name: &str| !allowed(&SYSCTLS, name, minor);
    if !subject.pod_offends(|security| security.sysctl_names().any(is_bad)) {
        return None;
    }
    let names = security.sysctl_names();
    let bad: Vec<&str> = names.filter(|name| is_bad(name)).collect();
    let path = "spec.securityContext.sysctls".to_owned();
    Some(ControlViolation::at(
        path,
        "forbidden sysctls",
        bad.join(", "),
    ))
}

pub(super) fn windows_host_process(
    subject: AuditScope<'_, '_>,
    _: u32,
) -> Option<ControlViolation> {
    let on_host = |options: &Option<WindowsOptions>| {
        let options = options.as_ref();
        options.is_some_and(|options| options.host_process == Some(true))
    };
    let pod = subject.pod_offends(|security| on_host(&security.windows_options));
    let offenders = subject.offenders(|security| on_host(&security.windows_options));
    if !pod && offenders.is_empty() {
        return None;
    }
    let detail = format!(
        "{} must not set securityContext.windowsOptions.hostProcess=true",
        setters(pod, &offenders)
    );
    let field = "windowsOptions.hostProcess";
    Some(ControlViolation::in_contexts(
        pod,
        &offenders,
        field,
        "hostProcess",
        detail,
    ))
}
