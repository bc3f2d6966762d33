//! Certificates seen from outside: what a bundle holds, what a server serves, and whether the one
//! vouches for the other.
//!
//! The chain is fetched without judging it, and judged afterwards with the bundle alone, exactly as
//! the API server does: what is wrong can be told, and is not merely a handshake that fails.

use std::io::{self, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::pair::system_time;

/// A server that does not answer for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 4;

/// The facts of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateInfo {
    /// Whom it is about.
    pub(crate) subject: String,
    /// Who has signed it.
    pub(crate) issuer: String,
    /// The DNS names and IP addresses that it is for.
    pub(crate) names: Vec<String>,
    /// Whether it may sign others.
    pub(crate) is_authority: bool,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    der: CertificateDer<'static>,
}

/// Why a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// The text is no PEM with certificates.
    #[error("it is not PEM with certificates: {0}")]
    Pem(String),
    /// A certificate is no X.509.
    #[error("a certificate cannot be read as X.509: {0}")]
    Certificate(String),
    /// Nobody answers at the address.
    #[error("failed to connect to {address}")]
    Connect { address: String, source: io::Error },
    /// It is no name that a certificate can have.
    #[error("`{0}` is no name of a server")]
    Name(String),
    /// The handshake failed.
    #[error("failed to shake hands with {address}")]
    Handshake { address: String, source: io::Error },
    /// The library refused its configuration.
    #[error("failed to configure TLS")]
    Configure(#[source] rustls::Error),
    /// The bundle does not vouch for the chain.
    #[error("{0}")]
    NotTrusted(rustls::Error),
    /// The bundle holds nothing that can vouch.
    #[error("it holds no certificate of an authority: {0}")]
    NoAuthority(String),
}

/// The certificates of PEM text.
pub(crate) fn read(pem: &[u8]) -> Result<Vec<CertificateInfo>, InspectError> {
    let ders = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| InspectError::Pem(error.to_string()))?;
    if ders.is_empty() {
        return Err(InspectError::Pem(
            "it has no CERTIFICATE section".to_owned(),
        ));
    }
    ders.iter().map(certificate_info).collect()
}

fn certificate_info(der: &CertificateDer<'static>) -> Result<CertificateInfo, InspectError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der)
        .map_err(|error| InspectError::Certificate(error.to_string()))?;
    let validity = parsed.validity();
    Ok(CertificateInfo {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names: names(&parsed),
        is_authority: parsed.is_ca(),
        not_before: system_time(&validity.not_before),
        not_after: system_time(&validity.not_after),
        der: der.clone(),
    })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .map(|name| match name {
            GeneralName::DNSName(name) => (*name).to_owned(),
            GeneralName::IPAddress(bytes) => address(bytes),
            other => other.to_string(),
        })
        .collect()
}

fn address(bytes: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let any = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    any.map_or_else(
        |_| "an address of unknown length".to_owned(),
        |any| any.to_string(),
    )
}

/// The chain that a server serves for a name, its own certificate first.
pub(crate) fn served(address: &str, name: &str) -> Result<Vec<CertificateInfo>, InspectError> {
    let verifier = Arc::new(Recorder::default());
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(InspectError::Configure)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = server_name(name)?;
    let mut connection =
        ClientConnection::new(Arc::new(config), name).map_err(InspectError::Configure)?;
    let mut stream = connect(address).map_err(|source| InspectError::Connect {
        address: address.to_owned(),
        source,
    })?;
    let shaken = shake(&mut connection, &mut stream);
    shaken.map_err(|source| InspectError::Handshake {
        address: address.to_owned(),
        source,
    })?;
    let chain = std::mem::take(&mut *verifier.chain());
    chain.iter().map(certificate_info).collect()
}

fn shake(connection: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    while connection.is_handshaking() {
        connection.complete_io(stream)?;
    }
    // Said and not waited for: the server may have closed already.
    connection.send_close_notify();
    let _ = connection.write_tls(stream);
    let _ = stream.flush();
    Ok(())
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()?.take(MOST_ADDRESSES) {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether a bundle, and nothing else, vouches for a chain that is served for a name at this time.
pub(crate) fn vouches(
    bundle: &[CertificateInfo],
    chain: &[CertificateInfo],
    name: &str,
    now: SystemTime,
) -> Result<(), InspectError> {
    let mut roots = RootCertStore::empty();
    for certificate in bundle {
        roots
            .add(certificate.der.clone())
            .map_err(|error| InspectError::NoAuthority(error.to_string()))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| InspectError::NoAuthority(error.to_string()))?;
    let Some((leaf, rest)) = chain.split_first() else {
        return Err(InspectError::Pem("the chain is empty".to_owned()));
    };
    let intermediates: Vec<_> = rest.iter().map(|info| info.der.clone()).collect();
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    verifier
        .verify_server_cert(
            &leaf.der,
            &intermediates,
            &server_name(name)?,
            &[],
            UnixTime::since_unix_epoch(since),
        )
        .map(drop)
        .map_err(InspectError::NotTrusted)
}

/// Whether a bundle surely does not hold the authority behind a chain, whatever the names and dates in it.
pub(crate) fn is_of_another_authority(bundle: &[u8], chain: &[u8]) -> bool {
    let (Ok(bundle), Ok(chain)) = (read(bundle), read(chain)) else {
        return false;
    };
    let name = chain.first().and_then(|leaf| leaf.names.first());
    let Some(name) = name else {
        return false;
    };
    matches!(
        vouches(&bundle, &chain, name, SystemTime::now()),
        Err(InspectError::NotTrusted(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature
        )))
    )
}

fn server_name(name: &str) -> Result<ServerName<'static>, InspectError> {
    ServerName::try_from(name.to_owned()).map_err(|_| InspectError::Name(name.to_owned()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Takes every chain and remembers it. Nothing is ever said to a server over such a connection.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<CertificateDer<'static>>>);

impl Recorder {
    fn chain(&self) -> std::sync::MutexGuard<'_, Vec<CertificateDer<'static>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        *self.chain() = chain.map(|one| one.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::development;

    #[test]
    fn a_bundle_vouches_for_its_own_and_for_nobody_elses() {
        let (made, other) = (development(&[]).unwrap(), development(&[]).unwrap());
        let chain = read(made.certificate_pem.as_bytes()).unwrap();
        let bundle = |pem: &str| read(pem.as_bytes()).unwrap();
        let name = "pillion.pillion-system.svc";
        let now = SystemTime::now();
        vouches(&bundle(&made.authority_pem), &chain, name, now).unwrap();
        let both = made.authority_pem.clone() + &other.authority_pem;
        vouches(&bundle(&both), &chain, name, now).unwrap();

        let own = bundle(&made.authority_pem);
        let late = now + Duration::from_hours(24 * 365);
        let cases = [
            vouches(&bundle(&other.authority_pem), &chain, name, now),
            vouches(&own, &chain, "pillion.other.svc", now),
            vouches(&own, &chain, name, late),
        ];
        let said = cases.map(|result| result.unwrap_err().to_string());
        assert!(
            said[0].contains("UnknownIssuer") || said[0].contains("BadSignature"),
            "{said:?}"
        );
        assert!(said[1].contains("not valid for"), "{said:?}");
        assert!(said[2].contains("expired"), "{said:?}");
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        for text in [
            "",
            "not PEM",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
