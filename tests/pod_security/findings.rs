//! What a finding says of the API server: that it refuses the pod by itself.
//!
//! Such a pod does not get through Pillion, so that the pod that would result is made here by hand:
//! the template's containers behind the user's, as they are written. The API server must refuse it,
//! and take what comes of the fixture without the finding.

use pillion::finding::{Code, Refusal};
use serde_json::{Value, json};

use crate::findings::fixture::{self, Fixture};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use crate::support::raw;

/// Nothing is kept, and fields that the API server does not know are left out.
const TRY: &str = "dryRun=All&fieldValidation=Ignore";

/// The pod with the containers and volumes of the templates.
fn resulting(fixture: &Fixture) -> Value {
    let mut pod = fixture.pod.pod.clone();
    for template in &fixture.templates {
        for (from, to) in [
            ("sidecars", "containers"),
            ("initContainers", "initContainers"),
            ("volumes", "volumes"),
        ] {
            let added = template["spec"][from].as_array().into_iter().flatten();
            for item in added {
                let list = &mut pod["spec"][to];
                if list.is_null() {
                    *list = json!([]);
                }
                list.as_array_mut().unwrap().push(item.clone());
            }
        }
    }
    pod
}

/// The pod with its own parameters in the places that the templates gave them.
fn with_parameters(pod: &Value) -> Value {
    let mut text = pod.to_string();
    for (key, value) in pod["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        if let Some((_, parameter)) = key.split_once(".pillion.dev/") {
            let place = format!("${{params.{parameter}}}");
            text = text.replace(&place, value.as_str().unwrap());
        }
    }
    serde_json::from_str(&text).unwrap()
}

/// The namespace that a fixture describes, with its LimitRanges.
async fn namespace(control_plane: &ControlPlane, fixture: &Fixture) -> Outcome<Namespace> {
    let client = control_plane.client()?;
    let mut labels = Vec::new();
    for object in &fixture.surroundings {
        let own = object["metadata"]["labels"].as_object();
        for (key, value) in own.into_iter().flatten() {
            labels.push((key.as_str(), value.as_str().unwrap()));
        }
    }
    let name = fixture.code.as_str().to_lowercase();
    let name = format!("{name}-{}", fixture.kind);
    let namespace = Namespace::create(&client, &name, &labels, &[]).await?;
    let ranges = fixture.surroundings.iter();
    for range in ranges.filter(|object| object["kind"] == "LimitRange") {
        let mut range = range.clone();
        range["metadata"]["namespace"] = namespace.name.clone().into();
        let path = format!("/api/v1/namespaces/{}/limitranges", namespace.name);
        let answer = raw::post(&client, &path, &range).await?;
        assert!(answer.granted(), "{}", answer.message());
    }
    Ok(namespace)
}

#[tokio::test]
async fn the_api_server_refuses_what_it_is_said_to_refuse() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let mut judged = 0;
    for kind in ["fail", "pass"] {
        for fixture in fixture::all(kind) {
            let Some(refusal) = fixture.code.refusal() else {
                continue;
            };
            let namespace = namespace(control_plane, &fixture).await?;
            let mut pod = with_parameters(&resulting(&fixture));
            pod["metadata"]["namespace"] = namespace.name.clone().into();
            let answer = namespace.create_pod(TRY, &pod).await?;
            let expected = match (kind, refusal) {
                ("pass", _) => 201,
                (_, Refusal::Invalid) => 422,
                (_, Refusal::Forbidden) => 403,
            };
            let (code, message) = (fixture.code, answer.message());
            assert_eq!(answer.status, expected, "{code} {kind}: {message}");
            judged += 1;
        }
    }
    let refused = Code::ALL.iter().filter(|code| code.refusal().is_some());
    let with_fixtures = refused.filter(|code| fixture::folder(**code).is_dir());
    assert_eq!(judged, 2 * with_fixtures.count());
    Ok(())
}

#[tokio::test]
async fn the_api_server_refuses_a_pod_whose_service_account_does_not_exist() -> Outcome {
    assert!(Code::ServiceAccountNotFound.refusal().is_some());
    let client = ControlPlane::shared().await?.client()?;
    let namespace = Namespace::create(&client, "no-account", &[], &[]).await?;
    let mut pod = json!({
        "metadata": {"name": "orders"},
        "spec": {"containers": [{"name": "orders", "image": "registry.example.com/orders:1"}]},
    });
    let answer = namespace.create_pod(TRY, &pod).await?;
    assert!(answer.granted(), "{}", answer.message());
    pod["spec"]["serviceAccountName"] = "nobody".into();
    let answer = namespace.create_pod(TRY, &pod).await?;
    assert_eq!(answer.status, 403, "{}", answer.message());
    Ok(())
}
