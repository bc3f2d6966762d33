//! Nobody gets around a mandatory template: no label, list, `-name`, shadowing, same-named
//! container, parameter or forged status, through the API server's own selectors.

use std::fs;

use serde_json::{Value, json};

use crate::end_to_end::pods::{annotation, container, status};
use crate::end_to_end::scene::{app, pod, program};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

const IMAGE: &str = "registry.example.com/audit:2.1.0";

/// What the cluster requires.
fn required() -> Value {
    json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": "audit"},
        "spec": {
            "pattern": "Sidecar",
            "description": "Keeps a record of what the app does.",
            "requirement": "Mandatory",
            "override": ["resources"],
            "parameters": {
                "level": {"type": "string", "default": "strict", "setBy": []},
                "target": {"type": "string", "default": "store", "setBy": ["Namespace"]},
            },
            "sidecars": [{
                "name": "audit",
                "image": IMAGE,
                "args": ["--level=${params.level}", "--target=${params.target}"],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
            }],
        },
    })
}

/// What a tenant puts beside it in the same name: something harmless.
fn shadowing(namespace: &str) -> Value {
    json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "InjectionTemplate",
        "metadata": {"name": "audit", "namespace": namespace},
        "spec": {
            "pattern": "Sidecar",
            "description": "Nothing at all.",
            "sidecars": [{"name": "audit", "image": "docker.io/library/busybox:1.37.0"}],
        },
    })
}

/// Labels or annotations.
type Pairs<'p> = &'p [(&'p str, &'p str)];

/// A namespace in which the template is mandatory, and a server that knows all about it.
struct Place {
    namespace: Namespace,
    server: Pillion,
    _folder: tempfile::TempDir,
}

async fn place(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Outcome<Place> {
    let client = ControlPlane::shared().await?.client()?;
    let mut labels = labels.to_vec();
    labels.push(("pillion.dev/mandatory", ""));
    let namespace = Namespace::create(&client, "mandatory", &labels, annotations).await?;
    let folder = tempfile::tempdir().during("make a folder")?;
    let templates = folder.path().join("templates");
    fs::create_dir(&templates).during("make a folder for templates")?;
    let name = namespace.name.as_str();
    for (file, template) in [("audit", required()), ("own", shadowing(name))] {
        let file = templates.join(format!("{file}.yaml"));
        fs::write(file, template.to_string()).during("write a template")?;
    }
    let map = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)));
        Value::Object(pairs.collect())
    };
    let manifest = folder.path().join("namespace.json");
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name, "labels": map(&labels), "annotations": map(annotations),
    }});
    fs::write(&manifest, object.to_string()).during("write the namespace")?;
    let manifest = manifest.display().to_string();
    let arguments = ["--namespace-manifest", &manifest];
    let mut settings = Settings::new(program());
    settings.templates = Some(&templates);
    settings.arguments = &arguments;
    let identity = Identity::new()?;
    let server = Pillion::start(&settings, &identity).await?;
    Registration::install(server.webhook.port(), identity.authority(), &[&namespace]).await?;
    Ok(Place {
        namespace,
        server,
        _folder: folder,
    })
}

/// The required container is there, in every field that the template gives it.
fn assert_audited(pod: &Value, told: &str) {
    let audit = container(pod, "audit");
    assert_eq!(audit["image"], IMAGE, "{told}");
    assert_eq!(
        audit["args"],
        json!(["--level=strict", "--target=store"]),
        "{told}"
    );
    assert!(audit.get("command").is_none(), "{told}: {audit}");
    assert_eq!(audit["restartPolicy"], "Always", "{told}");
    assert_eq!(status(pod, "audit")["verdict"], "Injected", "{told}");
}

/// A pod whose metadata is this, with a container of the required name where there is one.
fn trying(metadata: &Value, own: Option<Value>) -> Value {
    let mut pod = pod("sly", &json!({}));
    for key in ["labels", "annotations"] {
        pod["metadata"][key] = metadata[key].clone();
    }
    if !metadata["annotations"]["kubernetes.io/config.mirror"].is_null() {
        pod["spec"]["nodeName"] = json!("node-1");
    }
    if let Some(own) = own {
        pod["spec"]["initContainers"] = json!([own]);
    }
    pod
}

#[tokio::test]
async fn no_pod_gets_around_a_mandatory_template() -> Outcome {
    let forged =
        r#"{"verdict":"Injected","reason":"Applied","revision":"a","initContainers":["audit"]}"#;
    let skipped = r#"{"verdict":"Skipped","reason":"MatchCondition","revision":"a"}"#;
    let ways = [
        json!({}),
        json!({"labels": {"pillion.dev/inject": "false"}}),
        json!({"labels": {"pillion.dev/inject": "true"}}),
        json!({"annotations": {"pillion.dev/inject": "-audit"}}),
        json!({"annotations": {"pillion.dev/inject": "audit,-audit,\n- audit"}}),
        json!({"annotations": {"pillion.dev/inject": ""}}),
        json!({"labels": {"pillion.dev/inject": "false"}, "annotations": {"pillion.dev/inject": "-audit"}}),
        json!({"annotations": {"pillion.dev/inject": "audit"}}),
        json!({"annotations": {"pillion.dev/status.audit": forged}}),
        json!({"annotations": {"pillion.dev/status.audit": skipped}}),
        json!({"annotations": {"pillion.dev/status.audit": "{"}}),
        json!({"annotations": {"kubernetes.io/config.mirror": "a1"}}),
        json!({"labels": {"control-plane": "true", "pillion.dev/mandatory": "false"}}),
    ];
    let namespaces: [(Pairs<'_>, Pairs<'_>); 3] = [
        (&[], &[]),
        (
            &[("pillion.dev/injection", "disabled")],
            &[("pillion.dev/inject", "-audit")],
        ),
        (
            &[("pillion.dev/injection", "enabled")],
            &[("pillion.dev/inject", "audit,-audit")],
        ),
    ];
    for (labels, annotations) in namespaces {
        let place = place(labels, annotations).await?;
        for way in &ways {
            let told = format!("{way} in {labels:?} {annotations:?}");
            let answer = place
                .namespace
                .create_pod("dryRun=All", &trying(way, None))
                .await?;
            assert!(answer.granted(), "{told}: {answer:?}");
            assert_audited(&answer.body, &told);
        }
    }
    Ok(())
}

/// A container of the required name, or a parameter, may set what the template allows and nothing
/// else: the pod has the required container, or does not come into being.
#[tokio::test]
async fn nothing_of_the_users_changes_the_required_container() -> Outcome {
    let place = place(&[("pillion.dev/injection", "enabled")], &[]).await?;
    let sidecar = |fields: Value| {
        let mut container = json!({"name": "audit", "restartPolicy": "Always"});
        for (key, value) in fields.as_object().into_iter().flatten() {
            container[key] = value.clone();
        }
        Some(container)
    };
    let busybox = "docker.io/library/busybox:1.37.0";
    let refused = [
        trying(&json!({}), sidecar(json!({"image": busybox}))),
        trying(
            &json!({}),
            sidecar(json!({"image": "auto", "command": ["sleep", "infinity"]})),
        ),
        trying(
            &json!({}),
            sidecar(json!({"image": "auto", "args": ["--level=none"]})),
        ),
        trying(
            &json!({}),
            sidecar(json!({"image": IMAGE, "args": []})).map(|mut one| {
                one["securityContext"] = json!({"privileged": true});
                one
            }),
        ),
        // An init step of that name, which ends at once.
        trying(
            &json!({}),
            Some(json!({"name": "audit", "image": busybox, "command": ["true"]})),
        ),
        trying(
            &json!({"annotations": {"audit.pillion.dev/level": "none"}}),
            None,
        ),
        trying(
            &json!({"annotations": {"audit.pillion.dev/target": "nowhere"}}),
            None,
        ),
        trying(&json!({"labels": {"pillion.dev/inject": "maybe"}}), None),
        {
            let mut pod = trying(&json!({}), None);
            pod["spec"]["containers"] = json!([app(), {"name": "audit", "image": busybox}]);
            pod
        },
    ];
    for pod in &refused {
        let answer = place.namespace.create_pod("dryRun=All", pod).await?;
        assert!(matches!(answer.status, 403 | 422), "{pod:#}: {answer:?}");
        assert!(
            answer.message().contains("denied the request"),
            "{answer:?}"
        );
    }

    // What is allowed: resources, and the image as a placeholder.
    let more =
        json!({"image": "auto", "resources": {"requests": {"cpu": "20m", "memory": "16Mi"}}});
    let answer = place
        .namespace
        .create_pod("dryRun=All", &trying(&json!({}), sidecar(more)))
        .await?;
    assert!(answer.granted(), "{answer:?}");
    assert_audited(&answer.body, "resources");
    let requests = &container(&answer.body, "audit")["resources"]["requests"];
    assert_eq!(requests["cpu"], "20m");

    // A copy of an injected pod has what it should, and it is not added twice.
    let answer = place
        .namespace
        .create_pod("dryRun=All", &trying(&json!({}), None))
        .await?;
    let mut copy = answer.body.clone();
    copy["metadata"] =
        json!({"name": "copy", "annotations": answer.body["metadata"]["annotations"]});
    copy["spec"]["initContainers"][0]["image"] = json!(busybox);
    let told = annotation(&copy, "pillion.dev/status.audit").unwrap_or_default();
    assert!(told.contains("audit"), "{told}");
    let answer = place.namespace.create_pod("dryRun=All", &copy).await?;
    // What somebody changed in it since is put back.
    assert!(answer.granted(), "a copy with another image: {answer:?}");
    assert_audited(&answer.body, "a copy with another image");
    Ok(())
}

/// While nobody answers, no pod is created rather than a bare one, whatever it says.
#[tokio::test]
async fn without_a_server_no_pod_is_created() -> Outcome {
    let place = place(&[], &[]).await?;
    place.server.stop().await?;
    for metadata in [
        json!({}),
        json!({"labels": {"pillion.dev/inject": "false"}}),
        json!({"annotations": {"kubernetes.io/config.mirror": "a1"}}),
    ] {
        let answer = place
            .namespace
            .create_pod("dryRun=All", &trying(&metadata, None))
            .await?;
        assert_eq!(answer.status, 500, "{metadata}: {answer:?}");
        assert!(
            answer.message().contains("mandatory.pillion.dev"),
            "{answer:?}"
        );
    }
    Ok(())
}
