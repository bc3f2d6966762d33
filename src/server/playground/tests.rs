//! Who is answered, with what headers, and within what bounds.

use axum::body::Body;
use axum::http::Method;
use tower::ServiceExt as _;

use super::*;

struct Echo;

impl PlaygroundBackend for Echo {
    fn answer(&self, body: &[u8]) -> Result<String, String> {
        match body {
            b"wrong" => Err("it is wrong".to_owned()),
            b"defect" => panic!("as a defect would"),
            body => Ok(String::from_utf8_lossy(body).into_owned()),
        }
    }

    fn examples(&self) -> Result<String, String> {
        Ok("[]".to_owned())
    }
}

const FILES: &[PageFile] = &[PageFile {
    path: "/",
    content_type: "text/html; charset=utf-8",
    text: "<!doctype html>",
}];

const LOOPBACK: &str = "127.0.0.1:8484";

async fn send(listen: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response {
    let router = router(Arc::new(Echo), FILES, listen.parse().unwrap());
    let path = if body.is_some() { "/api/answer" } else { "/" };
    let mut request = Request::builder().uri(path);
    if body.is_some() {
        request = request.method(Method::POST);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::from(body.unwrap_or_default().to_owned());
    router.oneshot(request.body(body).unwrap()).await.unwrap()
}

#[tokio::test]
async fn only_the_own_page_is_answered() {
    let table = [
        (LOOPBACK, "127.0.0.1:8484", None, 200),
        (
            LOOPBACK,
            "localhost:8484",
            Some("http://localhost:8484"),
            200,
        ),
        (LOOPBACK, "localhost", None, 200),
        (LOOPBACK, "[::1]:8484", None, 200),
        (LOOPBACK, "evil.example.com:8484", None, 403),
        (LOOPBACK, "192.0.2.1:8484", None, 403),
        (
            LOOPBACK,
            "127.0.0.1:8484",
            Some("http://evil.example.com"),
            403,
        ),
        (LOOPBACK, "127.0.0.1:8484", Some("null"), 403),
        ("192.0.2.1:80", "192.0.2.1", None, 200),
        ("192.0.2.1:80", "evil.example.com", None, 403),
    ];
    for (listen, host, origin, status) in table {
        let mut headers = vec![("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let response = send(listen, &headers, None).await;
        assert_eq!(response.status(), status, "{listen} {host} {origin:?}");
    }
    assert_eq!(send(LOOPBACK, &[], None).await.status(), 403);
}

#[tokio::test]
async fn every_response_forbids_what_is_foreign() {
    for host in ["localhost", "evil.example.com"] {
        let response = send(LOOPBACK, &[("host", host)], None).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn questions_are_bounded_and_json() {
    let json = [("host", "localhost"), ("content-type", "application/json")];
    let large = "x".repeat(BODY_LIMIT + 1);
    let table = [
        ("{}", 200),
        ("wrong", 400),
        ("defect", 500),
        (large.as_str(), 413),
    ];
    for (body, status) in table {
        let response = send(LOOPBACK, &json, Some(body)).await;
        assert_eq!(response.status(), status, "{body:.20}");
    }
    let plain = [("host", "localhost"), ("content-type", "text/plain")];
    assert_eq!(send(LOOPBACK, &plain, Some("{}")).await.status(), 415);
    assert_eq!(send(LOOPBACK, &json[..1], Some("{}")).await.status(), 415);
}
