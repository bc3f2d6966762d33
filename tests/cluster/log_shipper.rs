//! log-shipper. Fluent Bit is in no registry that is reached here: under its name runs a
//! stand-in (see `images/list.sh`) that reads the generated configuration, answers the health
//! probe and prints the lines of the files. What is proven is the wiring, to the end of the pod.

use serde_json::json;

use crate::manifests::{app, job, pod};
use crate::scene::Scene;
use crate::support::failure::Outcome;

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn a_line_reaches_the_shipper_which_cannot_write_there() -> Outcome {
    let scene = Scene::open("shipping").await?;
    let asks = json!({"pillion.dev/inject": "log-shipper"});
    let writes = app("umask 077; echo order 17 accepted >/var/log/app/orders.log; exec sleep 3600");
    scene.create(&pod("orders", &asks, &writes)).await?;
    scene
        .log_has("orders", "log-shipper", "order 17 accepted")
        .await?;
    let tried = scene.exec("orders", "log-shipper", "touch /var/log/app/mine");
    let message = tried.expect_err("the mount is read-only").to_string();
    assert!(message.contains("Read-only file system"), "{message}");
    // The file is for its owner alone, so the shipper must run as that user.
    let mode = scene.exec(
        "orders",
        "log-shipper",
        "stat -c %a-%u /var/log/app/orders.log; id -u",
    )?;
    assert_eq!(mode, "600-1000\n1000\n");
    Ok(())
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
