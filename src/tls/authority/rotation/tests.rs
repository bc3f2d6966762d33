//! The steps one by one, and what becomes of Secrets that are not as they should be.

use super::super::ca_secret::SecretData;
use super::*;

const LIFETIMES: Lifetimes = Lifetimes {
    authority: Duration::from_mins(150),
    leaf: Duration::from_mins(10),
    settle: Duration::from_secs(10),
};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn situation(seconds: u64, trusted: &[AuthorityCertificate]) -> Situation<'_> {
    Situation {
        now: at(seconds),
        lifetimes: LIFETIMES,
        is_asked: false,
        is_damaged: false,
        is_next_trusted: false,
        trusted,
    }
}

/// As it comes out of the Secret again.
fn stored(ca_set: &CaSet, over: &SecretData) -> (CaSet, Vec<String>) {
    let mut data = over.clone();
    for (key, value) in ca_set.write() {
        match value {
            Some(value) => data.insert(key.to_owned(), value),
            None => data.remove(key),
        };
    }
    CaSet::read(&data)
}

fn step(ca_set: &CaSet, situation: &Situation<'_>) -> Option<(Step, CaSet)> {
    let (step, after) = advance(ca_set, situation).unwrap()?;
    let (read, problems) = stored(&after, &SecretData::new());
    assert_eq!(problems, [""; 0]);
    assert_eq!(read, after, "what is written is what is read");
    Some((step, after))
}

/// Authorities of which one signs since second 0.
fn signing() -> CaSet {
    let (_, staged) = step(&CaSet::default(), &situation(0, &[])).unwrap();
    let trusted = Situation {
        is_next_trusted: true,
        ..situation(0, &[])
    };
    step(&staged, &trusted).unwrap().1
}

#[test]
fn the_first_authority_is_trusted_before_it_signs() {
    let (step_taken, staged) = step(&CaSet::default(), &situation(0, &[])).unwrap();
    assert_eq!(step_taken, Step::Staged);
    assert!(staged.signing(at(0)).is_none(), "nothing signs yet");
    assert_eq!(
        staged.bundle(),
        staged.next.as_ref().unwrap().certificate().pem()
    );
    assert_eq!(
        step(&staged, &situation(1, &[])),
        None,
        "it is not trusted yet"
    );

    let trusted = Situation {
        is_next_trusted: true,
        ..situation(20, &[])
    };
    let (step_taken, promoted) = step(&staged, &trusted).unwrap();
    assert_eq!(step_taken, Step::Promoted);
    assert!(promoted.signing(at(20)).is_some());
    assert_eq!(
        promoted.bundle(),
        staged.bundle(),
        "a role is no change for clients"
    );
}

#[test]
fn an_authority_is_followed_after_two_thirds_and_trusted_until_its_last_leaf_ends() {
    let first = signing();
    assert_eq!(step(&first, &situation(5_999, &[])), None);
    let (step_taken, staged) = step(&first, &situation(6_000, &[])).unwrap();
    assert_eq!(step_taken, Step::Staged);
    assert_eq!(
        staged.signing(at(6_000)),
        first.signing(at(6_000)),
        "the old one signs on"
    );
    for authority in [&staged.current, &staged.next] {
        let certificate = authority.as_ref().unwrap().certificate();
        assert!(certificate.is_in(staged.bundle().as_bytes()));
    }
    let trusted = Situation {
        is_next_trusted: true,
        ..situation(6_100, &[])
    };
    let (_, promoted) = step(&staged, &trusted).unwrap();
    assert_eq!(promoted.signing(at(6_100)), staged.next.as_ref());
    assert_eq!(promoted.bundle(), staged.bundle());
    assert_eq!(promoted.previous[0].until, at(6_100 + 600 + 10));
    assert_eq!(step(&promoted, &situation(6_709, &[])), None);
    let (step_taken, tidied) = step(&promoted, &situation(6_710, &[])).unwrap();
    assert_eq!(step_taken, Step::Tidied);
    assert_eq!(tidied.certificates().count(), 1);
}

#[test]
fn an_authority_that_was_made_while_the_clock_was_ahead_is_followed_at_once() {
    let put_right = |situation: Situation<'static>| Situation {
        now: at(0) - Duration::from_hours(1),
        ..situation
    };
    let first = signing();
    let (step_taken, staged) = step(&first, &put_right(situation(0, &[]))).unwrap();
    assert_eq!(step_taken, Step::Staged);
    assert_eq!(staged.current, first.current, "it signs until then");
    let next = |ca_set: &CaSet| ca_set.next.as_ref().unwrap().certificate().not_before();
    assert!(next(&staged) < at(0) - Duration::from_hours(1));

    // One that does not sign yet is replaced, though everybody trusts it.
    let (_, ahead) = step(&CaSet::default(), &situation(0, &[])).unwrap();
    let trusted = put_right(Situation {
        is_next_trusted: true,
        ..situation(0, &[])
    });
    let (step_taken, again) = step(&ahead, &trusted).unwrap();
    assert_eq!(step_taken, Step::Staged);
    assert!(next(&again) < next(&ahead));
    assert_eq!(step(&again, &put_right(situation(0, &[]))), None);
}

#[test]
fn a_person_can_ask_for_a_new_authority_but_not_without_end() {
    let mut ca_set = signing();
    for _ in 0..MOST_PREVIOUS {
        let asked = Situation {
            is_asked: true,
            ..situation(100, &[])
        };
        let (step_taken, staged) = step(&ca_set, &asked).unwrap();
        assert_eq!(step_taken, Step::Staged);
        let trusted = Situation {
            is_next_trusted: true,
            ..asked
        };
        ca_set = step(&staged, &trusted).unwrap().1;
    }
    assert_eq!(ca_set.previous.len(), MOST_PREVIOUS);
    let asked = Situation {
        is_asked: true,
        ..situation(100, &[])
    };
    assert_eq!(step(&ca_set, &asked), None);
}

#[test]
fn an_authority_that_nobody_came_to_trust_is_replaced_before_it_is_worn() {
    let (_, staged) = step(&CaSet::default(), &situation(0, &[])).unwrap();
    let late = Situation {
        is_next_trusted: true,
        ..situation(6_000, &[])
    };
    let (step_taken, again) = step(&staged, &late).unwrap();
    assert_eq!(step_taken, Step::Staged);
    assert_ne!(again.next, staged.next);
    // It may have signed before a damage made it the next one.
    let replaced = staged.next.as_ref().unwrap().certificate();
    assert!(replaced.is_in(again.bundle().as_bytes()));
}

#[test]
fn an_emptied_secret_keeps_what_clients_trust() {
    let old = signing();
    let trusted = AuthorityCertificate::all_of(old.bundle().as_bytes());
    let (step_taken, staged) = step(&CaSet::default(), &situation(50, &trusted)).unwrap();
    assert_eq!(step_taken, Step::Staged);
    assert!(trusted[0].is_in(staged.bundle().as_bytes()));
    assert_eq!(staged.previous[0].until, at(50 + 600 + 10));
}

fn data(ca_set: &CaSet) -> SecretData {
    let written = ca_set.write().into_iter();
    written
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

type Change = fn(&mut SecretData, &Authority);

#[test]
fn damage_is_told_and_never_signs() {
    let (ca_set, foreign) = (signing(), signing());
    let foreign = foreign.current.unwrap();
    let own = ca_set.current.clone().unwrap();
    let cases: [(&str, Change); 6] = [
        ("a key of another certificate", |data, foreign| {
            data.insert("ca.key".into(), foreign.key_pem().into());
        }),
        ("no key", |data, _| {
            data.remove("ca.key");
        }),
        ("garbage", |data, _| {
            data.insert("ca.crt".into(), b"garbage".to_vec());
        }),
        ("another authority", |data, foreign| {
            data.insert("ca.crt".into(), foreign.certificate().pem().into());
            data.insert("ca.key".into(), foreign.key_pem().into());
        }),
        ("no record", |data, _| {
            data.insert("rotation.json".into(), b"{".to_vec());
        }),
        ("no authority", |data, _| {
            data.remove("ca.crt");
            data.remove("ca.key");
        }),
    ];
    for (name, change) in cases {
        let mut damaged = data(&ca_set);
        change(&mut damaged, &foreign);
        let (read, problems) = CaSet::read(&damaged);
        assert!(read.signing(at(1)).is_none(), "{name}");
        assert_eq!(
            problems.is_empty(),
            name == "no authority",
            "{name}: {problems:?}"
        );
        let told = problems.join("\n");
        assert!(!told.contains("BEGIN"), "{name}: {told}");

        let trusted = [own.certificate().clone()];
        let situation = Situation {
            is_damaged: !problems.is_empty(),
            ..situation(1, &trusted)
        };
        let (_, repaired) = step(&read, &situation).unwrap();
        assert!(
            own.certificate().is_in(repaired.bundle().as_bytes()),
            "{name}"
        );
        assert!(
            repaired.next.is_some() && repaired.current.is_none(),
            "{name}"
        );
    }
}

#[test]
fn keys_of_others_stay_and_damage_besides_is_cleared() {
    let ca_set = signing();
    let mut damaged = data(&ca_set);
    damaged.insert("note".into(), b"of somebody".to_vec());
    damaged.insert("next.crt".into(), b"garbage".to_vec());
    let (read, problems) = CaSet::read(&damaged);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(read.signing(at(1)), ca_set.signing(at(1)));
    let untidy = Situation {
        is_damaged: true,
        ..situation(1, &[])
    };
    let (step_taken, after) = step(&read, &untidy).unwrap();
    assert_eq!(step_taken, Step::Tidied);
    let (_, problems) = stored(&after, &damaged);
    assert_eq!(problems, [""; 0]);
    assert!(!after.write().contains_key("note"));
}

#[test]
fn lifetimes_leave_time_to_rotate() {
    assert_eq!(LIFETIMES.check(), Ok(()));
    let hour = Duration::from_hours(1);
    let check = |authority, leaf, settle| {
        let lifetimes = Lifetimes {
            authority,
            leaf,
            settle,
        };
        lifetimes.check()
    };
    assert_eq!(
        check(hour * 2, hour, hour / 60),
        Err(LifetimesError::Authority)
    );
    assert_eq!(check(hour * 3, hour, hour), Err(LifetimesError::Authority));
    assert_eq!(
        check(hour, Duration::from_secs(1), hour),
        Err(LifetimesError::Leaf)
    );
}

#[test]
fn trust_is_counted_from_when_it_was_seen_and_anew_after_an_interruption() {
    let ca_set = signing();
    let observed = ca_set.current.as_ref().map(Authority::certificate);
    let (mut trust, start) = (Trust::default(), Instant::now());
    let mut note = |observed, seconds| {
        let now = start + Duration::from_secs(seconds);
        trust.note(observed, now, LIFETIMES.settle)
    };
    assert!(!note(observed, 0));
    assert!(!note(observed, 9));
    assert!(note(observed, 10));
    assert!(!note(None, 11));
    assert!(!note(observed, 12));
    assert!(!note(observed, 21));
    assert!(note(observed, 22));
    let other = signing();
    assert!(!note(
        other.current.as_ref().map(Authority::certificate),
        40
    ));
}
