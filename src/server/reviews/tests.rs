//! The router, driven in process.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::inject::{Decision, Reason};
use crate::server::BODY_LIMIT;

/// Answers by what the body begins with.
#[derive(Default)]
struct Fake {
    rejected: Mutex<Vec<u16>>,
    known: AtomicBool,
}

/// The answer to a review with this body.
fn answer_of(body: Vec<u8>) -> Answer {
    Answer::Review {
        body,
        uid: String::new(),
        namespace: String::new(),
        pod: String::new(),
        dry_run: false,
        decision: Arc::new(Decision::plain(Reason::NotRequested, "")),
        regarding: None,
        matches_no_entry: false,
    }
}

/// The answer about a pod for which nothing calls, as far as the cache tells.
fn behind() -> Answer {
    let mut answer = answer_of(b"bare".to_vec());
    if let Answer::Review {
        namespace,
        matches_no_entry,
        ..
    } = &mut answer
    {
        "behind".clone_into(namespace);
        *matches_no_entry = true;
    }
    answer
}

impl Backend for Fake {
    fn review(&self, endpoint: Endpoint, body: &[u8], deadline: Instant) -> Answer {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(left <= REQUEST_TIMEOUT, "{left:?}");
        match body {
            b"panic" => panic!("secret"),
            b"{large}" => answer_of(vec![b' '; 5 * 1024 * 1024]),
            [b'{', ..] => answer_of(answered(endpoint, body.len()).into_bytes()),
            b"soon" | b"behind" if self.known.load(Ordering::Relaxed) => {
                self.review(endpoint, b"{}", deadline)
            }
            b"behind" => behind(),
            b"soon" | b"never" => Answer::NamespaceUnknown {
                namespace: String::from_utf8_lossy(body).into_owned(),
                otherwise: (endpoint == Endpoint::Advise).then(|| b"{\"allowed\":true}".to_vec()),
            },
            _ => Answer::BadRequest("not a review".to_owned()),
        }
    }

    async fn known(&self, namespace: &str) -> bool {
        match namespace {
            "soon" => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.known.store(true, Ordering::Relaxed);
                true
            }
            _ => std::future::pending().await,
        }
    }

    async fn relabelled(&self, namespace: &str) {
        assert_eq!(namespace, "behind");
        self.known.store(true, Ordering::Relaxed);
    }

    fn rejected(&self, status: u16) {
        self.rejected.lock().unwrap().push(status);
    }

    fn refused_connection(&self) {}

    fn metrics(&self) -> String {
        String::new()
    }
}

fn answered(endpoint: Endpoint, length: usize) -> String {
    format!("{{\"{}\":{length}}}", endpoint.as_str())
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
    counted: Vec<u16>,
}

async fn send(method: Method, uri: &str, headers: &[(&str, &str)], body: Body) -> Reply {
    let fake = Arc::new(Fake::default());
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router(Reviews::new(Arc::clone(&fake), QueueDelay::default()))
        .oneshot(request.body(body).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let counted = fake.rejected.lock().unwrap().clone();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
        counted,
    }
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

const ENDPOINTS: [(&str, Endpoint); 2] =
    [("/mutate", Endpoint::Mutate), ("/advise", Endpoint::Advise)];

async fn post_json(path: &str, body: impl Into<Body>) -> Reply {
    let uri = format!("{path}?timeout=10s");
    send(Method::POST, &uri, &[JSON], body.into()).await
}

#[tokio::test]
async fn a_review_is_answered_as_json() {
    for (path, endpoint) in ENDPOINTS {
        let reply = post_json(path, "{}").await;
        assert_eq!((reply.status, reply.text), (200, answered(endpoint, 2)));
        assert_eq!(reply.headers["content-type"], "application/json");
        assert!(reply.counted.is_empty());
    }
}

#[tokio::test]
async fn every_mistake_is_named_and_counted() {
    for (path, _) in ENDPOINTS {
        let get = send(Method::GET, path, &[], Body::empty()).await;
        assert_eq!(
            (get.status, &get.headers["allow"]),
            (405, &"POST".parse().unwrap())
        );
        assert_eq!(get.text, format!("{path} takes POST only, got GET\n"));
        let plain = ("content-type", "text/plain");
        let plain = send(Method::POST, path, &[plain], "{}".into()).await;
        assert_eq!(
            (plain.status, plain.text.as_str()),
            (
                415,
                "expected Content-Type application/json, got \"text/plain\"\n"
            )
        );
        let none = send(Method::POST, path, &[], "{}".into()).await;
        assert_eq!(none.status, 415);
        let packed = [JSON, ("content-encoding", "gzip")];
        let packed = send(Method::POST, path, &packed, "{}".into()).await;
        assert_eq!(packed.status, 415);
        let garbage = post_json(path, "garbage").await;
        assert_eq!(
            (garbage.status, garbage.text.as_str()),
            (400, "not a review\n")
        );
        for reply in [get, plain, none, packed, garbage] {
            assert_eq!(reply.counted, [reply.status]);
        }
    }
    let lost = send(Method::POST, "/", &[JSON], "{}".into()).await;
    assert_eq!((lost.status, lost.counted), (404, vec![404]));
    assert!(lost.text.contains("/mutate and /advise"), "{}", lost.text);
}

#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_above_is_refused() {
    for (path, endpoint) in ENDPOINTS {
        let mut body = vec![b'{'; BODY_LIMIT];
        let reply = post_json(path, body.clone()).await;
        assert_eq!(reply.text, answered(endpoint, BODY_LIMIT));
        body.push(b'{');
        let reply = post_json(path, body).await;
        assert_eq!((reply.status, reply.counted), (413, vec![413]));
        assert!(reply.text.contains("7340032 bytes"), "{}", reply.text);
        let ahead = [
            JSON,
            ("content-length", "99999999"),
            ("expect", "100-continue"),
        ];
        let reply = send(Method::POST, path, &ahead, Body::empty()).await;
        assert_eq!(reply.status, 413);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_announced_too_large_and_never_comes_is_not_waited_for() {
    let start = tokio::time::Instant::now();
    let announced = [JSON, ("content-length", "99999999")];
    let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    let reply = send(
        Method::POST,
        "/mutate",
        &announced,
        Body::from_stream(never),
    )
    .await;
    assert_eq!(reply.status, 413);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_keeps_its_text() {
    for (path, _) in ENDPOINTS {
        let reply = post_json(path, "panic").await;
        assert_eq!((reply.status, reply.counted), (500, vec![500]));
        assert!(!reply.text.contains("secret"), "{}", reply.text);
    }
}

#[test]
fn the_deadline_is_the_clients_within_bounds() {
    let of = |uri: &str| deadline(&uri.parse().unwrap()).as_secs();
    assert_eq!(of("/mutate?timeout=10s"), 10);
    assert_eq!(of("/mutate?a=b&timeout=1s"), 1);
    for odd in [
        "/mutate",
        "/mutate?timeout=",
        "/mutate?timeout=0s",
        "/mutate?timeout=-1s",
    ] {
        assert_eq!(of(odd), 30, "{odd}");
    }
    assert_eq!(of("/mutate?timeout=999s"), 30);
}

#[tokio::test]
async fn a_pod_that_the_cache_knows_no_reason_for_is_decided_again_when_it_has_caught_up() {
    let reply = post_json("/mutate", "behind").await;
    assert_eq!(
        (reply.status, reply.text),
        (200, answered(Endpoint::Mutate, 2))
    );
}

#[tokio::test(start_paused = true)]
async fn a_review_waits_for_its_namespace() {
    let start = tokio::time::Instant::now();
    let reply = post_json("/mutate", "soon").await;
    assert_eq!(
        (reply.status, reply.text),
        (200, answered(Endpoint::Mutate, 2))
    );
    assert_eq!(start.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_stays_unknown_is_answered_with_429() {
    let start = tokio::time::Instant::now();
    let reply = post_json("/mutate", "never").await;
    assert_eq!(reply.status, 429);
    assert_eq!(start.elapsed(), NAMESPACE_PATIENCE);
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(
        reply.text,
        "namespace \"never\" is not in Pillion's cache yet; retry\n"
    );
    assert_eq!(reply.counted, [429]);
    // Advice is not worth a retry.
    let reply = post_json("/advise", "never").await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (200, "{\"allowed\":true}")
    );
    assert!(!reply.headers.contains_key("retry-after"));
}

/// A body whose first bytes come now and whose rest never does.
fn unfinished(length: usize) -> Body {
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'{'; length])]);
    Body::from_stream(futures_util::StreamExt::chain(
        first,
        futures_util::stream::pending(),
    ))
}

fn request_from(peer: u8, body: Body) -> Request {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/mutate?timeout=10s")
        .header(JSON.0, JSON.1)
        .body(body)
        .unwrap();
    let client = Client(Ipv4Addr::new(127, 0, 0, peer).into());
    request.extensions_mut().insert(client);
    request
}

#[tokio::test]
async fn bodies_in_flight_are_bounded_for_a_peer_and_in_all() {
    const BODY: usize = 6 * 1024 * 1024;
    let reviews = Reviews::new(Arc::new(Fake::default()), QueueDelay::default());
    let router = router(Arc::clone(&reviews));
    let ask = |peer, body| router.clone().oneshot(request_from(peer, body));
    let mut unfinished_requests = Vec::new();
    for peer in [1, 1, 2, 2] {
        unfinished_requests.push(tokio::spawn(ask(peer, unfinished(BODY))));
        tokio::task::yield_now().await;
    }
    let answer = ask(1, Body::from("{}")).await.unwrap();
    assert_eq!(answer.status(), 429, "its peer has taken its part");
    assert_eq!(answer.headers()["retry-after"], "1");
    let answer = ask(3, Body::from("{}")).await.unwrap();
    assert_eq!(answer.status(), 429, "all is taken");
    for request in unfinished_requests.drain(2..) {
        request.abort();
        assert!(request.await.is_err());
    }
    let answer = ask(3, Body::from("{}")).await.unwrap();
    assert_eq!(answer.status(), 200, "what was taken is given back");
    let answer = ask(1, Body::from("{}")).await.unwrap();
    assert_eq!(answer.status(), 429, "one peer's part is still taken");
}

/// Lets every task that was spawned begin; the runtime runs some at a time.
async fn all_started() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn open_streams_are_bounded_for_a_peer_and_in_all() {
    let reviews = Reviews::new(Arc::new(Fake::default()), QueueDelay::default());
    let router = router(Arc::clone(&reviews));
    let ask = |peer, body| {
        let mut request = request_from(peer, body);
        *request.version_mut() = axum::http::Version::HTTP_2;
        router.clone().oneshot(request)
    };
    let silent = |peer, count| -> Vec<_> {
        (0..count)
            .map(|_| tokio::spawn(ask(peer, unfinished(0))))
            .collect()
    };
    let mut open = silent(1, 800);
    all_started().await;
    let answer = ask(1, Body::from("{}")).await.unwrap();
    assert_eq!(answer.status(), 429, "its peer has taken its part");
    assert_eq!(ask(2, Body::from("{}")).await.unwrap().status(), 200);
    open.extend(silent(2, 800));
    all_started().await;
    let answer = ask(3, Body::from("{}")).await.unwrap();
    assert_eq!(answer.status(), 429, "all is taken");
    for request in open {
        request.abort();
        let _ = request.await;
    }
    assert_eq!(ask(1, Body::from("{}")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_as_bodies_are() {
    let router = router(Reviews::new(
        Arc::new(Fake::default()),
        QueueDelay::default(),
    ));
    let ask = |peer| {
        router
            .clone()
            .oneshot(request_from(peer, Body::from("{large}")))
    };
    let (first, second) = (ask(1).await.unwrap(), ask(1).await.unwrap());
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let third = ask(1).await.unwrap();
    assert_eq!(third.status(), 429, "its peer does not read");
    assert_eq!(ask(2).await.unwrap().status(), 200);
    let read = first.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(read.len(), 5 * 1024 * 1024);
    drop(read);
    assert_eq!(
        ask(1).await.unwrap().status(),
        200,
        "what was read is given back"
    );
}

#[tokio::test(start_paused = true)]
async fn large_reviews_wait_for_their_turn_and_small_ones_do_not() {
    let reviews = Reviews::new(Arc::new(Fake::default()), QueueDelay::default());
    let router = router(Arc::clone(&reviews));
    let ask = |body| router.clone().oneshot(request_from(1, body));
    let turns = reviews
        .large
        .acquire_many(u32::try_from(LARGE_BODIES / PERMIT).unwrap());
    let turns = turns.await.unwrap();
    let large = || Body::from(vec![b'{'; INLINE_LIMIT + 1]);
    let started = tokio::time::Instant::now();
    let (waited, small) = tokio::join!(ask(large()), ask(Body::from("{}")));
    assert_eq!(small.unwrap().status(), 200);
    assert_eq!(waited.unwrap().status(), 429);
    let waited = started.elapsed();
    let half = Duration::from_secs(4)..=Duration::from_secs(5);
    assert!(half.contains(&waited), "half of its time: {waited:?}");
    drop(turns);
    assert_eq!(ask(large()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_cannot_be_answered_in_time_is_shed_at_once() {
    let delay = QueueDelay::of(Duration::from_secs(4));
    let fake = Arc::new(Fake::default());
    let router = router(Reviews::new(Arc::clone(&fake), delay));
    let mut statuses = Vec::new();
    for timeout in ["5s", "10s"] {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/mutate?timeout={timeout}"))
            .header(JSON.0, JSON.1)
            .body(Body::from("{}"))
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [429, 200]);
    assert_eq!(*fake.rejected.lock().unwrap(), [429]);
}
