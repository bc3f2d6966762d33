//! Pod Security.

/// What the API server's configuration says about Pod Security.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {}
