//! What a certificate says, for a person who looks at it.

use std::net::IpAddr;
use std::time::SystemTime;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::TlsError;
use super::pair::{chain, system_time};

/// What one certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Whom it is about.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// The DNS names and IP addresses that it is for.
    pub names: Vec<String>,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// When its validity begins.
    pub not_before: SystemTime,
    /// When its validity ends.
    pub not_after: SystemTime,
}

/// Describes each certificate of PEM text. The origin is what errors call the text.
pub fn describe(origin: &str, pem: &[u8]) -> Result<Vec<Description>, TlsError> {
    let all = chain(origin, pem)?;
    all.iter()
        .map(|der| {
            let (_, parsed) = x509_parser::parse_x509_certificate(der).map_err(|error| {
                TlsError::Certificate {
                    origin: origin.to_owned(),
                    problem: error.to_string(),
                }
            })?;
            Ok(Description {
                subject: parsed.subject().to_string(),
                issuer: parsed.issuer().to_string(),
                names: names(&parsed),
                is_authority: parsed.is_ca(),
                not_before: system_time(&parsed.validity().not_before),
                not_after: system_time(&parsed.validity().not_after),
            })
        })
        .collect()
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = names.value.general_names.iter();
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => address(bytes),
        other => other.to_string(),
    };
    names.map(text).collect()
}

fn address(bytes: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let any = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    any.map_or_else(
        |_| "an address of unknown length".to_owned(),
        |any| any.to_string(),
    )
}
