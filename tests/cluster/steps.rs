//! Init steps: what they leave for the app, and that it does not start without.

use serde_json::{Value, json};

use crate::cluster::manifests::{app, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

/// A pod whose app mounts an emptyDir at `path`.
fn with_volume(mut pod: Value, path: &str) -> Value {
    pod["spec"]["volumes"] = json!([{"name": "own", "emptyDir": {}}]);
    pod["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "own", "mountPath": path}]);
    pod
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn fix_permissions_gives_the_app_its_volume() -> Outcome {
    let scene = Scene::with_level("permissions", "baseline").await?;
    let asks = json!({
        "pillion.dev/inject": "fix-permissions",
        "fix-permissions.pillion.dev/paths": "/data",
        "fix-permissions.pillion.dev/mode": "0700",
    });
    let orders = pod(
        "orders",
        &asks,
        &app("stat -c '%u %a' /data && touch /data/mine"),
    );
    scene.create(&with_volume(orders, "/data")).await?;
    scene.phase("orders", "Succeeded").await?;
    assert_eq!(scene.log("orders", "app").await?, "1000 700\n");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn migrate_runs_the_apps_image_before_it() -> Outcome {
    let scene = Scene::open("migrate").await?;
    let asks = json!({
        "pillion.dev/inject": "migrate",
        "migrate.pillion.dev/command": "sh\n-c\necho migrated by $(id -u), $SCHEMA >/data/done",
    });
    let mut container = app("cat /data/done");
    container["env"] = json!([{"name": "SCHEMA", "value": "orders"}]);
    let orders = with_volume(pod("orders", &asks, &container), "/data");
    scene.create(&orders).await?;
    scene.phase("orders", "Succeeded").await?;
    assert_eq!(
        scene.log("orders", "app").await?,
        "migrated by 1000, orders\n"
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn fetch_config_brings_a_file_only_when_it_is_the_right_one() -> Outcome {
    // The SHA-256 of `colour = green` and a newline.
    const SUM: &str = "60deeffc16b632534546915ae38e9f8a9535828c23484ec5babcf5c2844b132a";
    let scene = Scene::open("fetch").await?;
    let serves = app("mkdir /tmp/www && echo 'colour = green' >/tmp/www/app.conf
        exec httpd -f -p 8080 -h /tmp/www");
    scene.create(&pod("server", &json!({}), &serves)).await?;
    scene.ready("server").await?;
    let address = scene.address("server").await?;
    let wrong = SUM.replace('1', "2");
    for (name, sum, phase) in [("right", SUM, "Succeeded"), ("wrong", &wrong, "Failed")] {
        let asks = json!({
            "pillion.dev/inject": "fetch-config",
            "fetch-config.pillion.dev/file.app.conf": format!("http://{address}:8080/app.conf"),
            "fetch-config.pillion.dev/sha256.app.conf": sum,
            "fetch-config.pillion.dev/timeout": "60",
        });
        scene
            .create(&pod(name, &asks, &app("cat /etc/fetched/app.conf")))
            .await?;
        scene.phase(name, phase).await?;
    }
    assert_eq!(scene.log("right", "app").await?, "colour = green\n");
    let log = scene.log("wrong", "fetch-config").await?;
    assert!(log.contains("app.conf does not have the checksum"), "{log}");
    assert!(scene.log("wrong", "app").await.is_err(), "the app ran");
    Ok(())
}

/// Vault is too large to build for the tests: under its name runs a stand-in that writes the
/// files of its configuration (see `images/list.sh`). Proven is when they are there, and for whom.
#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn vault_agent_writes_secrets_before_the_app_starts() -> Outcome {
    let scene = Scene::open("vault").await?;
    let asks = json!({
        "pillion.dev/inject": "vault-agent",
        "vault-agent.pillion.dev/address": "https://vault.example.com:8200",
        "vault-agent.pillion.dev/role": "orders",
        "vault-agent.pillion.dev/secret.db": "secret/data/orders#password",
    });
    let reads = app("cat /vault/secrets/db; stat -c '%a %u' /vault/secrets/db
        grep ' /vault/secrets ' /proc/mounts | cut -d' ' -f3
        touch /vault/secrets/mine 2>/dev/null && echo wrote
        exec sleep 3600");
    scene.create(&pod("orders", &asks, &reads)).await?;
    scene.ready("orders").await?;
    let log = scene.log_has("orders", "app", "tmpfs").await?;
    assert_eq!(log, "secret of db\n400 1000\ntmpfs\n");
    let log = scene.log("orders", "vault-agent-init").await?;
    assert_eq!(log, "wrote /vault/secrets/db\n");
    Ok(())
}
