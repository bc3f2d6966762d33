//! Sidecars that work for the app while it runs.

use serde_json::{Value, json};

use crate::cluster::manifests::{app, container, pod, serving};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

/// A pod whose app has the ConfigMap `settings` at `/etc/app`.
fn with_settings(mut pod: Value) -> Value {
    pod["spec"]["volumes"] = json!([{"name": "settings", "configMap": {"name": "settings"}}]);
    let mounts = json!([{"name": "settings", "mountPath": "/etc/app"}]);
    pod["spec"]["containers"][0]["volumeMounts"] = mounts;
    pod
}

/// Creates or changes the ConfigMap `settings`.
fn settings(scene: &Scene, colour: &str) -> Outcome {
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"colour": colour},
    });
    let mut apply = scene.kubectl();
    apply.args(["apply", "--server-side", "--filename", "-"]);
    crate::cluster::scene::run(&mut apply, &object.to_string()).map(drop)
}

/// configmap-reload is in no registry that is reached here: under its name runs a stand-in that
/// understands the same flags (see `images/list.sh`).
#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn config_reloader_calls_the_app_when_its_configmap_changes() -> Outcome {
    let scene = Scene::open("reload").await?;
    settings(&scene, "green")?;
    let asks = json!({
        "pillion.dev/inject": "config-reloader",
        "config-reloader.pillion.dev/path": "/etc/app",
        "config-reloader.pillion.dev/url": "http://localhost:8080/-/reload",
    });
    let reloads = app(r#"echo started
        exec socat TCP-LISTEN:8080,fork,reuseaddr SYSTEM:'read -r line
        echo "$line with $(cat /etc/app/colour)" >&2
        printf "HTTP/1.0 200 OK\r\n\r\n"'"#);
    scene
        .create(&with_settings(pod("orders", &asks, &reloads)))
        .await?;
    scene.ready("orders").await?;
    let log = scene.log_has("orders", "app", "started").await?;
    assert!(!log.contains("/-/reload"), "{log}");
    settings(&scene, "blue")?;
    let log = scene.log_has("orders", "app", "POST /-/reload").await?;
    assert!(log.contains("with blue"), "{log}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn signal_reloader_signals_the_app_when_its_configmap_changes() -> Outcome {
    let scene = Scene::open("signal").await?;
    settings(&scene, "green")?;
    let asks = json!({
        "pillion.dev/inject": "signal-reloader",
        "signal-reloader.pillion.dev/path": "/etc/app",
        "signal-reloader.pillion.dev/process": "orders-server",
        "signal-reloader.pillion.dev/period": "1",
    });
    // A shell under a name of its own.
    let server = app(r#"cp /usr/bin/sh /tmp/orders-server
        exec /tmp/orders-server -c '
            trap "echo reloaded \$(cat /etc/app/colour)" HUP
            echo started
            while :; do sleep 3600 & wait $!; kill $!; done'"#);
    scene
        .create(&with_settings(pod("orders", &asks, &server)))
        .await?;
    scene.log_has("orders", "app", "started").await?;
    scene.ready("orders").await?;
    settings(&scene, "blue")?;
    scene
        .log_has("orders", "app", "reloaded blue")
        .await
        .map(drop)
}

const COLLECTOR: &str = "docker.io/otel/opentelemetry-collector-contrib:0.114.0";

/// A span as an SDK sends it, but written as JSON.
const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
"spanId":"eee19b7ec3c1b174","name":"order-accepted","kind":1,"startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn otel_collector_takes_a_span_and_exports_it() -> Outcome {
    let scene = Scene::open("otel").await?;
    let configuration = json!({
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "0.0.0.0:4318"}}}},
        "exporters": {"debug": {"verbosity": "detailed"}},
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    });
    scene
        .create(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "backend"},
            "data": {"collector.yaml": configuration.to_string()},
        }))
        .await?;
    let mut collector = container("backend", COLLECTOR, "");
    collector["command"] = json!(["/otelcol-contrib", "--config=/etc/backend/collector.yaml"]);
    collector["volumeMounts"] = json!([{"name": "settings", "mountPath": "/etc/backend"}]);
    let mut backend = pod("backend", &json!({}), &serving(collector, 4318));
    backend["spec"]["volumes"] = json!([{"name": "settings", "configMap": {"name": "backend"}}]);
    scene.create(&backend).await?;
    scene.ready("backend").await?;
    let asks = json!({
        "pillion.dev/inject": "otel-collector",
        "otel-collector.pillion.dev/exporter": "otlphttp",
        "otel-collector.pillion.dev/endpoint":
            format!("http://{}:4318", scene.address("backend").await?),
    });
    let sends = format!(
        "curl -sS --fail -H 'Content-Type: application/json' \
         \"$OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces\" -d '{SPAN}' && exec sleep 3600"
    );
    scene.create(&pod("orders", &asks, &app(&sends))).await?;
    let log = scene
        .log_has("backend", "backend", "order-accepted")
        .await?;
    assert!(log.contains("k8s.pod.name: Str(orders)"), "{log}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn the_app_finds_dapr_and_its_components_at_its_first_try() -> Outcome {
    let scene = Scene::open("dapr").await?;
    let store = json!({
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "memory"},
        "spec": {"type": "state.in-memory", "version": "v1"},
    });
    scene
        .create(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "orders-dapr"},
            "data": {"memory.yaml": store.to_string()},
        }))
        .await?;
    let asks = json!({
        "pillion.dev/inject": "dapr",
        "dapr.pillion.dev/app-id": "orders",
        "dapr.pillion.dev/components": "orders-dapr",
    });
    let asking = app(r#"url=localhost:$DAPR_HTTP_PORT/v1.0/state/memory
        curl -sS --fail $url -d '[{"key": "order", "value": "accepted"}]' && curl -sS --fail $url/order"#);
    scene.create(&pod("orders", &asks, &asking)).await?;
    scene.phase("orders", "Succeeded").await?;
    assert_eq!(scene.log("orders", "app").await?, "\"accepted\"");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn warm_up_calls_the_app() -> Outcome {
    let scene = Scene::open("warm-up").await?;
    let asks = json!({
        "pillion.dev/inject": "warm-up",
        "warm-up.pillion.dev/paths": "/warm",
        "warm-up.pillion.dev/requests": "2",
    });
    let serves = app("mkdir /tmp/www && echo page >/tmp/www/warm
        exec httpd -f -vv -p 8080 -h /tmp/www");
    scene.create(&pod("orders", &asks, &serves)).await?;
    scene
        .log_has("orders", "warm-up", "called /warm 2 times")
        .await?;
    let log = scene.log("orders", "app").await?;
    assert_eq!(log.matches("url:/warm").count(), 2, "{log}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn debug_tools_see_the_apps_processes_and_network() -> Outcome {
    let scene = Scene::open("debug").await?;
    let serves = app("mkdir /tmp/www && echo page >/tmp/www/index.html
        exec httpd -f -p 127.0.0.1:8080 -h /tmp/www");
    let asks = json!({"pillion.dev/inject": "debug-tools"});
    scene.create(&pod("orders", &asks, &serves)).await?;
    scene.ready("orders").await?;
    let seen = "until curl -s localhost:8080; do sleep 0.2; done
        tr '\\0' ' ' </proc/$(pidof httpd)/cmdline";
    let seen = scene.exec("orders", "debug-tools", seen)?;
    assert_eq!(seen, "page\nhttpd -f -p 127.0.0.1:8080 -h /tmp/www ");
    Ok(())
}
