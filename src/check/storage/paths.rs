//! Paths as the kernel reads them: `/data//x/` is `/data/x`.

/// How two paths lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
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
pub(super) fn relation(one: &str, other: &str) -> Relation {
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

fn names(path: &str) -> impl Iterator<Item = &str> {
    let names = path.split('/');
    names.filter(|name| !name.is_empty() && *name != ".")
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
}
