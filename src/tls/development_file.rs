//! The development authority in a file, for clients to trust.
//!
//! The file is named by a flag and written at each start, in directories that others may write to.
//! So a link is never followed, and only what is a certificate already is replaced.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use super::TlsError;
use super::authority::AuthorityCertificate;

/// The largest file in bytes that can be the authority of an earlier start.
const LARGEST: u64 = 64 * 1024;

/// Writes an authority in PEM to a file, which is wholly the old one or wholly the new one at any
/// moment.
pub fn write_authority(path: &Path, pem: &str) -> Result<(), TlsError> {
    replace(path, pem).map_err(|source| TlsError::WriteAuthority {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, pem: &str) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => check(path, &metadata)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.pillion", std::process::id()));
    let written = File::create_new(&beside)
        .and_then(|mut file| file.write_all(pem.as_bytes()))
        // A rename replaces a link that somebody put there meanwhile, not what it points to.
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report; a file that was never made cannot be removed.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn refused(why: &str) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::AlreadyExists, why))
}

/// Whether what exists may be replaced: the authority of an earlier start, or an empty file.
fn check(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_symlink() {
        return refused("it is a symbolic link, which is not followed: name the file itself");
    }
    if !metadata.is_file() {
        return refused("it exists and is no regular file: name another one");
    }
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut content)?;
    if content.is_empty() || !AuthorityCertificate::all_of(&content).is_empty() {
        return Ok(());
    }
    refused("it exists and holds no certificate of an authority: name another file")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::tls::development;

    #[test]
    fn only_an_earlier_authority_is_replaced_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        let (first, second) = (development(&[]).unwrap(), development(&[]).unwrap());
        let authority = file("ca.crt");
        for made in [&first, &second] {
            write_authority(&authority, &made.authority_pem).unwrap();
            assert_eq!(fs::read_to_string(&authority).unwrap(), made.authority_pem);
        }

        fs::write(file("passwd"), "root:x:0:0").unwrap();
        symlink(file("passwd"), file("link")).unwrap();
        symlink(file("absent"), file("dangling")).unwrap();
        fs::create_dir(file("directory")).unwrap();
        for (name, why) in [
            ("link", "symbolic link"),
            ("dangling", "symbolic link"),
            ("passwd", "no certificate"),
            ("directory", "no regular file"),
        ] {
            let error = write_authority(&file(name), &first.authority_pem).unwrap_err();
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(why), "{name}: {source}");
        }
        assert_eq!(fs::read_to_string(file("passwd")).unwrap(), "root:x:0:0");
        assert!(!file("absent").exists());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5);
    }
}
