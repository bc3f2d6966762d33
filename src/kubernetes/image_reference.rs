//! Image references, as container runtimes read them (distribution/reference):
//! `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.

/// The parts of an image reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'i> {
    /// The registry's host with its port; `None`: Docker Hub, not written.
    pub host: Option<&'i str>,
    /// The name in the registry.
    pub path: &'i str,
    /// The tag.
    pub tag: Option<&'i str>,
    /// The digest with its algorithm.
    pub digest: Option<&'i str>,
}

impl<'i> Reference<'i> {
    /// Reads a reference; `None` where it is none.
    pub fn parse(image: &'i str) -> Option<Self> {
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
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host), path)
            }
            _ => (None, name),
        };
        (!path.is_empty()).then_some(Self {
            host,
            path,
            tag,
            digest,
        })
    }

    /// Whether its name begins with these whole parts, such as `registry.example.com/team/`.
    pub fn starts_with(&self, start: &str) -> bool {
        let start = start.trim_end_matches('/');
        let (host, path) = match start.split_once('/') {
            Some((host, path)) => (host, Some(path)),
            None => (start, None),
        };
        self.host.unwrap_or("docker.io") == host && path.is_none_or(|path| self.is_below(path))
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

#[cfg(test)]
mod tests {
    use super::*;

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
