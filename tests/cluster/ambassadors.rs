//! Ambassadors to databases and brokers: Redis, PostgreSQL, and what stands for Kafka.

use serde_json::json;

use crate::cluster::manifests::{POSTGRESQL, app, container, pod, serving};
use crate::cluster::pgbouncer::database;
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

const REDIS: &str = "localhost/tests/redis:7";

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn redis_shards_spreads_keys_over_two_servers() -> Outcome {
    let scene = Scene::open("shards").await?;
    let mut servers = Vec::new();
    for name in ["redis-a", "redis-b"] {
        let serves = "exec redis-server --save '' --bind 0.0.0.0 --protected-mode no --dir /tmp";
        let redis = serving(container("redis", REDIS, serves), 6379);
        scene.create(&pod(name, &json!({}), &redis)).await?;
    }
    for name in ["redis-a", "redis-b"] {
        scene.ready(name).await?;
        servers.push(scene.address(name).await?);
    }
    let asks = json!({
        "pillion.dev/inject": "redis-shards",
        "redis-shards.pillion.dev/servers": format!("{}:6379,{}:6379", servers[0], servers[1]),
    });
    let script = format!(
        r#"set -e
        for number in $(seq 40); do redis-cli -u "$REDIS_URL" set "key$number" "$number" >/tmp/out; done
        for number in $(seq 40); do [ "$(redis-cli -u "$REDIS_URL" get "key$number")" = "$number" ]; done
        redis-cli -h {} dbsize
        redis-cli -h {} dbsize"#,
        servers[0], servers[1]
    );
    let shop = pod("shop", &asks, &container("app", REDIS, &script));
    scene.create(&shop).await?;
    scene.phase("shop", "Succeeded").await?;
    let log = scene.log("shop", "app").await?;
    let sizes: Vec<u32> = log.lines().filter_map(|size| size.parse().ok()).collect();
    assert_eq!(sizes.iter().sum::<u32>(), 40, "{log}");
    assert!(
        sizes.len() == 2 && sizes.iter().all(|&size| size > 0),
        "{log}"
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn database_proxy_goes_where_the_label_says() -> Outcome {
    let scene = Scene::open("chosen").await?;
    let host = database(&scene).await?;
    let asks = json!({
        "pillion.dev/inject": "database-proxy",
        "database-proxy.pillion.dev/destination.orders": format!("{host}:5432"),
        "database-proxy.pillion.dev/destination.stock": "127.0.0.1:1",
    });
    let query = r#"psql -h "$DATABASE_HOST" -p "$DATABASE_PORT" -U postgres -d postgres -At \
        -c "select 6 * 7, inet_server_addr()""#;
    let mut orders = pod("orders", &asks, &container("app", POSTGRESQL, query));
    orders["metadata"]["labels"] = json!({"database": "orders"});
    scene.create(&orders).await?;
    scene.phase("orders", "Succeeded").await?;
    assert_eq!(scene.log("orders", "app").await?, format!("42|{host}\n"));

    orders["metadata"]["labels"] = json!({"database": "elsewhere"});
    let refused = scene
        .create(&orders)
        .await
        .expect_err("no such destination");
    let message = refused.to_string();
    assert!(message.contains("orders, stock"), "{message}");
    Ok(())
}

/// No broker can be had here: what answers is a line of text, which is all that a TCP proxy sees.
#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn kafka_passes_connections_on_to_the_broker() -> Outcome {
    let scene = Scene::open("kafka").await?;
    let answers = "exec socat TCP-LISTEN:9093,fork,reuseaddr SYSTEM:'echo the broker'";
    scene
        .create(&pod("broker", &json!({}), &app(answers)))
        .await?;
    scene.ready("broker").await?;
    let address = scene.address("broker").await?;
    let asks = json!({
        "pillion.dev/inject": "kafka",
        "kafka.pillion.dev/broker-url": format!("PLAINTEXT://{address}:9093"),
    });
    // The broker's socket may open a moment after its container starts.
    let asking =
        r#"until socat -u "TCP:$KAFKA_BOOTSTRAP_SERVERS" - | grep broker; do sleep 0.2; done"#;
    scene.create(&pod("orders", &asks, &app(asking))).await?;
    scene.phase("orders", "Succeeded").await?;
    assert_eq!(scene.log("orders", "app").await?, "the broker\n");
    Ok(())
}
