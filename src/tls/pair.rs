//! A certificate chain with its private key, checked before anybody is served with it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::time::ASN1Time;

use super::TlsError;

/// A certificate chain with the key that fits it.
#[derive(Debug, Clone)]
pub struct Pair {
    key: Arc<CertifiedKey>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Pair {
    /// Reads a chain (leaf first) and a private key from PEM text. The origins, usually file
    /// names, are what errors call the texts.
    pub fn from_pem(
        (certificate_origin, certificate): (&str, &[u8]),
        (key_origin, key): (&str, &[u8]),
    ) -> Result<Self, TlsError> {
        let chain = chain(certificate_origin, certificate)?;
        let (not_before, not_after) = validity(certificate_origin, chain.first())?;
        let private = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Pem {
            origin: key_origin.to_owned(),
            what: "private key",
            expected: "a PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY section",
            problem: error.to_string(),
        })?;
        let signing = any_supported_type(&private).map_err(|source| TlsError::Key {
            origin: key_origin.to_owned(),
            source,
        })?;
        let key = CertifiedKey::new(chain, signing);
        key.keys_match().map_err(|source| TlsError::Mismatch {
            certificate: certificate_origin.to_owned(),
            key: key_origin.to_owned(),
            source,
        })?;
        Ok(Self {
            key: Arc::new(key),
            not_before,
            not_after,
        })
    }

    /// When the leaf's validity begins.
    pub(crate) fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// When the leaf's validity ends.
    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The form in which rustls serves it.
    pub(super) fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

pub(super) fn chain(origin: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unusable = |problem: String| TlsError::Pem {
        origin: origin.to_owned(),
        what: "certificate",
        expected: "one or more CERTIFICATE sections, the server's own first",
        problem,
    };
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable("it has none".to_owned()));
    }
    Ok(chain)
}

/// When a certificate's validity begins and ends.
fn validity(
    origin: &str,
    leaf: Option<&CertificateDer<'_>>,
) -> Result<(SystemTime, SystemTime), TlsError> {
    let der = leaf.map_or(&[][..], AsRef::as_ref);
    let (_, parsed) =
        x509_parser::parse_x509_certificate(der).map_err(|error| TlsError::Certificate {
            origin: origin.to_owned(),
            problem: error.to_string(),
        })?;
    let validity = parsed.validity();
    Ok((
        system_time(&validity.not_before),
        system_time(&validity.not_after),
    ))
}

/// A certificate's time; what is before 1970 is 1970.
pub(super) fn system_time(time: &ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A certificate in PEM.
pub(super) fn to_pem(der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new("CERTIFICATE", der), config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::development;

    fn fresh() -> (String, String) {
        let made = development(&[]).unwrap();
        (made.certificate_pem, made.key_pem)
    }

    fn read(certificate: &str, key: &str) -> Result<Pair, String> {
        Pair::from_pem(
            ("tls.crt", certificate.as_bytes()),
            ("tls.key", key.as_bytes()),
        )
        .map_err(|error| error.to_string())
    }

    #[test]
    fn a_fitting_pair_is_read_with_its_expiry() {
        let (certificate, key) = fresh();
        let pair = read(&certificate, &key).unwrap();
        assert!(pair.not_after() > SystemTime::now());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_by_name() {
        let (certificate, _) = fresh();
        let (_, other) = fresh();
        let error = read(&certificate, &other).unwrap_err();
        assert!(
            error.contains("tls.key does not fit the certificate tls.crt"),
            "{error}"
        );
    }

    #[test]
    fn swapped_files_are_named_with_what_would_be_right() {
        let (certificate, key) = fresh();
        let error = read(&key, &certificate).unwrap_err();
        assert!(
            error.starts_with("tls.crt: no usable certificate"),
            "{error}"
        );
        let error = read(&certificate, &certificate).unwrap_err();
        assert!(
            error.starts_with("tls.key: no usable private key"),
            "{error}"
        );
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let error = read(garbage, &key).unwrap_err();
        assert!(error.contains("cannot be read as X.509"), "{error}");
    }
}
