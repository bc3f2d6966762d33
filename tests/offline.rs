//! Whatever needs nothing but this machine: the engine, the program, the server and the documents.

#[cfg(test)]
mod command_line;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod empty;
#[cfg(test)]
#[path = "support/expression_source.rs"]
mod expression_source;
#[cfg(test)]
mod findings;
#[cfg(test)]
#[path = "../fuzz/fuzz.rs"]
mod fuzz;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod report;
#[cfg(test)]
#[path = "support/sampling.rs"]
mod sampling;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod templates;
