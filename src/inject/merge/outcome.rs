//! What came of filling in, and its key paths in words.

use crate::inject::patch::{Operation, unescape};
use crate::kubernetes::object;

/// What filling in found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fill {
    /// Operations, with pointers below the object that was filled.
    pub(crate) operations: Vec<Operation>,
    /// What is added, by key path, each with its digest: `env/DATABASE_HOST`, `ports/5432~1TCP`.
    pub(crate) added: Vec<(String, u64)>,
    /// API-server defaults that are replaced, by key path, with the digest of what replaces them.
    pub(crate) replaced: Vec<(String, u64)>,
    /// What the user has that differs and is kept, by key path.
    pub(crate) kept: Vec<String>,
    /// Limits that the user, or another template, has without a request, and that keep one out, by key
    /// path: a limit alone is the request too.
    pub(crate) bounding: Vec<String>,
    /// Limits that are left out, as the user, or another template, has a request above, by key path.
    pub(crate) exceeded: Vec<String>,
    /// Ports that are left out, as another has the name.
    pub(crate) namesakes: Vec<Namesake>,
    /// API-server defaults that are what is wanted, by key path.
    pub(crate) agreed: Vec<String>,
    /// Elements of lists that gave way to what replaces them, by key path.
    pub(crate) displaced: Vec<String>,
}

/// A port of a container that has the name of a wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namesake {
    pub(crate) name: String,
    /// The wanted port and the one that is there, by number and protocol.
    pub(crate) wanted: String,
    pub(crate) there: String,
}

impl Fill {
    /// What stood there and is not what is wanted: it is kept, or was a default and gives way.
    pub(crate) fn contested(&self) -> impl Iterator<Item = &String> {
        let replaced = self.replaced.iter().map(|(key, _)| key);
        self.kept.iter().chain(replaced).chain(&self.displaced)
    }

    /// What the container has and keeps, by key path.
    pub(crate) fn keeps(&self) -> Vec<&str> {
        let keys = self.kept.iter().chain(&self.bounding);
        keys.map(String::as_str).collect()
    }

    /// What is the template's from now on, by key path.
    pub(crate) fn owned(self) -> impl Iterator<Item = String> {
        let changed = self.added.into_iter().chain(self.replaced);
        changed.map(|(key, _)| key).chain(self.agreed)
    }
}

/// A key path as a person reads it: `env DATABASE_HOST`, `volumeMounts /var/log`. Elements without a
/// name are told apart by digests, which tell a person nothing.
pub(crate) fn spelled(key: &str) -> String {
    let mut words = String::with_capacity(key.len());
    for step in key.split('/').filter(|step| !is_digest(step)) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&unescape(step));
    }
    words
}

/// Whether a step of a key path is a digest as [`digest`] makes it.
fn is_digest(step: &str) -> bool {
    let is_hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    step.len() == object::DIGEST_LENGTH && step.bytes().all(is_hexadecimal)
}
