//! Image references, as container runtimes read them (distribution/reference):
//! `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.

use super::names::{is_enclosed, is_lower_or_digit};

/// The field of a container that says when its image is pulled.
pub(crate) const PULL_POLICY: &str = "imagePullPolicy";
/// Its value that has the image pulled each time a container starts.
pub(crate) const ALWAYS: &str = "Always";
/// The registry of images that name none.
const DOCKER_HUB: &str = "docker.io";
/// Tags that their makers move on to every new build.
const MOVING_TAGS: [&str; 14] = [
    "latest", "stable", "main", "master", "edge", "nightly", "dev", "develop", "canary", "rolling",
    "unstable", "snapshot", "head", "trunk",
];
/// The longest name with its host, and the longest tag, in bytes.
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

/// The parts of an image reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'i> {
    /// The registry's host with its port; `None`: Docker Hub, not written.
    pub(crate) host: Option<&'i str>,
    /// The name in the registry.
    pub(crate) path: &'i str,
    pub(crate) tag: Option<&'i str>,
    /// The digest with its algorithm.
    pub(crate) digest: Option<&'i str>,
}

impl<'i> Reference<'i> {
    /// Reads a reference; `None` where it is none.
    pub(crate) fn parse(image: &'i str) -> Option<Self> {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        // A colon before the last slash belongs to the registry's port.
        let (name, tag) = match name.get(last..)?.find(':') {
            Some(colon) => (name.get(..last + colon)?, name.get(last + colon + 1..)),
            None => (name, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (Some(host), path),
            _ => (None, name),
        };
        (!path.is_empty()).then_some(Self {
            host,
            path,
            tag,
            digest,
        })
    }

    /// Whether other images may come by the same name: it has no digest, and no tag or a moving one.
    pub(crate) fn moves(&self) -> bool {
        self.digest.is_none() && self.tag.is_none_or(|tag| MOVING_TAGS.contains(&tag))
    }

    /// The name in the registry with tag and digest, without the host.
    pub(crate) fn without_host(&self, image: &'i str) -> &'i str {
        let host = self.host.map_or(0, |host| host.len() + 1);
        image.get(host..).unwrap_or(image)
    }

    /// `Always` for the tag `latest` or none, else `IfNotPresent`: the API server's default, which
    /// is `IfNotPresent` for what is no reference (k8s:pkg/apis/core/v1/defaults.go).
    pub(crate) fn pull_policy(image: &str) -> &'static str {
        let reference = Reference::parse(image).filter(|reference| reference.problem().is_none());
        let is_latest = reference.is_some_and(|reference| match reference.tag {
            Some(tag) => tag == "latest",
            None => reference.digest.is_none(),
        });
        if is_latest { ALWAYS } else { "IfNotPresent" }
    }

    /// Why no container runtime takes the reference (distribution/reference, `ParseNormalizedNamed`);
    /// the kubelet never starts such a container (`InvalidImageName`).
    pub(crate) fn problem(&self) -> Option<String> {
        let length = self.path.len() + self.host.map_or(0, |host| host.len() + 1);
        if length > LONGEST_NAME {
            return Some(format!("its name has more than {LONGEST_NAME} characters"));
        }
        if let Some(host) = self.host.filter(|host| !is_domain(host)) {
            return Some(format!("`{host}` is not a host with an optional port"));
        }
        let is_identifier = self.host.is_none() && self.path.len() == 64 && is_hex(self.path);
        if is_identifier || !self.path.split('/').all(is_path_part) {
            let path = self.path;
            return Some(format!(
                "`{path}` is not a name of lower-case letters, digits and single separators (`.`, \
                 `_`, `__`, `-`)"
            ));
        }
        if let Some(tag) = self.tag.filter(|tag| !is_tag(tag)) {
            return Some(format!(
                "`{tag}` is not a tag of at most {LONGEST_TAG} letters, digits, `_`, `.` and `-`"
            ));
        }
        let digest = self.digest.filter(|digest| !is_digest(digest))?;
        Some(format!(
            "`{digest}` is not a digest: sha256: with 64 hexadecimal digits is one"
        ))
    }

    /// The registry and the repository in it, with what runtimes fill in for Docker Hub.
    fn repository(&self) -> (&str, Option<&str>, &str) {
        let host = self.host.unwrap_or(DOCKER_HUB);
        match (host, self.path.contains('/')) {
            (DOCKER_HUB | "index.docker.io", false) => (DOCKER_HUB, Some("library"), self.path),
            (DOCKER_HUB | "index.docker.io", true) => match self.path.strip_prefix("library/") {
                Some(rest) if !rest.contains('/') => (DOCKER_HUB, Some("library"), rest),
                _ => (DOCKER_HUB, None, self.path),
            },
            _ => (host, None, self.path),
        }
    }

    /// Whether its name begins with these whole parts, such as `registry.example.com/team/`.
    pub(crate) fn starts_with(&self, start: &str) -> bool {
        let start = start.trim_end_matches('/');
        let (host, path) = match start.split_once('/') {
            Some((host, path)) => (host, Some(path)),
            None => (start, None),
        };
        self.host.unwrap_or(DOCKER_HUB) == host && path.is_none_or(|path| self.is_below(path))
    }

    fn is_below(&self, folder: &str) -> bool {
        let is_of_hub = self.host.is_none() && !self.path.contains('/');
        let folder = match folder.strip_prefix("library") {
            Some("") if is_of_hub => return true,
            Some(rest) if is_of_hub => rest.trim_start_matches('/'),
            _ if is_of_hub => return false,
            _ => folder,
        };
        let rest = self.path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether two images are of one repository, whatever their tags.
pub(crate) fn same_repository(one: &str, other: &str) -> bool {
    let images = Reference::parse(one).zip(Reference::parse(other));
    images.is_some_and(|(one, other)| one.repository() == other.repository())
}

/// Whether the first part of a name is a registry: Docker Hub has no host of this form.
fn is_host(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost" || part.contains(|c: char| c.is_uppercase())
}

fn is_domain(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let Some((address, port)) = address.split_once(']') else {
            return false;
        };
        let mut characters = address.chars();
        return characters.all(|c| c.is_ascii_hexdigit() || c == ':')
            && !address.is_empty()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_number));
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    name.split('.')
        .all(|label| is_enclosed(label, |c| c.is_ascii_alphanumeric(), "-"))
        && port.is_none_or(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Letters and digits, with a `.`, a `_`, a `__` or any number of `-` between them.
fn is_path_part(part: &str) -> bool {
    part.starts_with(is_lower_or_digit)
        && part.ends_with(is_lower_or_digit)
        && part
            .split(is_lower_or_digit)
            .all(|separator| matches!(separator, "" | "." | "_" | "__") || is_dashes(separator))
}

fn is_dashes(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'-')
}

fn is_tag(tag: &str) -> bool {
    let mut characters = tag.chars();
    tag.len() <= LONGEST_TAG
        && !tag.is_empty()
        && !tag.starts_with(['.', '-'])
        && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, value)) = digest.split_once(':') else {
        return false;
    };
    let is_algorithm = algorithm.split(['-', '_', '+', '.']).all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    match algorithm {
        "sha256" => value.len() == 64 && is_hex(value),
        "sha384" => value.len() == 96 && is_hex(value),
        "sha512" => value.len() == 128 && is_hex(value),
        _ => is_algorithm && value.len() >= 32 && value.bytes().all(|b| b.is_ascii_hexdigit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_runtime_takes_has_its_reason() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for good in [
            "auto",
            "a:1",
            "r:5000/a/b_c__d.e--f:v1.2_x",
            "localhost/a",
            "Host/a",
            &digest,
            "[fd00::1]:5000/a:1",
        ] {
            let reference = Reference::parse(good).unwrap();
            assert_eq!(reference.problem(), None, "{good}");
        }
        for bad in [
            "Team",
            "a b:1",
            "a:1 ",
            "r/A:1",
            "a:",
            "a//b",
            "a/.b",
            "a_-b",
            "a@sha256:0",
            "a:-x",
            "-host.example/a",
            "r:x/a",
            "${image}",
        ] {
            let reference = Reference::parse(bad).unwrap();
            assert!(reference.problem().is_some(), "{bad}");
        }
    }

    #[test]
    fn the_pull_policy_follows_the_tag() {
        let digest = "0".repeat(64);
        let table = [
            ("a", "Always"),
            ("a:latest", "Always"),
            ("r:5000/a", "Always"),
            ("r:5000/a:1", "IfNotPresent"),
            (&format!("a@sha256:{digest}"), "IfNotPresent"),
            (&format!("a:latest@sha256:{digest}"), "Always"),
            ("A b", "IfNotPresent"),
        ];
        for (image, policy) in table {
            assert_eq!(Reference::pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn a_released_tag_or_a_digest_does_not_move() {
        for good in [
            "a:1",
            "r:5000/a:1.2",
            "a@sha256:0",
            "a:latest@sha256:0",
            "r/a:stable-2.1",
        ] {
            assert!(!Reference::parse(good).unwrap().moves(), "{good}");
        }
        for bad in ["a", "r:5000/a", "a:latest", "r/b/a:main", "a:head"] {
            assert!(Reference::parse(bad).unwrap().moves(), "{bad}");
        }
    }

    #[test]
    fn references_are_read_as_runtimes_read_them() {
        type Parts<'p> = (Option<&'p str>, &'p str, Option<&'p str>, Option<&'p str>);
        let cases: [(&str, Parts<'_>); 9] = [
            ("nginx", (None, "nginx", None, None)),
            ("nginx:1.27", (None, "nginx", Some("1.27"), None)),
            ("team/app:1", (None, "team/app", Some("1"), None)),
            ("host:5000/x", (Some("host:5000"), "x", None, None)),
            ("host:5000/x:2", (Some("host:5000"), "x", Some("2"), None)),
            ("localhost/x", (Some("localhost"), "x", None, None)),
            (
                "ghcr.io/a/b/c@sha256:0",
                (Some("ghcr.io"), "a/b/c", None, Some("sha256:0")),
            ),
            ("a/b:1@sha256:0", (None, "a/b", Some("1"), Some("sha256:0"))),
            (
                "h:1/b:2@sha256:0",
                (Some("h:1"), "b", Some("2"), Some("sha256:0")),
            ),
        ];
        for (image, (host, path, tag, digest)) in cases {
            let expected = Reference {
                host,
                path,
                tag,
                digest,
            };
            assert_eq!(Reference::parse(image), Some(expected), "{image}");
        }
        assert_eq!(Reference::parse(""), None);
        assert_eq!(Reference::parse("host:5000/"), None);
    }

    #[test]
    fn registries_are_compared_by_whole_names() {
        let cases = [
            ("reg.example.com/team/x:1", "reg.example.com", true),
            ("reg.example.com/team/x:1", "reg.example.com/", true),
            ("reg.example.com/team/x:1", "reg.example.com/team", true),
            ("reg.example.com/team/x:1", "reg.example.com/team/", true),
            ("reg.example.com/teams/x:1", "reg.example.com/team", false),
            ("reg.example.com:5000/x", "reg.example.com", false),
            ("reg.example.community/x", "reg.example.com", false),
            ("team/x", "docker.io/team", true),
            ("nginx", "docker.io/team", false),
            ("nginx", "docker.io/library", true),
            ("docker.io/team/x", "docker.io/team/x", true),
        ];
        for (image, start, expected) in cases {
            let reference = Reference::parse(image).unwrap();
            assert_eq!(reference.starts_with(start), expected, "{image} {start}");
        }
    }
}
