//! Paths of the file system, compared as the kernel reads them: `/data//x/` is `/data/x`.

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
    let (mut one, mut other) = (names(one), names(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return Relation::Same,
            (None, Some(_)) => return Relation::Above,
            (Some(_), None) => return Relation::Below,
            (Some(first), Some(second)) if first != second => return Relation::Apart,
            _ => {}
        }
    }
}

/// Whether two spellings mean one path.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    relation(one, other) == Relation::Same
}

/// A path in its shortest spelling.
pub(crate) fn shortest(path: &str) -> Cow<'_, str> {
    let is_short = !path.contains("//")
        && !path.contains("/.")
        && !path.starts_with("./")
        && (path == "/" || !path.ends_with('/'));
    if is_short {
        return Cow::Borrowed(path);
    }
    let joined = names(path).collect::<Vec<_>>().join("/");
    Cow::Owned(if path.starts_with('/') {
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
            ("/", "/data", Above),
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
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(shortest(path), expected, "{path}");
        }
    }
}
