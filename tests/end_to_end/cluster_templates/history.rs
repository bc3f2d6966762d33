//! The API server is away, and what happened meanwhile can be told by nobody.
//!
//! A watch goes on from the version that it has seen. Where etcd has compacted the history since, the
//! API server cannot say what was between, and all objects have to be listed anew: also those that are
//! gone must go. The changes are made in etcd itself, as where a backup is restored: what is changed keeps
//! its generation.

use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::{Client, Config};
use serde_json::{Value, json};

use super::stage::{SOON, Stage};
use super::{image, spec};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::pillion::Pillion;
use crate::support::wait::wait_until;

/// Where the API server stores the templates of the cluster.
const STORED: &str = "/registry/pillion.dev/clusterinjectiontemplates/";

pub(super) async fn that_was_missed_is_made_up_for(stage: &mut Stage, server: &Pillion) -> Outcome {
    for name in ["after", "missed", "gone"] {
        stage.store("", name, &spec(name, &image("1"))).await?;
        stage.wait_for("default", name, &image("1")).await?;
    }
    let etcd = Etcd::of(&stage.control_plane.etcd())?;
    let down = async || {
        wait_until("the watches to fail", SOON, async || {
            counted(server, 0).await
        })
        .await?;
        etcd.edit("missed", &image("1"), &image("2")).await?;
        etcd.delete("gone").await?;
        etcd.compact().await
    };
    stage.control_plane.restart_api_server(down).await?;
    stage.client = stage.control_plane.client()?;
    stage.wait_for("default", "missed", &image("2")).await?;
    stage
        .wait_for("default", "gone", "TemplateNotFound")
        .await?;
    stage
        .store("", "after", &spec("after", &image("2")))
        .await?;
    stage.wait_for("default", "after", &image("2")).await?;
    wait_until("all watches to work", SOON, async || {
        counted(server, 1).await
    })
    .await?;
    told_once(&server.log());
    Ok(())
}

/// Succeeds where this is said of all watches.
async fn counted(server: &Pillion, value: u8) -> Result<(), String> {
    let metrics = server.metrics().await;
    let metrics = metrics.map_err(|failure| failure.to_string())?;
    let end = format!(" {value}");
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("pillion_watch_up{") && line.ends_with(&end));
    match lines.count() {
        7 => Ok(()),
        count => Err(format!("{count} of 7")),
    }
}

/// Each watch that failed is said to work again, as often.
fn told_once(log: &[String]) {
    for kind in ["namespaces", "clusterinjectiontemplates"] {
        let told = |what: &str| {
            let lines = log.iter();
            lines
                .filter(|line| line.contains(what) && line.contains(kind))
                .count()
        };
        assert!(told("a watch failed") >= 1, "{log:#?}");
        assert_eq!(
            told("a watch failed"),
            told("a watch works again"),
            "{log:#?}"
        );
    }
}

/// The API server's store, by the JSON form of its interface
/// (<https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway>).
struct Etcd(Client);

impl Etcd {
    fn of(address: &str) -> Outcome<Self> {
        let address = address.parse().during("read the address of etcd")?;
        let client = Client::try_from(Config::new(address));
        client.map(Self).during("make a client of etcd")
    }

    async fn call(&self, method: &str, request: &Value) -> Outcome<Value> {
        let path = format!("/v3/kv/{method}");
        let body = request.to_string().into_bytes();
        let request = Request::post(&path).body(body);
        let request = request.during("build a request for etcd")?;
        self.0.request(request).await.during(&path)
    }

    /// Replaces a text in a stored template.
    async fn edit(&self, name: &str, old: &str, new: &str) -> Outcome {
        let key = STANDARD.encode(format!("{STORED}{name}"));
        let found = self.call("range", &json!({ "key": key })).await?;
        let value = found.pointer("/kvs/0/value").and_then(Value::as_str);
        let value = value.ok_or_else(|| Failure::new(format!("no template {name}: {found}")))?;
        let value = STANDARD.decode(value).during("decode a stored template")?;
        let text = String::from_utf8(value).during("read a stored template")?;
        assert!(text.contains(old), "{text}");
        let value = STANDARD.encode(text.replace(old, new));
        let request = json!({ "key": key, "value": value });
        self.call("put", &request).await.map(drop)
    }

    async fn delete(&self, name: &str) -> Outcome {
        let key = STANDARD.encode(format!("{STORED}{name}"));
        let answer = self.call("deleterange", &json!({ "key": key })).await?;
        assert_eq!(answer["deleted"], "1", "{answer}");
        Ok(())
    }

    /// Forgets all versions but the last.
    async fn compact(&self) -> Outcome {
        let key = STANDARD.encode(STORED);
        let answer = self.call("range", &json!({ "key": key })).await?;
        let revision = &answer["header"]["revision"];
        let request = json!({ "revision": revision, "physical": true });
        self.call("compaction", &request).await.map(drop)
    }
}
