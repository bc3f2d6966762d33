//! The checks over a healthy installation in which one thing at a time is broken, and the schema of
//! the JSON, made from the types that write it.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::checks::{Health, Line};
use super::facts::{Facts, KnownNames, OtherRegistration, Probe};
use super::report::Report;
use super::{Check, checks};
use crate::cluster::{Access, DryRunResult, ObjectPage, Read};
use crate::tls::{development, inspect};

const MUTATING: &str = include_str!("../../../deploy/kustomize/base/mutating-webhook.yaml");
const VALIDATING: &str = include_str!("../../../deploy/kustomize/base/validating-webhook.yaml");

fn listed(items: &Value) -> Read<ObjectPage> {
    Read::Found(ObjectPage {
        items: items.as_array().unwrap().clone(),
        more: false,
    })
}

fn configuration(text: &str, bundle: &str) -> Read<Value> {
    let mut configuration: Value = serde_saphyr::from_str(text).unwrap();
    for entry in configuration["webhooks"].as_array_mut().unwrap() {
        entry["clientConfig"]["caBundle"] = json!(STANDARD.encode(bundle));
    }
    Read::Found(configuration)
}

fn right(resource: &'static str) -> Access {
    Access {
        user: "system:serviceaccount:pillion-system:pillion".to_owned(),
        groups: Vec::new(),
        verb: "list",
        group: "",
        resource,
        namespace: None,
        name: None,
    }
}

/// An installation of which nothing is wrong.
fn healthy() -> Facts {
    let made = development(&[]).unwrap();
    let definition = json!({
        "metadata": {"labels": {"app.kubernetes.io/version": env!("CARGO_PKG_VERSION")}},
        "spec": {"versions": [{"name": "v1alpha1", "served": true}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    });
    let image = concat!("registry.example.com/pillion:", env!("CARGO_PKG_VERSION"));
    let deployment = json!({
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": {"readyReplicas": 2},
    });
    Facts {
        now: SystemTime::now(),
        names: KnownNames {
            namespace: "pillion-system".to_owned(),
            name: "pillion".to_owned(),
            ..KnownNames::default()
        },
        version: json!({"major": "1", "minor": "37", "gitVersion": "v1.37.0"}),
        definitions: vec![("a.pillion.dev", Read::Found(definition))],
        deployment: Read::Found(deployment),
        pods: listed(&json!([])),
        service: Read::Found(json!({"spec": {"type": "ClusterIP"}})),
        slices: listed(
            &json!([{"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}}]}]),
        ),
        configurations: vec![
            (
                "MutatingWebhookConfiguration",
                configuration(MUTATING, &made.authority_pem),
            ),
            (
                "ValidatingWebhookConfiguration",
                configuration(VALIDATING, &made.authority_pem),
            ),
        ],
        served: Ok(inspect::read(made.certificate_pem.as_bytes()).unwrap()),
        certificates: Read::Missing,
        rights: vec![
            (right("namespaces"), true, Read::Found(true)),
            (right("secrets"), false, Read::Found(false)),
        ],
        templates: vec![listed(&json!([]))],
        policies: vec![("pillion-require-injection", Read::Missing, Read::Missing)],
        namespaces: listed(&json!([])),
        excluded: Vec::new(),
        all_pods: listed(&json!([])),
        probe: None,
        others: Read::Found(Vec::new()),
    }
}

/// What is not ok; without a probe that line is always a warning, and left out here.
fn unwell(facts: &Facts) -> Vec<Line> {
    let lines = checks::all(facts).into_iter();
    lines
        .filter(|line| line.status != Health::Ok && line.check != Check::Probe)
        .collect()
}

fn set(read: &mut Read<Value>, pointer: &str, value: Value) {
    let Read::Found(object) = read else {
        panic!("nothing to set {pointer} of");
    };
    *object.pointer_mut(pointer).unwrap() = value;
}

#[test]
fn nothing_is_told_of_a_healthy_installation() {
    assert_eq!(unwell(&healthy()), []);
}

type Break = fn(&mut Facts);

/// One namespace with this annotation.
fn annotated(key: &str, value: &str) -> Read<ObjectPage> {
    listed(&json!([{"metadata": {"name": "shop", "annotations": {key: value}}}]))
}

/// A configuration of another name whose Service is gone.
fn other(fails: bool) -> Read<Vec<OtherRegistration>> {
    Read::Found(vec![OtherRegistration {
        kind: "MutatingWebhookConfiguration",
        name: "old".to_owned(),
        service: ("gone".to_owned(), "pillion".to_owned()),
        fails,
        found: Read::Missing,
    }])
}

/// A template with this spec that the server does not take.
fn not_taken(spec: &Value) -> Read<ObjectPage> {
    let conditions = json!([
        {"type": "Compiled", "status": "False", "message": "no"},
        {"type": "Served", "status": "False"},
    ]);
    let metadata = json!({"namespace": "shop", "name": "t"});
    let status = json!({"conditions": conditions});
    listed(&json!([{"kind": "X", "metadata": metadata, "spec": spec, "status": status}]))
}

#[test]
fn one_thing_broken_is_one_line() {
    use Check as C;
    use Health::{Failure, Warning};
    #[rustfmt::skip]
    let table: Vec<(Break, Check, Health, &str)> = vec![
        (|f| f.version = json!({"major": "1", "minor": "29+", "gitVersion": "v1.29.1-eks"}), C::ApiServer, Failure, "v1.29.1-eks"),
        (|f| f.version = json!({"major": "1", "minor": "", "gitVersion": "odd"}), C::ApiServer, Warning, "cannot be read"),
        (|f| f.definitions[0].1 = Read::Missing, C::Definitions, Failure, "a.pillion.dev is missing"),
        (|f| set(&mut f.definitions[0].1, "/spec/versions/0/served", json!(false)), C::Definitions, Failure, "does not serve v1alpha1"),
        (|f| set(&mut f.definitions[0].1, "/status/conditions/0/status", json!("False")), C::Definitions, Failure, "not established"),
        (|f| set(&mut f.definitions[0].1, "/metadata/labels", json!({"app.kubernetes.io/version": "0.0.9"})), C::Definitions, Warning, "of version 0.0.9"),
        (|f| f.definitions[0].1 = Read::Unknown("forbidden".to_owned()), C::Definitions, Warning, "not known"),
        (|f| set(&mut f.deployment, "/status/readyReplicas", json!(0)), C::Deployment, Failure, "none of 2 replicas"),
        (|f| set(&mut f.deployment, "/status/readyReplicas", json!(1)), C::Deployment, Warning, "1 of 2 replicas"),
        (|f| set(&mut f.deployment, "/spec/template/spec/containers/0/image", json!("a/pillion:0.0.9")), C::Deployment, Warning, "runs version 0.0.9"),
        (|f| set(&mut f.deployment, "/spec/template/spec/containers/0/image", json!("a/pillion@sha256:00")), C::Deployment, Warning, "names no version"),
        (|f| f.pods = listed(&json!([{"metadata": {"name": "a"}, "status": {"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}])), C::Deployment, Warning, "do not start: a (CrashLoopBackOff)"),
        (|f| f.service = Read::Missing, C::Service, Failure, "there is no Service"),
        (|f| f.slices = listed(&json!([{"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": false}}]}])), C::Service, Failure, "nobody to call"),
        (|f| set(&mut f.configurations[0].1, "/webhooks/0/timeoutSeconds", json!(30)), C::Hazards, Warning, "timeoutSeconds is 30"),
        (|f| set(&mut f.configurations[0].1, "/webhooks/0/clientConfig/caBundle", json!("")), C::CaBundle, Failure, "no caBundle in mandatory.pillion.dev"),
        (|f| set(&mut f.configurations[0].1, "/webhooks/0/clientConfig/caBundle", json!("bm90IFBFTQ==")), C::CaBundle, Failure, "cannot be used"),
        (|f| f.served = Err("no route".to_owned()), C::Certificate, Warning, "no route"),
        (|f| f.certificates = listed(&json!([{"metadata": {"name": "x"}, "status": {"conditions": [{"type": "Ready", "status": "False", "message": "waits"}]}}])), C::CertManager, Failure, "not ready: waits"),
        (|f| f.rights[0].2 = Read::Found(false), C::Permissions, Failure, "may not list namespaces everywhere"),
        (|f| f.rights[1].2 = Read::Found(true), C::Permissions, Failure, "may list secrets everywhere"),
        (|f| f.rights[0].2 = Read::Unknown("forbidden".to_owned()), C::Permissions, Warning, "forbidden"),
        (|f| f.templates[0] = listed(&json!([{"kind": "X", "metadata": {"name": "a"}}])), C::Templates, Warning, "no replica has looked at it yet"),
        (|f| f.policies[0].1 = Read::Found(json!({})), C::Policies, Failure, "has no binding"),
        (|f| { f.policies[0].1 = Read::Found(json!({})); f.policies[0].2 = Read::Found(json!({"spec": {"policyName": "pillion-require-injection", "validationActions": ["Warn"]}})); }, C::Policies, Warning, "does not deny"),
        (|f| f.namespaces = Read::Unknown("forbidden".to_owned()), C::Namespaces, Warning, "forbidden"),
        (|f| f.namespaces = annotated("pillion.dev/inject", "clock"), C::Namespaces, Warning, "there is no template `clock`"),
        (|f| f.namespaces = annotated("clock.pillion.dev/zone", "UTC"), C::Namespaces, Warning, "`clock`, which does not exist"),
        (|f| f.namespaces = annotated("pgbouncer.pillion.dev/hots", "db"), C::Namespaces, Warning, "no parameter `hots`"),
        (|f| f.others = other(true), C::Configurations, Failure, "the MutatingWebhookConfiguration `old` has entries of Pillion"),
        (|f| f.others = other(false), C::Configurations, Warning, "the Service `pillion` of the namespace `gone`"),
        (|f| f.others = Read::Unknown("forbidden".to_owned()), C::Configurations, Warning, "other webhook configurations: forbidden"),
        (|f| f.templates[0] = not_taken(&json!({"metadata": {"labels": {"a": "b"}}})), C::Templates, Failure, "is not taken"),
        (|f| f.templates[0] = not_taken(&json!({"metadata": {"labels": {"a": "${params.b}"}}})), C::Templates, Failure, "does not compile"),
        (|f| f.all_pods = Read::Unknown("forbidden".to_owned()), C::Pods, Warning, "forbidden"),
    ];
    for (break_it, check, status, told) in table {
        let mut facts = healthy();
        break_it(&mut facts);
        let mut lines = unwell(&facts);
        // Without the namespaces, pods cannot be judged either.
        lines.retain(|line| check != C::Namespaces || line.check != C::Pods);
        let [line] = lines.as_slice() else {
            panic!("{told}: {lines:#?}");
        };
        assert_eq!((line.check, line.status), (check, status), "{line:?}");
        assert!(line.message.contains(told), "{told}: {line:?}");
        assert!(line.remedy.is_some(), "{line:?}");
    }
}

#[test]
fn a_refusal_of_the_trial_is_ours_where_our_configurations_name_the_webhook() {
    let mut facts = healthy();
    set(
        &mut facts.configurations[0].1,
        "/webhooks/0/name",
        json!("renamed.example.com"),
    );
    let probe = Probe {
        namespace: "shop".to_owned(),
        template: "a".to_owned(),
        pod: Value::Null,
    };
    for (name, told) in [
        ("renamed.example.com", "calls Pillion"),
        ("pod.pillion.dev", "calls Pillion"),
        ("validate.kyverno.svc-fail", "not known: another webhook"),
    ] {
        let message = format!("admission webhook \"{name}\" denied the request: no");
        facts.probe = Some((probe.clone(), DryRunResult::Refused(message)));
        let lines = checks::all(&facts);
        let line = lines
            .iter()
            .find(|line| line.check == Check::Probe)
            .unwrap();
        assert!(line.message.contains(told), "{line:?}");
    }
}

/// The Deployment's environment.
fn set_environment(facts: &mut Facts, variables: &Value) {
    let Read::Found(deployment) = &mut facts.deployment else {
        panic!("there is a Deployment");
    };
    deployment["spec"]["template"]["spec"]["containers"][0]["env"] = variables.clone();
}

#[test]
fn sidecars_follow_the_settings_of_the_deployment() {
    let pinned = |version: &str| json!({"name": "PILLION_KUBERNETES_VERSION", "value": version});
    let native = |when: &str| json!({"name": "PILLION_NATIVE_SIDECARS", "value": when});
    let classic = "sidecars are classic";
    for (variables, status, told) in [
        (json!([]), Health::Ok, "native sidecars are used"),
        (
            json!([pinned("1.37")]),
            Health::Ok,
            "native sidecars are used",
        ),
        (json!([native("never")]), Health::Ok, classic),
        (json!([pinned("1.31")]), Health::Warning, classic),
        (
            json!([pinned("1.31"), native("always")]),
            Health::Warning,
            "set to Kubernetes 1.31: native sidecars are used",
        ),
    ] {
        let mut facts = healthy();
        set_environment(&mut facts, &variables);
        let line = checks::all(&facts).remove(0);
        assert_eq!(
            (line.check, line.status),
            (Check::ApiServer, status),
            "{line:?}"
        );
        assert!(line.message.contains(told), "{line:?}");
    }
}

#[test]
fn a_template_that_files_may_bring_is_not_missed() {
    let mut facts = healthy();
    facts.namespaces = annotated("pillion.dev/inject", "clock");
    let variable = json!([{"name": "PILLION_TEMPLATES", "value": "/templates"}]);
    set_environment(&mut facts, &variable);
    assert_eq!(unwell(&facts), []);
}

#[test]
fn remedies_are_about_what_was_done() {
    let mut facts = healthy();
    facts.served = Err("refused".to_owned());
    let remedy = |facts: &Facts| unwell(facts).remove(0).remedy.unwrap();
    assert!(remedy(&facts).contains("name one with `--connect`"));
    facts.names.connect = Some("localhost:1".to_owned());
    let told = remedy(&facts);
    assert!(
        told.contains("localhost:1") && !told.contains("name one"),
        "{told}"
    );

    let mut facts = healthy();
    facts.templates[0] = not_taken(&json!({"metadata": {"labels": {"a": "b"}}}));
    let told = remedy(&facts);
    assert!(
        told.contains("--namespace-templates") && !told.contains("template check"),
        "{told}"
    );
}

#[test]
fn what_ends_is_told_before_it_has_ended() {
    let mut facts = healthy();
    let leaf = facts.served.as_ref().unwrap()[0].clone();
    let mut at = |time: SystemTime| {
        facts.now = time;
        let lines = unwell(&facts).into_iter();
        lines
            .map(|line| (line.check, line.status))
            .collect::<Vec<_>>()
    };
    let hour = Duration::from_hours(1);
    assert_eq!(at(leaf.not_after - 10 * 24 * hour), []);
    let (bundle, served) = (Check::CaBundle, Check::Certificate);
    let soon = [(bundle, Health::Warning), (served, Health::Warning)];
    assert_eq!(at(leaf.not_after - 24 * hour), soon);
    let ended = [(bundle, Health::Failure), (served, Health::Failure)];
    assert_eq!(at(leaf.not_after + hour), ended);
    let early = [(served, Health::Failure)];
    assert_eq!(at(leaf.not_before - hour), early);
}

#[test]
fn the_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor.schema.json");
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<Report>();
    let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/doctor.schema.json is not what the types say; write it anew with UPDATE=1"
    );
}
