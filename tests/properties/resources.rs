//! The effective request and limit of a pod, against a second statement of the scheduler's formula:
//! not sums that are carried along, but every moment of a pod's life one by one.

use pillion::check::Pod;
use pillion::check::resources::effect;
use pillion::kubernetes::quantity::Quantity;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A container: whether a template added it, whether it is a native sidecar where it is an init
/// container, and thousandths of each resource that it requests and may use.
#[derive(Debug, Clone)]
struct Container {
    ours: bool,
    sidecar: bool,
    requests: [Option<u32>; 3],
    limits: [Option<u32>; 3],
}

/// The resources; the last one cannot be the pod's own.
const NAMES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// The pod's own amounts.
type Own = [Option<u32>; 2];

#[derive(Debug, Clone)]
struct Scene {
    init: Vec<Container>,
    apps: Vec<Container>,
    own: Option<(Own, Own)>,
    overhead: [Option<u32>; 3],
}

fn amount() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![1 => Just(None), 3 => (0u32..5000).prop_map(Some)]
}

fn container() -> impl Strategy<Value = Container> {
    let amounts = || [amount(), amount(), amount()];
    (any::<bool>(), any::<bool>(), amounts(), amounts()).prop_map(
        |(ours, sidecar, requests, limits)| Container {
            ours,
            sidecar,
            requests,
            limits,
        },
    )
}

fn scene() -> impl Strategy<Value = Scene> {
    let own = prop::option::of(([amount(), amount()], [amount(), amount()]));
    let init = prop::collection::vec(container(), 0..6);
    let apps = prop::collection::vec(container(), 1..4);
    (init, apps, own, [amount(), amount(), amount()]).prop_map(|(init, apps, own, overhead)| {
        Scene {
            init,
            apps,
            own,
            overhead,
        }
    })
}

fn amounts(amounts: &[Option<u32>]) -> Value {
    let named = NAMES.iter().zip(amounts);
    let said = named
        .filter_map(|(name, amount)| Some(((*name).to_owned(), json!(format!("{}m", (*amount)?)))));
    Value::Object(said.collect::<Map<_, _>>())
}

impl Scene {
    fn pod(&self) -> Value {
        let list = |containers: &[Container], init: bool| {
            let containers = containers.iter().enumerate();
            let write = |(index, container): (usize, &Container)| {
                let whose = if container.ours { "ours" } else { "theirs" };
                let mut value = json!({"name": format!("{whose}-{init}-{index}"), "resources": {
                    "requests": amounts(&container.requests),
                    "limits": amounts(&container.limits)}});
                if init && container.sidecar {
                    value["restartPolicy"] = json!("Always");
                }
                value
            };
            containers.map(write).collect::<Vec<_>>()
        };
        let mut spec = json!({"initContainers": list(&self.init, true),
            "containers": list(&self.apps, false), "overhead": amounts(&self.overhead)});
        if let Some((requests, limits)) = &self.own {
            spec["resources"] = json!({"requests": amounts(requests), "limits": amounts(limits)});
        }
        json!({"spec": spec})
    }

    /// The pod without what templates added.
    fn without_ours(&self) -> Self {
        let theirs = |containers: &[Container]| {
            let containers = containers.iter().filter(|container| !container.ours);
            containers.cloned().collect()
        };
        Self {
            init: theirs(&self.init),
            apps: theirs(&self.apps),
            ..self.clone()
        }
    }

    /// The moments of the pod's life, each with the containers that run then.
    fn moments(&self) -> Vec<Vec<&Container>> {
        let sidecars = |before: usize| {
            let first = self.init.iter().take(before);
            first.filter(|container| container.sidecar)
        };
        let starting = self.init.iter().enumerate();
        let starting = starting.map(|(index, own)| sidecars(index).chain([own]).collect());
        let running = sidecars(self.init.len()).chain(&self.apps).collect();
        starting.chain([running]).collect()
    }

    /// The most that the containers take at any moment; `None` where none says anything.
    fn most(&self, of: impl Fn(&Container) -> Option<u32>) -> Option<u64> {
        let at = |containers: Vec<&Container>| {
            let said: Vec<u32> = containers.into_iter().filter_map(&of).collect();
            let total = said.iter().map(|amount| u64::from(*amount)).sum();
            (!said.is_empty()).then_some(total)
        };
        self.moments().into_iter().filter_map(at).max()
    }

    /// The effective request and limit of a resource.
    fn expected(&self, name: usize) -> (Option<u64>, Option<u64>) {
        let mut request = self.most(|c| c.requests[name].or(c.limits[name]));
        let mut limit = self.most(|c| c.limits[name]);
        let said = |amounts: &[Option<u32>; 2]| amounts.iter().any(Option::is_some);
        let own = self
            .own
            .filter(|(requests, limits)| name < 2 && (said(requests) || said(limits)));
        if let Some((requests, limits)) = own {
            let (own_request, own_limit) =
                (requests[name].map(u64::from), limits[name].map(u64::from));
            request = own_request.or(request).or(own_limit);
            let all = self.init.iter().chain(&self.apps);
            let everywhere =
                all.clone().count() > 0 && all.clone().all(|c| c.limits[name].is_some());
            let filled = (everywhere && request.is_some())
                .then(|| limit.max(request))
                .flatten();
            limit = own_limit.or(filled).or(limit);
        }
        let overhead = self.overhead[name].map(u64::from);
        let with_overhead = match (request, overhead) {
            (None, None) => None,
            (request, overhead) => Some(request.unwrap_or(0) + overhead.unwrap_or(0)),
        };
        let on_top = |limit: u64| {
            if limit == 0 {
                0
            } else {
                limit + overhead.unwrap_or(0)
            }
        };
        (with_overhead, limit.map(on_top))
    }
}

fn millis(amount: Option<Quantity>) -> Option<u64> {
    amount.map(|amount| u64::try_from(amount.nanos() / 1_000_000).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::sampling::cases(500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_effect_is_that_of_every_moment(scene in scene()) {
        let pod = scene.pod();
        let effect = effect(&Pod::read(&pod, &|name| name.starts_with("ours").then_some("helper")));
        for (index, name) in NAMES.into_iter().enumerate() {
            let found = effect.amounts.iter().find(|amounts| amounts.resource == name);
            let after = scene.expected(index);
            let before = scene.without_ours().expected(index);
            let Some(found) = found else {
                prop_assert_eq!((after, before), ((None, None), (None, None)));
                continue;
            };
            prop_assert_eq!((millis(found.request_after), millis(found.limit_after)), after, "{}", name);
            prop_assert_eq!((millis(found.request_before), millis(found.limit_before)), before, "{}", name);
        }
    }
}
