//! The spellings that Kubernetes gives names (apimachinery:pkg/util/validation/validation.go).

/// The longest name part of a label's or annotation's key, and the longest value of a label.
const LONGEST: usize = 63;
/// The longest prefix of such a key, a DNS subdomain.
const LONGEST_DOMAIN: usize = 253;

/// Why a text is no key of a label or annotation; `None` where it is one.
pub(crate) fn not_a_key(key: &str) -> Option<String> {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    if domain.is_some_and(|domain| !is_subdomain(domain)) {
        return Some(format!(
            "`{key}` is not a key: before the `/` stands a DNS name of lower-case letters, digits, \
             `-` and `.`"
        ));
    }
    if !is_name(name) {
        return Some(format!(
            "`{key}` is not a key: a name has 1 to {LONGEST} letters, digits, `-`, `_` and `.`, and \
             begins and ends with a letter or digit"
        ));
    }
    None
}

/// Why a text is no value of a label; `None` where it is one.
pub(crate) fn not_a_label_value(value: &str) -> Option<String> {
    (!value.is_empty() && !is_name(value)).then(|| {
        format!(
            "`{value}` is not a label's value: at most {LONGEST} letters, digits, `-`, `_` and `.`, \
             beginning and ending with a letter or digit"
        )
    })
}

fn is_name(text: &str) -> bool {
    let end = |c: char| c.is_ascii_alphanumeric();
    text.len() <= LONGEST
        && text.starts_with(end)
        && text.ends_with(end)
        && text.chars().all(|c| end(c) || "-_.".contains(c))
}

/// Whether a text is a DNS subdomain (RFC 1123).
pub(crate) fn is_subdomain(text: &str) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= LONGEST_DOMAIN
        && text.split('.').all(|label| {
            label.starts_with(end)
                && label.ends_with(end)
                && label.chars().all(|c| end(c) || c == '-')
        })
}

/// Why a text is no name of a port (RFC 6335, as the API server asks for it).
pub(super) fn not_a_port_name(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=15).contains(&name.len())
        && name.chars().all(allowed)
        && name.contains(|c: char| c.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-');
    (!fits).then(|| {
        format!(
            "`{name}` is not a port's name: at most 15 lower-case letters, digits and single `-`, \
             at least one letter"
        )
    })
}

/// Why a text is no name of an environment variable. Before Kubernetes 1.32 the name is an
/// identifier with `-` and `.`; later almost anything.
pub(super) fn not_an_env_name(name: &str) -> Option<String> {
    let first = |c: char| c.is_ascii_alphabetic() || "-._".contains(c);
    let fits = name.starts_with(first)
        && name.chars().all(|c| first(c) || c.is_ascii_digit())
        && name != "."
        && !name.starts_with("..");
    (!fits).then(|| {
        format!(
            "`{name}` is not a variable's name: letters, digits, `_`, `-` and `.`, not beginning \
             with a digit"
        )
    })
}

/// Why a text is no path inside a volume: relative, and without `..`.
pub(super) fn not_inside(path: &str) -> Option<String> {
    let leaves = path.starts_with('/') || path.split('/').any(|part| part == "..");
    leaves.then(|| format!("`{path}` must be relative and without `..`"))
}
