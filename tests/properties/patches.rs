//! Patches: they apply, keep everything of the user's, are the same every time, and are enough.

use std::sync::LazyLock;

use pillion::inject::settings::ForeignHelpers;
use pillion::inject::{Engine, Reason, Verdict, uninject};
use proptest::prelude::*;
use serde_json::Value;

use crate::empty::without_empty;
use crate::properties::engines::{decide, engine, patched};
use crate::properties::pods::{pod, reversed};
use crate::properties::survival::lost;

/// With native sidecars, and with classic ones.
static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| [engine(37), engine(28)]);

fn normal(pod: &Value) -> Value {
    let mut pod = pod.clone();
    without_empty(&mut pod);
    pod
}

/// Whether a pod has containers of its own, without which the API server refuses it: then helpers are
/// never taken out, as none would be left.
fn has_containers(pod: &Value) -> bool {
    let containers = pod["spec"]["containers"].as_array();
    containers.is_some_and(|containers| !containers.is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::sampling::cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_applies_and_nothing_of_the_users_is_lost(which in 0..2_usize, pod in pod()) {
        let decision = decide(&ENGINES[which], &pod);
        let after = patched(&pod, &decision);
        let mut own = pod.clone();
        for operation in &decision.patch.0 {
            prop_assert!(operation.apply(&mut own), "{operation:?}");
        }
        prop_assert_eq!(&own, &after);
        prop_assert_eq!(lost(&pod, &after, ""), None);
        if decision.verdict() == Verdict::Denied {
            prop_assert!(decision.patch.is_empty());
            prop_assert!(!decision.message.is_empty());
        }
    }

    #[test]
    fn the_same_pod_gets_the_same_bytes_and_keys_may_stand_in_any_order(
        which in 0..2_usize,
        pod in pod(),
    ) {
        let first = decide(&ENGINES[which], &pod);
        let second = decide(&ENGINES[which], &pod);
        prop_assert_eq!(first.patch.to_json(), second.patch.to_json());
        prop_assert_eq!(&first, &second);
        let other = reversed(&pod);
        let decision = decide(&ENGINES[which], &other);
        prop_assert_eq!(decision.reason, first.reason);
        prop_assert_eq!(patched(&other, &decision), patched(&pod, &first));
    }

    #[test]
    fn a_second_call_changes_nothing(which in 0..2_usize, pod in pod()) {
        prop_assume!(has_containers(&pod));
        let first = decide(&ENGINES[which], &pod);
        prop_assume!(first.verdict() != Verdict::Denied);
        let after = patched(&pod, &first);
        let second = decide(&ENGINES[which], &after);
        prop_assert!(second.patch.is_empty(), "{:?}\n{:?}", first, second);
        // Where all of it is there already the reason says so; the audit annotation repeats the
        // first, which the corpus holds.
        prop_assert!(
            second.reason == first.reason
                || (first.reason, second.reason) == (Reason::Applied, Reason::AlreadyInjected)
        );
    }

    #[test]
    fn taking_out_gives_the_pod_back(which in 0..2_usize, pod in pod()) {
        prop_assume!(has_containers(&pod));
        let decision = decide(&ENGINES[which], &pod);
        let mut after = patched(&pod, &decision);
        uninject::remove(&mut after, &|_| None, &ForeignHelpers::default()).unwrap();
        prop_assert_eq!(normal(&after), normal(&pod));
    }
}
