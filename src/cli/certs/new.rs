//! `pillion certs new`: files for a Secret, and how they get into a cluster.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::Status;
use crate::cli::flag_values::duration;
use crate::cli::streams::Streams;
use crate::tls::authority::{Authority, service_names};

/// Everybody may read a certificate.
const PUBLIC: u32 = 0o644;

/// Only the owner may read a key.
const PRIVATE: u32 = 0o600;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion certs new --out certs\n\
    \x20 pillion certs new --out certs --authority certs --force")]
pub(super) struct New {
    /// The directory for `ca.crt`, `ca.key`, `tls.crt` and `tls.key`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// The Service that the API server calls
    #[arg(long, value_name = "NAME", default_value = "pillion")]
    service: String,

    /// The namespace of the Service
    #[arg(long, value_name = "NAME", default_value = "pillion-system")]
    namespace: String,

    /// Further DNS name or IP address of the certificate (repeatable)
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,

    /// How long the certificate is valid
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration)]
    lifetime: Duration,

    /// How long the authority is valid
    #[arg(long, value_name = "DURATION", default_value = "3650d", value_parser = duration)]
    authority_lifetime: Duration,

    /// Sign with the authority that lies in this directory as `ca.crt` and `ca.key`
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,

    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

impl New {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let now = SystemTime::now();
        let authority = match &self.authority {
            Some(directory) => read(directory)?,
            None => Authority::make("pillion authority", now, self.authority_lifetime)?,
        };
        let names = service_names(&self.service, &self.namespace, &self.name);
        let leaf = authority.sign("pillion", &names, now, self.lifetime)?;
        // Proves that what is written can be served.
        leaf.pair()?;
        let mut files = vec![
            ("ca.crt", authority.certificate().pem(), PUBLIC),
            ("ca.key", authority.key_pem(), PRIVATE),
            ("tls.crt", leaf.certificate_pem(), PUBLIC),
            ("tls.key", leaf.key_pem(), PRIVATE),
        ];
        // Signing anew in the authority's own directory leaves the authority as it is.
        if self.authority.as_deref() == Some(self.out.as_path()) {
            files.retain(|(name, ..)| !name.starts_with("ca."));
        }
        fs::create_dir_all(&self.out)
            .with_context(|| format!("failed to write {}", self.out.display()))?;
        for (name, ..) in &files {
            let path = self.out.join(name);
            // A link counts, wherever it points.
            if !self.force && path.symlink_metadata().is_ok() {
                bail!(
                    "{} exists already: choose another directory, or overwrite with --force",
                    path.display()
                );
            }
        }
        for (name, text, mode) in &files {
            let path = self.out.join(name);
            write(&path, text, *mode)
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        streams.print(self.next_steps(&authority))?;
        Ok(Status::Done)
    }

    /// What to do with the files.
    fn next_steps(&self, authority: &Authority) -> String {
        let (namespace, out) = (&self.namespace, self.out.display());
        let bundle = STANDARD.encode(authority.certificate().pem());
        format!(
            "Wrote {out}/ca.crt, ca.key, tls.crt and tls.key. Keep ca.key out of the cluster.\n\n\
             The Secret that Pillion reads:\n  \
             kubectl create secret generic pillion-tls -n {namespace} --type kubernetes.io/tls \
             --from-file {out}/tls.crt --from-file {out}/tls.key --from-file {out}/ca.crt\n\n\
             caBundle of the webhook configurations:\n  {bundle}\n"
        )
    }
}

fn read(directory: &Path) -> anyhow::Result<Authority> {
    let certificate = read_file(directory, "ca.crt")?;
    let key = read_file(directory, "ca.key")?;
    let authority = Authority::from_pem((&certificate.0, &certificate.1), (&key.0, &key.1));
    Ok(authority?)
}

/// The path of a file and what it holds.
fn read_file(directory: &Path, name: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let path = directory.join(name).display().to_string();
    let text = fs::read(&path).with_context(|| format!("failed to read {path}"))?;
    Ok((path, text))
}

/// Writes a file anew: one that exists is removed first, so that its mode cannot stay.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())
}
