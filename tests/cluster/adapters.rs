//! Adapters: what the app says in its own form comes out in the form of others.

use serde_json::{Value, json};

use crate::cluster::manifests::{app, client, container, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

/// The JMX exporter's own image; any Java program can be the app.
const JAVA: &str = "docker.io/bitnamilegacy/jmx-exporter:1.3.0-debian-12-r1";

/// Reads a pod's metrics where its annotations say that they are, as Prometheus does, until
/// they hold `line`, and a series of this name, which may come later.
async fn scraped(scene: &Scene, name: &str, line: &str, series: &str) -> Outcome {
    scene.create(&client()).await?;
    scene.ready("client").await?;
    scene.ready(name).await?;
    let address = scene.address(name).await?;
    let url = scene
        .until(name, "its annotations", |pod| {
            let annotations = pod.metadata.annotations.clone().unwrap_or_default();
            let of = |name: &str| annotations.get(&format!("prometheus.io/{name}")).cloned();
            let scrape = of("scrape").filter(|scrape| scrape == "true");
            let url = scrape.and_then(|_| {
                let (port, path) = (of("port")?, of("path")?);
                Some(format!("http://{address}:{port}{path}"))
            });
            url.ok_or_else(|| format!("{annotations:?}"))
        })
        .await?;
    let script = format!(
        "until curl -sS '{url}' >/tmp/metrics && grep -xF '{line}' /tmp/metrics \
         && grep '^{series} ' /tmp/metrics; do sleep 0.5; done"
    );
    scene.exec("client", "app", &script).map(drop)
}

fn asks_for(template: &str) -> Value {
    json!({"pillion.dev/inject": template})
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn log_format_prints_lines_as_json() -> Outcome {
    let scene = Scene::open("log-format").await?;
    let mut asks = asks_for("log-format");
    asks["log-format.pillion.dev/fields"] = json!("day,level,message");
    let writes = app(
        r#"printf '%s\n' '2026-11-21 INFO   order "17" accepted' 'odd' >/var/log/app/app.log
        exec sleep 3600"#,
    );
    scene.create(&pod("orders", &asks, &writes)).await?;
    let log = scene.log_has("orders", "log-format", "odd").await?;
    let lines: Result<Vec<Value>, _> = log.lines().map(serde_json::from_str).collect();
    let lines = lines.unwrap();
    let expected =
        json!({"day": "2026-11-21", "level": "INFO", "message": "order \"17\" accepted"});
    assert_eq!(lines, [expected, json!({"message": "odd"})]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn pipe_metrics_are_scraped() -> Outcome {
    let scene = Scene::open("pipe-metrics").await?;
    let writes = app("umask 077
        echo 'orders_total|41|shop=\"a\"' >/var/run/metrics/metrics
        echo 'orders_total|42|shop=\"a\"' >>/var/run/metrics/metrics
        exec sleep 3600");
    scene
        .create(&pod("orders", &asks_for("pipe-metrics"), &writes))
        .await?;
    scraped(
        &scene,
        "orders",
        r#"orders_total{shop="\"a\""} 42"#,
        "orders_total{.*}",
    )
    .await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn stats_exporter_counts_what_the_app_sends() -> Outcome {
    let scene = Scene::open("stats").await?;
    let sends = app(r#"for part in 1 2; do
            printf 'orders.accepted:3|c' | socat -u - "UDP:$STATSD_HOST:$STATSD_PORT"
        done
        exec sleep 3600"#);
    // Datagrams are not answered: the exporter must listen before the app sends.
    let mut asks = asks_for("stats-exporter, wait-for");
    asks["wait-for.pillion.dev/targets"] = json!("127.0.0.1:9125");
    scene.create(&pod("orders", &asks, &sends)).await?;
    scraped(&scene, "orders", "orders_accepted 6", "orders_accepted").await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn jmx_exporter_reads_a_java_app() -> Outcome {
    let scene = Scene::open("jmx").await?;
    let runs = r"echo 'hostPort: 127.0.0.1:9010' >/tmp/app.yaml
        exec java -Xmx64m -jar /jmx_exporter.jar 9999 /tmp/app.yaml";
    let mut asks = asks_for("jmx-exporter");
    asks["jmx-exporter.pillion.dev/beans"] = json!("java.lang:type=Compilation");
    scene
        .create(&pod("orders", &asks, &container("app", JAVA, runs)))
        .await?;
    scraped(
        &scene,
        "orders",
        "jmx_scrape_error 0.0",
        "java_lang_compilation_totalcompilationtime",
    )
    .await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn node_agent_measures_the_pods_network() -> Outcome {
    let scene = Scene::open("node-agent").await?;
    let runs = app("exec sleep 3600");
    scene
        .create(&pod("orders", &asks_for("node-agent"), &runs))
        .await?;
    scraped(
        &scene,
        "orders",
        "node_scrape_collector_success{collector=\"netdev\"} 1",
        "node_network_receive_bytes_total{device=\"eth0\"}",
    )
    .await
}
