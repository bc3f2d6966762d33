//! How many templates namespaces may have.
//!
//! Whoever may write an `InjectionTemplate` takes memory of every replica. So a namespace has a number
//! of templates and a part of the memory, and all namespaces together have a bound, too. The oldest
//! templates are admitted first; where all namespaces have too much, the newest template of the
//! largest one is refused. Templates of the whole cluster are an administrator's and never refused.

use std::collections::{BTreeMap, BTreeSet};

use super::object::Key;

/// What a compiled template is assumed to take for each byte of its spec. No measure stands behind the number, and
/// a spec that is dense in patterns takes more.
const BYTES_PER_BYTE: usize = 16;

/// The bounds of the templates of namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TenantLimits {
    /// Templates of one namespace.
    pub(crate) templates: usize,
    /// Bytes that the templates of one namespace may take.
    pub(crate) bytes: usize,
    /// Bytes that the templates of all namespaces may take.
    pub(crate) all_bytes: usize,
}

impl Default for TenantLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            templates: 32,
            bytes: 8 * MIB,
            all_bytes: 64 * MIB,
        }
    }
}

/// A template that wants to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) key: Key,
    /// `metadata.creationTimestamp`, which sorts as text.
    pub(super) created: String,
    /// Bytes of its spec as JSON.
    pub(super) spec: usize,
}

impl Candidate {
    fn bytes(&self) -> usize {
        self.spec.saturating_mul(BYTES_PER_BYTE)
    }
}

impl TenantLimits {
    /// The templates that are refused, each with the reason for its author.
    pub(super) fn refused(
        &self,
        candidates: impl IntoIterator<Item = Candidate>,
    ) -> BTreeMap<Key, String> {
        let mut refused = BTreeMap::new();
        let mut namespaces: BTreeMap<String, BTreeSet<(String, Key)>> = BTreeMap::new();
        let mut sizes: BTreeMap<Key, usize> = BTreeMap::new();
        for candidate in candidates {
            let of_namespace = namespaces.entry(candidate.key.0.clone()).or_default();
            of_namespace.insert((candidate.created.clone(), candidate.key.clone()));
            sizes.insert(candidate.key.clone(), candidate.bytes());
        }
        let size = |key: &Key| sizes.get(key).copied().unwrap_or_default();
        let mut admitted: BTreeMap<String, (usize, Vec<Key>)> = BTreeMap::new();
        for (namespace, templates) in namespaces {
            let (bytes, keys) = admitted.entry(namespace).or_default();
            for (_, key) in templates {
                if let Some(reason) = self.reason(keys.len(), *bytes + size(&key)) {
                    refused.insert(key, reason);
                } else {
                    *bytes += size(&key);
                    keys.push(key);
                }
            }
        }
        let mut all: usize = admitted.values().map(|(bytes, _)| bytes).sum();
        while all > self.all_bytes {
            let largest = admitted.values_mut().max_by_key(|(bytes, _)| *bytes);
            let Some((bytes, key)) = largest.and_then(|(bytes, keys)| Some((bytes, keys.pop()?)))
            else {
                break;
            };
            *bytes -= size(&key);
            all -= size(&key);
            let reason = format!(
                "the templates of all namespaces take more than {} MiB, and this is the newest of \
                 the namespace that takes most; delete templates, or make them shorter",
                self.all_bytes >> 20
            );
            refused.insert(key, reason);
        }
        refused
    }

    /// Why a namespace that has so many templates can have no further one, with which they would
    /// take so many bytes.
    fn reason(&self, templates: usize, bytes: usize) -> Option<String> {
        if templates >= self.templates {
            return Some(format!(
                "the namespace has {templates} templates already, which is as many as it may have; \
                 delete one"
            ));
        }
        (bytes > self.bytes).then(|| {
            format!(
                "the templates of the namespace would have more than {} KiB together; delete one, or \
                 make them shorter",
                (self.bytes / BYTES_PER_BYTE) >> 10
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TenantLimits = TenantLimits {
        templates: 3,
        bytes: 100 * BYTES_PER_BYTE,
        all_bytes: 150 * BYTES_PER_BYTE,
    };

    fn candidate(namespace: &str, name: &str, created: u32, spec: usize) -> Candidate {
        Candidate {
            key: (namespace.to_owned(), name.to_owned()),
            created: format!("2026-01-01T00:00:{created:02}Z"),
            spec,
        }
    }

    fn refused(candidates: &[Candidate]) -> Vec<String> {
        let refused = LIMITS.refused(candidates.iter().cloned()).into_keys();
        refused
            .map(|(namespace, name)| format!("{namespace}/{name}"))
            .collect()
    }

    #[test]
    fn a_namespace_has_a_number_of_templates_the_oldest_first() {
        let all: Vec<_> = (0..5)
            .map(|n| candidate("a", &format!("t{n}"), 9 - n, 1))
            .collect();
        assert_eq!(refused(&all), ["a/t0", "a/t1"]);
    }

    #[test]
    fn a_namespace_has_a_part_of_the_memory() {
        let all = [
            candidate("a", "first", 1, 60),
            candidate("a", "large", 2, 50),
            candidate("a", "small", 3, 40),
        ];
        assert_eq!(refused(&all), ["a/large"], "a smaller one still fits");
        assert_eq!(refused(&all[1..]), Vec::<String>::new());
    }

    #[test]
    fn where_all_have_too_much_the_newest_of_the_largest_is_refused() {
        let all = [
            candidate("a", "one", 1, 50),
            candidate("a", "two", 9, 40),
            candidate("b", "one", 20, 80),
        ];
        assert_eq!(refused(&all), ["a/two"]);
        let reason = LIMITS.refused(all.iter().cloned()).into_values().next();
        assert!(reason.unwrap().contains("of all namespaces"));
    }
}
