//! What the templates of one namespace may take.

use super::*;

#[test]
fn a_namespace_with_too_many_templates_gets_no_further_one_until_there_is_room() {
    let mut scene = Scene::new();
    let kind = Watched::InjectionTemplates;
    let stored = |number: usize| {
        let mut object = template(&format!("u{number}"), 1, "image:1");
        object["kind"] = json!("InjectionTemplate");
        object["metadata"]["namespace"] = json!("shop");
        object["metadata"]["name"] = json!(format!("t{number:02}"));
        object["metadata"]["creationTimestamp"] = json!(format!("2026-01-01T00:00:{number:02}Z"));
        object
    };
    let most = TenantLimits::default().templates;
    for number in 0..=most {
        scene.apply(kind, stored(number));
    }
    let newest = |scene: &mut Scene| {
        let reports = Arc::clone(&scene.0.snapshot().reports);
        let name = format!("t{most:02}");
        let found = reports.templates.iter().find(|report| report.name == name);
        Arc::clone(found.unwrap())
    };
    let refused = newest(&mut scene);
    assert!(refused.good.is_none());
    let message = &refused.errors[0].message;
    assert!(message.contains("has 32 templates already"), "{message}");
    assert!(!scene.0.take_incomplete());

    scene.delete(kind, "shop", "t00");
    assert!(newest(&mut scene).good.is_none(), "its spec was not kept");
    assert!(scene.0.take_incomplete(), "so it must be listed anew");
    scene.apply(kind, stored(most));
    let admitted = newest(&mut scene);
    assert!(admitted.errors.is_empty() && admitted.good.is_some());
    assert!(!scene.0.take_incomplete());
}

/// A tenant's template of a namespace, by its number.
fn of_shop(number: usize, generation: i64, spec: &Value) -> Value {
    json!({
        "kind": "InjectionTemplate",
        "metadata": {
            "name": format!("t{number:02}"),
            "namespace": "shop",
            "uid": format!("u{number}"),
            "generation": generation,
            "creationTimestamp": format!("2026-01-01T00:00:{number:02}Z"),
        },
        "spec": spec,
    })
}

/// How many templates serve, and the reason why the last does not.
fn served_of_shop(scene: &mut Scene) -> (usize, String) {
    let reports = scene.0.snapshot().reports;
    let good = reports.templates.iter().filter(|it| it.good.is_some());
    let last = reports.templates.last().unwrap();
    let reason = last.errors.first().map(|error| error.message.clone());
    (good.count(), reason.unwrap_or_default())
}

#[test]
fn patterns_count_as_what_they_take_when_they_are_compiled() {
    let kind = Watched::InjectionTemplates;
    // A few bytes each, and a program of 100 KiB.
    let variables: Vec<_> = (0..6)
        .map(|number| {
            let expression = format!("app.name.matches('(?:abc|def|ghi|jkl){{{}}}')", 90 + number);
            json!({"name": format!("v{number}"), "expression": expression})
        })
        .collect();
    let spec = json!({"variables": variables});
    let mut scene = Scene::new();
    for number in 0..30 {
        scene.apply(kind, of_shop(number, 1, &spec));
    }
    let (served, reason) = served_of_shop(&mut scene);
    assert!((8..20).contains(&served), "{served}");
    assert!(reason.contains("patterns count"), "{reason}");
    // Those that seemed to fit once the others were refused are listed again, and then no more.
    let mut lists = 0;
    while scene.0.take_incomplete() {
        for number in 0..30 {
            scene.apply(kind, of_shop(number, 1, &spec));
        }
        assert_eq!(served_of_shop(&mut scene).0, served);
        lists += 1;
        assert!(lists < 3);
    }
    scene.delete(kind, "shop", "t00");
    scene.delete(kind, "shop", "t01");
    served_of_shop(&mut scene);
    assert!(scene.0.take_incomplete());
}

#[test]
fn what_a_broken_generation_leaves_to_serve_counts_on() {
    let kind = Watched::InjectionTemplates;
    let of_number =
        |number| json!({"name": format!("t{number}"), "image": "i:1", "args": vec!["a"; 1000]});
    let large = json!({"sidecars": (0..8).map(of_number).collect::<Vec<_>>()});
    let broken = json!({"sidecars": [{"name": "t", "image": BROKEN}]});
    let mut scene = Scene::new();
    for number in 0..20 {
        scene.apply(kind, of_shop(number, 1, &large));
        scene.0.snapshot();
        scene.apply(kind, of_shop(number, 2, &broken));
    }
    let (served, _) = served_of_shop(&mut scene);
    assert_eq!(served, 2, "each takes about 4 MiB of 8");
}

/// Stores the status of each template and what else a leader writes, and lists anew where that is
/// asked for, until nothing changes.
fn settle(scene: &mut Scene, objects: &mut [Value]) {
    for _ in 0..8 {
        let reports = scene.0.snapshot().reports;
        let mut is_changed = scene.0.take_incomplete();
        for (object, report) in objects.iter_mut().zip(&reports.templates) {
            let errors: Vec<_> = report.errors.iter().map(|it| &it.message).collect();
            let serves = report.good.as_ref().map(|good| good.generation);
            let status = json!({"serves": serves, "errors": errors});
            is_changed |= object["status"] != status;
            object["status"] = status;
            if let Some(good) = &report.good {
                let mut kept = revisions::object(report, good);
                kept["metadata"]["namespace"] = json!("pillion-system");
                scene.apply(Watched::ControllerRevisions, kept);
            }
        }
        if !is_changed {
            return;
        }
        for object in objects.iter() {
            scene.apply(Watched::InjectionTemplates, object.clone());
        }
    }
    panic!("it changes without end");
}

#[test]
fn a_template_that_is_refused_weighs_what_would_serve_of_it() {
    let sidecar = |number, args: usize| json!({"name": format!("t{number}"), "image": "i:1", "args": vec!["a"; args]});
    let spec = |count, args| json!({"sidecars": (0..count).map(|number| sidecar(number, args)).collect::<Vec<_>>()});
    let (small, heavy) = (spec(1, 1), spec(9, 1000));
    let broken = json!({"sidecars": [{"name": "t", "image": BROKEN}]});
    let mut scene = Scene::new();
    let mut objects = [of_shop(0, 1, &small), of_shop(1, 1, &heavy)];
    let mut change = |scene: &mut Scene, number: usize, generation, spec: &Value| {
        let status = objects[number]["status"].take();
        objects[number] = of_shop(number, generation, spec);
        objects[number]["status"] = status;
        scene.apply(Watched::InjectionTemplates, objects[number].clone());
        settle(scene, &mut objects);
        let reports = scene.0.snapshot().reports;
        let serve = |report: &Arc<TemplateReport>| report.good.as_ref().map(|it| it.generation);
        reports.templates.iter().map(serve).collect::<Vec<_>>()
    };
    scene.apply(Watched::InjectionTemplates, of_shop(0, 1, &small));
    assert_eq!(change(&mut scene, 1, 1, &heavy), [Some(1), Some(1)]);
    assert_eq!(change(&mut scene, 1, 2, &broken), [Some(1), Some(1)]);
    assert_eq!(change(&mut scene, 0, 2, &heavy), [Some(2), None]);
    assert!(served_of_shop(&mut scene).1.contains("would take more"));
    // Another generation that does not compile changes nothing of that.
    let other = json!({"sidecars": [{"name": "other", "image": BROKEN}]});
    assert_eq!(change(&mut scene, 1, 3, &other), [Some(2), None]);
    assert_eq!(change(&mut scene, 0, 3, &small), [Some(3), Some(1)]);
    assert_eq!(change(&mut scene, 0, 4, &heavy), [Some(4), None]);
    assert_eq!(change(&mut scene, 1, 4, &small), [Some(4), Some(4)]);
}

#[test]
fn errors_of_a_template_are_bounded_in_number_and_length() {
    let long = "é".repeat(50_000);
    let mut wrong: serde_json::Map<String, Value> = (0..5000)
        .map(|number| (format!("wrong{number}"), json!(0)))
        .collect();
    wrong.insert(long, json!(0));
    let mut scene = Scene::new();
    scene.apply(
        Watched::InjectionTemplates,
        of_shop(0, 1, &Value::Object(wrong)),
    );
    let reports = scene.0.snapshot().reports;
    let errors = &reports.templates[0].errors;
    assert_eq!(errors.len(), 64);
    assert!(errors.iter().all(|error| error.message.len() < 4096));
}
