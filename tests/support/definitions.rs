//! The kinds of templates, installed into the API server as the chart brings them.

use std::path::Path;
use std::time::Duration;

use kube::Client;
use serde_json::Value;

use super::failure::{During, Failure, Outcome};
use super::raw;
use super::wait::wait_until;

/// The plurals of both kinds.
const PLURALS: [&str; 2] = ["clusterinjectiontemplates", "injectiontemplates"];

/// A new kind is served within a second.
const SOON: Duration = Duration::from_secs(30);

/// The path of all objects of a kind.
pub(crate) fn path(plural: &str) -> String {
    format!("/apis/pillion.dev/v1alpha1/{plural}")
}

/// The path of the templates of a namespace, or where it is empty of the cluster's.
pub(crate) fn templates(namespace: &str) -> String {
    if namespace.is_empty() {
        return path(PLURALS[0]);
    }
    format!(
        "/apis/pillion.dev/v1alpha1/namespaces/{namespace}/{}",
        PLURALS[1]
    )
}

/// Makes sure that the API server has both kinds.
pub(crate) async fn ensure(client: &Client) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart/pillion/files/crds");
    for plural in PLURALS {
        let file = folder.join(format!("{plural}.yaml"));
        let what = format!("read {}", file.display());
        let text = std::fs::read_to_string(file).during(&what)?;
        let definition: Value = serde_saphyr::from_str(&text).during(&what)?;
        let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let answer = raw::post(client, all, &definition).await?;
        // Another test may have been faster.
        if !answer.granted() && answer.status != 409 {
            let message = answer.message();
            return Err(Failure::new(format!(
                "failed to define {plural}: {message}"
            )));
        }
    }
    for plural in PLURALS {
        let path = path(plural);
        wait_until(&format!("{plural} to be served"), SOON, async || {
            let request = axum::http::Request::get(&path).body(Vec::new());
            let request = request.map_err(|error| error.to_string())?;
            let answer = client.request_text(request).await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await?;
    }
    Ok(())
}
