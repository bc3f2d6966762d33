//! `pillion certs show`: whom certificates are for, who signed them and when they end.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use k8s_openapi::jiff::Timestamp;

use super::CertsError;
use crate::cli::{REFUSED, output};
use crate::tls::Pair;
use crate::tls::inspect::{self, CertificateInfo};
use crate::wording::with_sources;

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Files with certificates in PEM; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The private key that is to fit the first certificate of the first file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Show {
    pub(super) fn run(&self) -> Result<ExitCode, CertsError> {
        let (mut text, mut is_good) = (String::new(), true);
        let now = SystemTime::now();
        for (number, file) in self.files.iter().enumerate() {
            let origin = file.display().to_string();
            let pem = read(file)?;
            let seen = inspect::read(&pem).map_err(|source| CertsError::Inspect {
                path: file.clone(),
                source,
            })?;
            for certificate in seen {
                is_good &= now < certificate.not_after;
                add(&mut text, &origin, &certificate, now);
            }
            if let Some(key) = self.key.as_deref().filter(|_| number == 0) {
                let name = key.display().to_string();
                let fits = Pair::from_pem((&origin, &pem), (&name, &read(key)?));
                is_good &= fits.is_ok();
                let said = match fits {
                    Ok(_) => format!("{name} fits the certificate"),
                    Err(error) => with_sources(&error),
                };
                text.push_str(&said);
                text.push('\n');
            }
        }
        output::print(text.as_bytes())?;
        Ok(if is_good {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CertsError> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map_err(|source| CertsError::Read {
        path: file.to_owned(),
        source,
    })
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
