//! Which data an expression reads.
//!
//! Only paths that expressions name are ever read from a pod: the rest of it is never parsed, and
//! so it cannot be lost. The paths are known when a template is loaded.

use std::collections::BTreeSet;

/// A set of static field paths below one root.
///
/// A path ends at the first index, call or iteration: the whole value at its end is read. The
/// empty path stands for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    paths: BTreeSet<Vec<String>>,
}

impl Paths {
    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether the root is read as a whole.
    pub(crate) fn is_everything(&self) -> bool {
        self.paths.contains(&[][..])
    }

    /// Whether a field of the root, or something in it, is read.
    pub fn begins_with(&self, field: &str) -> bool {
        let mut paths = self.paths.iter();
        paths.any(|path| path.first().is_none_or(|first| first == field))
    }

    /// The paths, sorted. None of them lies below another.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[String]> {
        self.paths.iter().map(Vec::as_slice)
    }

    /// Adds a path. Paths below it are dropped, and a path below one that is there adds nothing.
    pub(crate) fn insert(&mut self, path: Vec<String>) {
        if self.paths.iter().any(|known| path.starts_with(known)) {
            return;
        }
        self.paths.retain(|known| !known.starts_with(&path));
        self.paths.insert(path);
    }

    /// Adds all paths of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        for path in &other.paths {
            self.insert(path.clone());
        }
    }
}

/// The data that one or several expressions read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Parameters, by their names in expressions.
    pub(crate) parameters: BTreeSet<String>,
    /// Variables, by name. What these read in turn is not included.
    pub(crate) variables: BTreeSet<String>,
    /// Fields of the pod, such as `["spec", "hostNetwork"]`.
    pub(crate) pod: Paths,
    /// Fields of the main app container.
    pub(crate) app: Paths,
    /// Fields of `self`.
    pub(crate) own: Paths,
    /// Fields of each app container, where that can be told, else whole containers.
    pub(crate) apps: Paths,
    /// Fields of the namespace object.
    pub(crate) namespace: Paths,
    /// Fields of what a webhook's match condition is about.
    pub(super) other: Paths,
    /// Whether `kubernetes.minor` is read.
    pub(crate) kubernetes: bool,
}

impl Reads {
    /// Adds what `other` reads.
    pub fn extend(&mut self, other: &Self) {
        self.parameters.extend(other.parameters.iter().cloned());
        self.variables.extend(other.variables.iter().cloned());
        self.pod.extend(&other.pod);
        self.app.extend(&other.app);
        self.own.extend(&other.own);
        self.apps.extend(&other.apps);
        self.namespace.extend(&other.namespace);
        self.kubernetes |= other.kubernetes;
    }

    /// Whether nothing but `app` and `self` is read: such a value is the user's own.
    pub(crate) fn only_app_or_self(&self) -> bool {
        let read_otherwise = !self.parameters.is_empty()
            || !self.variables.is_empty()
            || !self.pod.is_empty()
            || !self.apps.is_empty()
            || !self.namespace.is_empty()
            || self.kubernetes;
        let read_own = !self.app.is_empty() || !self.own.is_empty();
        read_own && !read_otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_path_swallows_those_below_it() {
        let mut paths = Paths::default();
        paths.insert(path("spec.a.b"));
        paths.insert(path("spec.a"));
        paths.insert(path("spec.a.c"));
        paths.insert(path("spec.ab"));
        let all: Vec<_> = paths.iter().map(|p| p.join(".")).collect();
        assert_eq!(all, ["spec.a", "spec.ab"]);
        paths.insert(Vec::new());
        assert!(paths.is_everything());
        assert_eq!(paths.iter().count(), 1);
    }

    #[test]
    fn reading_app_alone_is_told_from_reading_nothing_and_from_reading_more() {
        let mut reads = Reads::default();
        assert!(!reads.only_app_or_self());
        reads.app.insert(path("env"));
        assert!(reads.only_app_or_self());
        reads.parameters.insert("x".into());
        assert!(!reads.only_app_or_self());
    }
}
