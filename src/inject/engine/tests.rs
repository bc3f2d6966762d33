//! What one review may cost, whoever wrote the templates and the pod.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::inject::verdict::Verdict;
use crate::template::{Catalog, Source};

/// Far above what is measured, as other work runs on the machine at the same time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A template with this many environment variables for each app container.
fn template(name: &str, more: &str, variables: usize, value: &str) -> Source {
    let variables: Vec<_> = (0..variables)
        .map(|index| format!("      - {{name: E{index}, value: \"{value}\"}}\n"))
        .collect();
    let variables = variables.concat();
    let text = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: {name}}}\n\
         spec:\n  {more}\n  parameters:\n    v: {{type: string, default: ''}}\n  app:\n    env:\n{variables}"
    );
    Source {
        path: format!("{name}.yaml"),
        text,
    }
}

/// A pod with this many containers that asks for templates.
fn pod(wanted: &str, containers: usize) -> Value {
    let containers =
        (0..containers).map(|index| json!({"name": format!("c{index}"), "image": "a:1"}));
    json!({
        "metadata": {"annotations": {"pillion.dev/inject": wanted}},
        "spec": {"containers": containers.collect::<Vec<_>>()},
    })
}

fn engine(templates: &[Source]) -> Engine {
    let (catalog, errors) = Catalog::load(templates, None);
    assert!(errors.is_empty(), "{errors:?}");
    Engine::new(Arc::new(catalog), Arc::new(Settings::default()))
}

fn decide(templates: &[Source], pod: &Value) -> Decision {
    decide_by(&engine(templates), pod)
}

fn decide_by(engine: &Engine, pod: &Value) -> Decision {
    let subject = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let start = Instant::now();
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    let pod = Pod::read(document.root()).unwrap();
    let decision = engine.decide(&subject, &pod, None);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    decision
}

fn assert_refused(decision: &Decision, message: &str) {
    assert_eq!(decision.verdict(), Verdict::Denied, "{}", decision.message);
    assert_eq!(
        decision.reason,
        Reason::BudgetExceeded,
        "{}",
        decision.message
    );
    assert!(decision.message.contains(message), "{}", decision.message);
    assert!(decision.patch.is_empty());
}

const LOOPS: &str =
    "${string(lists.range(330).map(x, lists.range(330).filter(y, y > x).size()).size())}";

#[test]
fn loops_of_a_template_times_containers_are_refused() {
    let decision = decide(
        &[template("loops", "mode: Enforce", 20, LOOPS)],
        &pod("loops", 50),
    );
    assert_refused(&decision, "loops: the expressions make more than");
    let loops = "${string([lists.range(330)].all(r, r.all(x, r.all(y, x + y > -1))))}";
    let decision = decide(
        &[template("steps", "mode: Enforce", 40, loops)],
        &pod("steps", 100),
    );
    assert_refused(
        &decision,
        "steps: the expressions and patterns take more than",
    );
}

#[test]
fn the_budget_is_that_of_all_templates() {
    let loops = "${string([lists.range(330)].all(r, r.all(x, r.all(y, x + y > -1))))}";
    let names: Vec<_> = (0..30).map(|index| format!("t{index}")).collect();
    let templates: Vec<_> = names
        .iter()
        .map(|name| template(name, "mode: Enforce", 1, loops))
        .collect();
    let alone = decide(&templates, &pod("t0", 1));
    assert_eq!(alone.verdict(), Verdict::Injected, "{}", alone.message);
    assert_refused(
        &decide(&templates, &pod(&names.join(","), 1)),
        "take more than",
    );
}

#[test]
fn texts_that_grow_are_refused() {
    let grown = template(
        "grown",
        "mode: Enforce",
        20,
        "${params.v.replace('a', params.v)}",
    );
    let mut pod = pod("grown", 40);
    pod["metadata"]["annotations"]["grown.pillion.dev/v"] = json!("a".repeat(1000));
    assert_refused(&decide(&[grown], &pod), "grown: the ");
}

#[test]
fn a_patch_that_the_api_server_does_not_take_is_refused() {
    let large = template("large", "mode: Enforce", 10, &"x".repeat(10_000));
    let fits = decide(std::slice::from_ref(&large), &pod("large", 10));
    assert_eq!(fits.verdict(), Verdict::Injected, "{}", fits.message);
    let decision = decide(&[large], &pod("large", 100));
    assert_refused(&decision, "large: the templates add more than 3 MiB");
}

#[test]
fn long_lists_are_refused_before_anything_is_composed() {
    let small = template("small", "mode: Enforce", 1, "x");
    let most = decide(std::slice::from_ref(&small), &pod("small", 1024));
    assert_eq!(most.verdict(), Verdict::Injected, "{}", most.message);
    let decision = decide(std::slice::from_ref(&small), &pod("small", 19_500));
    assert_refused(&decision, "19500 elements in spec.containers");
    assert!(decision.outcomes.is_empty());
    let mut empty = pod("small", 1);
    empty["spec"]["volumes"] = json!(vec![json!({}); 500_000]);
    assert_refused(&decide(&[small], &empty), "500000 elements in spec.volumes");
}

#[test]
fn more_mounts_and_ports_than_can_be_compared_are_refused() {
    let small = template("small", "mode: Enforce", 1, "x");
    for (list, field) in [
        ("volumeMounts", "mountPath"),
        ("volumeDevices", "devicePath"),
    ] {
        let mut many = pod("small", 2);
        let paths = |count: usize| -> Vec<_> {
            let paths =
                (0..count).map(|index| json!({"name": "v", field: format!("/{list}{index}")}));
            paths.collect()
        };
        many["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
        many["spec"]["containers"][0][list] = json!(paths(4096));
        let most = decide(std::slice::from_ref(&small), &many);
        assert_eq!(most.verdict(), Verdict::Injected, "{}", most.message);
        many["spec"]["containers"][1][list] = json!(paths(1));
        let told = format!("would have 4097 {list} of its containers");
        assert_refused(&decide(std::slice::from_ref(&small), &many), &told);
        let shadow = template("shadow", "mode: Shadow", 1, "x");
        many["metadata"]["annotations"]["pillion.dev/inject"] = json!("shadow");
        let shadowed = decide(&[shadow], &many).outcomes.remove(0);
        assert_eq!(
            shadowed.reason,
            Reason::ShadowBudgetExceeded,
            "{}",
            shadowed.message
        );
        assert!(shadowed.message.contains(&told), "{}", shadowed.message);
    }
}

#[test]
fn a_pod_with_more_values_than_can_be_made_into_data_is_refused() {
    let small = template("small", "mode: Enforce", 1, "x");
    for (field, element) in [
        ("envFrom", json!({})),
        ("args", json!("")),
        ("env", json!({"name": "A"})),
    ] {
        let mut large = pod("small", 1);
        large["spec"]["containers"][0][field] = json!(vec![element; 140_000]);
        large["metadata"]["annotations"]["pillion.dev/status.small"] = json!("{}");
        assert_refused(
            &decide(std::slice::from_ref(&small), &large),
            "values and keys",
        );
    }
    let mut large = pod("small", 1);
    let variables = (0..10_000).map(|index| json!({"name": format!("V{index}"), "value": "x"}));
    large["spec"]["containers"][0]["env"] = variables.collect();
    large["metadata"]["managedFields"] = json!(vec![json!({}); 70_000]);
    let most = decide(&[small], &large);
    assert_eq!(most.verdict(), Verdict::Injected, "{}", most.message);
}

#[test]
fn names_that_no_container_has_are_refused_before_anything_repeats_them() {
    let small = template("small", "mode: Enforce", 1, "x");
    for list in ["containers", "initContainers", "volumes"] {
        let mut long = pod("small", 1);
        long["spec"][list] = json!([{"name": "app"}, {"name": "a".repeat(4000)}]);
        let decision = decide(std::slice::from_ref(&small), &long);
        assert_eq!(
            decision.reason,
            Reason::ReviewInvalid,
            "{}",
            decision.message
        );
        let told = format!("spec.{list}[1].name has more than 253 characters");
        assert!(decision.message.starts_with(&told), "{}", decision.message);
    }
}

#[test]
fn a_template_in_shadow_mode_takes_no_budget_from_the_others() {
    let templates = [
        template("loops", "mode: Shadow", 20, LOOPS),
        template("small", "mode: Enforce", 1, "x"),
    ];
    let decision = decide(&templates, &pod("loops,small", 50));
    assert_eq!(
        decision.verdict(),
        Verdict::Injected,
        "{}",
        decision.message
    );
    let ends: Vec<_> = decision
        .outcomes
        .iter()
        .map(|outcome| (outcome.reason.verdict(), outcome.reason.code()))
        .collect();
    assert_eq!(
        ends,
        [
            (Verdict::Shadowed, "BudgetExceeded"),
            (Verdict::Injected, "Applied")
        ]
    );
}

#[test]
fn evaluation_ends_when_nobody_waits_any_more() {
    let value = "${params.v + string(apps.size())}";
    let engine = engine(&[template("t", "mode: Enforce", 1, value)]);
    let pod = pod("t", 1);
    let in_time = decide_by(&engine.until(|| false), &pod);
    assert_eq!(in_time.verdict(), Verdict::Injected, "{}", in_time.message);
    let late = decide_by(&engine.until(|| true), &pod);
    assert_refused(&late, "in the time that the API server waits");
}
