//! Where the content of `caBundle` comes from.

use std::path::{Path, PathBuf};

use crate::cluster::{AuthoritySecret, BundleSource};
use crate::template::error::with_sources;
use crate::tls::authority::{Authorities, AuthorityCertificate};

/// The authorities of the Secret.
#[derive(Debug)]
pub(super) struct SecretSource(pub(super) AuthoritySecret);

impl BundleSource for SecretSource {
    async fn bundle(&self) -> Result<Option<Vec<u8>>, String> {
        let state = self.0.read().await.map_err(|error| with_sources(&error))?;
        let (held, problems) = Authorities::read(&state.data());
        if !problems.is_empty() {
            // It is repaired first, with what the API server trusts now.
            return Ok(None);
        }
        Ok(Some(held.bundle().into_bytes()).filter(|bundle| !bundle.is_empty()))
    }
}

/// A file of authorities, or the chain behind the serving certificate.
#[derive(Debug)]
pub(super) struct FileSource {
    named: Option<PathBuf>,
    certificate: Option<PathBuf>,
}

impl FileSource {
    pub(super) fn new(named: Option<PathBuf>, certificate: Option<&Path>) -> Self {
        Self {
            named,
            certificate: certificate.map(Path::to_owned),
        }
    }

    /// The file that is named, or the one beside the certificate if it is there.
    fn bundle_file(&self) -> Option<PathBuf> {
        let beside = || {
            let file = self.certificate.as_ref()?.with_file_name("ca.crt");
            file.exists().then_some(file)
        };
        self.named.clone().or_else(beside)
    }
}

impl BundleSource for FileSource {
    async fn bundle(&self) -> Result<Option<Vec<u8>>, String> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|error| format!("failed to read {}: {error}", path.display()))
        };
        if let Some(file) = self.bundle_file() {
            let bundle = read(&file)?;
            if AuthorityCertificate::all_of(&bundle).is_empty() {
                return Err(format!(
                    "{}: expected the certificate of an authority in PEM",
                    file.display()
                ));
            }
            return Ok(Some(bundle));
        }
        let Some(certificate) = &self.certificate else {
            return Ok(None);
        };
        let chain = read(certificate)?;
        let issuers = AuthorityCertificate::all_of(&chain);
        if issuers.is_empty() {
            return Err(format!(
                "nothing says what caBundle is to hold: name it with --ca-bundle, or put ca.crt beside {}, \
                 whose chain holds no authority",
                certificate.display()
            ));
        }
        Ok(Some(
            issuers
                .iter()
                .map(AuthorityCertificate::pem)
                .collect::<String>()
                .into_bytes(),
        ))
    }
}
