//! Paths of the file system, compared as container runtimes read them (Go's `filepath.Clean`):
//! `/data//x/` and `/data/y/../x` are `/data/x`.

use std::borrow::Cow;

/// How two paths lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// They are one.
    Same,
    /// The first lies above the second.
    Above,
    /// The first lies below the second.
    Below,
    /// Neither contains the other.
    Apart,
}

/// How the first path lies to the second. The empty path is the root.
pub(crate) fn relation(one: &str, other: &str) -> Relation {
    relation_of_shortest(&shortest(one), &shortest(other))
}

/// How a path lies to another, both in their shortest spelling.
pub(crate) fn relation_of_shortest(one: &str, other: &str) -> Relation {
    let (one, other) = (one.trim_start_matches('/'), other.trim_start_matches('/'));
    if one == other {
        Relation::Same
    } else if contains(one, other) {
        Relation::Above
    } else if contains(other, one) {
        Relation::Below
    } else {
        Relation::Apart
    }
}

/// Whether a path lies below a directory, both without the slash of the root.
fn contains(directory: &str, path: &str) -> bool {
    let below = path.strip_prefix(directory);
    directory.is_empty() || below.is_some_and(|below| below.starts_with('/'))
}

/// Whether two spellings mean one path.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    relation(one, other) == Relation::Same
}

/// A path in its shortest spelling.
pub(crate) fn shortest(path: &str) -> Cow<'_, str> {
    let mut pairs = path.as_bytes().windows(2);
    let may_be_longer = (path != "/" && path.ends_with('/'))
        || path == "."
        || path.starts_with("./")
        || pairs.any(|pair| matches!(pair, [b'/', b'/' | b'.']));
    if !may_be_longer {
        return Cow::Borrowed(path);
    }
    let is_absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for name in names(path) {
        match kept.last() {
            Some(last) if name == ".." && *last != ".." => {
                kept.pop();
            }
            None if name == ".." && is_absolute => {}
            _ => kept.push(name),
        }
    }
    let joined = kept.join("/");
    Cow::Owned(if is_absolute {
        format!("/{joined}")
    } else {
        joined
    })
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_name_by_name() {
        use Relation::{Above, Apart, Below, Same};
        let cases = [
            ("/data", "/data/", Same),
            ("/data", "//data/.", Same),
            ("/data", "/data/x", Above),
            ("/data/x/y", "/data", Below),
            ("/data", "/database", Apart),
            ("/data/a", "/data/b", Apart),
            ("", "a", Above),
            ("", "", Same),
            (".", "/", Same),
            ("data", "/data", Same),
            ("/", "/data", Above),
            ("/a/../data", "/data", Same),
            ("/data/..", "/", Same),
            ("/../data", "/data", Same),
            ("/data/x/../../etc", "/data", Apart),
            ("/data/../data/x", "/data", Below),
            ("/data/..x", "/data", Below),
        ];
        for (one, other, expected) in cases {
            assert_eq!(relation(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_shortest_spelling_is_the_same_path() {
        let cases = [
            ("/data", "/data"),
            ("/data/", "/data"),
            ("//data/./x//", "/data/x"),
            ("/", "/"),
            ("//", "/"),
            ("/.data", "/.data"),
            ("./x", "x"),
            (".", ""),
            ("", ""),
            ("/a/../data", "/data"),
            ("/..", "/"),
            ("/../..//", "/"),
            ("/a/b/../../c/.", "/c"),
            ("/..a/...", "/..a/..."),
            ("a/../b", "b"),
            ("a/..", ""),
            ("../a", "../a"),
            ("../../a/..", "../.."),
        ];
        for (path, expected) in cases {
            assert_eq!(shortest(path), expected, "{path}");
        }
    }
}
