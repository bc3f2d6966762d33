//! An authority of our own, and the certificates that it signs.
//!
//! Everything is ECDSA P-256, which every client of TLS 1.2 and 1.3 knows. An authority may sign
//! certificates of servers and nothing below (path length 0), and its certificates say which key of
//! which authority has signed them, because two authorities of one name live side by side whenever
//! one follows the other. Validity begins a few minutes before now, for clients whose clock is
//! behind. Time is an argument: nothing here looks at a clock.

mod ca_secret;
mod leaf;
mod rotation;

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{Pair, TlsError};
pub(crate) use ca_secret::CaSet;
pub(crate) use leaf::{Leaf, jitter, service_names};
pub(crate) use rotation::{Lifetimes, Situation, Step, Trust, advance};

/// How far before now the validity of everything begins.
pub(crate) const BACKDATED: Duration = Duration::from_mins(5);

/// The certificate of an authority: what clients trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorityCertificate {
    pem: String,
    der: CertificateDer<'static>,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// An authority: its certificate and the key that signs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    certificate: AuthorityCertificate,
    key_pem: String,
}

impl std::fmt::Debug for Authority {
    /// Leaves out the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl AuthorityCertificate {
    /// Reads the first certificate of PEM text, which must be an authority's. The origin is what
    /// errors call the text.
    pub(crate) fn from_pem(origin: &str, pem: &[u8]) -> Result<Self, TlsError> {
        let chain = super::pair::chain(origin, pem)?;
        let der = chain
            .into_iter()
            .next()
            .unwrap_or_else(|| Vec::new().into());
        Self::from_der(origin, der)
    }

    /// Every authority in PEM text; what is none is left out.
    pub(crate) fn all_of(pem: &[u8]) -> Vec<Self> {
        CertificateDer::pem_slice_iter(pem)
            .filter_map(|der| Self::from_der("a bundle", der.ok()?).ok())
            .collect()
    }

    fn from_der(origin: &str, der: CertificateDer<'static>) -> Result<Self, TlsError> {
        let wrong = |problem: String| TlsError::Certificate {
            origin: origin.to_owned(),
            problem,
        };
        let (_, parsed) =
            x509_parser::parse_x509_certificate(&der).map_err(|error| wrong(error.to_string()))?;
        if !parsed.is_ca() {
            return Err(wrong(
                "it is no authority's (CA:TRUE is missing)".to_owned(),
            ));
        }
        let validity = parsed.validity();
        let (not_before, not_after) = (
            super::pair::system_time(&validity.not_before),
            super::pair::system_time(&validity.not_after),
        );
        Ok(Self {
            pem: super::pair::to_pem(&der),
            der,
            not_before,
            not_after,
        })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn not_before(&self) -> SystemTime {
        self.not_before
    }

    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether PEM text holds this very certificate.
    pub(crate) fn is_in(&self, bundle: &[u8]) -> bool {
        CertificateDer::pem_slice_iter(bundle).any(|der| der.is_ok_and(|der| der == self.der))
    }
}

impl Authority {
    /// Makes an authority that is valid for `lifetime` from now on.
    pub(crate) fn make(
        common_name: &str,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Self, TlsError> {
        make(common_name, now, lifetime).map_err(|source| TlsError::Make {
            what: "an authority",
            source,
        })?
    }

    /// Reads an authority. The origins are what errors call the texts.
    pub(crate) fn from_pem(
        (certificate_origin, certificate): (&str, &[u8]),
        (key_origin, key): (&str, &[u8]),
    ) -> Result<Self, TlsError> {
        // The pair's reader compares the key with the certificate.
        Pair::from_pem((certificate_origin, certificate), (key_origin, key))?;
        let authority = Self {
            certificate: AuthorityCertificate::from_pem(certificate_origin, certificate)?,
            key_pem: String::from_utf8_lossy(key).into_owned(),
        };
        // A key that rustls can sign handshakes with, rcgen may not be able to sign certificates with.
        authority.issuer()?;
        Ok(authority)
    }

    /// The certificate: what clients trust.
    pub(crate) fn certificate(&self) -> &AuthorityCertificate {
        &self.certificate
    }

    /// The private key in PEM.
    pub(crate) fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Signs a server's certificate for these DNS names and IP addresses, with a new key. It is valid
    /// for `lifetime` from now on, but never before or after the authority is.
    pub(crate) fn sign(
        &self,
        common_name: &str,
        names: &[String],
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Leaf, TlsError> {
        let issuer = self.issuer()?;
        let not_after = (now + lifetime).min(self.certificate.not_after);
        let not_before = (now - BACKDATED).max(self.certificate.not_before);
        let made = leaf_of(&issuer, common_name, names, (not_before, not_after));
        let (certificate_pem, key_pem) = made.map_err(|source| TlsError::Make {
            what: "a serving certificate",
            source,
        })?;
        Ok(Leaf {
            certificate_pem,
            key_pem,
            authority: self.certificate.clone(),
            signed: now,
            not_after,
        })
    }

    fn issuer(&self) -> Result<Issuer<'_, KeyPair>, TlsError> {
        let key = KeyPair::from_pem(&self.key_pem);
        key.and_then(|key| Issuer::from_ca_cert_der(&self.certificate.der, key))
            .map_err(|source| TlsError::Make {
                what: "a signature with the authority's key",
                source,
            })
    }
}

fn make(
    common_name: &str,
    now: SystemTime,
    lifetime: Duration,
) -> Result<Result<Authority, TlsError>, rcgen::Error> {
    let mut params = params(Vec::new(), common_name, (now - BACKDATED, now + lifetime))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let key_pem = key.serialize_pem();
    let made = CertifiedIssuer::self_signed(params, key)?;
    let certificate = AuthorityCertificate::from_der("a new authority", made.der().clone());
    Ok(certificate.map(|certificate| Authority {
        certificate,
        key_pem,
    }))
}

fn leaf_of(
    issuer: &Issuer<'_, KeyPair>,
    common_name: &str,
    names: &[String],
    validity: (SystemTime, SystemTime),
) -> Result<(String, String), rcgen::Error> {
    let mut params = params(names.to_vec(), common_name, validity)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn params(
    names: Vec<String>,
    common_name: &str,
    (not_before, not_after): (SystemTime, SystemTime),
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    Ok(params)
}

#[cfg(test)]
mod tests;
