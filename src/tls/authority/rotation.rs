//! How one authority follows another without a client that trusts neither.
//!
//! ```text
//! staged ── made, in the Secret as `next`; the bundle for clients holds it from now on
//!   │       every client was seen to have it, and had time to take it
//! promoted  it signs; the one before stays in the bundle
//!   │       the last leaf of the one before has ended
//! tidied    the one before is gone
//! ```
//! The first authority of all goes the same way: nothing is signed by what clients do not trust.
//! Each step is a change of the Secret that its resource version guards, and depends on nothing
//! but the Secret and what is seen of the clients. So who takes it does not matter, and two who
//! want to take it at once disturb nothing.

use std::time::{Duration, Instant, SystemTime};

use super::ca_secret::{CaSet, RetiredCa};
use super::{Authority, AuthorityCertificate};
use crate::tls::TlsError;

/// The name of every authority that is made.
const NAME: &str = "pillion authority";

/// The shortest life of a leaf: below it renewal would be all that a replica does.
const SHORTEST: Duration = Duration::from_secs(2);

/// How many authorities may be trusted besides the one that signs, so that rotations on demand
/// cannot make the bundle grow for ever.
const MOST_PREVIOUS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    pub(crate) authority: Duration,
    pub(crate) leaf: Duration,
    /// From the moment in which a bundle was seen at the API server until every API server is sure
    /// to use it.
    pub(crate) settle: Duration,
}

/// Why lifetimes cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LifetimesError {
    /// The leaf lives too briefly.
    #[error("--certificate-lifetime must be at least {} s", SHORTEST.as_secs())]
    Leaf,
    /// The authority cannot follow.
    #[error(
        "--authority-lifetime must be at least three times --certificate-lifetime and six times --ca-bundle-settle"
    )]
    Authority,
}

impl Lifetimes {
    /// Whether a rotation has time enough: it begins with a third of the authority's life left.
    pub(crate) fn check(&self) -> Result<(), LifetimesError> {
        if self.leaf < SHORTEST {
            return Err(LifetimesError::Leaf);
        }
        if self.authority < (self.leaf * 3).max(self.settle * 6) {
            return Err(LifetimesError::Authority);
        }
        Ok(())
    }

    /// When the last leaf has ended of an authority that signs until now: leaves are signed from a
    /// Secret that was read just before, and clocks differ a little.
    fn last_leaf_ends(&self, now: SystemTime) -> SystemTime {
        now + self.leaf + self.settle
    }
}

/// Since when clients are seen to trust the next authority, without interruption.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust(Option<(AuthorityCertificate, Instant)>);

impl Trust {
    /// Notes what was seen now: the next authority, if everybody has it. Returns whether everybody
    /// has used it for `settle` at least.
    pub(crate) fn note(
        &mut self,
        observed: Option<&AuthorityCertificate>,
        now: Instant,
        settle: Duration,
    ) -> bool {
        let Some(observed) = observed else {
            self.0 = None;
            return false;
        };
        match &self.0 {
            Some((known, since)) if known == observed => now.duration_since(*since) >= settle,
            _ => {
                self.0 = Some((observed.clone(), now));
                settle.is_zero()
            }
        }
    }
}

/// What is known besides the Secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    /// The time at which the step is taken, after all that it depends on was read.
    pub(crate) now: SystemTime,
    pub(crate) lifetimes: Lifetimes,
    /// Whether a new authority was asked for.
    pub(crate) is_asked: bool,
    /// Whether the Secret holds what cannot be used.
    pub(crate) is_damaged: bool,
    /// Whether every client was seen to trust `next`, long enough ago.
    pub(crate) is_next_trusted: bool,
    /// What clients trust at present.
    pub(crate) trusted: &'a [AuthorityCertificate],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A new authority is the next one.
    Staged,
    /// The next authority signs.
    Promoted,
    /// Removed what is unneeded or unreadable, or recorded what clients trust.
    Tidied,
}

/// The step that is due, with the authorities after it; `None` where nothing is to be done.
pub(crate) fn advance(
    ca_set: &CaSet,
    situation: &Situation<'_>,
) -> Result<Option<(Step, CaSet)>, TlsError> {
    let mut after = ca_set.clone();
    keep_trusted(&mut after, situation);
    after.previous.retain(|retired| {
        situation.now < retired.until && situation.now < retired.certificate.not_after()
    });
    let is_worn = |authority: &Authority| is_worn(authority, situation);
    match &ca_set.next {
        Some(next) if situation.is_next_trusted && !is_worn(next) => {
            promote(&mut after, situation);
            return Ok(Some((Step::Promoted, after)));
        }
        Some(next) if !is_worn(next) => {}
        // A next one that was never trusted in all its time is as old as one that signs.
        Some(_) => {
            stage(&mut after, situation)?;
            return Ok(Some((Step::Staged, after)));
        }
        None => {
            let is_asked = situation.is_asked && ca_set.previous.len() < MOST_PREVIOUS;
            if is_asked || ca_set.current.as_ref().is_none_or(is_worn) {
                stage(&mut after, situation)?;
                return Ok(Some((Step::Staged, after)));
            }
        }
    }
    let is_untidy = situation.is_damaged || after != *ca_set;
    Ok(is_untidy.then_some((Step::Tidied, after)))
}

/// Whether an authority has a third of its life or less left, or less than a leaf needs; or is not
/// valid yet, as the clock was ahead when it was made.
fn is_worn(authority: &Authority, situation: &Situation<'_>) -> bool {
    let certificate = authority.certificate();
    // What was made for another lifetime is judged by its own.
    let life = certificate
        .not_after()
        .duration_since(certificate.not_before())
        .unwrap_or_default()
        .saturating_sub(super::BACKDATED);
    let left = certificate.not_after().duration_since(situation.now);
    let is_old = left.unwrap_or_default() <= (life / 3).max(situation.lifetimes.settle);
    is_old || situation.now < certificate.not_before()
}

fn stage(after: &mut CaSet, situation: &Situation<'_>) -> Result<(), TlsError> {
    let next = Authority::make(NAME, situation.now, situation.lifetimes.authority)?;
    if let Some(never_signed) = after.next.replace(next) {
        // Unless it signed before the Secret was damaged.
        let until = situation.lifetimes.last_leaf_ends(situation.now);
        retire(after, never_signed.certificate().clone(), until);
    }
    Ok(())
}

fn promote(after: &mut CaSet, situation: &Situation<'_>) {
    let until = situation.lifetimes.last_leaf_ends(situation.now);
    let next = after.next.take();
    if let Some(current) = std::mem::replace(&mut after.current, next) {
        retire(after, current.certificate().clone(), until);
    }
}

/// Certificates whose keys are lost stay trusted until their leaves have ended. Where no authority
/// signs, whatever clients trust now may have signed the leaves that are served: a Secret that was
/// emptied, or another way in which certificates came before.
fn keep_trusted(after: &mut CaSet, situation: &Situation<'_>) {
    let until = situation.lifetimes.last_leaf_ends(situation.now);
    for orphan in std::mem::take(&mut after.orphans) {
        retire(after, orphan, until);
    }
    if after.current.is_none() {
        for certificate in situation.trusted.iter().take(MOST_PREVIOUS) {
            if !after.certificates().any(|known| known == certificate) {
                retire(after, certificate.clone(), until);
            }
        }
    }
}

fn retire(after: &mut CaSet, certificate: AuthorityCertificate, until: SystemTime) {
    let until = until.min(certificate.not_after());
    after
        .previous
        .retain(|retired| retired.certificate != certificate);
    after.previous.push(RetiredCa { certificate, until });
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
