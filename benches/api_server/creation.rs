//! Clients that create pods as fast as the API server lets them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::{Namespace, SOON};
use crate::support::raw;
use crate::support::wait::wait_until;

/// How many clients create pods at the same time: about what one controller does at once.
const CLIENTS: usize = 8;

/// Creates one pod again and again; its name is generated.
#[derive(Clone)]
pub(crate) struct Creation {
    client: Client,
    path: String,
    body: Vec<u8>,
}

impl Creation {
    /// Of this pod in this namespace: stored, or as a dry run, which goes the whole way but the
    /// last step into etcd.
    pub(crate) fn new(namespace: &Namespace, pod: &Value, stored: bool) -> Self {
        let query = if stored { "" } else { "?dryRun=All" };
        Self {
            client: namespace.client.clone(),
            path: format!("/api/v1/namespaces/{}/pods{query}", namespace.name),
            body: pod.to_string().into_bytes(),
        }
    }

    /// Creates pods for so long; how many came to be. Every one must.
    pub(crate) async fn repeat(&self, duration: Duration) -> Outcome<u64> {
        let end = Instant::now() + duration;
        self.repeat_while(move |_| Instant::now() < end).await
    }

    /// Creates so many pods. Every one must come to be.
    pub(crate) async fn times(&self, count: u64) -> Outcome {
        self.repeat_while(move |begun| begun < count)
            .await
            .map(drop)
    }

    /// Goes on while there is time, or fewer than wanted were begun; how many came to be.
    async fn repeat_while(
        &self,
        goes_on: impl Fn(u64) -> bool + Copy + Send + 'static,
    ) -> Outcome<u64> {
        let begun = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (creation, begun) = (self.clone(), Arc::clone(&begun));
            clients.spawn(async move {
                let mut count = 0;
                while goes_on(begun.fetch_add(1, Ordering::Relaxed)) {
                    creation.once().await?;
                    count += 1;
                }
                Ok(count)
            });
        }
        let counts = clients.join_all().await;
        counts.into_iter().sum()
    }

    /// The answer is read and thrown away: parsing it would cost the machine as much again.
    async fn once(&self) -> Outcome {
        let request = Request::post(&self.path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(self.body.clone()))
            .during("build a request")?;
        let response = self.client.send(request).await.during("create a pod")?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.during("read the created pod")?.to_bytes();
        if status.is_success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&body);
        Err(Failure::new(format!("a pod was refused: {status} {told}")))
    }
}

/// Deletes all pods of a namespace and waits until they are gone.
pub(crate) async fn delete_all(namespace: &Namespace) -> Outcome {
    let path = format!("/api/v1/namespaces/{}/pods", namespace.name);
    let answer = raw::delete(&namespace.client, &path).await?;
    if !answer.granted() {
        let message = answer.message();
        return Err(Failure::new(format!("failed to delete pods: {message}")));
    }
    wait_until("the pods to be gone", SOON, async || {
        let answer = raw::get(&namespace.client, &format!("{path}?limit=1")).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        match answer.body.get("items").and_then(Value::as_array) {
            Some(items) if items.is_empty() => Ok(()),
            _ => Err("some are left".into()),
        }
    })
    .await
}
