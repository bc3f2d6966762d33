//! Certificates that change under a running server, in a mount as the kubelet makes it.

use std::os::unix::fs::symlink;
use std::path::Path;

use pillion::tls::{Development, development};

use crate::server::REVIEW;
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Server, refused, wait_for};

/// A Secret mount: files are links through `..data`, which is swapped.
pub(crate) struct Mount(tempfile::TempDir);

impl Mount {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(name), directory.path().join(name)).unwrap();
        }
        Self(directory)
    }

    pub(crate) fn publish(&self, version: &str, certificate: &Development, key: &Development) {
        let root = self.0.path();
        std::fs::create_dir(root.join(version)).unwrap();
        std::fs::write(
            root.join(version).join("tls.crt"),
            &certificate.certificate_pem,
        )
        .unwrap();
        std::fs::write(root.join(version).join("tls.key"), &key.key_pem).unwrap();
        symlink(version, root.join("..data_tmp")).unwrap();
        std::fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Starts a server with the mount's certificate and these further flags.
    pub(crate) fn serve(&self, flags: &[&str]) -> Server {
        let files = [self.file("tls.crt"), self.file("tls.key")];
        let own = [
            "--tls-cert",
            &files[0],
            "--tls-key",
            &files[1],
            "--tls-poll-seconds=1",
        ];
        Server::start_with_files(&[&own, flags].concat())
    }
}

pub(crate) fn made() -> Development {
    pillion::tls::install_provider();
    development(&[]).unwrap()
}

#[test]
fn a_certificate_is_replaced_while_requests_flow() {
    let (mount, first, second, third) = (Mount::new(), made(), made(), made());
    mount.publish("..1", &first, &first);
    let server = mount.serve(&[]);
    let authorities = [&first, &second, &third].map(|made| made.authority_pem.as_str());
    let config = trusting(&authorities, &["http/1.1"]);
    let mut kept = tls(server.webhook, &config).unwrap();
    // Every request must be answered: on a connection of its own, and on the one that is kept.
    let mut shown_after_both_answers = || {
        let mut fresh = tls(server.webhook, &config).unwrap();
        assert_eq!(fresh.review(REVIEW).unwrap().status, 200);
        assert_eq!(kept.review(REVIEW).unwrap().status, 200);
        fresh.certificate()
    };
    let original = shown_after_both_answers();

    mount.publish("..2", &second, &second);
    let replaced = wait_for("the second certificate", || {
        Some(shown_after_both_answers()).filter(|shown| *shown != original)
    });

    mount.publish("..3", &third, &first);
    wait_for("the refusal of a pair that does not fit", || {
        assert_eq!(shown_after_both_answers(), replaced);
        let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
        metrics
            .contains("pillion_certificate_reload_errors_total 1")
            .then_some(())
    });
    let told = server
        .logged("failed to reload the certificate; the one in use stays")
        .unwrap();
    assert!(
        told["error"].as_str().unwrap().contains("does not fit"),
        "{told}"
    );

    mount.publish("..4", &third, &third);
    wait_for("the third certificate", || {
        (shown_after_both_answers() != replaced).then_some(())
    });
    assert_eq!(
        plain(server.admin).unwrap().get("/readyz").unwrap().status,
        200
    );
}

#[test]
fn an_unusable_certificate_is_told_at_start() {
    let (mount, first, second) = (Mount::new(), made(), made());
    mount.publish("..1", &first, &second);
    let files = [mount.file("tls.crt"), mount.file("tls.key")];
    let (code, text) = refused(&["--tls-cert", &files[0], "--tls-key", &files[1]]);
    assert_eq!(code, Some(2), "{text}");
    let expected = format!("error: the private key {} does not fit", files[1]);
    assert!(text.contains(&expected), "{text}");
    let (code, text) = refused(&["--tls-cert", &files[0]]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--tls-key <FILE>"), "{text}");
}

#[test]
fn a_private_key_that_everybody_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let (mount, made) = (Mount::new(), made());
    mount.publish("..1", &made, &made);
    let (certificate, key) = (mount.file("tls.crt"), mount.file("tls.key"));
    let flags = [
        "--tls-cert",
        certificate.as_str(),
        "--tls-key",
        key.as_str(),
    ];
    let is_warned = |mode: u32| {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let server = Server::start_with_files(&flags);
        server.log().contains("every user may read the private key")
    };
    assert!(is_warned(0o644));
    assert!(!is_warned(0o640));
}

#[test]
fn the_development_authority_is_not_written_through_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (
        directory.path().join("target"),
        directory.path().join("link"),
    );
    std::fs::write(&target, "precious").unwrap();
    symlink(&target, &link).unwrap();
    let (code, text) = refused(&["--write-dev-ca", &link.display().to_string()]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("symbolic link"), "{text}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
}
