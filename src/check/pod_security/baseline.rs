//! The controls of level baseline (psa:policy, one `check_*.go` each).

use std::collections::BTreeSet;

use super::subject::AuditScope;
use super::violation::ControlViolation;
use super::words::{containers, counted, plural, quoted, setters};
use crate::check::pod::{
    Container, Handler, Network, Probe, Profile, SeLinux, SecurityContext, WindowsOptions,
};
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

/// The words of optional text; absent is empty.
pub(super) fn words<'t>(text: Option<&'t Text<'_>>) -> &'t str {
    text.map(Text::as_str).unwrap_or_default()
}

/// The capabilities that a context adds.
pub(super) fn added<'s>(security: &'s SecurityContext<'_>) -> impl Iterator<Item = &'s str> {
    let capabilities = security.capabilities.as_ref();
    let add = capabilities.and_then(|capabilities| capabilities.add.as_ref());
    add.into_iter().flatten().map(Text::as_str)
}

pub(super) fn capabilities(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let bad = |capability: &&str| !BASELINE_CAPABILITIES.contains(capability);
    let offenders = subject.offenders(|security| added(security).any(|name| bad(&name)));
    offenders.first()?;
    let found = offenders.iter().flat_map(|c| added(&c.security));
    let found: BTreeSet<&str> = found.filter(bad).collect();
    let detail = format!(
        "{} must not include {} in securityContext.capabilities.add",
        containers(&offenders),
        quoted(&found.into_iter().collect::<Vec<_>>()),
    );
    let reason = "non-default capabilities";
    Some(ControlViolation::in_contexts(
        false,
        &offenders,
        "capabilities.add",
        reason,
        detail,
    ))
}

pub(super) fn host_namespaces(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let spec = &subject.pod.spec;
    let shared = [
        ("hostNetwork", spec.host_network),
        ("hostPID", spec.host_pid),
        ("hostIPC", spec.host_ipc),
    ];
    let mut shared = shared.into_iter().filter(|(_, shared)| *shared).peekable();
    let (first, _) = *shared.peek().filter(|_| subject.is_whole())?;
    let detail = shared.map(|(field, _)| format!("{field}=true"));
    let detail = detail.collect::<Vec<_>>().join(", ");
    Some(ControlViolation::at(
        format!("spec.{first}"),
        "host namespaces",
        detail,
    ))
}

pub(super) fn host_path_volumes(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let volumes = subject.volumes();
    let bad: Vec<_> = volumes
        .filter(|volume| volume.kinds.contains(&"hostPath"))
        .collect();
    let path = format!("{}.hostPath", bad.first()?.path());
    let names: Vec<&str> = bad.iter().map(|volume| volume.name).collect();
    let detail = counted("volume", "volumes", &names);
    Some(ControlViolation::at(path, "hostPath volumes", detail))
}

pub(super) fn host_ports(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let on_host = subject.pod.spec.host_network;
    // In the node's network the API server fills in the container's port (v1/defaults.go).
    let host_port = |port: &crate::check::pod::Port<'_>| {
        let own = port.host_port.filter(|port| *port != 0);
        own.or_else(|| port.container_port.filter(|port| on_host && *port != 0))
    };
    let mut offenders: Vec<&Container<'_>> = Vec::new();
    let mut ports = BTreeSet::new();
    let mut path = None;
    for container in subject.pod.all() {
        let bound = container.ports.iter().enumerate();
        let bound = bound.filter(|(_, port)| subject.counts_port(port));
        for (index, port) in bound.filter_map(|(index, port)| Some((index, host_port(port)?))) {
            path.get_or_insert_with(|| format!("{}.ports[{index}].hostPort", container.place));
            ports.insert(port.to_string());
            if offenders
                .last()
                .is_none_or(|last| last.place != container.place)
            {
                offenders.push(container);
            }
        }
    }
    let detail = format!(
        "{} {} {} {}",
        containers(&offenders),
        plural("uses", "use", offenders.len()),
        plural("hostPort", "hostPorts", ports.len()),
        ports.into_iter().collect::<Vec<_>>().join(", "),
    );
    Some(ControlViolation::at(path?, "hostPort", detail).about(&offenders))
}

/// The host that a probe calls, where it is not the pod.
fn probe_hosts_of<'p>(probe: &'p Probe<'_>) -> impl Iterator<Item = &'p str> {
    hosts([probe.http_get.as_ref(), probe.tcp_socket.as_ref()])
}

fn hook_hosts<'p>(hook: &'p Handler<'_>) -> impl Iterator<Item = &'p str> {
    hosts([hook.http_get.as_ref(), hook.tcp_socket.as_ref()])
}

fn hosts<'p, 'a: 'p>(targets: [Option<&'p Network<'a>>; 2]) -> impl Iterator<Item = &'p str> {
    let targets = targets.into_iter().flatten();
    let hosts = targets.map(|target| words(target.host.as_ref()));
    hosts.filter(|host| !host.is_empty())
}

pub(super) fn probe_hosts(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let mut offenders: Vec<&Container<'_>> = Vec::new();
    let mut forbidden = BTreeSet::new();
    let mut path = None;
    for container in subject.pod.all() {
        let probes = subject.probes(container);
        let probes =
            probes.flat_map(|(field, probe)| probe_hosts_of(probe).map(move |host| (field, host)));
        let hooks = container.lifecycle.iter();
        let hooks = hooks.filter(|_| subject.counts_field(container, "lifecycle"));
        let hooks = hooks.flat_map(|hooks| [&hooks.post_start, &hooks.pre_stop]);
        let hooks = hooks.flatten().flat_map(hook_hosts);
        for (field, host) in probes.chain(hooks.map(|host| ("lifecycle", host))) {
            path.get_or_insert_with(|| format!("{}.{field}", container.place));
            forbidden.insert(host);
            if offenders
                .last()
                .is_none_or(|last| last.place != container.place)
            {
                offenders.push(container);
            }
        }
    }
    let path = path?;
    // This control alone sorts the containers (check_hostProbesAndhostLifecycle.go).
    offenders.sort_by_key(|container| container.name);
    let detail = format!(
        "{} {} {}",
        containers(&offenders),
        plural("uses", "use", offenders.len()),
        counted(
            "probe or lifecycle host",
            "probe or lifecycle hosts",
            &forbidden.into_iter().collect::<Vec<_>>()
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
    let mount = |security: &SecurityContext<'_>| {
        let mount = security.proc_mount.as_ref().map(Text::as_str);
        mount.filter(|mount| *mount != "Default").map(str::to_owned)
    };
    let offenders = subject.offenders(|security| mount(security).is_some());
    offenders.first()?;
    let found = offenders.iter().filter_map(|c| mount(&c.security));
    let found: BTreeSet<String> = found.collect();
    let detail = format!(
        "{} must not set securityContext.procMount to {}",
        containers(&offenders),
        quoted(&found.into_iter().collect::<Vec<_>>()),
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
    let is_set = |text: &Option<Text<'_>>| !words(text.as_ref()).is_empty();
    let bad_type =
        |options: &SeLinux<'_>| !allowed(&SELINUX_TYPES, words(options.kind.as_ref()), minor);
    let bad = |options: &Option<SeLinux<'_>>| {
        options.as_ref().is_some_and(|options| {
            bad_type(options) || is_set(&options.user) || is_set(&options.role)
        })
    };
    let pod = subject.pod_offends(|security| bad(&security.se_linux_options));
    let offenders = subject.offenders(|security| bad(&security.se_linux_options));
    if !pod && offenders.is_empty() {
        return None;
    }
    let of_pod = subject.pod.spec.security.se_linux_options.as_ref();
    let of_pod = of_pod.filter(|_| pod).into_iter();
    let options = offenders
        .iter()
        .filter_map(|c| c.security.se_linux_options.as_ref());
    let options: Vec<&SeLinux<'_>> = of_pod.chain(options).collect();
    let types = options.iter().filter(|options| bad_type(options));
    let types: BTreeSet<&str> = types.map(|options| words(options.kind.as_ref())).collect();
    let mut data = Vec::new();
    if !types.is_empty() {
        data.push(counted(
            "type",
            "types",
            &types.into_iter().collect::<Vec<_>>(),
        ));
    }
    if options.iter().any(|options| is_set(&options.user)) {
        data.push("user may not be set".to_owned());
    }
    if options.iter().any(|options| is_set(&options.role)) {
        data.push("role may not be set".to_owned());
    }
    let detail = format!(
        "{} set forbidden securityContext.seLinuxOptions: {}",
        setters(pod, &offenders),
        data.join("; "),
    );
    Some(ControlViolation::in_contexts(
        pod,
        &offenders,
        "seLinuxOptions",
        "seLinuxOptions",
        detail,
    ))
}

/// Whether a profile is set that is neither the runtime's nor one of the node's.
pub(super) fn is_bad_profile(profile: Option<&Profile<'_>>) -> bool {
    profile.is_some_and(|profile| {
        !matches!(words(profile.kind.as_ref()), "RuntimeDefault" | "Localhost")
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
    let profiles = offenders
        .iter()
        .filter_map(|c| c.security.seccomp_profile.as_ref());
    let profiles = of_pod.filter(|_| pod).into_iter().chain(profiles);
    let values: BTreeSet<&str> = profiles
        .map(|profile| words(profile.kind.as_ref()))
        .collect();
    let detail = format!(
        "{} must not set securityContext.seccompProfile.type to {}",
        setters(pod, &offenders),
        quoted(&values.into_iter().collect::<Vec<_>>()),
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
    let annotations = pod.annotations.range(SECCOMP_CONTAINER_PREFIX..);
    let annotations = annotations.take_while(|(key, _)| key.starts_with(SECCOMP_CONTAINER_PREFIX));
    for (key, value) in annotations.filter(|(_, value)| bad(value)) {
        let name = key.trim_start_matches(SECCOMP_CONTAINER_PREFIX);
        let mut all = pod.all();
        if all.any(|container| container.name == name && subject.counts(container)) {
            forbidden.insert(format!("{key}={value:?}"));
        }
    }
    forbidden.first()?;
    let forbidden: Vec<String> = forbidden.into_iter().collect();
    let detail = format!(
        "forbidden {} {}",
        plural("annotation", "annotations", forbidden.len()),
        forbidden.join(", "),
    );
    let path = "metadata.annotations".to_owned();
    Some(ControlViolation::at(path, "seccompProfile", detail))
}

pub(super) fn sysctls(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    let security = &subject.pod.spec.security;
    let named = |sysctls: &Option<Vec<crate::check::pod::Sysctl<'_>>>| {
        let names = sysctls.iter().flatten();
        let names = names.map(|sysctl| words(sysctl.name.as_ref()).to_owned());
        let bad = names.filter(|name| !allowed(&SYSCTLS, name, minor));
        bad.collect::<Vec<_>>()
    };
    security.sysctls.as_ref()?;
    if !subject.pod_offends(|security| !named(&security.sysctls).is_empty()) {
        return None;
    }
    let detail = named(&security.sysctls).join(", ");
    let path = "spec.securityContext.sysctls".to_owned();
    Some(ControlViolation::at(path, "forbidden sysctls", detail))
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
