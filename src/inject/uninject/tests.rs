//! What is taken out of a pod by hand, and what forged statuses cannot take.

use serde_json::{Value, json};

use super::*;
use crate::kubernetes::element_digest::{element_digest, text};
use crate::kubernetes::schema::FieldType;

/// A template that emits the container `helper` and the volume `t-v`.
fn template() -> Template {
    let source = crate::template::Source {
        path: "t.yaml".to_owned(),
        text: "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {name: t}\n\
               spec:\n  volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}]\n  sidecars:\n    - name: helper\n      \
               image: \"helper:1\"\n      volumeMounts: [{name: v, mountPath: /v}]\n"
            .to_owned(),
    };
    let (catalog, errors) = crate::template::Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    match catalog.find("shop", "t") {
        crate::template::CatalogLookup::Template(template) => template.as_ref().clone(),
        other => panic!("{other:?}"),
    }
}

fn removed(pod: &mut Value) -> TakenOut {
    let template = template();
    let foreign = ForeignHelpers::default();
    remove(pod, &|name| (name == "t").then_some(&template), &foreign).unwrap()
}

fn digest(definition: &str, value: &Value) -> String {
    let digest = element_digest(&FieldType::Object(definition.to_owned()), value);
    format!("{digest:016x}")
}

#[test]
fn what_others_added_stays() {
    let (a, port) = (
        json!({"name": "A", "value": "1"}),
        json!({"containerPort": 80}),
    );
    let cpu = element_digest(&FieldType::Quantity, &json!("1"));
    let status = json!({"verdict": "Injected", "reason": "Applied", "revision": "r",
        "initContainers": ["helper"], "volumes": ["t-v"],
        "replaced": {"dnsPolicy": format!("{:016x}", text("None"))},
        "edited": {"app": {"env/A": digest("EnvVar", &a), "ports/80~1TCP": digest("ContainerPort", &port),
            "resources/requests/cpu": format!("{cpu:016x}")}},
        "auto": {"own": format!("{:016x}", text("x:1"))}, "safeToEvict": ["t-v"],
        "labels": {"l": format!("{:016x}", text("1"))}});
    let mut pod = json!({"metadata": {"labels": {"l": "1"}, "annotations": {
            "pillion.dev/status.t": status.to_string(), "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": "a,t-v"}},
        "spec": {"initContainers": [{"name": "helper"}, {"name": "own", "image": "x:1"}],
            "containers": [{"name": "app", "env": [a, {"name": "B"}], "ports": [port],
                "resources": {"requests": {"cpu": "1000m", "memory": "2"}}}],
            "volumes": [{"name": "t-v"}], "dnsPolicy": "None"}});
    let result = removed(&mut pod);
    assert!(result.left.is_empty(), "{:?}", result.left_in_words());
    let expected = json!({"metadata": {"annotations": {
            "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": "a"}},
        "spec": {"initContainers": [{"name": "own", "image": "auto"}],
            "containers": [{"name": "app", "env": [{"name": "B"}],
                "resources": {"requests": {"memory": "2"}}}],
            "dnsPolicy": "ClusterFirst"}});
    assert_eq!(pod, expected);
}

#[test]
fn a_status_that_is_none_is_an_error_that_names_it() {
    let mut pod = json!({"metadata": {"annotations": {"pillion.dev/status.t": "injected"}}});
    let error = remove(&mut pod, &|_| None, &ForeignHelpers::default()).unwrap_err();
    assert!(
        error.to_string().contains("pillion.dev/status.t"),
        "{error}"
    );
}

/// Attack 10: what a forged status names is not believed, and the exit says so.
#[test]
fn a_forged_status_takes_nothing_that_a_pod_needs() {
    let app = json!({"name": "app", "image": "app:1", "securityContext": {"runAsUser": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}]});
    let (port, mount) = (
        json!({"name": "PORT", "value": "1"}),
        json!({"name": "data", "mountPath": "/etc/istio"}),
    );
    let mesh =
        json!({"name": "istio-proxy", "image": "istio:1", "env": [port], "volumeMounts": [mount]});
    let step = json!({"name": "istio-init", "image": "istio:1"});
    let other = json!({"name": "mesh-init", "image": "mesh:1"});
    let data = json!({"name": "data", "emptyDir": {}});
    let table = [
        json!({"containers": ["app"]}),
        json!({"containers": {"app": digest("Container", &app), "istio-proxy": digest("Container", &mesh)}}),
        json!({"containers": {"istio-proxy": digest("Container", &mesh)}}),
        json!({"edited": {"app": ["image", "name"]}}),
        json!({"edited": {"app": {"image": format!("{:016x}", text("app:1")),
            "name": format!("{:016x}", text("app"))}}}),
        json!({"pod": ["containers"], "replaced": ["volumes"]}),
        json!({"auto": ["app"]}),
        json!({"volumes": {"data": digest("Volume", &data)}}),
        // With right digests: another injector's, what no template can add, and what leaves no app.
        json!({"auto": {"istio-proxy": format!("{:016x}", text("istio:1"))}}),
        json!({"auto": {"app": format!("{:016x}", text("app:1"))}}),
        json!({"edited": {"istio-proxy": {"env/PORT": digest("EnvVar", &port),
            "volumeMounts/~1etc~1istio": digest("VolumeMount", &mount)}}}),
        json!({"initContainers": {"istio-init": digest("Container", &step),
            "mesh-init": digest("Container", &other)}}),
        json!({"pod": {"serviceAccountName": format!("{:016x}", text("orders"))}}),
        json!({"replaced": {"serviceAccountName": format!("{:016x}", text("orders"))}}),
        json!({"annotations": {"pillion.dev/inject": format!("{:016x}", text("t"))}}),
    ];
    for forged in table {
        let mut pod = json!({"metadata": {"annotations": {"pillion.dev/inject": "t",
                "sidecar.istio.io/status": r#"{"initContainers":["mesh-init"],"containers":null}"#,
                "pillion.dev/status.t": forged.to_string()}},
            "spec": {"serviceAccountName": "orders", "initContainers": [step, other],
                "containers": [app, mesh], "volumes": [data]}});
        let before = pod.clone();
        let result = removed(&mut pod);
        assert!(!result.left.is_empty(), "{forged}");
        assert_eq!(pod["spec"], before["spec"], "{forged}");
        assert_eq!(
            pod["metadata"]["annotations"]["pillion.dev/inject"], "t",
            "{forged}"
        );
    }
}

/// Another injector's proxy that the pod names as the app has edits like the app.
#[test]
fn edits_in_a_proxy_that_is_the_app_are_taken_out() {
    let ours = json!({"name": "A", "value": "1"});
    let status = json!({"edited": {"istio-proxy": {"env/A": digest("EnvVar", &ours)}}});
    for key in ["pillion.dev/containers", "t.pillion.dev/containers"] {
        let mut pod = json!({"metadata": {"annotations": {key: "web, istio-proxy",
                "pillion.dev/status.t": status.to_string()}},
            "spec": {"containers": [{"name": "web"}, {"name": "istio-proxy", "env": [ours]}]}});
        let result = removed(&mut pod);
        assert!(result.left.is_empty(), "{:?}", result.left_in_words());
        assert_eq!(pod["spec"]["containers"][1], json!({"name": "istio-proxy"}));
    }
}

/// Mesh 5: a container that stays keeps its volume.
#[test]
fn no_mount_is_left_without_its_volume() {
    let volume = json!({"name": "t-v", "emptyDir": {"sizeLimit": "1Mi"}});
    let renamed = json!({"name": "old", "image": "own:2",
        "volumeMounts": [{"name": "t-v", "mountPath": "/v"}]});
    let status = json!({"containers": {"old": "0000000000000001"},
        "volumes": {"t-v": digest("Volume", &volume)}});
    let mut pod = json!({"metadata": {"annotations": {"pillion.dev/status.t": status.to_string()}},
        "spec": {"containers": [{"name": "app"}, renamed], "volumes": [volume]}});
    let before = pod["spec"].clone();
    let result = removed(&mut pod);
    assert_eq!(pod["spec"], before);
    let words = result.left_in_words().join("; ");
    assert!(
        words.contains("container `old`") && words.contains("volume `t-v`"),
        "{words}"
    );
    // The status keeps naming what was left, so that it can be taken out later.
    let status = pod["metadata"]["annotations"]["pillion.dev/status.t"].as_str();
    assert!(status.unwrap().contains("old"), "{status:?}");
}

#[test]
fn a_helper_that_somebody_changed_is_taken_out_by_its_name() {
    let status = json!({"containers": {"helper": "0000000000000001"}, "volumes": {"t-v": "1"}});
    let mut pod = json!({"metadata": {"annotations": {"pillion.dev/status.t": status.to_string()}},
        "spec": {"containers": [{"name": "app"}, {"name": "helper", "image": "mirror/helper:1",
            "volumeMounts": [{"name": "t-v", "mountPath": "/v"}]}], "volumes": [{"name": "t-v"}]}});
    let result = removed(&mut pod);
    assert!(result.left.is_empty(), "{:?}", result.left_in_words());
    assert_eq!(
        pod,
        json!({"metadata": {}, "spec": {"containers": [{"name": "app"}]}})
    );
}

/// Long lists are indexed and short ones searched; both find the same.
#[test]
fn elements_of_long_lists_are_found_as_those_of_short_ones() {
    let variables = |count: usize| {
        let mut all: Vec<_> = (0..count)
            .map(|index| json!({"name": format!("V{index}"), "value": "1"}))
            .collect();
        all.push(json!({"name": "V3", "value": "last"}));
        json!({"spec": {"containers": [{"name": "a", "env": all}], "tolerations": vec![json!({"key": "k"}); count]}})
    };
    let toleration = json!({"key": "k"});
    let key = crate::inject::ownership::called("PodSpec", "tolerations", &toleration).unwrap();
    let key = format!("tolerations/{key}");
    for count in [8, 200] {
        let pod = variables(count);
        let content = PodContent::new(&pod);
        let found = |name| {
            content
                .find(Element::Edit("a", name))
                .map(|(value, _)| value["value"].clone())
        };
        assert_eq!(found("env/V3"), Some("last".into()), "{count}");
        assert_eq!(found("env/V4"), Some("1".into()), "{count}");
        assert_eq!(found("env/W"), None, "{count}");
        assert!(content.find(Element::Field(&key)).is_some(), "{count}");
        assert!(
            content.find(Element::Field("tolerations/x")).is_none(),
            "{count}"
        );
    }
}

/// Whatever names a volume keeps it: a device, or a variable out of one of its files.
#[test]
fn a_volume_stays_while_a_device_or_a_variable_names_it() {
    let helper = json!({"name": "helper", "image": "helper:1", "volumeMounts": [{"name": "t-v", "mountPath": "/v"}]});
    let volume = json!({"name": "t-v", "emptyDir": {"sizeLimit": "1Mi"}});
    let status = json!({"containers": {"helper": digest("Container", &helper)}, "volumes": {"t-v": digest("Volume", &volume)}});
    for (field, uses) in [
        ("image", json!("web:1")),
        (
            "volumeDevices",
            json!([{"name": "t-v", "devicePath": "/dev/v"}]),
        ),
        (
            "env",
            json!([{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "t-v", "path": "a", "key": "A"}}}]),
        ),
    ] {
        let mut app = json!({"name": "web"});
        app[field] = uses;
        let mut pod = json!({"metadata": {"annotations": {"pillion.dev/status.t": status.to_string()}},
            "spec": {"containers": [app, helper], "volumes": [volume]}});
        removed(&mut pod);
        let stays = pod["spec"].get("volumes").is_some();
        assert_eq!(stays, field != "image", "{field}: {pod}");
        assert_eq!(
            pod["spec"]["containers"].as_array().unwrap().len(),
            1,
            "{field}"
        );
    }
}
