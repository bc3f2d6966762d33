//! Changes, and what comes of them.
