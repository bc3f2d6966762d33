//! Authorities and what they sign, as another implementation reads them.

use super::*;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_001)
}

fn authority() -> Authority {
    Authority::make("an authority", now(), Duration::from_hours(24)).unwrap()
}

#[test]
fn an_authority_signs_for_servers_and_nothing_below() {
    let made = authority();
    let (_, pem) = x509_parser::pem::parse_x509_pem(made.certificate().pem().as_bytes()).unwrap();
    let read = pem.parse_x509().unwrap();
    let constraints = read.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca);
    assert_eq!(constraints.path_len_constraint, Some(0));
    assert!(read.key_usage().unwrap().unwrap().value.key_cert_sign());
    assert_eq!(made.certificate().not_before(), now() - BACKDATED);
    assert_eq!(
        made.certificate().not_after(),
        now() + Duration::from_hours(24)
    );
}

#[test]
fn a_leaf_is_for_a_server_is_backdated_and_says_which_key_signed_it() {
    let (made, names) = (
        authority(),
        service_names("hook", "own", &["a.example".into()]),
    );
    let leaf = made
        .sign("hook", &names, now(), Duration::from_hours(3))
        .unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(leaf.certificate_pem().as_bytes()).unwrap();
    let read = pem.parse_x509().unwrap();
    let names = read.subject_alternative_name().unwrap().unwrap();
    let names = format!("{:?}", names.value.general_names);
    for name in [
        "hook.own.svc",
        "hook.own.svc.cluster.local",
        "hook.own",
        "a.example",
    ] {
        assert!(names.contains(&format!("{name:?}")), "{name} in {names}");
    }
    assert!(!read.is_ca());
    assert!(
        read.extended_key_usage()
            .unwrap()
            .unwrap()
            .value
            .server_auth
    );
    let begins = super::super::pair::system_time(&read.validity().not_before);
    assert_eq!(begins, now() - BACKDATED);
    assert_eq!(leaf.not_after(), now() + Duration::from_hours(3));
    assert_eq!(leaf.pair().unwrap().not_after(), leaf.not_after());

    let (_, above) = x509_parser::pem::parse_x509_pem(made.certificate().pem().as_bytes()).unwrap();
    let above = above.parse_x509().unwrap();
    let extensions = |read: &x509_parser::certificate::X509Certificate<'_>| {
        let parsed = read
            .extensions()
            .iter()
            .map(|one| format!("{:?}", one.parsed_extension()));
        parsed.collect::<Vec<_>>().join("\n")
    };
    assert!(extensions(&read).contains("AuthorityKeyIdentifier"));
    assert!(extensions(&above).contains("SubjectKeyIdentifier"));
}

#[test]
fn a_leaf_is_never_valid_while_its_authority_is_not() {
    let leaf = authority().sign("hook", &[], now(), Duration::from_hours(48));
    assert_eq!(leaf.unwrap().not_after(), now() + Duration::from_hours(24));
    let before = now() - Duration::from_hours(1);
    let leaf = authority().sign("hook", &[], before, Duration::from_hours(48));
    assert_eq!(
        leaf.unwrap().pair().unwrap().not_before(),
        now() - BACKDATED
    );
}

#[test]
fn an_authority_is_read_back_and_signs_on() {
    let made = authority();
    let pem = made.certificate().pem().as_bytes();
    let read = Authority::from_pem(("ca.crt", pem), ("ca.key", made.key_pem().as_bytes()));
    let read = read.unwrap();
    assert_eq!(read, made);
    assert!(!format!("{read:?}").contains("PRIVATE"));
    let leaf = read.sign(
        "hook",
        &service_names("a", "b", &[]),
        now(),
        Duration::from_hours(1),
    );
    leaf.unwrap();
}

#[test]
fn what_is_no_authority_is_refused_with_the_reason() {
    let (made, other) = (authority(), authority());
    let leaf = made
        .sign("hook", &[], now(), Duration::from_hours(1))
        .unwrap();
    let read = |certificate: &str, key: &str| {
        let certificate = ("ca.crt", certificate.as_bytes());
        Authority::from_pem(certificate, ("ca.key", key.as_bytes())).unwrap_err()
    };
    let error = read(made.certificate().pem(), other.key_pem()).to_string();
    assert!(
        error.contains("ca.key does not fit the certificate ca.crt"),
        "{error}"
    );
    let error = read(leaf.certificate_pem(), leaf.key_pem()).to_string();
    assert!(error.contains("it is no authority's"), "{error}");
    let error = read("", made.key_pem()).to_string();
    assert!(error.contains("ca.crt: no usable certificate"), "{error}");
}

#[test]
fn leaves_are_renewed_at_two_thirds_of_their_life_and_replicas_differ() {
    let made = authority();
    let leaf = made
        .sign("hook", &[], now(), Duration::from_mins(50))
        .unwrap();
    assert_eq!(leaf.renew_at(0.0), now() + Duration::from_secs(2000));
    assert_eq!(leaf.renew_at(1.0), now() + Duration::from_secs(1700));
    assert!(!leaf.is_due(&made, now() + Duration::from_secs(1999), 0.0));
    assert!(leaf.is_due(&made, now() + Duration::from_secs(2000), 0.0));
    assert!(
        leaf.is_due(&authority(), now(), 0.0),
        "another authority signs"
    );
    let put_right = now() - Duration::from_secs(1);
    assert!(leaf.is_due(&made, put_right, 0.0), "the clock was ahead");
    let different: std::collections::BTreeSet<_> = (0..8)
        .map(|pod| format!("{:.3}", jitter(&format!("pillion-{pod}"))))
        .collect();
    assert!(different.len() > 4, "{different:?}");
    assert!((0.0..=1.0).contains(&jitter("pillion-a")));
}
