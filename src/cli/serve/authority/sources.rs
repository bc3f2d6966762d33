//! Where the content of `caBundle` comes from.

use std::path::{Path, PathBuf};

use crate::cluster::{AuthoritySecret, BundleSource};
use crate::tls::authority::{AuthorityCertificate, CaSet};
use crate::tls::inspect::is_of_another_authority;
use crate::wording::with_sources;

/// The authorities of the Secret.
pub(super) struct SecretSource(pub(super) AuthoritySecret);

impl BundleSource for SecretSource {
    async fn bundle(&self) -> Result<Option<Vec<u8>>, String> {
        let state = self.0.read().await.map_err(|error| with_sources(&error))?;
        let (ca_set, problems) = CaSet::read(&state.data());
        if !problems.is_empty() {
            // It is repaired first, with what the API server trusts now.
            return Ok(None);
        }
        Ok(Some(ca_set.bundle().into_bytes()).filter(|bundle| !bundle.is_empty()))
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
        self.named.clone().or_else(|| {
            let file = self.certificate.as_ref()?.with_file_name("ca.crt");
            file.exists().then_some(file)
        })
    }

    /// Refuses a bundle that does not vouch for what is served: no API server could call with it.
    fn check(&self, file: &Path, bundle: &[u8]) -> Result<(), String> {
        let Some(certificate) = &self.certificate else {
            return Ok(());
        };
        if is_of_another_authority(bundle, &read(certificate)?) {
            return Err(format!(
                "{} does not hold the authority that signed {}: caBundle stays as it is, as with this one no API \
                 server could call; give both from one authority",
                file.display(),
                certificate.display()
            ));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

impl BundleSource for FileSource {
    async fn bundle(&self) -> Result<Option<Vec<u8>>, String> {
        if let Some(file) = self.bundle_file() {
            let bundle = read(&file)?;
            if AuthorityCertificate::all_of(&bundle).is_empty() {
                return Err(format!(
                    "{}: expected the certificate of an authority in PEM",
                    file.display()
                ));
            }
            self.check(&file, &bundle)?;
            return Ok(Some(bundle));
        }
        let Some(certificate) = &self.certificate else {
            return Ok(None);
        };
        let chain = read(certificate)?;
        let issuers = AuthorityCertificate::all_of(&chain);
        if issuers.is_empty() {
            return Err(format!(
                "caBundle has no source: name a file with --ca-bundle, or put ca.crt beside {}, \
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::tls::authority::Authority;

    #[tokio::test]
    async fn the_bundle_is_named_or_lies_beside_or_is_in_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let made = || Authority::make("a", SystemTime::now(), Duration::from_hours(1)).unwrap();
        let (other, above) = (made(), made());
        let names = ["pillion.pillion.svc".to_owned()];
        let leaf = above.sign("leaf", &names, SystemTime::now(), Duration::from_mins(1));
        let leaf = leaf.unwrap();
        let certificate = file("tls.crt");
        std::fs::write(&certificate, leaf.certificate_pem()).unwrap();
        let source = |name: Option<&str>| FileSource::new(name.map(file), Some(&certificate));

        let error = source(None).bundle().await.unwrap_err();
        assert!(error.contains("name a file with --ca-bundle"), "{error}");
        let chain = format!("{}{}", leaf.certificate_pem(), above.certificate().pem());
        std::fs::write(&certificate, chain).unwrap();
        let text = |authority: &Authority| Some(authority.certificate().pem().as_bytes().to_vec());
        assert_eq!(source(None).bundle().await.unwrap(), text(&above));
        std::fs::write(file("ca.crt"), above.certificate().pem()).unwrap();
        std::fs::write(&certificate, leaf.certificate_pem()).unwrap();
        assert_eq!(source(None).bundle().await.unwrap(), text(&above));
        let both = format!("{}{}", other.certificate().pem(), above.certificate().pem());
        std::fs::write(file("named.crt"), &both).unwrap();
        assert_eq!(
            source(Some("named.crt")).bundle().await.unwrap(),
            Some(both.into_bytes())
        );

        std::fs::write(file("ca.crt"), other.certificate().pem()).unwrap();
        let error = source(None).bundle().await.unwrap_err();
        assert!(error.contains("does not hold the authority"), "{error}");

        std::fs::write(file("named.crt"), "garbage").unwrap();
        let error = source(Some("named.crt")).bundle().await.unwrap_err();
        assert!(
            error.contains("expected the certificate of an authority"),
            "{error}"
        );
        let error = source(Some("absent.crt")).bundle().await.unwrap_err();
        assert!(error.contains("failed to read"), "{error}");
    }
}
