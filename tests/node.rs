//! Whatever needs a real node, on which injected pods run. It needs root, so `make test-node` alone
//! runs it, and `cargo test` names it as ignored.

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod first_steps;
#[cfg(test)]
mod installation;
#[cfg(test)]
#[path = "support/harness.rs"]
#[allow(dead_code, reason = "the tests of the control plane use the rest")]
mod support;
