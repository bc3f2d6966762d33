//! `pillion doctor` on a real API server: a healthy installation has nothing to tell, and whatever
//! is broken in it is told by exactly the lines that it should be.
//!
//! The control plane is this binary's own, because the doctor looks at all namespaces and pods. It
//! has no node: the pods of the Deployment are made ready by hand, and the API server reaches the
//! server through a Service of type `ExternalName`.

mod installation;
mod objects;
mod rights;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::failure::Outcome;
use crate::support::wait::wait_until;
use installation::{Installation, Report};

const BOUND: Duration = Duration::from_mins(1);

/// What is not ok, as `Check status`.
fn unwell(report: &Report) -> Vec<String> {
    let lines = report.lines().iter().filter(|line| line["status"] != "ok");
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    lines
        .map(|line| format!("{} {}", text(line, "check"), text(line, "status")))
        .collect()
}

/// Waits until exactly this is not ok: the API server and its controllers take their time.
async fn expect(installation: &Installation, told: &str, expected: &[&str]) -> Outcome<Report> {
    expect_one_of(installation, told, &[expected]).await
}

/// The same where there is more than one right answer.
async fn expect_one_of(
    installation: &Installation,
    told: &str,
    expected: &[&[&str]],
) -> Outcome<Report> {
    let waited = wait_until(told, BOUND, async || {
        let report = installation
            .doctor(&[])
            .map_err(|failure| failure.to_string())?;
        let found = unwell(&report);
        if expected.iter().any(|one| found == *one) {
            return Ok(report);
        }
        let unwell = report.lines().iter().filter(|line| line["status"] != "ok");
        Err(format!("{:#}", unwell.cloned().collect::<Value>()))
    });
    let report = waited.await?;
    let failures = unwell(&report).iter().any(|line| line.ends_with("failure"));
    assert_eq!(report.status, i32::from(failures), "{told}: exit status");
    assert!(
        report
            .lines()
            .iter()
            .all(|line| line["status"] == "ok" || line["remedy"].is_string()),
        "{told}: a line without a remedy"
    );
    Ok(report)
}

#[tokio::test]
async fn whatever_is_broken_is_told_and_nothing_else() -> Outcome {
    let mut installation = Installation::create().await?;
    expect(&installation, "a healthy installation", &[]).await?;
    in_the_registration(&installation).await?;
    beside_the_registration(&installation).await?;
    around_it(&mut installation).await
}

async fn in_the_registration(installation: &Installation) -> Outcome {
    let other = crate::support::pillion::Identity::new()?;
    installation.trust(other.authority()).await?;
    let report = expect(
        installation,
        "the caBundle of another authority",
        &["Certificate failure", "Probe failure"],
    )
    .await?;
    assert!(
        report.says("does not vouch for the certificate"),
        "{report:?}"
    );
    installation.register().await?;

    let names = |list: &[&str]| {
        json!({"matchExpressions": [
            {"key": "pillion.dev/mandatory", "operator": "Exists"},
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list},
        ]})
    };
    let selector = "/webhooks/0/namespaceSelector";
    let without = names(&["kube-public", "kube-node-lease", "pillion-system"]);
    installation.edit(selector, without).await?;
    let report = expect(installation, "kube-system matched", &["Hazards failure"]).await?;
    assert!(
        report.says("could match the namespace `kube-system`"),
        "{report:?}"
    );

    let every = json!({"matchExpressions": [{
        "key": "kubernetes.io/metadata.name", "operator": "NotIn",
        "values": ["kube-system", "kube-public", "kube-node-lease", "pillion-system"],
    }]});
    installation.edit(selector, every).await?;
    installation.scale(1).await?;
    let report = expect(
        installation,
        "every pod, Fail and one replica",
        &["Deployment warning", "Hazards failure", "Hazards warning"],
    )
    .await?;
    assert!(
        report.says("matches every pod of the cluster"),
        "{report:?}"
    );
    installation.scale(2).await?;
    installation.register().await?;

    let aks = json!({"key": "control-plane", "operator": "DoesNotExist"});
    let mut foreign = names(&[
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "pillion-system",
    ]);
    if let Some(expressions) = foreign["matchExpressions"].as_array_mut() {
        expressions.push(aks);
    }
    installation.edit(selector, foreign).await?;
    let report = expect(installation, "what AKS adds", &[]).await?;
    assert!(
        report.says("AKS added `control-plane does not exist`"),
        "{report:?}"
    );

    installation.unregister().await?;
    let report = expect(
        installation,
        "no configuration",
        &[
            "Configurations failure",
            "Configurations warning",
            "Hazards warning",
            "CaBundle warning",
            "Probe failure",
        ],
    )
    .await?;
    assert!(report.says("comes out bare"), "{report:?}");
    installation.register().await?;
    Ok(())
}

async fn beside_the_registration(installation: &Installation) -> Outcome {
    installation.leave_behind("old").await?;
    let report = expect(
        installation,
        "what another left",
        &["Configurations failure"],
    )
    .await?;
    assert!(
        report.says("the Service `pillion` of the namespace `gone`, which does not exist"),
        "{report:?}"
    );
    installation.forget("old").await?;
    expect(installation, "all is well again", &[])
        .await
        .map(drop)
}

async fn around_it(installation: &mut Installation) -> Outcome {
    installation.remove_definition().await?;
    expect(
        installation,
        "a missing definition",
        &["Definitions failure"],
    )
    .await?;
    installation.define().await?;
    expect(installation, "all is well again", &[]).await?;

    installation.identity.expire()?;
    // A connection that the API server has open already lives on, so that the pod on trial can come
    // back injected for a while.
    let both: &[&str] = &["Certificate failure", "Probe failure"];
    let report = expect_one_of(installation, "an expired certificate", &[&both[..1], both]).await?;
    assert!(report.says("has expired"), "{report:?}");
    installation.identity.swap()?;
    expect(installation, "a renewed certificate", &[]).await?;

    installation.lead_nowhere().await?;
    expect(
        installation,
        "a Service without endpoints",
        &["Service failure", "Probe failure"],
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn what_users_did_is_told() -> Outcome {
    let installation = Installation::create().await?;
    expect(&installation, "a healthy installation", &[]).await?;
    let client = installation.client();

    let (good, bad) = ("registry.example.com/helper:1.0.0", "${params.none}");
    installation.template("helper", good).await?;
    let report = expect(&installation, "a template of the cluster", &[]).await?;
    assert!(report.says("1 templates of the cluster"), "{report:?}");
    assert!(
        report.says("asks for `helper` comes back injected"),
        "{report:?}"
    );
    installation.template("broken", bad).await?;
    let report = expect(&installation, "a broken template", &["Templates failure"]).await?;
    assert!(
        report.says("`broken` does not compile, pods that ask for it are refused"),
        "{report:?}"
    );
    installation.remove_template("broken").await?;
    installation.template("helper", bad).await?;
    let report = expect(&installation, "an earlier revision", &["Templates warning"]).await?;
    assert!(
        report.says("`helper` does not compile, an earlier revision is served"),
        "{report:?}"
    );
    installation.remove_template("helper").await?;
    expect(&installation, "all is well again", &[]).await?;

    let namespace = crate::support::namespace::Namespace::named(
        &client,
        "shop",
        &[("pillion.dev/injection", "enable")],
        &[],
    )
    .await?;
    let report = expect(&installation, "a typing error", &["Namespaces warning"]).await?;
    assert!(report.says("`enable`, which means nothing"), "{report:?}");
    installation.label("shop", "enabled").await?;
    let report = expect(&installation, "an enabled namespace", &[]).await?;
    assert!(report.says("a pod in `shop` that asks for"), "{report:?}");

    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
    });
    let answer = namespace.create_pod("", &pod).await?;
    assert!(answer.granted(), "{answer:?}");
    expect(&installation, "a pod that did not ask", &[]).await?;
    installation.ask_late("shop", "web", "log-shipper").await?;
    let report = expect(&installation, "a bare pod", &["Pods warning"]).await?;
    assert!(report.says("shop/web (log-shipper)"), "{report:?}");
    installation.finish("shop", "web").await?;
    expect(&installation, "a bare pod that has finished", &[]).await?;
    installation.ask_late("shop", "web", "").await?;

    installation.policies(true).await?;
    let report = expect(&installation, "the policies, bound", &[]).await?;
    assert!(
        report.says("pillion-require-injection is bound"),
        "{report:?}"
    );
    installation.policies(false).await?;
    expect(
        &installation,
        "policies without bindings",
        &["Policies failure", "Policies failure"],
    )
    .await?;
    Ok(())
}
