//! `/advise` over TLS: the same limits as for pods, told apart in metrics and log.

use serde_json::{Value, json};

use crate::server::REVIEW;
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Server, wait_for};

/// A review of a Deployment whose pods ask for a pool of this host.
fn deployment(host: &str) -> String {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "9d0e", "operation": "CREATE", "namespace": "shop", "name": "orders",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "object": {"metadata": {"name": "orders"}, "spec": {"template": {
            "metadata": {"annotations": {
                "pillion.dev/inject": "pgbouncer", "pgbouncer.pillion.dev/host": host,
            }},
            "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
        }}},
    }})
    .to_string()
}

#[test]
fn workloads_are_advised_on_counted_and_logged() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut connection = tls(server.webhook, &config).unwrap();
    let mut warnings = |body: &str| -> Vec<String> {
        let answer = connection.advise(body).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        let review: Value = serde_json::from_str(&answer.body).unwrap();
        let response = &review["response"];
        assert_eq!(response["allowed"], true, "{review}");
        assert!(response.get("patch").is_none(), "{review}");
        let warnings = response["warnings"].as_array().cloned();
        let texts = warnings.unwrap_or_default().into_iter();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let told = warnings(&deployment("not-a_host"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("not-a_host"),
        "the person sees the value: {told:?}"
    );
    let told = warnings(&deployment("db.example.com"));
    assert!(
        told[0].contains(" will be Injected (Applied): "),
        "{told:?}"
    );
    assert_eq!(warnings(REVIEW), [""; 0], "a pod is no workload");

    let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
    for line in [
        "pillion_reviews_total{endpoint=\"advise\",verdict=\"Denied\",reason=\"ParameterInvalid\"} 1",
        "pillion_reviews_total{endpoint=\"advise\",verdict=\"Injected\",reason=\"Applied\"} 1",
        "pillion_reviews_total{endpoint=\"advise\",verdict=\"Unchanged\",reason=\"NotAPod\"} 1",
        "pillion_template_outcomes_total{endpoint=\"advise\",template=\"pgbouncer\",verdict=\"Denied\",reason=\"ParameterInvalid\"} 1",
        "pillion_review_duration_seconds_count{endpoint=\"advise\"} 3",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("endpoint=\"mutate\""), "{metrics}");
    let line = wait_for("the decision's log line", || server.logged("decision"));
    for (field, value) in [
        ("endpoint", "advise"),
        ("uid", "9d0e"),
        ("namespace", "shop"),
        ("pod", "Deployment/orders"),
        ("verdict", "Denied"),
        ("reason", "ParameterInvalid"),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    let explanation = line["explanation"].as_str().unwrap();
    assert!(explanation.contains("pgbouncer.pillion.dev/host"), "{line}");
    assert!(
        !line.to_string().contains("not-a_host"),
        "no values in the log: {line}"
    );
}

#[test]
fn advice_has_the_limits_of_the_other_endpoint() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let ask = |head: &str, body: &str| {
        let mut connection = tls(server.webhook, &config).unwrap();
        let answer = connection.request(head, body).unwrap();
        (answer.status, answer.body)
    };
    let json = "POST /advise HTTP/1.1\r\nContent-Type: application/json";
    let table = [
        (
            ask("GET /advise HTTP/1.1", ""),
            405,
            "/advise takes POST only",
        ),
        (ask("POST /advise HTTP/1.1", "{}"), 415, "application/json"),
        (ask(json, "not a review"), 400, "AdmissionReview"),
        (
            ask(json, &"x".repeat(7 * 1024 * 1024 + 1)),
            413,
            "larger than 7340032 bytes",
        ),
    ];
    for ((status, text), expected, told) in table {
        assert_eq!(status, expected, "{text}");
        assert!(text.contains(told), "{text}");
    }
    let mut stalled = tls(server.webhook, &config).unwrap();
    let head = "POST /advise?timeout=1s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    stalled
        .send(&format!("{head}\r\nContent-Length: 9\r\n\r\n{{"))
        .unwrap();
    assert_eq!(stalled.response().unwrap().status, 408);
}
