//! A certificate that an authority has signed for this process alone.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::SystemTime;

use super::super::{Pair, TlsError};
use super::{Authority, AuthorityCertificate};

/// The part of its life after which a leaf is renewed at the latest.
const RENEWED: f64 = 2.0 / 3.0;

/// The part of its life by which a leaf is renewed earlier at most, so that replicas differ.
const SPREAD: f64 = 0.1;

/// A serving certificate with its key, and by whom and when it was signed.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
    pub(super) authority: AuthorityCertificate,
    pub(super) signed: SystemTime,
    pub(super) not_after: SystemTime,
}

impl std::fmt::Debug for Leaf {
    /// Leaves out the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaf")
            .field("signed", &self.signed)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

impl Leaf {
    /// The form in which it is served.
    pub(crate) fn pair(&self) -> Result<Pair, TlsError> {
        let origin = "the certificate just made";
        Pair::from_pem(
            (origin, self.certificate_pem.as_bytes()),
            (origin, self.key_pem.as_bytes()),
        )
    }

    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key in PEM.
    pub(crate) fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Who has signed it.
    #[cfg(test)]
    pub(crate) fn authority(&self) -> &AuthorityCertificate {
        &self.authority
    }

    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// When it is to be renewed: at two thirds of its life, or up to a tenth of it earlier.
    /// `jitter` is a number from 0 to 1 of this replica.
    pub(crate) fn renew_at(&self, jitter: f64) -> SystemTime {
        let life = self.not_after.duration_since(self.signed);
        let share = RENEWED - SPREAD * jitter.clamp(0.0, 1.0);
        self.signed + life.unwrap_or_default().mul_f64(share)
    }

    /// Whether another leaf is to take this one's place, where `signing` is what signs now: one that
    /// was signed later than now comes of a clock that was ahead, and may not be valid yet. Where
    /// nothing signs the leaf stays.
    pub(crate) fn is_due(&self, signing: &Authority, now: SystemTime, jitter: f64) -> bool {
        let is_early = now < self.signed;
        self.authority != *signing.certificate() || is_early || now >= self.renew_at(jitter)
    }
}

/// A number from 0 to 1 that is always the same for one replica and differs among them.
pub(crate) fn jitter(replica: &str) -> f64 {
    let mut hasher = DefaultHasher::new();
    replica.hash(&mut hasher);
    let [byte, ..] = hasher.finish().to_be_bytes();
    f64::from(byte) / f64::from(u8::MAX)
}

/// The names of a Service inside its cluster, and further ones. The API server asks for the first.
pub(crate) fn service_names(service: &str, namespace: &str, further: &[String]) -> Vec<String> {
    let mut names = vec![
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
        format!("{service}.{namespace}"),
    ];
    for name in further {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
