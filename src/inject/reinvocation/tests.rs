//! What happens to a pod between two calls, and what people write into statuses.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::inject::settings::ForeignHelpers;
use crate::inject::{Decision, Engine, Reason, RequestContext, Settings, uninject};
use crate::review::{Document, Pod};
use crate::template::{Catalog, Source};

mod amounts;
mod changed;
mod defaults;
mod mandatory;
mod stale;
mod unselected;

const TEMPLATES: &str = r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: a}
spec:
  order: -1
  app:
    env: [{name: X, value: ours}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: b}
spec:
  sidecars:
    - {name: helper, image: "helper:1", env: "${app.?env}"}
  pod: {terminationGracePeriodSeconds: 60}
  app:
    env: [{name: Z, value: ours}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: classic}
spec:
  lifecycle: Classic
  sidecars:
    - {name: beside, image: "beside:1"}
"#;

fn decide(pod: &Value) -> Decision {
    decide_by(&templates(), pod)
}

/// An engine with [`TEMPLATES`].
fn templates() -> Engine {
    serving(TEMPLATES)
}

/// An engine that serves the templates of a file.
fn serving(text: &str) -> Engine {
    let source = Source {
        path: "templates.yaml".to_owned(),
        text: text.to_owned(),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    Engine::new(Arc::new(catalog), Arc::new(Settings::default()))
}

fn decide_by(engine: &Engine, pod: &Value) -> Decision {
    decide_in(engine, "shop", pod)
}

fn pod(templates: &str) -> Value {
    json!({
        "metadata": {"annotations": {"pillion.dev/inject": templates}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

/// The pod after the first call.
fn injected(templates: &str) -> Value {
    let mut pod = pod(templates);
    apply(&mut pod);
    pod
}

fn apply(pod: &mut Value) {
    for operation in &decide(pod).patch.0 {
        assert!(operation.apply(pod), "{operation:?}");
    }
}

#[test]
fn a_sidecar_of_another_webhook_is_not_the_users() {
    let mut pod = injected("a,b");
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "istio", "image": "istio:1"}));
    let decision = decide(&pod);
    assert_eq!(decision.reason, Reason::AlreadyInjected, "{decision:#?}");
    assert!(decision.patch.is_empty());
}

#[test]
fn what_another_webhook_rewrites_undoes_nothing_else() {
    let mut pod = injected("a,b");
    let before = pod.clone();
    pod["spec"]["containers"][0]["env"][0]["value"] = "theirs".into();
    apply(&mut pod);
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "helper");
    assert_eq!(
        pod["spec"]["initContainers"].as_array().map(Vec::len),
        before["spec"]["initContainers"].as_array().map(Vec::len)
    );
    let status = &pod["metadata"]["annotations"]["pillion.dev/status.b"];
    assert_eq!(
        status,
        &before["metadata"]["annotations"]["pillion.dev/status.b"]
    );
    assert!(
        decide(&pod).patch.is_empty(),
        "a third call changes nothing"
    );
}

#[test]
fn what_others_removed_is_added_again() {
    let volume = "
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: cached}
spec:
  sidecars:
    - {name: helper, image: \"helper:1\", volumeMounts: [{name: files, mountPath: /files}]}
  volumes:
    - {name: files, emptyDir: {}}
  app:
    env: [{name: X, value: ours}]
";
    let engine = serving(volume);
    let first = patched(pod("cached"), &decide_by(&engine, &pod("cached")));
    let again = decide_by(&engine, &first);
    assert_eq!(again.reason, Reason::AlreadyInjected, "{again:#?}");
    let list =
        "/metadata/annotations/cluster-autoscaler.kubernetes.io~1safe-to-evict-local-volumes";
    for (place, left) in [
        (list, json!("theirs")),
        ("/spec/containers/0/env", json!([])),
        ("/spec/initContainers", json!([])),
        ("/spec/volumes", json!([])),
    ] {
        let mut received = first.clone();
        *received.pointer_mut(place).unwrap() = left;
        let decision = decide_by(&engine, &received);
        assert_eq!(decision.reason, Reason::Applied, "{place}: {decision:#?}");
        let mut whole = patched(received, &decision);
        if place == list {
            let names = whole.pointer_mut(place).unwrap();
            assert_eq!(*names, "theirs,cached-files");
            *names = first.pointer(place).unwrap().clone();
        }
        assert_eq!(whole, first, "{place}");
    }
}

#[test]
fn a_rewritten_registry_is_left_to_its_webhook() {
    let mut pod = injected("b");
    pod["spec"]["initContainers"][0]["image"] = "mirror/helper:1".into();
    let decision = decide(&pod);
    assert_eq!(decision.reason, Reason::AlreadyInjected, "{decision:#?}");
}

#[test]
fn a_forged_status_vouches_for_nothing_of_the_users() {
    let table = [
        json!({"auto": ["helper"]}),
        json!({"initContainers": ["helper"]}),
        json!({"replaced": ["terminationGracePeriodSeconds"]}),
        json!({"replacedIn": {"helper": ["imagePullPolicy"]}}),
        json!({"edited": {"web": ["image", "env/OWN"]}}),
        json!({"containers": ["web"], "volumes": ["data"]}),
    ];
    for forged in table {
        let mut users = pod("b");
        users["spec"] = json!({
            "terminationGracePeriodSeconds": 90,
            "volumes": [{"name": "data", "emptyDir": {}}],
            "initContainers": [{"name": "helper", "image": "own:1",
                "imagePullPolicy": "Never", "restartPolicy": "Always"}],
            "containers": [{"name": "web", "image": "web:1",
                "env": [{"name": "OWN", "value": "1"}]}],
        });
        let spec = users["spec"].clone();
        users["metadata"]["annotations"]["pillion.dev/status.b"] = forged.to_string().into();
        apply(&mut users);
        assert!(
            decide(&users).patch.is_empty(),
            "{forged}: the next call changes nothing"
        );
        uninject::remove(&mut users, &|_| None, &ForeignHelpers::default()).unwrap();
        let mut expected = spec;
        // What a status names and the template emits by that name is the template's.
        if forged.get("initContainers").is_some() {
            expected["initContainers"] = Value::Null;
        }
        assert_eq!(
            users["spec"]["initContainers"], expected["initContainers"],
            "{forged}"
        );
        assert_eq!(
            users["spec"]["containers"], expected["containers"],
            "{forged}"
        );
        assert_eq!(users["spec"]["volumes"], expected["volumes"], "{forged}");
    }
}

#[test]
fn a_status_tells_the_end_that_there_was() {
    let mut users = pod("classic");
    users["spec"]["restartPolicy"] = "Never".into();
    let forged = json!({"verdict": "Injected", "reason": "Applied", "revision": "x"});
    users["metadata"]["annotations"]["pillion.dev/status.classic"] = forged.to_string().into();
    apply(&mut users);
    let status = users["metadata"]["annotations"]["pillion.dev/status.classic"].as_str();
    assert!(status.unwrap().contains("PodMustEnd"), "{status:?}");
}

#[test]
fn a_sidecar_is_no_step() {
    let mut users = pod("classic");
    users["spec"]["initContainers"] = json!([{"name": "beside", "image": "auto"}]);
    assert_eq!(decide(&users).reason, Reason::Conflict);
}

/// A container of another webhook's, behind what was injected, on a port of ours.
fn with_a_clash(policy: &str) -> (Value, Decision) {
    let template = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
         metadata: {{name: proxy}}\nspec:\n  findings: {{PortConflict: {policy}}}\n  \
         sidecars:\n    - name: proxy\n      image: \"proxy:1\"\n      \
         ports: [{{containerPort: 6432}}]\n  app: {{env: [{{name: P, value: x}}]}}\n"
    );
    let source = Source {
        path: "t.yaml".to_owned(),
        text: template,
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let engine = Engine::new(Arc::new(catalog), Arc::new(Settings::default()));
    let mut pod = pod("proxy");
    let first = decide_by(&engine, &pod);
    let patch = serde_json::to_value(&first.patch).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap();
    let theirs = json!({"name": "mesh", "image": "m:1", "ports": [{"containerPort": 6432}]});
    pod["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .push(theirs);
    let second = decide_by(&engine, &pod);
    (pod, second)
}

#[test]
fn what_others_added_since_is_checked_against_ours() {
    let (_, denied) = with_a_clash("Deny");
    assert_eq!(denied.reason.code(), "PortConflict", "{denied:#?}");
    assert_eq!(denied.verdict(), crate::inject::Verdict::Denied);
    assert!(denied.patch.is_empty());
    // What is there cannot be left out any more; it is told, and nothing of theirs is edited.
    let (_, told) = with_a_clash("Skip");
    assert_eq!(told.reason, Reason::AlreadyInjected, "{told:#?}");
    assert!(told.patch.is_empty());
    let warnings = told.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("PortConflict")),
        "{warnings:?}"
    );
}

/// An engine with one template, mandatory in the namespace `bank`.
fn engine(template: &str) -> Engine {
    let source = Source {
        path: "t.yaml".to_owned(),
        text: format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
             metadata: {{name: t}}\nspec:\n{template}"
        ),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let mut settings = Settings::default();
    let bank = crate::inject::Namespace {
        labels: [("pillion.dev/mandatory".to_owned(), String::new())].into(),
        ..crate::inject::Namespace::default()
    };
    settings.namespaces.insert("bank", bank);
    Engine::new(Arc::new(catalog), Arc::new(settings))
}

fn decide_in(engine: &Engine, namespace: &str, pod: &Value) -> Decision {
    let context = RequestContext {
        namespace: namespace.to_owned(),
        is_admission: true,
        ..RequestContext::default()
    };
    decide_as(engine, &context, pod)
}

fn decide_as(engine: &Engine, context: &RequestContext, pod: &Value) -> Decision {
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(context, &Pod::read(document.root()).unwrap(), None)
}

/// The pod with the patch of a decision.
fn patched(mut pod: Value, decision: &Decision) -> Value {
    let patch = serde_json::to_value(&decision.patch).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap();
    pod
}

const CHANGING: &str = "  parameters: {port: {type: integer, default: 1}}\n  \
    sidecars: [{name: helper, image: \"helper:IMAGE\", args: [\"${params.port}\"]}]\n  \
    app: {env: [{name: PORT, value: \"${params.port}\"}, {name: IMAGE, value: x}]}\n";

/// Mesh 3, other 19: an edit in what an earlier revision added is replaced, and told.
#[test]
fn edits_in_an_earlier_revision_are_replaced() {
    let (old, new) = (
        engine(CHANGING),
        engine(&CHANGING.replace("helper:IMAGE", "helper:2")),
    );
    let mut injected = patched(pod("t"), &decide_in(&old, "shop", &pod("t")));
    injected["spec"]["initContainers"][0]["image"] = "own:7".into();
    injected["spec"]["containers"][0]["env"][0]["value"] = "7".into();
    let decision = decide_in(&new, "shop", &injected);
    let warnings = decision.warnings().join("; ");
    assert!(warnings.contains("made anew"), "{warnings}");
    let fresh = patched(pod("t"), &decide_in(&new, "shop", &pod("t")));
    assert_eq!(patched(injected, &decision)["spec"], fresh["spec"]);
}

/// The same under the same revision: it is another webhook's, and stays.
#[test]
fn changes_of_others_are_told_as_theirs() {
    let engine = engine(CHANGING);
    let mut injected = patched(pod("t"), &decide_in(&engine, "shop", &pod("t")));
    injected["spec"]["initContainers"][0]["image"] = "mirror/helper:IMAGE".into();
    let decision = decide_in(&engine, "shop", &injected);
    assert_eq!(decision.reason, Reason::AlreadyInjected, "{decision:#?}");
    assert!(decision.patch.is_empty());
    let told = decision
        .judged()
        .into_iter()
        .map(|judged| judged.finding.code.as_str());
    let told: Vec<_> = told.filter(|code| *code != "ImageNotPinned").collect();
    assert_eq!(told, ["ChangedByOther"]);
}

/// Annotations are no different, but for generated files, which are written anew.
#[test]
fn an_annotation_that_somebody_changed_stays_and_a_file_does_not() {
    let engine = engine(
        "  sidecars: [{name: h, image: \"h:1\", volumeMounts: [{name: v, mountPath: /v}]}]\n  \
         volumes: [{name: v, files: {f: x}}]\n  metadata: {annotations: {prometheus.io/port: \"1\"}}\n",
    );
    let first = patched(pod("t"), &decide_in(&engine, "shop", &pod("t")));
    let (port, file) = ("prometheus.io/port", "pillion.dev/file.t-v.f");
    let mut changed = first.clone();
    changed["metadata"]["annotations"][port] = "2".into();
    changed["metadata"]["annotations"][file] = "y".into();
    let decision = decide_in(&engine, "shop", &changed);
    let told = decision.warnings().join("; ");
    assert!(told.contains(port) && !told.contains(file), "{told}");
    let after = patched(changed, &decision);
    assert_eq!(after["metadata"]["annotations"][port], "2");
    assert_eq!(after["metadata"]["annotations"][file], "x");
}

#[test]
fn what_a_flag_asked_for_stays() {
    let engine = templates();
    let by_flag = RequestContext {
        namespace: "shop".to_owned(),
        annotations: [("pillion.dev/inject".to_owned(), "b".to_owned())].into(),
        ..RequestContext::default()
    };
    let mut pod = pod("a");
    let decision = decide_as(&engine, &by_flag, &pod);
    pod = patched(pod, &decision);
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "helper");
    let again = decide_by(&engine, &pod);
    let after = patched(pod.clone(), &again);
    assert_eq!(
        after["spec"]["initContainers"],
        pod["spec"]["initContainers"]
    );
    assert_eq!(after["spec"]["containers"][0]["env"][0]["name"], "X");
}

/// Other 23: an unknown container that another webhook puts first is not taken for the app.
#[test]
fn the_app_stays_the_app() {
    let engine = engine(
        "  sidecars: [{name: helper, image: \"${app.image}\"}]\n  app: {env: [{name: X, value: x}]}\n",
    );
    let mut injected = patched(pod("t"), &decide_in(&engine, "shop", &pod("t")));
    let containers = injected["spec"]["containers"].as_array_mut().unwrap();
    containers.insert(0, json!({"name": "other", "image": "other:1"}));
    let decision = decide_in(&engine, "shop", &injected);
    assert!(decision.patch.is_empty(), "{:#?}", decision.patch);
    // In a file it is a person's, and the result what a fresh injection gives.
    let of_file = |pod: &Value| {
        let context = RequestContext {
            namespace: "shop".to_owned(),
            ..RequestContext::default()
        };
        decide_as(&engine, &context, pod)
    };
    let mut bare = pod("t");
    let containers = bare["spec"]["containers"].as_array_mut().unwrap();
    containers.insert(0, json!({"name": "other", "image": "other:1"}));
    let fresh = patched(bare.clone(), &of_file(&bare));
    let again = patched(injected.clone(), &of_file(&injected));
    assert_eq!(again["spec"], fresh["spec"]);
}

/// A status makes no app of another injector's helper.
#[test]
fn no_status_hands_the_apps_secrets_to_a_proxy() {
    let engine = engine("  app: {env: [{name: SECRET, value: x}]}\n");
    let mut users = pod("t");
    let proxy = json!({"name": "istio-proxy", "image": "istio/proxyv2:1"});
    let containers = users["spec"]["containers"].as_array_mut().unwrap();
    containers.push(proxy.clone());
    let first = patched(users.clone(), &decide_in(&engine, "shop", &users));
    let key = "/metadata/annotations/pillion.dev~1status.t";
    let honest = first.pointer(key).and_then(Value::as_str).unwrap();
    let mut forged: Value = serde_json::from_str(honest).unwrap();
    forged["apps"] = json!(["istio-proxy"]);
    users["metadata"]["annotations"]["pillion.dev/status.t"] = forged.to_string().into();
    let after = patched(users.clone(), &decide_in(&engine, "shop", &users));
    assert_eq!(after["spec"], first["spec"]);
    assert_eq!(after["spec"]["containers"][1], proxy);
}
