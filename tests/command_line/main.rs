//! The program as people and scripts run it: what comes out of standard output, byte for byte,
//! what is told on standard error, and the exit status.

#[cfg(test)]
mod explain;
#[cfg(test)]
mod manifests;
