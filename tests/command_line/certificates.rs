//! `pillion certs`: files that can be served, with careful modes, and what is said of them.

use std::os::unix::fs::PermissionsExt;

use crate::command_line::program::{pillion, stderr, stdout};

#[test]
fn what_is_made_fits_is_private_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("certs");
    let out_text = out.display().to_string();
    let made = pillion(
        &[
            "certs",
            "new",
            "--out",
            &out_text,
            "--name",
            "192.0.2.1",
            "--lifetime",
            "12h",
        ],
        "",
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let text = stdout(&made);
    assert!(
        text.contains("kubectl create secret generic pillion-tls"),
        "{text}"
    );
    assert!(
        text.contains("LS0tLS1CRUdJTi"),
        "caBundle in base64: {text}"
    );
    for (file, mode) in [
        ("ca.crt", 0o644),
        ("ca.key", 0o600),
        ("tls.crt", 0o644),
        ("tls.key", 0o600),
    ] {
        let metadata = std::fs::metadata(out.join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{file}");
    }

    let certificate = out.join("tls.crt").display().to_string();
    let key = out.join("tls.key").display().to_string();
    let shown = pillion(&["certs", "show", &certificate, "--key", &key], "");
    let text = stdout(&shown);
    assert!(shown.status.success(), "{text}");
    assert!(
        text.contains("for        pillion.pillion-system.svc, "),
        "{text}"
    );
    assert!(text.contains("192.0.2.1"), "{text}");
    assert!(text.contains("signed by  CN=pillion authority"), "{text}");
    assert!(text.contains("tls.key fits the certificate"), "{text}");

    let before = std::fs::read(out.join("ca.key")).unwrap();
    let again = pillion(&["certs", "new", "--out", &out_text], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("--force"), "{}", stderr(&again));
    assert_eq!(std::fs::read(out.join("ca.key")).unwrap(), before);

    // A new certificate of the same authority, in its own directory.
    let renewed = pillion(
        &[
            "certs",
            "new",
            "--out",
            &out_text,
            "--authority",
            &out_text,
            "--force",
        ],
        "",
    );
    assert!(renewed.status.success(), "{}", stderr(&renewed));
    assert_eq!(std::fs::read(out.join("ca.key")).unwrap(), before);
    let mode = std::fs::metadata(out.join("tls.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_key_that_does_not_fit_is_an_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        let out = folder.path().join(out).display().to_string();
        assert!(
            pillion(&["certs", "new", "--out", &out], "")
                .status
                .success()
        );
    }
    let file = |name: &str| folder.path().join(name).display().to_string();
    let shown = pillion(
        &[
            "certs",
            "show",
            &file("a/tls.crt"),
            "--key",
            &file("b/tls.key"),
        ],
        "",
    );
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        stdout(&shown).contains("does not fit"),
        "{}",
        stdout(&shown)
    );

    let authority = std::fs::read_to_string(file("a/ca.crt")).unwrap();
    let shown = pillion(&["certs", "show", "-"], &authority);
    assert!(
        stdout(&shown).contains("-: authority CN=pillion authority"),
        "{}",
        stdout(&shown)
    );
    let shown = pillion(&["certs", "show", "-"], "garbage");
    assert_eq!(shown.status.code(), Some(2));
    assert!(
        stderr(&shown).contains("-: it is not PEM"),
        "{}",
        stderr(&shown)
    );
}
