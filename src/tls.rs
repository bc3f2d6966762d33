//! Certificates of the webhook port: where they come from, when they change and when they end.
//!
//! The API server trusts exactly the authority in `caBundle`, so a certificate that is replaced
//! late, or by a pair that does not fit, stops the creation of pods. Hence the rules here: a pair is
//! published only after its key was compared with its certificate, the old pair stays when the new
//! one is unusable, and new handshakes see a new pair without a restart. Connections that are open
//! keep what they were opened with; the API server closes idle ones by itself after 90 seconds.
//!
//! One cryptography provider, aws-lc-rs, is installed once by [`install_provider`]: with two in the
//! tree rustls refuses to choose, and panics.

pub(crate) mod authority;
mod development;
mod development_file;
mod files;
pub(crate) mod inspect;
mod pair;
mod store;

use std::io;
use std::path::PathBuf;

pub use development::{Development, development};
pub use development_file::write_authority;
pub(crate) use files::{Event, Files, watch};
pub use pair::Pair;
pub use store::{Store, server_config};

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("failed to read the {what} {}", path.display())]
    Read {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Text that is not PEM, or a PEM file without the section that is needed.
    #[error("{origin}: no usable {what}: expected PEM with {expected}: {problem}")]
    Pem {
        /// The file, or what else the text came from.
        origin: String,
        /// `certificate` or `private key`.
        what: &'static str,
        /// The PEM section that would be right.
        expected: &'static str,
        /// What the reader said.
        problem: String,
    },
    /// A certificate that is no X.509 certificate.
    #[error("{origin}: the first certificate cannot be read as X.509: {problem}")]
    Certificate {
        /// The file, or what else the text came from.
        origin: String,
        /// What the parser said.
        problem: String,
    },
    /// A key of a kind that cannot sign handshakes.
    #[error(
        "{origin}: the private key is of no supported kind (RSA, ECDSA P-256/384/521, Ed25519)"
    )]
    Key {
        /// The file, or what else the text came from.
        origin: String,
        /// What rustls said.
        source: rustls::Error,
    },
    /// A key that belongs to another certificate.
    #[error(
        "the private key {key} does not fit the certificate {certificate}: both must come from one issue"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// What rustls said.
        source: rustls::Error,
    },
    /// A certificate, or a signature, could not be made.
    #[error("failed to make {what}")]
    Make {
        /// `a serving certificate` and the like.
        what: &'static str,
        /// What rcgen said.
        source: rcgen::Error,
    },
    /// The development authority could not be written.
    #[error("failed to write the development authority to {}", path.display())]
    WriteAuthority {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// rustls refused the configuration.
    #[error("failed to configure TLS")]
    Configure(#[source] rustls::Error),
}

/// Installs aws-lc-rs as the process's cryptography provider. Calling it again changes nothing.
pub fn install_provider() {
    // The only failure is that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
