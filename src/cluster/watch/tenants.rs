//! How many templates namespaces may have, and what these may take.
//!
//! Whoever may write an `InjectionTemplate` takes memory of every replica. So a namespace has a number
//! of templates and a part of the memory, and all namespaces together have a bound, too. The oldest
//! templates are admitted first; where all namespaces have too much, the newest template of the
//! largest one is refused. Templates of the whole cluster are an administrator's and never refused.

use std::collections::BTreeMap;

use super::object::Key;

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
    /// Bytes of the memory that it takes.
    pub(super) bytes: usize,
}

/// What follows from the bounds.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// The templates that are refused, each with the reason for its author.
    pub(super) refused: BTreeMap<Key, String>,
    /// What the templates of each namespace may still take, in bytes.
    room: BTreeMap<String, usize>,
    /// What those of all namespaces may still take.
    all_room: usize,
}

impl Admission {
    /// Gives an admitted template more, as compiling it showed that it takes more than was known before;
    /// `false` where there is no room for it.
    pub(super) fn grow(&mut self, namespace: &str, bytes: usize) -> bool {
        if namespace.is_empty() {
            // Templates of the whole cluster are the platform's own, and not bounded.
            return true;
        }
        let Some(room) = self.room.get_mut(namespace) else {
            return bytes == 0;
        };
        if bytes > *room || bytes > self.all_room {
            return false;
        }
        *room -= bytes;
        self.all_room -= bytes;
        true
    }
}

impl TenantLimits {
    /// Which templates are admitted, and what room they leave.
    pub(super) fn admit(&self, candidates: impl IntoIterator<Item = Candidate>) -> Admission {
        let mut refused = BTreeMap::new();
        let mut namespaces: BTreeMap<String, BTreeMap<(String, Key), usize>> = BTreeMap::new();
        for candidate in candidates {
            let of_namespace = namespaces.entry(candidate.key.0.clone()).or_default();
            of_namespace.insert((candidate.created, candidate.key), candidate.bytes);
        }
        let mut admitted: BTreeMap<String, (usize, Vec<(Key, usize)>)> = BTreeMap::new();
        for (namespace, templates) in namespaces {
            let (bytes, keys) = admitted.entry(namespace).or_default();
            for ((_, key), size) in templates {
                if let Some(reason) = self.reason(keys.len(), *bytes, size) {
                    refused.insert(key, reason);
                } else {
                    *bytes += size;
                    keys.push((key, size));
                }
            }
        }
        let mut all: usize = admitted.values().map(|(bytes, _)| bytes).sum();
        while all > self.all_bytes {
            let largest = admitted.values_mut().max_by_key(|(bytes, _)| *bytes);
            let Some((bytes, (key, size))) =
                largest.and_then(|(bytes, keys)| Some((bytes, keys.pop()?)))
            else {
                break;
            };
            *bytes -= size;
            all -= size;
            let reason = format!(
                "the templates of all namespaces take more than {} MiB, and this is the newest of \
                 the namespace that takes most; delete templates, or make them shorter",
                self.all_bytes >> 20
            );
            refused.insert(key, reason);
        }
        Admission {
            refused,
            room: admitted
                .into_iter()
                .map(|(namespace, (bytes, _))| (namespace, self.bytes.saturating_sub(bytes)))
                .collect(),
            all_room: self.all_bytes.saturating_sub(all),
        }
    }

    /// Why a namespace that has so many templates, which take so many bytes, can have no further one
    /// of this size.
    fn reason(&self, templates: usize, bytes: usize, size: usize) -> Option<String> {
        if templates >= self.templates {
            return Some(format!(
                "the namespace has {templates} templates already, which is as many as it may have; \
                 delete one"
            ));
        }
        (bytes + size > self.bytes).then(|| {
            format!(
                "the templates of the namespace would take more than {} KiB of each replica's memory: \
                 this one takes about {} KiB, and those before it {} KiB; delete one, or make them \
                 shorter: fields, expressions and patterns count",
                self.bytes >> 10,
                size.div_ceil(1024),
                bytes.div_ceil(1024)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TenantLimits = TenantLimits {
        templates: 3,
        bytes: 100,
        all_bytes: 150,
    };

    fn candidate(namespace: &str, name: &str, created: u32, bytes: usize) -> Candidate {
        Candidate {
            key: (namespace.to_owned(), name.to_owned()),
            created: format!("2026-01-01T00:00:{created:02}Z"),
            bytes,
        }
    }

    fn refused(candidates: &[Candidate]) -> Vec<String> {
        let refused = LIMITS.admit(candidates.iter().cloned()).refused.into_keys();
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
        let reason = LIMITS
            .admit(all.iter().cloned())
            .refused
            .into_values()
            .next();
        assert!(reason.unwrap().contains("of all namespaces"));
    }

    #[test]
    fn what_grows_must_fit_into_the_room_that_is_left() {
        let all = [candidate("a", "one", 1, 60), candidate("b", "one", 2, 70)];
        let mut admission = LIMITS.admit(all);
        assert!(!admission.grow("a", 21), "of all namespaces");
        assert!(admission.grow("a", 15) && !admission.grow("b", 6));
        assert!(admission.grow("b", 5));
        assert!(!admission.grow("c", 1) && admission.grow("c", 0));
    }
}
