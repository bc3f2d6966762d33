//! The program as people and scripts run it: what comes out of standard output, byte for byte,
//! what is told on standard error, and the exit status.

#[cfg(test)]
mod author;
#[cfg(test)]
mod cases;
mod certificates;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod program;
