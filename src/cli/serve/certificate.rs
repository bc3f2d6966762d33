//! The serving certificate, from files or made at start, and the warnings before it expires.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::cli::flag_values::seconds;
use crate::server::Readiness;
use crate::telemetry::Metrics;
use crate::tls::{Event, Files, Pair, Store, TlsError, development, watch, write_authority};

/// How long before its expiry a certificate is warned of.
const WARNING: Duration = Duration::from_hours(7 * 24);

/// How often the warning is repeated.
const REPEAT: Duration = Duration::from_hours(24);

/// The readiness condition of the certificate.
const CONDITION: &str = "certificate";

/// Where the certificate comes from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Certificate")]
pub(super) struct CertificateOptions {
    /// Certificate chain in PEM, the server's own first; without it a development certificate is
    /// made at start.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Seconds between looks at the certificate's files, or the authority's Secret.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = seconds(1..=3600))]
    tls_poll_seconds: u64,

    /// Further DNS name or IP address of a certificate that Pillion makes itself (repeatable).
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "tls_cert"
    )]
    tls_name: Vec<String>,

    /// Write the development certificate's authority in PEM to this file, for clients to trust.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tls_cert", "authority_secret"])]
    write_dev_ca: Option<PathBuf>,
}

/// The certificate in use.
#[derive(Debug)]
pub(super) struct Certificate {
    /// The pair that handshakes get.
    pub(super) store: Arc<Store>,
    files: Option<Files>,
    period: Duration,
    names: Vec<String>,
}

impl CertificateOptions {
    /// Whether the certificate comes from files.
    pub(super) fn has_files(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// Reads or makes the certificate; one that an authority in the cluster signs comes later.
    pub(super) fn open(self, is_self_managed: bool) -> Result<Certificate, TlsError> {
        let files = self
            .tls_cert
            .zip(self.tls_key)
            .map(|(certificate, key)| Files { certificate, key });
        let store = match &files {
            Some(files) => {
                warn_of_readable_key(files);
                Store::new(files.load()?)
            }
            None if is_self_managed => Store::empty(),
            None => Store::new(make(&self.tls_name, self.write_dev_ca)?),
        };
        Ok(Certificate {
            store,
            files,
            period: Duration::from_secs(self.tls_poll_seconds),
            names: self.tls_name,
        })
    }
}

/// Warns of a private key that every user of the machine may read.
fn warn_of_readable_key(files: &Files) {
    if let Some(mode) = files.mode_of_readable_key() {
        tracing::warn!(
            file = %files.key.display(),
            mode = format!("{mode:o}"),
            "every user may read the private key: set its mode to 0600 or 0640 (`defaultMode` of a \
             Secret volume)"
        );
    }
}

fn make(names: &[String], authority: Option<PathBuf>) -> Result<Pair, TlsError> {
    let made = development(names)?;
    tracing::info!("serving with a development certificate, made at start");
    if let Some(path) = authority {
        write_authority(&path, &made.authority_pem)?;
    }
    let origin = "development certificate";
    Pair::from_pem(
        (origin, made.certificate_pem.as_bytes()),
        (origin, made.key_pem.as_bytes()),
    )
}

impl Certificate {
    /// The store, the polling period and further names.
    pub(super) fn into_parts(self) -> (Arc<Store>, Duration, Vec<String>) {
        (self.store, self.period, self.names)
    }

    /// The file of the certificate.
    pub(super) fn file(&self) -> Option<&Path> {
        self.files.as_ref().map(|files| files.certificate.as_path())
    }

    /// Looks at the files, and at the time, for ever.
    pub(super) async fn watch(self, mut observer: Observer) {
        watch(self.files, self.store, self.period, |event| {
            observer.observe(event);
        })
        .await;
    }
}

/// Reports the certificate to log, metrics and readiness.
#[derive(Debug)]
pub(super) struct Observer {
    metrics: Arc<Metrics>,
    readiness: Readiness,
    /// What is served, once that is known.
    store: Option<Arc<Store>>,
    warned: Option<Instant>,
    warning: Duration,
}

impl Observer {
    pub(super) fn new(metrics: Arc<Metrics>, readiness: Readiness) -> Self {
        Self {
            metrics,
            readiness,
            store: None,
            warned: None,
            warning: WARNING,
        }
    }

    /// What the store holds is served from now on; where it is empty, a certificate is awaited.
    pub(super) fn begin(&mut self, store: &Arc<Store>) {
        self.store = Some(Arc::clone(store));
        match store.current() {
            Some(pair) => self.expires(pair.not_after()),
            None => self.awaits("to be signed"),
        }
    }

    /// There is no certificate yet; the reason is for the person who must act.
    pub(super) fn awaits(&self, reason: &str) {
        self.readiness.hold(CONDITION, reason);
    }

    /// A certificate that lives for `lifetime` is served from now on.
    pub(super) fn renewed(&mut self, lifetime: Duration) {
        self.warned = None;
        // It is renewed with a third of its life left, so that half of that is late.
        self.warning = WARNING.min(lifetime / 6);
        self.metrics.certificate_renewed();
        tracing::info!("certificate renewed");
    }

    fn observe(&mut self, event: Event) {
        match event {
            Event::Reloaded => {
                self.warned = None;
                tracing::info!("certificate reloaded");
            }
            Event::Failed(error) => {
                self.metrics.certificate_error();
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                let text = format!("{error}{}", cause.unwrap_or_default());
                tracing::error!(
                    error = text.as_str(),
                    "failed to reload the certificate; the one in use stays"
                );
            }
            Event::Expires(at) => self.expires(at),
        }
    }

    /// The certificate in use ends at this time.
    pub(super) fn expires(&mut self, at: SystemTime) {
        self.metrics.certificate_expires(at);
        let now = SystemTime::now();
        if let Ok(early) = self.begins().duration_since(now)
            && early > Duration::ZERO
        {
            self.is_early(early);
            return;
        }
        match at.duration_since(now) {
            Ok(left) if left > Duration::ZERO => {
                self.readiness.release(CONDITION);
                if left < self.warning && self.is_to_warn() {
                    let hours = left.as_secs() / 3600;
                    tracing::warn!(hours_left = hours, "the serving certificate ends soon");
                }
            }
            _ => {
                self.readiness.hold(
                    CONDITION,
                    "the serving certificate has expired; the API server refuses it",
                );
                if self.is_to_warn() {
                    tracing::error!("the serving certificate has expired");
                }
            }
        }
    }

    /// When the certificate in use begins to be valid.
    fn begins(&self) -> SystemTime {
        let pair = self.store.as_ref().and_then(|store| store.current());
        pair.map_or(SystemTime::UNIX_EPOCH, |pair| pair.not_before())
    }

    /// The certificate in use begins to be valid only after this time.
    fn is_early(&mut self, early: Duration) {
        let seconds = early.as_secs() + 1;
        let reason = format!(
            "the serving certificate is not valid yet, for {seconds} s, and the API server refuses \
             it: the clock of this node is behind, or that of whoever issued it was ahead"
        );
        self.readiness.hold(CONDITION, reason);
        if self.is_to_warn() {
            tracing::error!(seconds, "the serving certificate is not valid yet");
        }
    }

    fn is_to_warn(&mut self) -> bool {
        let is_due = self.warned.is_none_or(|last| last.elapsed() >= REPEAT);
        if is_due {
            self.warned = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::authority::Authority;

    #[test]
    fn an_expired_certificate_is_not_ready_until_it_is_replaced() {
        let (metrics, readiness) = (Arc::new(Metrics::default()), Readiness::default());
        let mut observer = Observer::new(Arc::clone(&metrics), readiness.clone());
        let now = SystemTime::now();
        observer.observe(Event::Expires(now - Duration::from_secs(1)));
        assert!(readiness.missing().unwrap().contains("has expired"));
        observer.observe(Event::Expires(now + Duration::from_mins(1)));
        assert_eq!(readiness.missing(), None);
        observer.observe(Event::Failed(TlsError::Key {
            origin: "tls.key".to_owned(),
            source: rustls::Error::DecryptError,
        }));
        let text = metrics.to_text();
        assert!(
            text.contains("pillion_certificate_reload_errors_total 1"),
            "{text}"
        );
    }

    #[test]
    fn a_certificate_that_is_not_valid_yet_is_not_ready() {
        let now = SystemTime::now();
        let pair = |at: SystemTime| {
            let authority = Authority::make("an authority", at, Duration::from_hours(2)).unwrap();
            let leaf = authority.sign("hook", &[], at, Duration::from_hours(2));
            leaf.unwrap().pair().unwrap()
        };
        let ahead = pair(now + Duration::from_hours(1));
        let ends = ahead.not_after();
        let (store, readiness) = (Store::new(ahead), Readiness::default());
        let mut observer = Observer::new(Arc::default(), readiness.clone());
        let early = "the serving certificate is not valid yet";
        observer.begin(&store);
        assert!(readiness.missing().unwrap().contains(early));
        // As it comes from files.
        observer.observe(Event::Expires(ends));
        assert!(readiness.missing().unwrap().contains(early));
        store.replace(pair(now));
        observer.expires(now + Duration::from_hours(2));
        assert_eq!(readiness.missing(), None);
    }

    #[test]
    fn the_end_is_warned_of_once_a_day_and_anew_for_a_new_certificate() {
        let mut observer = Observer::new(Arc::default(), Readiness::default());
        assert!(observer.is_to_warn());
        assert!(!observer.is_to_warn());
        observer.observe(Event::Reloaded);
        assert!(observer.is_to_warn());
    }
}
