//! The API server's way of naming things in a refusal (psa:policy/helpers.go).

use crate::check::pod::Container;

/// `container "a"` or `containers "a", "b"`.
pub(super) fn containers(offenders: &[&Container<'_>]) -> String {
    let names = offenders.iter().map(|container| container.name);
    counted("container", "containers", names)
}

/// The word in its number, and the quoted names.
pub(super) fn counted(
    one: &str,
    many: &str,
    names: impl ExactSizeIterator<Item: AsRef<str>>,
) -> String {
    format!("{} {}", plural(one, many, names.len()), quoted(names))
}

/// The word in its number.
pub(super) fn plural<'w>(one: &'w str, many: &'w str, count: usize) -> &'w str {
    if count == 1 { one } else { many }
}

/// `"a", "b"`.
pub(super) fn quoted(names: impl Iterator<Item: AsRef<str>>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("\"{}\"", name.as_ref())).collect();
    quoted.join(", ")
}

/// `pod`, `container "a"`, or `pod and container "a"`: who set what they must not.
pub(super) fn setters(pod: bool, offenders: &[&Container<'_>]) -> String {
    let pod = pod.then(|| "pod".to_owned());
    let containers = (!offenders.is_empty()).then(|| containers(offenders));
    let both: Vec<String> = pod.into_iter().chain(containers).collect();
    both.join(" and ")
}
