//! What the kubelet asks of helpers is answered on every network that a pod can be on.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use crate::cluster::manifests::{app, pod};
use crate::cluster::node::networks::{IPV6_FIRST, IPV6_ONLY, WITHOUT_IPV6};
use crate::cluster::scene::Scene;
use crate::support::certificates::Authority;
use crate::support::failure::{During, Outcome};

/// A pod with every helper that is asked over the network and can be beside the others. Whose
/// program is a stand-in listens where its configuration says (see `images/list.sh`).
fn proxies() -> Value {
    let asks = json!({
        "pillion.dev/inject": "api-proxy, dapr, envoy-tls, linkerd-proxy, log-shipper, nginx-tls, \
            otel-collector, pgbouncer, redis-shards, stats-exporter",
        // An address: no name is known here, and Envoy opens nothing before it has given up.
        "api-proxy.pillion.dev/url": "http://127.0.0.1:1",
        "dapr.pillion.dev/app-id": "orders",
        "envoy-tls.pillion.dev/secret": "web-tls",
        "pgbouncer.pillion.dev/host": "127.0.0.1",
        "redis-shards.pillion.dev/servers": "127.0.0.1:1",
    });
    pod("proxies", &asks, &app("exec sleep 3600"))
}

/// A pod whose connections the helper takes over, and so alone.
fn mesh() -> Value {
    let asks = json!({"pillion.dev/inject": "mesh-proxy"});
    pod("mesh", &asks, &app("exec sleep 3600"))
}

/// The ports that the kubelet asks at a pod's address, now or later.
fn asked(pod: &Value) -> BTreeSet<u64> {
    ["initContainers", "containers"]
        .iter()
        .filter_map(|kind| pod["spec"][kind].as_array())
        .flatten()
        .flat_map(|container| {
            ["startupProbe", "readinessProbe", "livenessProbe"].map(|probe| &container[probe])
        })
        .flat_map(|probe| [&probe["httpGet"]["port"], &probe["tcpSocket"]["port"]])
        .filter_map(Value::as_u64)
        .collect()
}

/// Runs both pods in a runtime class until each is ready, with every port open that the kubelet
/// asks. Returns the families of their addresses, first the one that the kubelet asks.
async fn run(class: &str) -> Outcome<(Scene, Vec<&'static str>)> {
    let scene = Scene::with_level(class, "privileged").await?;
    let issued = Authority::new("web")?.serving(&["web.example.com"])?;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web-tls"},
        "stringData": {"tls.crt": issued.certificate, "tls.key": issued.key},
    });
    let roots = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "linkerd-identity-trust-roots"},
        "data": {"ca-bundle.crt": "roots"},
    });
    for object in [secret, roots] {
        scene.create(&object).await?;
    }
    // What the namespace alone may say, and the tests' server reads no namespace.
    let settings = json!({"linkerd-proxy.pillion.dev/ipv6": (class != WITHOUT_IPV6).to_string()});
    for mut pod in [proxies(), mesh()] {
        pod["spec"]["runtimeClassName"] = json!(class);
        let mut injected = scene.inject(&settings, &pod)?;
        injected["metadata"]["labels"]["pillion.dev/inject"] = json!("false");
        let helpers = injected["spec"]["initContainers"].as_array_mut();
        for helper in helpers.into_iter().flatten() {
            // All together they would leave no processor to the pods of other tests.
            helper["resources"] = json!({});
        }
        scene.create(&injected).await?;
    }
    let mut families = Vec::new();
    for (name, ports) in [("proxies", 10), ("mesh", 1)] {
        scene.ready(name).await?;
        let pod = scene.namespace.api::<Pod>().get(name).await;
        let pod = json!(pod.during("read a pod")?);
        let asked = asked(&pod);
        assert_eq!(asked.len(), ports, "{asked:?}");
        let address = scene.address(name).await?;
        for port in asked {
            scene.exec(name, "app", &format!("nc -z -w 10 {address} {port}"))?;
        }
        families = families_of(&pod);
    }
    Ok((scene, families))
}

fn families_of(pod: &Value) -> Vec<&'static str> {
    let addresses = pod["status"]["podIPs"].as_array().into_iter().flatten();
    let addresses = addresses.filter_map(|address| address["ip"].as_str());
    let family = |address: &str| {
        if address.contains(':') {
            "IPv6"
        } else {
            "IPv4"
        }
    };
    addresses.map(family).collect()
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn helpers_answer_the_kubelet_where_ipv6_comes_first() -> Outcome {
    let (_, families) = run(IPV6_FIRST).await?;
    assert_eq!(families, ["IPv6", "IPv4"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn helpers_answer_the_kubelet_without_ipv4() -> Outcome {
    let (_, families) = run(IPV6_ONLY).await?;
    assert_eq!(families, ["IPv6"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn helpers_answer_the_kubelet_on_a_kernel_without_ipv6() -> Outcome {
    let (scene, families) = run(WITHOUT_IPV6).await?;
    assert_eq!(families, ["IPv4"]);
    let refused = scene.exec(
        "proxies",
        "app",
        "ls /proc/net/if_inet6; socat TCP6-LISTEN:1 -",
    );
    let message = refused.expect_err("no IPv6").to_string();
    assert!(
        message.contains("/proc/net/if_inet6: No such file"),
        "{message}"
    );
    assert!(
        message.contains("Address family not supported"),
        "{message}"
    );
    Ok(())
}
