//! A certificate for trying things out: made at start, kept in memory, gone with the process.
//!
//! It is signed by an authority of its own rather than by itself, because clients differ in whether
//! they take a server's certificate as a trust anchor; an authority they all take. The authority's
//! key is dropped at once, so that nothing else can ever be signed with it.

use std::time::{Duration, SystemTime};

use super::TlsError;
use super::authority::Authority;

/// Names that the certificate always holds: the loopback ones, and the Service of an installation
/// by the chart, under which the API server calls.
const NAMES: [&str; 4] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "pillion.pillion-system.svc",
];

/// How long the certificate is valid: long enough for any trial, short enough not to be kept.
const VALIDITY: Duration = Duration::from_hours(90 * 24);

/// A development certificate in PEM.
#[derive(Clone)]
pub struct Development {
    /// The authority, which clients must trust.
    pub authority_pem: String,
    /// The server's certificate.
    pub certificate_pem: String,
    /// The server's private key.
    pub key_pem: String,
}

impl std::fmt::Debug for Development {
    /// Leaves out the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Development")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// Makes a development certificate (ECDSA P-256) for the loopback names, the default Service and
/// the given further names, each a DNS name or an IP address.
pub fn development(further: &[String]) -> Result<Development, TlsError> {
    let names: Vec<String> = NAMES
        .into_iter()
        .map(str::to_owned)
        .chain(further.iter().cloned())
        .collect();
    let now = SystemTime::now();
    let authority = Authority::make("pillion development authority", now, VALIDITY)?;
    let leaf = authority.sign("pillion development", &names, now, VALIDITY)?;
    Ok(Development {
        authority_pem: authority.certificate().pem().to_owned(),
        certificate_pem: leaf.certificate_pem().to_owned(),
        key_pem: leaf.key_pem().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_holds_every_name() {
        let made = development(&["webhook.example".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(made.certificate_pem.as_bytes()).unwrap();
        let certificate = pem.parse_x509().unwrap();
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        let names = format!("{:?}", names.value.general_names);
        for name in ["localhost", "pillion.pillion-system.svc", "webhook.example"] {
            assert!(names.contains(name), "{name} in {names}");
        }
        assert!(names.contains("[192, 0, 2, 7]"), "{names}");
        assert_eq!(certificate.subject().to_string(), "CN=pillion development");
        assert_eq!(
            certificate.issuer().to_string(),
            "CN=pillion development authority"
        );
    }
}
