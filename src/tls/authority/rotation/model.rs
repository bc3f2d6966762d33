//! Two replicas that both believe to lead, in every order, on a Secret that gets damaged, with API
//! servers that are behind: whatever is served is trusted by all of them at every moment.
//!
//! The model has the parts that a cluster has: a Secret and a bundle, each guarded by its resource
//! version, and replicas that read and write them in the order in which the server does. Between
//! any two calls anything may happen.

use proptest::prelude::*;

use super::super::ca_secret::SecretData;
use super::super::leaf::Leaf;
use super::*;

const LIFETIMES: Lifetimes = Lifetimes {
    authority: Duration::from_mins(1),
    leaf: Duration::from_secs(12),
    settle: Duration::from_secs(5),
};

/// How far an API server may be behind: a little less than what is waited.
const LAG: Duration = Duration::from_secs(4);

#[derive(Debug, Clone)]
enum Action {
    /// The keeper of a replica reads the configuration, then the Secret, then writes.
    KeeperReadsConfiguration(usize),
    KeeperReadsSecret(usize),
    ReconcilerWrites(usize),
    /// The rotation of a replica reads the Secret, then the configuration, then takes a step.
    RotationReadsSecret(usize),
    RotationReadsConfiguration(usize),
    RotationSteps(usize),
    /// A replica signs with what it read before.
    Signs(usize),
    /// Time passes.
    Passes(u64),
    /// A person asks for a new authority.
    Asks,
    /// Somebody damages the Secret.
    Damages(u8),
    /// A replica does all that it does, undisturbed.
    Round(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let replica = || 0..2_usize;
    prop_oneof![
        4 => replica().prop_map(Action::KeeperReadsConfiguration),
        4 => replica().prop_map(Action::KeeperReadsSecret),
        4 => replica().prop_map(Action::ReconcilerWrites),
        4 => replica().prop_map(Action::RotationReadsSecret),
        4 => replica().prop_map(Action::RotationReadsConfiguration),
        4 => replica().prop_map(Action::RotationSteps),
        4 => replica().prop_map(Action::Signs),
        6 => (1..5_u64).prop_map(Action::Passes),
        1 => Just(Action::Asks),
        1 => (0..5_u8).prop_map(Action::Damages),
        16 => replica().prop_map(Action::Round),
    ]
}

#[derive(Default)]
struct Replica {
    /// What the keeper has read: the configuration's version, then the bundle of the Secret.
    configuration: Option<usize>,
    wanted: Option<String>,
    /// What the rotation has read: when, the Secret's version and data, then the bundle.
    secret: Option<(u64, usize, SecretData)>,
    bundle: Option<String>,
    trust: Trust,
    leaf: Option<Leaf>,
}

struct World {
    seconds: u64,
    start: Instant,
    secret: (usize, SecretData),
    asked: bool,
    /// Each state of the configuration with the time since when it stands.
    bundles: Vec<(u64, String)>,
    replicas: [Replica; 2],
}

impl World {
    fn new() -> Self {
        Self {
            seconds: 0,
            start: Instant::now(),
            secret: (0, SecretData::new()),
            asked: false,
            bundles: vec![(0, String::new())],
            replicas: Default::default(),
        }
    }

    fn time(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::KeeperReadsConfiguration(replica) => {
                self.replicas[replica].configuration = Some(self.bundles.len());
                self.replicas[replica].wanted = None;
            }
            Action::KeeperReadsSecret(replica) => {
                let (ca_set, problems) = CaSet::read(&self.secret.1);
                let is_sound = problems.is_empty();
                self.replicas[replica].wanted = is_sound.then(|| ca_set.bundle());
            }
            Action::ReconcilerWrites(replica) => self.reconciler_writes(replica),
            Action::RotationReadsSecret(replica) => {
                let (version, data) = self.secret.clone();
                self.replicas[replica].secret = Some((self.seconds, version, data));
                self.replicas[replica].bundle = None;
            }
            Action::RotationReadsConfiguration(replica) => {
                self.replicas[replica].bundle = self.bundles.last().map(|(_, text)| text.clone());
            }
            Action::RotationSteps(replica) => self.rotation_steps(replica),
            Action::Signs(replica) => self.signs(replica),
            Action::Passes(seconds) => self.seconds += seconds,
            Action::Asks => self.asked = true,
            Action::Damages(how) => self.damages(how),
            Action::Round(replica) => {
                for action in round(replica) {
                    self.act(&action);
                    self.check();
                }
            }
        }
    }

    fn reconciler_writes(&mut self, replica: usize) {
        let replica = &mut self.replicas[replica];
        let read = replica.configuration.take().zip(replica.wanted.take());
        let Some((_, wanted)) = read.filter(|(version, _)| *version == self.bundles.len()) else {
            return;
        };
        let is_stale = self.bundles.last().is_some_and(|(_, text)| *text != wanted);
        if !wanted.is_empty() && is_stale {
            self.bundles.push((self.seconds, wanted));
        }
    }

    fn rotation_steps(&mut self, number: usize) {
        let replica = &mut self.replicas[number];
        let Some(bundle) = replica.bundle.take() else {
            return;
        };
        let Some((_, version, data)) = replica.secret.take() else {
            return;
        };
        let (ca_set, problems) = CaSet::read(&data);
        let next = ca_set.next.as_ref().map(Authority::certificate);
        let observed = next.filter(|next| next.is_in(bundle.as_bytes()));
        let now = self.start + Duration::from_secs(self.seconds);
        let situation = Situation {
            now: Self::time(self.seconds),
            lifetimes: LIFETIMES,
            is_asked: self.asked,
            is_damaged: !problems.is_empty(),
            is_next_trusted: replica.trust.note(observed, now, LIFETIMES.settle),
            trusted: &AuthorityCertificate::all_of(bundle.as_bytes()),
        };
        let Some((step, after)) = advance(&ca_set, &situation).unwrap() else {
            return;
        };
        if version == self.secret.0 {
            self.asked &= step != Step::Staged;
            let written = after.write().into_iter();
            let data = written.filter_map(|(key, value)| Some((key.to_owned(), value?)));
            self.secret = (version + 1, data.collect());
        }
    }

    fn signs(&mut self, replica: usize) {
        let replica = &mut self.replicas[replica];
        let Some((seconds, _, data)) = &replica.secret else {
            return;
        };
        let (ca_set, _) = CaSet::read(data);
        let now = Self::time(*seconds);
        if let Some(signing) = ca_set.signing(now) {
            let leaf = replica.leaf.as_ref();
            if leaf.is_none_or(|leaf| leaf.is_due(signing, now, 0.5)) {
                let leaf = signing.sign("leaf", &[], now, LIFETIMES.leaf);
                replica.leaf = Some(leaf.unwrap());
            }
        }
    }

    fn damages(&mut self, how: u8) {
        let (version, data) = &mut self.secret;
        *version += 1;
        match how {
            0 => data.clear(),
            1 => drop(data.insert("ca.key".into(), b"garbage".to_vec())),
            2 => drop(data.insert("rotation.json".into(), b"garbage".to_vec())),
            3 => drop(data.remove("ca.crt")),
            _ => drop(data.insert("next.crt".into(), b"garbage".to_vec())),
        }
    }

    /// Every leaf that is served is trusted by every API server, however far behind.
    fn check(&self) {
        let now = Self::time(self.seconds);
        let behind = self.seconds.saturating_sub(LAG.as_secs());
        let bundles = self.bundles.iter().enumerate().filter(|(at, _)| {
            let next = self.bundles.get(at + 1);
            next.is_none_or(|(until, _)| *until >= behind)
        });
        let in_use: Vec<_> = bundles.map(|(_, (_, text))| text).collect();
        let leaves = self.replicas.iter().filter_map(|one| one.leaf.as_ref());
        for leaf in leaves.filter(|leaf| now < leaf.not_after()) {
            for bundle in &in_use {
                assert!(
                    leaf.authority().is_in(bundle.as_bytes()),
                    "at {} s",
                    self.seconds
                );
            }
        }
    }
}

/// One undisturbed round of a replica.
fn round(replica: usize) -> [Action; 9] {
    [
        Action::RotationReadsSecret(replica),
        Action::RotationReadsConfiguration(replica),
        Action::RotationSteps(replica),
        Action::KeeperReadsConfiguration(replica),
        Action::KeeperReadsSecret(replica),
        Action::ReconcilerWrites(replica),
        Action::RotationReadsSecret(replica),
        Action::Signs(replica),
        Action::Passes(2),
    ]
}

// Every key is real, which is what takes the time: `make test-long` tries more orders.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::sampling::cases(16)))]

    #[test]
    fn nothing_untrusted_is_ever_served(actions in prop::collection::vec(action(), 0..240)) {
        let mut world = World::new();
        for action in &actions {
            world.act(action);
            world.check();
        }
        // Left alone it always comes to an end: everybody serves what is trusted.
        for replica in (0..12).flat_map(|_| [0, 1]) {
            world.act(&Action::Round(replica));
        }
        let now = World::time(world.seconds);
        let served = world.replicas.iter().all(|one| {
            one.leaf.as_ref().is_some_and(|leaf| now < leaf.not_after())
        });
        prop_assert!(served);
    }
}

#[test]
fn two_replicas_rotate_for_ever() {
    let mut world = World::new();
    let mut authorities = Vec::new();
    for replica in (0..120).flat_map(|_| [0, 1]) {
        world.act(&Action::Round(replica));
        let leaf = world.replicas[0].leaf.as_ref();
        if let Some(authority) = leaf.map(|leaf| leaf.authority().clone())
            && !authorities.contains(&authority)
        {
            authorities.push(authority);
        }
    }
    assert!(authorities.len() > 8, "{} authorities", authorities.len());
    let (ca_set, _) = CaSet::read(&world.secret.1);
    assert!(ca_set.certificates().count() <= 3, "old ones go");
}

#[test]
fn a_step_that_was_held_up_counts_from_when_it_is_taken() {
    let mut world = World::new();
    world.act(&Action::Round(0));
    world.act(&Action::Asks);
    for replica in [0, 0, 0, 0, 0, 1] {
        world.act(&Action::Round(replica));
    }
    // The other replica signs with what this one then replaces.
    world.act(&Action::RotationReadsConfiguration(1));
    world.act(&Action::Passes(8));
    world.act(&Action::Round(0));
    world.act(&Action::RotationSteps(1));
    world.act(&Action::Passes(5));
    for replica in [0, 1, 0, 1] {
        world.act(&Action::Round(replica));
        world.check();
    }
}

#[test]
fn a_keeper_that_is_behind_writes_nothing() {
    let mut world = World::new();
    for _ in 0..6 {
        world.act(&Action::Round(0));
    }
    world.act(&Action::KeeperReadsConfiguration(0));
    world.act(&Action::KeeperReadsSecret(0));
    world.act(&Action::Asks);
    let before = world.replicas[1].leaf.clone();
    for _ in 0..8 {
        world.act(&Action::Round(1));
    }
    let after = world.replicas[1].leaf.as_ref().unwrap();
    assert!(before.is_none_or(|before| before.authority() != after.authority()));
    // Its bundle lacks the authority that has signed meanwhile.
    world.act(&Action::ReconcilerWrites(0));
    world.check();
}
