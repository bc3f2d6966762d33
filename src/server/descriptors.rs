//! The limit of open files: a connection takes one, and without one nobody is answered.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::CONNECTIONS;

/// Descriptors that are not the webhook port's connections: the admin port's, those to the API
/// server, and files.
const OTHERS: u64 = 384;

/// Raises the limit of open files to the hard limit, and says so. Returns how many connections the
/// webhook port may have, so that the admin port always finds a descriptor.
pub(super) fn raise_limit() -> usize {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        let error = error.to_string();
        tracing::warn!(error, "failed to raise the limit of open files");
    }
    let limit = getrlimit(Resource::Nofile).current;
    let connections = connections(limit);
    tracing::info!(
        open_files = limit,
        before = before.current,
        connections,
        "limit of open files"
    );
    if connections < CONNECTIONS {
        tracing::warn!(
            open_files = limit,
            connections,
            "the hard limit of open files bounds the connections; raise it to {} at least",
            CONNECTIONS as u64 + OTHERS
        );
    }
    connections
}

/// How many connections fit below a limit of open files; `None` is no limit.
fn connections(limit: Option<u64>) -> usize {
    limit
        .map(|limit| limit.saturating_sub(OTHERS).max(limit / 4))
        .and_then(|left| usize::try_from(left).ok())
        .map_or(CONNECTIONS, |left| left.clamp(1, CONNECTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        assert_eq!(connections(None), CONNECTIONS);
        assert_eq!(connections(Some(1 << 20)), CONNECTIONS);
        assert_eq!(connections(Some(1024)), 640);
        assert_eq!(connections(Some(256)), 64);
        assert_eq!(connections(Some(0)), 1);
    }
}
