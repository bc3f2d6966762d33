//! The authorities that a Secret holds: one that signs, one that will, and those that did.
//!
//! | key | content |
//! |---|---|
//! | `ca.crt`, `ca.key` | the authority that signs |
//! | `next.crt`, `next.key` | the authority that will sign once every client trusts it |
//! | `rotation.json` | `signing`: the certificate that was found trusted and may sign; `previous`: certificates that signed before, each with the time until which clients must trust it |
//!
//! `ca.crt` signs only where `signing` repeats it. A pair that somebody else puts there is no
//! secret to Pillion and no danger: it is treated as the next authority, and becomes the one that
//! signs when clients trust it. What cannot be read is told and replaced; a certificate whose key is
//! lost stays trusted as long as leaves of it may live.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Authority, AuthorityCertificate};

/// The data of a Secret.
pub(crate) type SecretData = BTreeMap<String, Vec<u8>>;

/// The keys of one authority: its certificate and its private key.
type Keys = (&'static str, &'static str);

const CURRENT: Keys = ("ca.crt", "ca.key");
const NEXT: Keys = ("next.crt", "next.key");
const RECORD: &str = "rotation.json";

/// Every key that is ours.
pub(super) const KEYS: [&str; 5] = [CURRENT.0, CURRENT.1, NEXT.0, NEXT.1, RECORD];

/// An authority that signs no more, whose leaves may live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetiredCa {
    pub(crate) certificate: AuthorityCertificate,
    /// When its last leaf has ended for certain.
    pub(crate) until: SystemTime,
}

/// The authorities in the Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CaSet {
    /// The authority that signs.
    pub(crate) current: Option<Authority>,
    /// The authority that signs next, once every API server trusts it.
    pub(crate) next: Option<Authority>,
    /// Retired CAs that are still trusted.
    pub(crate) previous: Vec<RetiredCa>,
    /// Retired CAs with a lost key or an unknown expiry.
    pub(crate) orphans: Vec<AuthorityCertificate>,
}

impl CaSet {
    /// Reads a Secret's data. The texts say what in it could not be used, and never a value.
    pub(crate) fn read(data: &SecretData) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let (signing, previous) = record(data, &mut problems);
        let mut ca_set = Self {
            previous,
            ..Self::default()
        };
        let current = authority(data, CURRENT, &mut problems);
        ca_set.next = authority(data, NEXT, &mut problems);
        match (current, signing) {
            (Some(current), Some(signing)) if *current.certificate() == signing => {
                ca_set.current = Some(current);
            }
            (current, signing) => {
                ca_set.orphans.extend(signing);
                if let Some(current) = current {
                    let name = CURRENT.0;
                    problems.push(format!(
                        "{name}: not yet trusted by all API servers; not used for signing until then"
                    ));
                    ca_set.next.get_or_insert(current);
                }
            }
        }
        (ca_set, problems)
    }

    /// The data to write: a value, or that the key is to go. Other keys are not ours.
    pub(crate) fn write(&self) -> BTreeMap<&'static str, Option<Vec<u8>>> {
        let mut data: BTreeMap<_, _> = KEYS.into_iter().map(|key| (key, None)).collect();
        for ((certificate, key), authority) in [(CURRENT, &self.current), (NEXT, &self.next)] {
            if let Some(authority) = authority {
                let pem = authority.certificate().pem();
                data.insert(certificate, Some(pem.as_bytes().to_vec()));
                data.insert(key, Some(authority.key_pem().as_bytes().to_vec()));
            }
        }
        let previous = self.previous.iter().map(|retired| {
            json!({
                "certificate": retired.certificate.pem(),
                "until": since_epoch(retired.until).as_secs(),
            })
        });
        let record = json!({
            "signing": self.current.as_ref().map(|current| current.certificate().pem()),
            "previous": previous.collect::<Vec<_>>(),
        });
        data.insert(RECORD, Some(record.to_string().into_bytes()));
        data
    }

    /// What clients must trust, in PEM; empty where there is nothing yet. The order is by age, so
    /// that a change of roles alone changes nothing.
    pub(crate) fn bundle(&self) -> String {
        let mut all: Vec<_> = self.certificates().collect();
        all.sort_by(|a, b| (a.not_before, a.der.as_ref()).cmp(&(b.not_before, b.der.as_ref())));
        all.dedup();
        all.iter().map(|certificate| certificate.pem()).collect()
    }

    /// Every certificate, whatever its role.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &AuthorityCertificate> {
        let with_key = self.current.iter().chain(&self.next);
        let without = self.previous.iter().map(|retired| &retired.certificate);
        with_key
            .map(Authority::certificate)
            .chain(without)
            .chain(&self.orphans)
    }

    /// The authority that may sign now.
    pub(crate) fn signing(&self, now: SystemTime) -> Option<&Authority> {
        let current = self.current.as_ref()?;
        (now < current.certificate().not_after()).then_some(current)
    }
}

/// The certificate that may sign, and those that did, as the record says.
fn record(
    data: &SecretData,
    problems: &mut Vec<String>,
) -> (Option<AuthorityCertificate>, Vec<RetiredCa>) {
    let Some(text) = data.get(RECORD) else {
        return (None, Vec::new());
    };
    let Ok(record) = serde_json::from_slice::<Value>(text) else {
        problems.push(format!("{RECORD}: not JSON"));
        return (None, Vec::new());
    };
    let mut certificate = |value: Option<&Value>| {
        let pem = value?.as_str()?;
        let read = AuthorityCertificate::from_pem(RECORD, pem.as_bytes());
        read.map_err(|error| problems.push(error.to_string())).ok()
    };
    let signing = certificate(record.get("signing"));
    let previous = record.get("previous").and_then(Value::as_array);
    let retired = previous.into_iter().flatten().filter_map(|retired| {
        let certificate = certificate(retired.get("certificate"))?;
        let ends = certificate.not_after();
        let until = retired
            .get("until")
            .and_then(Value::as_u64)
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
            .map_or(ends, |until| until.min(ends));
        Some(RetiredCa { certificate, until })
    });
    (signing, retired.collect())
}

/// One authority; a key of the two that is absent or empty alone is a problem like any other.
fn authority(data: &SecretData, (crt, key): Keys, problems: &mut Vec<String>) -> Option<Authority> {
    let text = |name: &str| data.get(name).filter(|text| !text.is_empty());
    let (certificate, private) = match (text(crt), text(key)) {
        (None, None) => return None,
        (certificate, private) => (certificate, private),
    };
    let read = Authority::from_pem(
        (crt, certificate.map_or(&[], Vec::as_slice)),
        (key, private.map_or(&[], Vec::as_slice)),
    );
    read.map_err(|error| problems.push(crate::wording::with_sources(&error)))
        .ok()
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
