//! What the ports answer, and which connections they end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::server::REVIEW;
use crate::server::client::{Response, plain, tls, trusting};
use crate::server::process::{Server, refused, wait_for};

#[test]
fn health_readiness_and_metrics_are_on_the_admin_port() {
    let server = Server::start(&[]);
    let mut admin = plain(server.admin).unwrap();
    let mut get = |path: &str| admin.get(path).unwrap();
    assert_eq!(
        (get("/healthz").status, get("/healthz").body),
        (200, "ok\n".to_owned())
    );
    assert_eq!(
        (get("/readyz").status, get("/readyz").body),
        (200, "ok\n".to_owned())
    );
    assert_eq!(get("/mutate").status, 404);
    let metrics = get("/metrics");
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text"),
        "{metrics:?}"
    );
    assert!(metrics.body.ends_with("# EOF\n"), "{metrics:?}");
    assert!(
        metrics.body.contains("\npillion_build_info{version="),
        "{metrics:?}"
    );
    let expiry = metrics.body.lines().find_map(|line| {
        let value = line.strip_prefix("pillion_certificate_expiry_timestamp_seconds ")?;
        value.parse::<f64>().ok()
    });
    assert!(expiry.is_some_and(|seconds| seconds > 1.7e9), "{metrics:?}");
    assert_eq!(
        plain(server.admin)
            .unwrap()
            .request("POST /healthz HTTP/1.1", "")
            .unwrap()
            .status,
        405
    );
}

#[test]
fn a_review_is_answered_counted_and_logged() {
    let server = Server::start(&["--log-level=debug"]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut connection = tls(server.webhook, &config).unwrap();
    assert_eq!(connection.protocol(), Some(&b"http/1.1"[..]));
    for _ in 0..2 {
        let answer = connection.review(REVIEW).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("connection"), "");
        let review: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(review["response"]["uid"], "7c1f");
        assert_eq!(review["response"]["allowed"], true);
    }
    let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
    let counted = "pillion_reviews_total{endpoint=\"mutate\",verdict=\"Unchanged\",reason=\"NotRequested\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(
        metrics.contains("pillion_review_duration_seconds_count{endpoint=\"mutate\"} 2"),
        "{metrics}"
    );
    let line = wait_for("the decision's log line", || server.logged("decision"));
    assert_eq!(
        (&line["uid"], &line["pod"]),
        (&"7c1f".into(), &"web".into())
    );
}

#[test]
fn mistakes_are_told_over_tls() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let ask = |head: &str, body: &str| -> Response {
        tls(server.webhook, &config)
            .unwrap()
            .request(head, body)
            .unwrap()
    };
    let json = "\r\nContent-Type: application/json";
    let wrong_method = ask("GET /mutate HTTP/1.1", "");
    assert_eq!(
        (wrong_method.status, wrong_method.header("allow")),
        (405, "POST")
    );
    let answers = [
        wrong_method,
        ask("POST /other HTTP/1.1", ""),
        ask("POST /mutate HTTP/1.1\r\nContent-Type: text/yaml", "a: b"),
        ask(&format!("POST /mutate HTTP/1.1{json}"), "not a review"),
    ];
    let texts = ["POST only", "at /mutate", "application/json", ""];
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [405, 404, 415, 400]);
    for (answer, text) in answers.iter().zip(texts) {
        assert!(
            answer.body.contains(text) && answer.body.len() > 1,
            "{answer:?}"
        );
    }
    // The server does not read what is too large, so that the answer may be lost with the connection.
    let unread = |head: &str, body: &str, status: u16| {
        let answer = tls(server.webhook, &config).unwrap().request(head, body);
        if let Ok(answer) = answer {
            assert_eq!(answer.status, status, "{answer:?}");
        }
    };
    let large = "x".repeat(7 * 1024 * 1024 + 1);
    unread(&format!("POST /mutate HTTP/1.1{json}"), &large, 413);
    let large = format!("X-Large: {}", "x".repeat(80 * 1024));
    unread(&format!("POST /mutate HTTP/1.1\r\n{large}"), "", 431);
    let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
    for status in statuses.into_iter().chain([413]) {
        let line = format!("pillion_http_rejections_total{{code=\"{status}\"}} 1");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

#[test]
fn a_client_that_trickles_is_cut_while_idle_connections_stay() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut idle = tls(server.webhook, &config).unwrap();
    assert_eq!(idle.review(REVIEW).unwrap().status, 200);
    let mut stalled = tls(server.webhook, &config).unwrap();
    let head = "POST /mutate?timeout=1s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    stalled
        .send(&format!("{head}\r\nContent-Length: 9\r\n\r\n{{"))
        .unwrap();
    assert_eq!(stalled.response().unwrap().status, 408);

    let mut trickling = tls(server.webhook, &config).unwrap();
    let started = Instant::now();
    trickling.send("POST /mutate HTTP/1.1\r\nX-Slow: ").unwrap();
    wait_for("the trickling connection's end", || {
        trickling.send("x").err()
    });
    assert!(
        started.elapsed() >= Duration::from_secs(9),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        idle.review(REVIEW).unwrap().status,
        200,
        "idle, but not slow"
    );
}

#[tokio::test]
async fn http2_is_answered_too() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["h2"]);
    let stream = tokio::net::TcpStream::connect(server.webhook)
        .await
        .unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(config)
        .connect(name, stream)
        .await
        .unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let request = hyper::Request::post("https://localhost/mutate")
        .header("content-type", "application/json")
        .body(REVIEW.to_owned())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    driver.abort();
}

/// What the server tells each HTTP/2 client of its limits, by the numbers of RFC 9113.
#[test]
fn one_http2_connection_has_a_hundred_streams_small_windows_and_short_heads() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["h2"]);
    let mut connection = tls(server.webhook, &config).unwrap();
    let empty_settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], empty_settings].concat();
    connection.send_bytes(&preface).unwrap();
    let head = connection.take(9).unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
    let payload = connection.take(usize::try_from(length).unwrap()).unwrap();
    let settings: BTreeMap<u16, u32> = payload
        .chunks(6)
        .map(|it| {
            let value = u32::from_be_bytes([it[2], it[3], it[4], it[5]]);
            (u16::from_be_bytes([it[0], it[1]]), value)
        })
        .collect();
    assert_eq!(settings[&3], 100, "streams");
    assert!(
        settings[&4] <= 256 * 1024,
        "bytes of a stream under way: {}",
        settings[&4]
    );
    assert_eq!(settings[&6], 16 * 1024, "bytes of a head");
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let (code, text) = refused(&["--templates", "/nonexistent/templates"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("error: failed to read /nonexistent/templates: No such file"),
        "{text}"
    );
    let server = Server::start(&[]);
    let (code, text) = refused(&["--admin-listen", &server.admin.to_string()]);
    assert_eq!(code, Some(2), "{text}");
    let expected = format!(
        "error: failed to listen on {} for the admin port: ",
        server.admin
    );
    assert!(text.contains(&expected), "{text}");
    let (code, text) = refused(&["--drain-seconds=9", "--shutdown-seconds=9"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--drain-seconds 9 must be less"), "{text}");
}
