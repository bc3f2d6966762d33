//! What happens to a pod between two calls, and what people write into statuses.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::inject::settings::ForeignHelpers;
use crate::inject::{Decision, Engine, Reason, RequestContext, Settings, uninject};
use crate::review::{Document, Pod};
use crate::template::{Catalog, Source};

mod defaults;
mod mandatory;

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
    let others: [(&str, fn(&mut Value)); 4] = [
        ("the list of what may be evicted", |pod| {
            let list = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
            pod["metadata"]["annotations"][list] = "theirs".into();
        }),
        ("a variable", |pod| {
            pod["spec"]["containers"][0]["env"] = json!([]);
        }),
        ("the helper", |pod| {
            pod["spec"]["initContainers"] = json!([]);
        }),
        ("the volume", |pod| {
            pod["spec"]["volumes"] = json!([]);
        }),
    ];
    for (what, remove) in others {
        let mut received = first.clone();
        remove(&mut received);
        let decision = decide_by(&engine, &received);
        assert_eq!(decision.reason, Reason::Applied, "{what}: {decision:#?}");
        let mut whole = patched(received, &decision);
        let list = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
        if what.starts_with("the list") {
            assert_eq!(
                whole["metadata"]["annotations"][list],
                "theirs,cached-files"
            );
            whole["metadata"]["annotations"][list] = first["metadata"]["annotations"][list].clone();
        }
        assert_eq!(whole, first, "{what}");
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
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&context, &Pod::read(document.root()).unwrap(), None)
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

/// A template that is not asked for any more is taken out where it is as it was added.
#[test]
fn what_is_not_selected_any_more_is_taken_out() {
    let mut injected = injected("a,b");
    injected["metadata"]["annotations"]["pillion.dev/inject"] = "a".into();
    let alone = self::injected("a");
    let result = patched(injected.clone(), &decide(&injected));
    assert_eq!(result["spec"], alone["spec"]);
    let mut other = injected.clone();
    other["spec"]["terminationGracePeriodSeconds"] = json!(61);
    let decision = decide(&other);
    let result = patched(other, &decision);
    assert_eq!(result["spec"]["terminationGracePeriodSeconds"], 61);
    let warnings = decision.warnings().join("; ");
    assert!(
        warnings.contains("terminationGracePeriodSeconds"),
        "{warnings}"
    );
    injected["spec"]["initContainers"][0]["image"] = "own:1".into();
    let decision = decide(&injected);
    let result = patched(injected, &decision);
    assert_eq!(result["spec"]["initContainers"][0]["image"], "own:1");
    assert!(
        decision
            .warnings()
            .join("; ")
            .contains("init container `helper`")
    );
}

#[test]
fn what_was_added_is_taken_out_when_nothing_is_selected_any_more() {
    let bare = json!({"containers": [{"name": "web", "image": "web:1"}]});
    let mut asks_for_none = injected("a,b");
    asks_for_none["metadata"]["annotations"]["pillion.dev/inject"] = "-a,-b".into();
    let decision = decide(&asks_for_none);
    assert_eq!(decision.reason, Reason::NotRequested);
    assert!(decision.message.contains("is taken out"), "{decision:#?}");
    let after = patched(asks_for_none, &decision);
    assert_eq!(after["spec"], bare);
    let annotations = after["metadata"]["annotations"].as_object().unwrap();
    let keys: Vec<_> = annotations.keys().collect();
    assert_eq!(keys, ["pillion.dev/inject"]);
    assert!(decide(&after).patch.is_empty());
    // The API server calls for none of these.
    let mut does_not_ask = injected("a,b");
    let annotations = does_not_ask["metadata"]["annotations"]
        .as_object_mut()
        .unwrap();
    annotations.remove("pillion.dev/inject");
    assert!(decide(&does_not_ask).patch.is_empty());
    let mut opts_out = injected("a,b");
    opts_out["metadata"]["labels"] = json!({"pillion.dev/inject": "false"});
    assert!(decide(&opts_out).patch.is_empty());
}

/// A template may add a helper of a name that another injector is known for. Only a template that is
/// served proves that it did: everybody can write a status with the right digest.
#[test]
fn a_helper_with_another_injectors_name_is_taken_out_where_the_served_template_adds_it() {
    let template = |name: &str, helper: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: {name}}}\n\
             spec: {{sidecars: [{{name: {helper}, image: \"{helper}:1\"}}]}}\n---\n"
        )
    };
    let both = template("ours", "kuma-sidecar") + &template("next", "beside");
    let engine = serving(&both);
    let first = patched(pod("ours,next"), &decide_by(&engine, &pod("ours,next")));
    let mut asks_for_one = first.clone();
    asks_for_one["metadata"]["annotations"]["pillion.dev/inject"] = "next".into();
    let alone = patched(pod("next"), &decide_by(&engine, &pod("next")));
    let after = patched(asks_for_one.clone(), &decide_by(&engine, &asks_for_one));
    assert_eq!(after, alone);
    // Not served, it is left to whom its name belongs to.
    let without = serving(&template("next", "beside"));
    let decision = decide_by(&without, &asks_for_one);
    let after = patched(asks_for_one, &decision);
    assert_eq!(after["spec"]["initContainers"][0]["name"], "kuma-sidecar");
    assert!(decision.warnings().join("; ").contains("kuma-sidecar"));
    // So it is for who takes it out of a file.
    let foreign = ForeignHelpers::default();
    let mut file = first.clone();
    let taken = uninject::remove(&mut file, &|_| None, &foreign).unwrap();
    assert!(taken.left_in_words().join("; ").contains("kuma-sidecar"));
    let catalog = engine.catalog();
    let served = |name: &str| catalog.find("shop", name).template().map(AsRef::as_ref);
    let mut file = first;
    let taken = uninject::remove(&mut file, &served, &foreign).unwrap();
    assert_eq!(taken.left_in_words(), [""; 0]);
    assert_eq!(file["spec"], pod("ours,next")["spec"]);
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
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    let decision = engine.decide(&by_flag, &Pod::read(document.root()).unwrap(), None);
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
        let text = pod.to_string();
        let document = Document::read(&text).unwrap();
        engine.decide(&context, &Pod::read(document.root()).unwrap(), None)
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

/// The request that the API server copied from a template's limit goes with it, and one that another
/// webhook has set since stays.
#[test]
fn a_copied_request_belongs_to_its_limit() {
    let limited = |limit: &str| {
        engine(&format!(
            "  app: {{resources: {{limits: {{memory: {limit}}}}}}}\n"
        ))
    };
    let (old, new) = (limited("64Mi"), limited("32Mi"));
    let mut injected = patched(pod("t"), &decide_in(&old, "shop", &pod("t")));
    let memory = |pod: &Value| pod["spec"]["containers"][0]["resources"].clone();
    injected["spec"]["containers"][0]["resources"]["requests"] = json!({"memory": "64Mi"});
    let decision = decide_in(&new, "shop", &injected);
    let after = patched(injected.clone(), &decision);
    assert_eq!(memory(&after)["limits"], json!({"memory": "32Mi"}));
    assert_eq!(memory(&after)["requests"].get("memory"), None);
    assert!(decision.warnings().is_empty(), "{:?}", decision.warnings());
    let mut back = injected.clone();
    uninject::remove(&mut back, &|_| None, &ForeignHelpers::default()).unwrap();
    assert_eq!(back["spec"], pod("t")["spec"]);
    injected["spec"]["containers"][0]["resources"]["requests"] = json!({"memory": "16Mi"});
    let decision = decide_in(&old, "shop", &injected);
    assert!(decision.patch.is_empty(), "{:#?}", decision.patch);
    let told = decision.warnings().join("; ");
    assert!(told.contains("ChangedByOther"), "{told}");
}
