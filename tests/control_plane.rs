//! Whatever needs a real API server. Without a control plane every test here fails and says how to
//! get one.

#[cfg(test)]
mod chart;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod empty;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
#[path = "support/expression_source.rs"]
mod expression_source;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod lifetime;
#[cfg(test)]
mod live_corpus;
#[cfg(test)]
mod pod_security;
#[cfg(test)]
#[path = "support/sampling.rs"]
mod sampling;
#[cfg(test)]
#[path = "support/harness.rs"]
#[allow(dead_code, reason = "the node's tests use the rest")]
mod support;
#[cfg(test)]
mod yaml;

/// The cases of the corpus, which are tried on the API server too.
#[allow(dead_code, reason = "the offline tests use the rest")]
#[cfg(test)]
mod corpus {
    pub(crate) mod case;
    pub(crate) mod compare;
    pub(crate) mod pods;
}

/// The smallest pods with each finding.
#[allow(dead_code, reason = "the offline tests use the rest")]
#[cfg(test)]
mod findings {
    pub(crate) mod fixture;
}
