//! The task that keeps the serving certificate, and the authority that signs it.
//!
//! Every replica looks at the Secret, and signs its own certificate in memory: nothing has to be
//! handed from one to another, and no certificate of a replica that has gone lies about. A
//! certificate is signed only with what was read just before, so that a replica that has lost sight
//! of the Secret never signs with an authority that the others have left; it serves its certificate
//! to the end of it.
//!
//! The replica that leads also takes the steps of [`crate::tls::authority::advance`].

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use super::super::certificate::Observer;
use crate::cluster::{
    AuthoritySecret, AuthoritySecretError, Configuration, Entry, Registration, RegistrationError,
    SecretState,
};
use crate::telemetry::Metrics;
use crate::tls::authority::{
    Authority, AuthorityCertificate, CaSet, Leaf, Lifetimes, Situation, Step, Trust, advance,
};
use crate::tls::{Store, TlsError};
use crate::wording::with_sources;

/// The shortest time between two looks, while something is under way.
const SHORTEST: Duration = Duration::from_millis(250);

/// The name of every certificate that is signed.
const NAME: &str = "pillion";

pub(super) struct Rotation {
    pub(super) names: Vec<String>,
    pub(super) lifetimes: Lifetimes,
    pub(super) jitter: f64,
    pub(super) secret: AuthoritySecret,
    pub(super) registration: Registration,
    pub(super) store: Arc<Store>,
    pub(super) period: Duration,
    pub(super) wake: Arc<Notify>,
    pub(super) observer: Observer,
    pub(super) metrics: Arc<Metrics>,
    pub(super) state: State,
}

/// State of the task between two looks.
#[derive(Debug, Default)]
pub(super) struct State {
    leaf: Option<Leaf>,
    trust: Trust,
    problems: Vec<String>,
    failure: Option<String>,
    /// Whether the missing configuration was logged.
    is_uncalled: bool,
}

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Secret(#[from] AuthoritySecretError),
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// When to look again.
enum NextLook {
    /// Something has changed.
    AtOnce,
    /// Something is under way.
    Soon,
    /// Nothing is.
    Later,
}

impl Rotation {
    pub(super) async fn run(mut self, mut leader: watch::Receiver<bool>) {
        loop {
            let leads = *leader.borrow_and_update();
            let pause = match self.look(leads).await {
                Ok(NextLook::AtOnce) => {
                    self.state.failure = None;
                    // Whoever changes the Secret back each time is not answered without end.
                    SHORTEST
                }
                Ok(NextLook::Soon) => {
                    self.state.failure = None;
                    (self.lifetimes.settle / 4).clamp(SHORTEST, self.period.max(SHORTEST))
                }
                Ok(NextLook::Later) => {
                    self.state.failure = None;
                    self.period
                }
                Err(error) => {
                    self.failed(&error);
                    self.period
                }
            };
            self.report_certificate();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = leader.changed() => if changed.is_err() {
                    // The lease was given back: the process ends.
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn look(&mut self, leads: bool) -> Result<NextLook, LookError> {
        // Taken before the Secret is read: a certificate then ends within its lifetime from a moment
        // at which its authority was the one that signs, however long the answer took.
        let now = SystemTime::now();
        let state = self.secret.read().await?;
        let (ca_set, problems) = CaSet::read(&state.data());
        let is_damaged = !problems.is_empty();
        self.report_problems(problems);
        let led = if leads {
            self.lead(&state, &ca_set, is_damaged).await
        } else {
            Ok(false)
        };
        if matches!(led, Ok(true)) {
            return Ok(NextLook::AtOnce);
        }
        // A leader that cannot lead serves on like any other.
        self.sign(&ca_set, now)?;
        led?;
        self.metrics.authority_expires(
            ca_set.current.as_ref().map(expiry),
            ca_set.next.as_ref().map(expiry),
        );
        let is_under_way = ca_set.next.is_some() || ca_set.current.is_none();
        Ok(if is_under_way {
            NextLook::Soon
        } else {
            NextLook::Later
        })
    }

    /// Takes the step that is due. Returns whether the Secret has changed, by us or by another.
    async fn lead(
        &mut self,
        state: &SecretState,
        ca_set: &CaSet,
        is_damaged: bool,
    ) -> Result<bool, LookError> {
        // Who trusts what matters only while an authority is to begin to sign.
        let configurations = if ca_set.next.is_some() || ca_set.current.is_none() {
            self.registration.read().await?
        } else {
            Vec::new()
        };
        self.report_uncalled(ca_set.next.is_some() && entries(&configurations).next().is_none());
        let is_next_trusted = self.is_trusted(ca_set.next.as_ref(), &configurations);
        let trusted: Vec<_> = entries(&configurations)
            .flat_map(|entry| AuthorityCertificate::all_of(&entry.bundle))
            .collect();
        let situation = Situation {
            // Not the time at which the Secret was read: until it is written, others sign with it.
            now: SystemTime::now(),
            lifetimes: self.lifetimes,
            is_asked: state.is_asked(),
            is_damaged,
            is_next_trusted,
            trusted: &trusted,
        };
        let Some((step, after)) = advance(ca_set, &situation)? else {
            return Ok(false);
        };
        let is_answered = step == Step::Staged && situation.is_asked;
        if self
            .secret
            .update(state, after.write(), is_answered)
            .await?
        {
            log_step(step, &after);
            self.wake.notify_one();
        }
        Ok(true)
    }

    /// Whether the next authority has been in every bundle for long enough, and is there now.
    fn is_trusted(&mut self, next: Option<&Authority>, configurations: &[Configuration]) -> bool {
        let in_all_bundles = next.map(Authority::certificate).filter(|next| {
            entries(configurations)
                .filter(|entry| !entry.is_withheld())
                .all(|entry| next.is_in(&entry.bundle))
        });
        let settle = self.lifetimes.settle;
        self.state
            .trust
            .note(in_all_bundles, Instant::now(), settle)
    }

    /// Signs a new certificate where one is due.
    fn sign(&mut self, ca_set: &CaSet, now: SystemTime) -> Result<(), TlsError> {
        let Some(signing) = ca_set.signing(now) else {
            return Ok(());
        };
        let in_use = self.state.leaf.as_ref();
        if in_use.is_some_and(|leaf| !leaf.is_due(signing, now, self.jitter)) {
            return Ok(());
        }
        let leaf = signing.sign(NAME, &self.names, now, self.lifetimes.leaf)?;
        self.store.replace(leaf.pair()?);
        self.observer.renewed(self.lifetimes.leaf);
        self.state.leaf = Some(leaf);
        Ok(())
    }

    /// Reports the certificate in use to metrics and readiness.
    fn report_certificate(&mut self) {
        match (&self.state.leaf, &self.state.failure) {
            (Some(leaf), _) => self.observer.expires(leaf.not_after()),
            (None, Some(failure)) => self.observer.awaits(failure),
            (None, None) => self
                .observer
                .awaits("no authority yet that the API server is known to trust"),
        }
    }

    /// Warns once where no webhook configuration has an entry of ours: the API server then never calls.
    fn report_uncalled(&mut self, is_uncalled: bool) {
        if is_uncalled && !self.state.is_uncalled {
            tracing::warn!(
                "no webhook configuration of the name that --webhook-configuration gives has an \
                 entry of Pillion's, so the API server never calls it; run `pillion doctor`"
            );
        }
        self.state.is_uncalled = is_uncalled;
    }

    fn report_problems(&mut self, problems: Vec<String>) {
        for problem in &problems {
            if !self.state.problems.contains(problem) {
                let problem = problem.as_str();
                tracing::error!(
                    problem,
                    "the authority's Secret is damaged and is being repaired"
                );
                self.metrics.certificate_error();
            }
        }
        self.state.problems = problems;
    }

    fn failed(&mut self, error: &LookError) {
        let error = with_sources(error);
        if self.state.failure.as_ref() != Some(&error) {
            let error = error.as_str();
            tracing::error!(
                error,
                "failed to check the authority; the certificate in use stays"
            );
            self.metrics.certificate_error();
        }
        self.state.failure = Some(error);
    }
}

fn entries(configurations: &[Configuration]) -> impl Iterator<Item = &Entry> {
    configurations.iter().flat_map(Configuration::entries)
}

fn expiry(authority: &Authority) -> SystemTime {
    authority.certificate().not_after()
}

fn log_step(step: Step, after: &CaSet) {
    let trusted = after.certificates().count();
    match step {
        Step::Staged => tracing::info!(
            trusted,
            "made a new authority; it signs once every API server trusts it"
        ),
        Step::Promoted => tracing::info!(trusted, "the new authority signs now"),
        Step::Tidied => tracing::info!(trusted, "removed authorities that are no longer needed"),
    }
}
