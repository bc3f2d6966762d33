//! pgbouncer: queries through a real PgBouncer to a real PostgreSQL.

use serde_json::json;

use crate::cluster::manifests::{POSTGRESQL, container, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

/// Trusts everybody, so that whoever is refused was refused by the pool.
const DATABASE: &str = "cp -r /data /tmp/data && chmod -R go= /tmp/data
echo 'host all all all trust' >>/tmp/data/pg_hba.conf
exec postgres -D /tmp/data -c listen_addresses='*' -c unix_socket_directories= -c fsync=off";

/// Runs a database and returns its address.
pub(crate) async fn database(scene: &Scene) -> Outcome<String> {
    let mut database = container("database", POSTGRESQL, DATABASE);
    database["readinessProbe"] = json!({
        "exec": {"command": ["pg_isready", "-h", "127.0.0.1"]},
        "periodSeconds": 1,
    });
    let mut database = pod("database", &json!({}), &database);
    database["spec"]["securityContext"]["runAsUser"] = json!(70);
    scene.create(&database).await?;
    scene.ready("database").await?;
    scene.address("database").await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_query_goes_through_the_pool_to_the_database() -> Outcome {
    let scene = Scene::open("pool").await?;
    let host = database(&scene).await?;
    let asks = json!({
        "pillion.dev/inject": "pgbouncer",
        "pgbouncer.pillion.dev/host": host,
    });
    let query = r#"psql -h "$DATABASE_HOST" -p "$DATABASE_PORT" -U somebody -d postgres -At \
        -c "select 6 * 7, current_user, inet_server_addr()""#;
    scene
        .create(&pod("orders", &asks, &container("app", POSTGRESQL, query)))
        .await?;
    scene.phase("orders", "Succeeded").await?;
    let log = scene.log("orders", "app").await?;
    // Without a user list everybody becomes the user of the template.
    assert_eq!(log, format!("42|postgres|{host}\n"));
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn the_pool_asks_for_the_password_of_the_secret() -> Outcome {
    let scene = Scene::open("password").await?;
    let host = database(&scene).await?;
    scene
        .create(&json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "orders-pgbouncer"},
            "stringData": {"userlist.txt": "\"postgres\" \"right\"\n"},
        }))
        .await?;
    let asks = json!({
        "pillion.dev/inject": "pgbouncer",
        "pgbouncer.pillion.dev/host": host,
        "pgbouncer.pillion.dev/secret": "orders-pgbouncer",
        "pgbouncer.pillion.dev/databases": "postgres",
    });
    let query = r#"for password in right wrong; do
        PGPASSWORD=$password psql -h "$DATABASE_HOST" -p "$DATABASE_PORT" -U postgres -d postgres \
            -At -c "select '$password password'" 2>&1 || echo refused
    done"#;
    scene
        .create(&pod("orders", &asks, &container("app", POSTGRESQL, query)))
        .await?;
    scene.phase("orders", "Succeeded").await?;
    let log = scene.log("orders", "app").await?;
    assert!(log.starts_with("right password\n"), "{log}");
    assert!(
        log.ends_with("refused\n") && !log.contains("wrong password\n"),
        "{log}"
    );
    Ok(())
}
