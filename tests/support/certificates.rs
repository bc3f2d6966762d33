//! Certificates for one run: an authority, what it signs, and the files that a server
//! reads, replaced the two ways that happen in practice.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::failure::{During, Outcome};

/// A certificate authority that lives only in memory.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, both PEM.
pub(crate) struct Issued {
    /// The certificate.
    pub(crate) certificate: String,
    /// The private key, PKCS #8.
    pub(crate) key: String,
}

impl Authority {
    /// A new authority of this common name.
    pub(crate) fn new(name: &str) -> Outcome<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().during("make a key")?;
        let certificate = params.self_signed(&key).during("make an authority")?;
        let pem = certificate.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { issuer, pem })
    }

    /// The authority's own certificate: what a client trusts.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server that is reached by these names or addresses.
    pub(crate) fn serving(&self, names: &[&str]) -> Outcome<Issued> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).during("name a serving certificate")?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// The same, but ended a day ago.
    pub(crate) fn expired(&self, names: &[&str]) -> Outcome<Issued> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).during("name a serving certificate")?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let day = Duration::from_hours(24);
        params.not_before = (SystemTime::now() - 2 * day).into();
        params.not_after = (SystemTime::now() - day).into();
        self.sign(&params)
    }

    /// A certificate for a client: the common name is its user, the organisation its group.
    pub(crate) fn client(&self, user: &str, group: &str) -> Outcome<Issued> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(user, Some(group));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Outcome<Issued> {
        let key = KeyPair::generate().during("make a key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .during("sign a certificate")?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn subject(name: &str, organisation: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    if let Some(organisation) = organisation {
        subject.push(DnType::OrganizationName, organisation);
    }
    subject
}

/// `tls.crt` and `tls.key` in a folder laid out as the kubelet lays out a Secret: both are
/// links through `..data`, a link to the folder that holds the present version.
#[derive(Debug)]
pub(crate) struct SecretMount {
    folder: PathBuf,
    version: u32,
}

impl SecretMount {
    /// Makes `folder` and writes the first version into it.
    pub(crate) fn new(folder: &Path, first: &Issued) -> Outcome<Self> {
        fs::create_dir_all(folder).during("make the folder of the serving certificate")?;
        let mut mount = Self {
            folder: folder.to_owned(),
            version: 0,
        };
        mount.swap(first)?;
        for file in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(file), folder.join(file))
                .during("link the serving certificate")?;
        }
        Ok(mount)
    }

    /// The certificate's path.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("tls.crt")
    }

    /// The key's path.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("tls.key")
    }

    /// Replaces both at once, as the kubelet does: a new folder, then one rename of the
    /// link `..data`.
    pub(crate) fn swap(&mut self, next: &Issued) -> Outcome {
        let old = format!("..version_{}", self.version);
        self.version += 1;
        let new = format!("..version_{}", self.version);
        let folder = self.folder.join(&new);
        fs::create_dir(&folder).during("make the next version of a mount")?;
        write_pair(&folder, next)?;
        let link = self.folder.join("..data_tmp");
        symlink(&new, &link).during("link the next version of a mount")?;
        fs::rename(&link, self.folder.join("..data")).during("swap the version of a mount")?;
        // The first version has no predecessor to remove.
        let _ = fs::remove_dir_all(self.folder.join(old));
        Ok(())
    }

    /// Replaces the certificate and then the key by a rename of each file, as certbot and
    /// configuration management do: between the two the pair does not fit.
    pub(crate) fn rename(&self, next: &Issued) -> Outcome {
        let folder = self.folder.join(".next");
        fs::create_dir_all(&folder).during("make a folder beside the certificate")?;
        write_pair(&folder, next)?;
        for file in ["tls.crt", "tls.key"] {
            fs::rename(folder.join(file), self.folder.join(file))
                .during("rename the serving certificate")?;
        }
        Ok(())
    }
}

fn write_pair(folder: &Path, pair: &Issued) -> Outcome {
    fs::write(folder.join("tls.crt"), &pair.certificate).during("write a certificate")?;
    fs::write(folder.join("tls.key"), &pair.key).during("write a key")
}
