//! The spellings that Kubernetes gives names (apimachinery:pkg/util/validation/validation.go).

/// The longest name part of a label's or annotation's key, and the longest value of a label.
const LONGEST: usize = 63;
/// The longest prefix of such a key, a DNS subdomain.
const LONGEST_DOMAIN: usize = 253;
/// The longest name of a certificate's signer: a domain, `/`, a namespace, `.` and a name.
const LONGEST_SIGNER: usize = 2 * LONGEST_DOMAIN + LONGEST + 2;

/// A DNS subdomain, in words.
const DOMAIN: &str = "at most 253 lower-case letters, digits, `-` and `.`, each part beginning and \
                      ending with a letter or digit";

/// How the text of a field is spelled, as exactly as the API server asks for it. Whether it may be
/// empty is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// The name of an object: a DNS subdomain.
    Object,
    /// The name of a host: a DNS subdomain too.
    Host,
    /// The name of an object, and `-` may end it: `envFrom` takes a name as the beginning of one.
    ObjectPrefix,
    /// The name of a namespace, a volume or a request: a DNS label.
    Label,
    /// The key of a label.
    Key,
    /// The value of a label.
    LabelValue,
    /// A key in a Secret or `ConfigMap`.
    DataKey,
    /// The name of a variable, or the beginning of one.
    Variable,
    /// The name of a variable in a file, which is younger and may be almost anything.
    FileVariable,
    /// A DNS name in which resolvers look.
    SearchDomain,
    /// The name of a CSI driver.
    Driver,
    /// The name of a certificate's signer.
    Signer,
    /// The name of a bundle of certificates, with its signer's before it or without.
    TrustBundle,
    /// The name of a kernel parameter.
    Sysctl,
    /// A resource of a container, for the downward API.
    ResourceField,
    /// A path without `..`.
    Path,
    /// A path from the root.
    AbsolutePath,
    /// A path inside a volume: relative, and without `..`.
    Inside,
    /// The same; what begins with `..` is the kubelet's own there.
    InsideVisible,
    /// Text without spaces around it.
    Unpadded,
}

impl Spelling {
    /// Why a text is not spelled so; `None` where it is.
    pub(crate) fn problem(self, text: &str) -> Option<String> {
        let wrong = |fits: bool, what: &str| (!fits).then(|| format!("`{text}` {what}"));
        let object = format!("is not the name of an object: {DOMAIN}");
        match self {
            Self::Object => wrong(is_subdomain(text), &object),
            Self::Host => wrong(is_subdomain(text), &format!("is not a DNS name: {DOMAIN}")),
            Self::ObjectPrefix => wrong(is_subdomain_prefix(text), &object),
            Self::Label => wrong(
                is_label(text),
                "is not a name of at most 63 lower-case letters, digits and `-`, beginning and \
                 ending with a letter or digit",
            ),
            Self::Key => not_a_key(text),
            Self::LabelValue => not_a_label_value(text),
            Self::DataKey => wrong(
                is_data_key(text),
                "is not a key of a Secret or ConfigMap: at most 253 letters, digits, `-`, `_` and \
                 `.`, not beginning with `..`",
            ),
            Self::Variable => not_an_env_name(text),
            Self::FileVariable => wrong(
                text.chars().all(|c| (' '..='~').contains(&c) && c != '='),
                "is not a variable's name: printable ASCII without `=`",
            ),
            Self::SearchDomain => wrong(
                is_search_domain(text),
                "is not a DNS name to search in: lower-case letters, digits, `-`, `_` and `.`",
            ),
            Self::Driver => wrong(
                text.len() <= LONGEST && is_subdomain(&text.to_lowercase()),
                "is not the name of a CSI driver: a DNS name of at most 63 letters, digits, `-` and \
                 `.`",
            ),
            Self::Signer => wrong(
                is_signer(text),
                "is not the name of a signer, such as example.com/signer",
            ),
            Self::TrustBundle => wrong(is_trust_bundle(text), &object),
            Self::Sysctl => wrong(
                is_sysctl(text),
                "is not the name of a sysctl, such as net.core.somaxconn",
            ),
            Self::ResourceField => wrong(
                is_resource_field(text),
                "is none of limits and requests of cpu, memory, ephemeral-storage and \
                 hugepages-<size>, such as limits.cpu",
            ),
            Self::Path => wrong(!steps_back(text), "must be without `..`"),
            Self::AbsolutePath => wrong(text.starts_with('/'), "must begin with `/`"),
            Self::Inside => not_inside(text),
            Self::InsideVisible => not_inside(text)
                .or_else(|| wrong(!text.starts_with(".."), "must not begin with `..`")),
            Self::Unpadded => wrong(text.trim() == text, "has spaces around it"),
        }
    }
}

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
    text.len() <= LONGEST && is_enclosed(text, |c| c.is_ascii_alphanumeric(), "-_.")
}

/// Whether a text begins and ends with characters of one kind, and has none but those and the ones of
/// `between`.
pub(super) fn is_enclosed(text: &str, kind: fn(char) -> bool, between: &str) -> bool {
    text.starts_with(kind)
        && text.ends_with(kind)
        && text.chars().all(|c| kind(c) || between.contains(c))
}

pub(super) fn is_lower_or_digit(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Whether a text is a DNS subdomain (RFC 1123).
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= LONGEST_DOMAIN && text.split('.').all(is_domain_part)
}

/// A label of a DNS name, of any length: that of the whole name is limited.
fn is_domain_part(text: &str) -> bool {
    is_enclosed(text, is_lower_or_digit, "-")
}

/// Whether a text is a label of a DNS name (RFC 1123).
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= LONGEST && is_domain_part(text)
}

/// As `maskTrailingDash` of apimachinery:pkg/api/validation/generic.go has it: with a `-` the letter
/// before it is not looked at.
fn is_subdomain_prefix(text: &str) -> bool {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let mut masked: String = rest.to_owned();
            masked.pop();
            masked.push('a');
            is_subdomain(&masked)
        }
        _ => is_subdomain(text),
    }
}

fn is_data_key(text: &str) -> bool {
    let mut characters = text.chars();
    text.len() <= LONGEST_DOMAIN
        && characters.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && text != "."
        && !text.starts_with("..")
}

/// A DNS name in whose parts, and before them, `_` may stand; the root and a `.` at the end too.
fn is_search_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let mut parts = name
        .split('.')
        .map(|part| part.strip_prefix('_').unwrap_or(part));
    text == "."
        || (name.len() <= LONGEST_DOMAIN
            && parts.all(|part| is_enclosed(part, is_lower_or_digit, "-_")))
}

fn is_signer(text: &str) -> bool {
    let Some((domain, path)) = text.split_once('/') else {
        return false;
    };
    text.len() <= LONGEST_SIGNER
        && domain.len() <= LONGEST_DOMAIN
        && domain.contains('.')
        && domain.split('.').all(is_label)
        && path.split('.').all(is_subdomain)
}

fn is_trust_bundle(text: &str) -> bool {
    match text.rsplit_once(':') {
        Some((signer, name)) => !signer.is_empty() && is_subdomain(name),
        None => is_subdomain(text),
    }
}

fn is_sysctl(text: &str) -> bool {
    let mut parts = text.split(['.', '/']);
    text.len() <= LONGEST_DOMAIN && parts.all(|part| is_enclosed(part, is_lower_or_digit, "-_"))
}

fn is_resource_field(text: &str) -> bool {
    let resource = text
        .strip_prefix("limits.")
        .or_else(|| text.strip_prefix("requests."));
    resource.is_some_and(|name| {
        matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
    })
}

/// Why a text is no name of a port (RFC 6335, as the API server asks for it).
pub(super) fn not_a_port_name(name: &str) -> Option<String> {
    let fits = (1..=15).contains(&name.len())
        && is_enclosed(name, is_lower_or_digit, "-")
        && name.contains(|c: char| c.is_ascii_lowercase())
        && !name.contains("--");
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
    let mut characters = name.chars();
    let fits = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && characters.all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
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
pub(crate) fn not_inside(path: &str) -> Option<String> {
    let leaves = path.starts_with('/') || steps_back(path);
    leaves.then(|| format!("`{path}` must be relative and without `..`"))
}

fn steps_back(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}
