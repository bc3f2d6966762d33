//! Certificates from files, read again when they change.
//!
//! A Secret mount changes by swapping the symbolic link `..data`. A watch on the file follows the
//! old inode and is deaf from the second swap on, so the files are read again every few seconds and
//! their contents compared: two small reads, no dependency, and nothing that can be missed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Pair, Store, TlsError};

/// The files of a pair.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The chain in PEM, the server's certificate first.
    pub(crate) certificate: PathBuf,
    /// The private key in PEM.
    pub(crate) key: PathBuf,
}

/// What one look at the certificate found.
#[derive(Debug)]
pub(crate) enum Event {
    /// A new pair is served from now on.
    Reloaded,
    /// The files hold something unusable; the old pair is served. Reported once for each content.
    Failed(TlsError),
    /// The expiry of the pair in use, sent with every look, as time passes without any change.
    Expires(SystemTime),
}

/// Both files' bytes, as they were read last.
#[derive(PartialEq, Eq, Clone)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    pub(crate) fn load(&self) -> Result<Pair, TlsError> {
        self.pair(&self.read()?)
    }

    /// The mode of the private key's file where every user may read it.
    pub(crate) fn mode_of_readable_key(&self) -> Option<u32> {
        let mode = std::fs::metadata(&self.key).ok()?.permissions().mode() & 0o7777;
        (mode & 0o004 != 0).then_some(mode)
    }

    fn read(&self) -> Result<Contents, TlsError> {
        Ok(Contents {
            certificate: read("certificate", &self.certificate)?,
            key: read("private key", &self.key)?,
        })
    }

    fn pair(&self, contents: &Contents) -> Result<Pair, TlsError> {
        Pair::from_pem(
            (
                &self.certificate.display().to_string(),
                &contents.certificate,
            ),
            (&self.key.display().to_string(), &contents.key),
        )
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

/// The last attempt, so that a failure is reported once and not with every look.
#[derive(Default)]
struct Tried {
    contents: Option<Contents>,
    unreadable: Option<String>,
}

impl Tried {
    /// Looks once; `Some` where there is something new to report.
    fn look(&mut self, files: &Files, store: &Store) -> Option<Event> {
        let mut contents = match files.read() {
            Ok(contents) => contents,
            Err(error) => return self.unreadable(error),
        };
        self.unreadable = None;
        if self.contents.as_ref() == Some(&contents) {
            return None;
        }
        let mut pair = files.pair(&contents);
        if matches!(pair, Err(TlsError::Mismatch { .. })) {
            // The link may have been swapped between the two reads.
            contents = files.read().unwrap_or(contents);
            pair = files.pair(&contents);
        }
        self.contents = Some(contents);
        Some(match pair {
            Ok(pair) => {
                store.replace(pair);
                Event::Reloaded
            }
            Err(error) => Event::Failed(error),
        })
    }

    fn unreadable(&mut self, error: TlsError) -> Option<Event> {
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        let news = self.unreadable.as_ref() != Some(&text);
        self.unreadable = Some(text);
        news.then_some(Event::Failed(error))
    }
}

/// Looks at the certificate for ever, once each `period`: replaces the pair in `store` when
/// `files` hold a new and usable one, and reports to `observer`. Without files it reports only the
/// expiry.
pub(crate) async fn watch(
    files: Option<Files>,
    store: Arc<Store>,
    period: Duration,
    mut observer: impl FnMut(Event) + Send,
) {
    let mut tried = Tried::default();
    if let Some(files) = &files {
        // What is served already is no news.
        tried.contents = files
            .read()
            .ok()
            .filter(|contents| served(files, contents, &store));
    }
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Two files of a few kilobytes: read in place rather than on another thread.
        if let Some(event) = files.as_ref().and_then(|files| tried.look(files, &store)) {
            observer(event);
        }
        if let Some(pair) = store.current() {
            observer(Event::Expires(pair.not_after()));
        }
    }
}

/// Whether these contents are the pair in use.
fn served(files: &Files, contents: &Contents, store: &Store) -> bool {
    files
        .pair(contents)
        .ok()
        .zip(store.current())
        .is_some_and(|(read, current)| read.certified_key().cert == current.certified_key().cert)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::development;

    struct Mount {
        directory: tempfile::TempDir,
        files: Files,
    }

    impl Mount {
        /// A directory as the kubelet makes it: files are links through `..data`.
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            for name in ["tls.crt", "tls.key"] {
                std::os::unix::fs::symlink(
                    Path::new("..data").join(name),
                    directory.path().join(name),
                )
                .unwrap();
            }
            let files = Files {
                certificate: directory.path().join("tls.crt"),
                key: directory.path().join("tls.key"),
            };
            Self { directory, files }
        }

        fn publish(&self, version: &str, certificate: &str, key: &str) {
            let root = self.directory.path();
            std::fs::create_dir(root.join(version)).unwrap();
            std::fs::write(root.join(version).join("tls.crt"), certificate).unwrap();
            std::fs::write(root.join(version).join("tls.key"), key).unwrap();
            std::os::unix::fs::symlink(version, root.join("..tmp")).unwrap();
            std::fs::rename(root.join("..tmp"), root.join("..data")).unwrap();
        }
    }

    #[test]
    fn every_swap_is_seen_and_a_bad_one_keeps_the_old_pair() {
        let mount = Mount::new();
        let (first, second) = (development(&[]).unwrap(), development(&[]).unwrap());
        mount.publish("..1", &first.certificate_pem, &first.key_pem);
        let store = Store::new(mount.files.load().unwrap());
        let mut tried = Tried {
            contents: mount.files.read().ok(),
            unreadable: None,
        };
        assert!(tried.look(&mount.files, &store).is_none());
        let before = store.current().unwrap();

        mount.publish("..2", &second.certificate_pem, &first.key_pem);
        let event = tried.look(&mount.files, &store);
        assert!(matches!(
            event,
            Some(Event::Failed(TlsError::Mismatch { .. }))
        ));
        assert!(tried.look(&mount.files, &store).is_none(), "reported once");
        assert!(Arc::ptr_eq(&before, &store.current().unwrap()));

        mount.publish("..3", &second.certificate_pem, &second.key_pem);
        let event = tried.look(&mount.files, &store);
        assert!(matches!(event, Some(Event::Reloaded)));
        assert!(!Arc::ptr_eq(&before, &store.current().unwrap()));

        std::fs::remove_file(mount.directory.path().join("..data")).unwrap();
        let event = tried.look(&mount.files, &store);
        assert!(matches!(event, Some(Event::Failed(TlsError::Read { .. }))));
        assert!(tried.look(&mount.files, &store).is_none(), "reported once");
    }
}
