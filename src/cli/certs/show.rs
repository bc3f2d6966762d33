//! `pillion certs show`: whom certificates are for, who signed them and when they end.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use k8s_openapi::jiff::Timestamp;

use crate::cli::Status;
use crate::cli::streams::Streams;
use crate::tls::Pair;
use crate::tls::inspect::{self, CertificateInfo};
use crate::wording::with_sources;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion certs show tls.crt --key tls.key")]
pub(super) struct Show {
    /// Files with certificates in PEM; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The private key that is to fit the first certificate of the first file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Show {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let (mut text, mut is_good) = (String::new(), true);
        let now = SystemTime::now();
        for (number, file) in self.files.iter().enumerate() {
            let origin = file.display().to_string();
            let pem = read(file, streams)?;
            for certificate in inspect::read(&pem).with_context(|| origin.clone())? {
                is_good &= now < certificate.not_after;
                add(&mut text, &origin, &certificate, now);
            }
            if let Some(key) = self.key.as_deref().filter(|_| number == 0) {
                let name = key.display().to_string();
                let fits = Pair::from_pem((&origin, &pem), (&name, &read(key, streams)?));
                is_good &= fits.is_ok();
                let said = match fits {
                    Ok(_) => format!("{name} fits the certificate"),
                    Err(error) => with_sources(&error),
                };
                text.push_str(&said);
                text.push('\n');
            }
        }
        streams.print(text)?;
        Ok(Status::refused_if(!is_good))
    }
}

fn read(file: &Path, streams: &mut Streams<'_>) -> anyhow::Result<Vec<u8>> {
    let bytes = if file == Path::new("-") {
        streams.read()
    } else {
        fs::read(file)
    };
    bytes.with_context(|| format!("failed to read {}", file.display()))
}

fn add(text: &mut String, origin: &str, certificate: &CertificateInfo, now: SystemTime) {
    let what = if certificate.is_authority {
        "authority"
    } else {
        "certificate"
    };
    let state = match certificate.not_after.duration_since(now) {
        Ok(left) => format!("{} days left", left.as_secs() / 86_400),
        Err(_) => "it has ended".to_owned(),
    };
    let (subject, issuer) = (&certificate.subject, &certificate.issuer);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{origin}: {what} {subject}");
    let _ = writeln!(text, "  signed by  {issuer}");
    if !certificate.names.is_empty() {
        let _ = writeln!(text, "  for        {}", certificate.names.join(", "));
    }
    let _ = writeln!(text, "  from       {}", shown(certificate.not_before));
    let _ = writeln!(
        text,
        "  until      {} ({state})",
        shown(certificate.not_after)
    );
}

fn shown(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| "an impossible time".to_owned(), |at| at.to_string())
}
