//! log-shipper, promtail and vector. Their programs are in no registry that is reached here, or
//! too large to build: under each name runs a stand-in (see `images/list.sh`) that reads the
//! generated configuration, answers the health probe and prints the lines of the files. What is
//! proven is the wiring, to the end of the pod.

use serde_json::{Value, json};

use crate::cluster::manifests::{app, job, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

/// The app writes one line into a file for itself alone; the helper prints it and cannot write.
async fn ships(template: &str, mut asks: Value) -> Outcome {
    let scene = Scene::open(template).await?;
    asks["pillion.dev/inject"] = json!(template);
    let writes = app("umask 077; echo order 17 accepted >/var/log/app/orders.log; exec sleep 3600");
    scene.create(&pod("orders", &asks, &writes)).await?;
    scene
        .log_has("orders", template, "order 17 accepted")
        .await?;
    let tried = scene.exec("orders", template, "touch /var/log/app/mine");
    let message = tried.map_or_else(|failure| failure.to_string(), |_| "written".to_owned());
    assert!(message.contains("Read-only file system"), "{message}");
    // The file is for its owner alone, so the helper must run as that user.
    let mode = "stat -c %a-%u /var/log/app/orders.log; id -u";
    assert_eq!(scene.exec("orders", template, mode)?, "600-1000\n1000\n");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_line_reaches_log_shipper_which_cannot_write_there() -> Outcome {
    ships("log-shipper", json!({})).await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_line_reaches_promtail_which_cannot_write_there() -> Outcome {
    let asks = json!({"promtail.pillion.dev/url": "http://loki.example.com/loki/api/v1/push"});
    ships("promtail", asks).await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_line_reaches_vector_which_cannot_write_there() -> Outcome {
    let asks = json!({
        "vector.pillion.dev/output": "loki",
        "vector.pillion.dev/url": "http://loki.example.com",
    });
    ships("vector", asks).await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_job_completes_and_its_last_line_is_shipped() -> Outcome {
    let scene = Scene::open("job").await?;
    let asks = json!({
        "pillion.dev/inject": "log-shipper, pgbouncer",
        "pgbouncer.pillion.dev/host": "127.0.0.1",
    });
    let writes = app("for line in one two last; do echo line $line >>/var/log/app/job.log; done");
    scene.create(&job("report", &asks, &writes)).await?;
    let pod = scene.job_completes("report").await?;
    let log = scene.log(&pod, "log-shipper").await?;
    assert!(log.ends_with("line one\nline two\nline last\n"), "{log}");
    Ok(())
}
