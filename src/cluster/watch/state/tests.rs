//! Changes, and what comes of them.

use std::sync::Arc;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::*;
use crate::cluster::model::TemplateReport;
use crate::cluster::revisions;
use crate::template::CatalogLookup;

mod tenants;

/// A cluster in which every kind was listed, with these objects.
struct Scene(State);

impl Scene {
    fn new() -> Self {
        let mut scene = Self(State::default());
        for kind in Watched::ALL {
            scene.change(kind, Change::Listing);
            scene.change(kind, Change::Listed);
        }
        scene
    }

    fn change(&mut self, kind: Watched, change: Change) {
        self.0.apply(WatchChange { kind, change });
    }

    fn apply(&mut self, kind: Watched, object: Value) {
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        self.change(
            kind,
            Change::Applied(Box::new(WatchedObject::read(kind, object))),
        );
    }

    fn delete(&mut self, kind: Watched, namespace: &str, name: &str) {
        self.change(
            kind,
            Change::Deleted((namespace.to_owned(), name.to_owned())),
        );
    }

    /// Stores a template; its image is what differs.
    fn template(&mut self, uid: &str, generation: i64, image: &str) {
        let kind = Watched::ClusterInjectionTemplates;
        self.apply(kind, template(uid, generation, image));
    }

    fn report(&mut self) -> Arc<TemplateReport> {
        let snapshot = self.0.snapshot();
        assert_eq!(snapshot.reports.templates.len(), 1);
        Arc::clone(&snapshot.reports.templates[0])
    }

    /// Keeps the good revision of the one template, as the leader does.
    fn keep(&mut self) -> String {
        let report = self.report();
        let mut object = revisions::object(&report, report.good.as_ref().unwrap());
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        object["metadata"]["namespace"] = json!("pillion-system");
        // As a list names it.
        self.change(Watched::ControllerRevisions, Change::Listing);
        self.apply(Watched::ControllerRevisions, object);
        self.change(Watched::ControllerRevisions, Change::Listed);
        name
    }

    /// What a pod of the shop gets of the template `logs`: its image, or why nothing.
    fn served(&mut self) -> String {
        let catalog = self.0.snapshot().catalog;
        match catalog.find("shop", "logs") {
            CatalogLookup::Template(template) => format!("{:?}", template.sidecars[0].body)
                .split('"')
                .find(|text| text.starts_with("image:"))
                .unwrap()
                .to_owned(),
            CatalogLookup::Broken(why) => why.to_owned(),
            CatalogLookup::Nothing => "nothing".to_owned(),
        }
    }
}

fn template(uid: &str, generation: i64, image: &str) -> Value {
    json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {
            "name": "logs",
            "uid": uid,
            "generation": generation,
            "resourceVersion": "7",
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {"sidecars": [{"name": "logs", "image": image}]},
    })
}

const BROKEN: &str = "${params.nothing}";

#[test]
fn what_is_missing_is_told_with_the_reason() {
    let mut state = State::default();
    assert_eq!(state.missing().len(), Watched::ALL.len());
    let failed = Change::Failed("forbidden".to_owned());
    state.apply(WatchChange {
        kind: Watched::Namespaces,
        change: failed,
    });
    for kind in Watched::ALL
        .into_iter()
        .filter(|kind| *kind != Watched::Namespaces)
    {
        for change in [Change::Listing, Change::Listed] {
            state.apply(WatchChange { kind, change });
        }
    }
    let expected = [(Watched::Namespaces, "forbidden".to_owned())];
    assert_eq!(state.missing(), expected);
}

#[test]
fn a_broken_generation_leaves_the_last_good_one() {
    let mut scene = Scene::new();
    scene.template("u", 1, "image:1");
    assert_eq!(scene.served(), "image:1");
    scene.template("u", 2, BROKEN);
    assert_eq!(scene.served(), "image:1");
    let report = scene.report();
    assert_eq!(report.good.as_ref().unwrap().generation, 1);
    assert_eq!(report.errors[0].field, "spec.sidecars[0].image");
    let error = report.errors[0].to_string();
    assert!(
        error.starts_with("ClusterInjectionTemplate/logs: spec.sidecars[0].image: "),
        "{error}"
    );
    scene.template("u", 3, "image:3");
    assert_eq!(scene.served(), "image:3");
    assert!(scene.report().errors.is_empty());
    scene.delete(Watched::ClusterInjectionTemplates, "", "logs");
    assert_eq!(scene.served(), "nothing");
}

#[test]
fn a_replica_that_starts_serves_the_revision_that_was_kept() {
    let mut first = Scene::new();
    first.template("u", 1, "image:1");
    let name = first.keep();
    assert_eq!(first.report().kept, [(name.clone(), 1)]);

    let kept = {
        let report = first.report();
        revisions::object(&report, report.good.as_ref().unwrap())
    };
    let mut second = Scene::new();
    second.template("u", 2, BROKEN);
    assert!(second.served().contains("there is no parameter"));
    assert!(second.report().good.is_none());
    second.apply(Watched::ControllerRevisions, kept.clone());
    assert_eq!(second.served(), "image:1");

    // One that was made again under the same name has nothing of it, and nobody needs it any more.
    let mut third = Scene::new();
    third.apply(Watched::ControllerRevisions, kept);
    third.template("another", 1, BROKEN);
    assert!(third.report().good.is_none());
    assert_eq!(third.0.snapshot().reports.orphans, [name]);
}

#[test]
fn all_replicas_come_to_serve_the_later_of_two_good_generations() {
    let mut saw_both = Scene::new();
    saw_both.template("u", 1, "image:1");
    saw_both.keep();
    saw_both.template("u", 2, "image:2");
    let second = saw_both.keep();
    saw_both.template("u", 3, BROKEN);
    assert_eq!(saw_both.served(), "image:2");
    assert_eq!(
        saw_both.report().kept,
        [(second, 2)],
        "the list names the first no more"
    );

    let mut saw_one = Scene::new();
    saw_one.template("u", 1, "image:1");
    saw_one.template("u", 3, BROKEN);
    assert_eq!(saw_one.served(), "image:1");
    let report = saw_both.report();
    let kept = revisions::object(&report, report.good.as_ref().unwrap());
    saw_one.apply(Watched::ControllerRevisions, kept);
    assert_eq!(saw_one.served(), "image:2");
}

#[test]
fn a_status_that_was_written_changes_no_template() {
    let mut scene = Scene::new();
    scene.template("u", 1, "image:1");
    let catalog = scene.0.snapshot().catalog;
    let mut with_status = template("u", 1, "image:1");
    with_status["status"] = json!({"observedGeneration": 1});
    with_status["metadata"]["resourceVersion"] = json!("8");
    scene.apply(Watched::ClusterInjectionTemplates, with_status);
    let report = scene.report();
    assert_eq!(report.resource_version, "8");
    assert_eq!(report.status["observedGeneration"], 1);
    let served = |catalog: &crate::template::Catalog| match catalog.find("shop", "logs") {
        CatalogLookup::Template(template) => Arc::clone(template),
        _ => panic!("it is served"),
    };
    let after = scene.0.snapshot().catalog;
    assert!(
        Arc::ptr_eq(&served(&catalog), &served(&after)),
        "compiled once"
    );
    // And where nothing at all changes, the very catalog stays.
    scene.apply(Watched::Namespaces, json!({"metadata": {"name": "shop"}}));
    assert!(Arc::ptr_eq(&after, &scene.0.snapshot().catalog));
}

#[test]
fn what_a_new_list_does_not_name_is_no_more() {
    let mut scene = Scene::new();
    scene.template("u", 1, "image:1");
    for name in ["shop", "bank"] {
        scene.apply(Watched::Namespaces, json!({"metadata": {"name": name}}));
    }
    for kind in [Watched::Namespaces, Watched::ClusterInjectionTemplates] {
        scene.change(kind, Change::Listing);
    }
    scene.apply(Watched::Namespaces, json!({"metadata": {"name": "bank"}}));
    assert!(
        !scene.0.snapshot().namespaces.is_unknown("shop"),
        "the list is not over"
    );
    assert_eq!(scene.served(), "image:1");
    for kind in [Watched::Namespaces, Watched::ClusterInjectionTemplates] {
        scene.change(kind, Change::Listed);
    }
    let namespaces = scene.0.snapshot().namespaces;
    assert!(namespaces.is_unknown("shop") && !namespaces.is_unknown("bank"));
    assert_eq!(scene.served(), "nothing");
}

#[test]
fn a_namespace_has_what_stands_in_it() {
    let mut scene = Scene::new();
    let in_shop = |name: &str| json!({"name": name, "namespace": "shop"});
    // In any order, and the Namespace itself may come last.
    scene.apply(
        Watched::LimitRanges,
        json!({"metadata": in_shop("sizes"), "spec": {"limits": [{"type": "Container"}]}}),
    );
    scene.apply(
        Watched::ResourceQuotas,
        json!({"metadata": in_shop("budget"), "spec": {"hard": {"pods": "4"}}}),
    );
    scene.apply(
        Watched::ServiceAccounts,
        json!({"metadata": in_shop("default"), "imagePullSecrets": [{"name": "registry"}]}),
    );
    scene.apply(
        Watched::ServiceAccounts,
        json!({"metadata": in_shop("plain")}),
    );
    let before = scene.0.snapshot().namespaces;
    assert!(before.is_unknown("shop"));
    scene.apply(
        Watched::Namespaces,
        json!({"metadata": {"name": "shop", "labels": {"team": "a"}, "annotations": {"b": "c"}}}),
    );
    let namespaces = scene.0.snapshot().namespaces;
    let shop = namespaces.get("shop");
    assert!(shop.is_listed);
    assert_eq!(shop.labels["team"], "a");
    assert_eq!(shop.labels["kubernetes.io/metadata.name"], "shop");
    assert_eq!(shop.annotations["b"], "c");
    assert_eq!(shop.limit_ranges[0].name, "sizes");
    assert_eq!(shop.quotas[0].name, "budget");
    assert_eq!(shop.pulling_accounts.len(), 1);
    assert!(before.is_unknown("shop"), "a snapshot never changes");

    scene.delete(Watched::LimitRanges, "shop", "sizes");
    scene.apply(
        Watched::ServiceAccounts,
        json!({"metadata": in_shop("default")}),
    );
    let namespaces = scene.0.snapshot().namespaces;
    let shop = namespaces.get("shop");
    assert!(shop.limit_ranges.is_empty() && shop.pulling_accounts.is_empty());
    scene.delete(Watched::Namespaces, "", "shop");
    assert!(scene.0.snapshot().namespaces.is_unknown("shop"));
}

#[test]
fn broken_objects_never_stop_the_rest() {
    let mut scene = Scene::new();
    scene.apply(
        Watched::ClusterInjectionTemplates,
        json!({"metadata": {"name": "a", "uid": "1"}, "spec": 5, "status": []}),
    );
    scene.apply(
        Watched::InjectionTemplates,
        json!({"metadata": {"name": "b", "namespace": "shop"}}),
    );
    for kind in [
        Watched::LimitRanges,
        Watched::ResourceQuotas,
        Watched::ServiceAccounts,
    ] {
        scene.apply(
            kind,
            json!({"metadata": {"name": "x", "namespace": "shop"}, "spec": [1], "imagePullSecrets": 5}),
        );
    }
    scene.apply(
        Watched::ControllerRevisions,
        json!({"metadata": {"name": "r"}, "data": 1}),
    );
    scene.template("u", 1, "image:1");
    assert_eq!(scene.served(), "image:1");
    let snapshot = scene.0.snapshot();
    assert_eq!(snapshot.reports.templates.len(), 3);
    assert_eq!(snapshot.reports.orphans, ["r"]);
    let good = snapshot.reports.templates.iter();
    assert_eq!(good.filter(|report| report.good.is_some()).count(), 1);
}

/// Ten thousand namespaces and as many templates: a change of one leaves all others as they are.
#[test]
fn a_change_of_one_leaves_ten_thousand_as_they_are() {
    let mut scene = Scene::new();
    let template = |name: usize, generation: i64| {
        json!({
            "metadata": {"name": format!("t{name}"), "uid": "u", "generation": generation},
            "spec": {"metadata": {"labels": {"generation": format!("g{generation}")}}},
        })
    };
    for name in 0..10_000 {
        scene.apply(Watched::ClusterInjectionTemplates, template(name, 1));
        let labels = json!({"name": format!("n{name}"), "labels": {"team": "a"}});
        scene.apply(Watched::Namespaces, json!({"metadata": labels}));
    }
    let before = scene.0.snapshot();
    scene.apply(Watched::ClusterInjectionTemplates, template(7, 2));
    scene.apply(Watched::Namespaces, json!({"metadata": {"name": "n7"}}));
    let start = std::time::Instant::now();
    let after = scene.0.snapshot();
    println!("a snapshot took {:?}", start.elapsed());
    for number in 0..10_000 {
        let name = format!("t{number}");
        let found = [&before, &after]
            .map(|snapshot| Arc::clone(snapshot.catalog.find("", &name).template().unwrap()));
        assert_eq!(Arc::ptr_eq(&found[0], &found[1]), number != 7, "{name}");
        let name = format!("n{number}");
        let found = [&before, &after].map(|snapshot| snapshot.namespaces.get(&name));
        let is_shared = std::ptr::eq(found[0].as_ref(), found[1].as_ref());
        assert_eq!(is_shared, number != 7, "{name}");
    }
}
