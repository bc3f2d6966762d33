//! Certificates from files: with Pillion keeping `caBundle`, and with cert-manager doing so.
//!
//! cert-manager itself does not run here. Its parts are played: it issues a Secret with `tls.crt`,
//! `tls.key` and `ca.crt`, which the kubelet mounts, and copies `ca.crt` into the configurations that
//! name it by `cert-manager.io/inject-ca-from`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::installation::Installation;
use super::load::Load;
use crate::end_to_end::scene::program;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::SOON;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::raw;
use crate::support::wait::wait_until;

/// As much load as proves that calls succeed.
async fn calls_succeed(
    installation: &Installation,
    during: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    let load = Load::start(&installation.namespace);
    during().await?;
    let before = load.created();
    wait_until("creations after that", SOON, async || {
        if load.created() > before + 30 {
            return Ok(());
        }
        Err(format!("{} pods", load.created() - before))
    })
    .await?;
    let (_, failures) = load.end().await?;
    let text: Vec<_> = failures.iter().map(|(_, failure)| failure).collect();
    assert!(failures.is_empty(), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn pillion_writes_the_authority_of_its_files() -> Outcome {
    let installation = Installation::prepare("files").await?;
    installation.register().await?;
    let mut identity = Identity::new()?;
    let beside = identity.mount.certificate().with_file_name("ca.crt");
    std::fs::write(&beside, identity.authority()).during("write ca.crt")?;
    let replica = installation
        .replica("replica-0", Some(&identity), &[])
        .await?;
    replica.ready().await?;
    installation.proxy.lead_to(&[replica.webhook]);
    wait_until("caBundle", SOON, async || {
        let bundles = installation
            .bundles()
            .await
            .map_err(|failure| failure.to_string())?;
        if bundles.iter().all(|(_, text)| text == identity.authority()) {
            return Ok(());
        }
        Err(format!("{bundles:?}"))
    })
    .await?;
    called(&installation).await?;
    calls_succeed(&installation, async || identity.swap()).await
}

/// Waits until the API server has noticed the bundle.
async fn called(installation: &Installation) -> Outcome {
    let pod = crate::end_to_end::scene::pod("asks", &crate::end_to_end::scene::asks_for_a_pool());
    wait_until("a first call", SOON, async || {
        let answer = installation.namespace.create_pod("dryRun=All", &pod).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.granted() {
            return Ok(());
        }
        Err(answer.message().to_owned())
    })
    .await
}

#[tokio::test]
async fn cert_manager_is_played_and_pillion_touches_no_bundle() -> Outcome {
    let installation = Installation::prepare("cert-manager").await?;
    installation.register().await?;
    let mut identity = Identity::new()?;
    let arguments = ["--events=false"];
    let settings = Settings {
        arguments: &arguments,
        ..Settings::new(program())
    };
    let replica = Pillion::start(&settings, &identity).await?;
    installation.proxy.lead_to(&[replica.webhook]);
    // What the injector of cert-manager does.
    for kind in ["mutating", "validating"] {
        let path = installation.path(kind);
        let client = &installation.namespace.client;
        let mut entries = raw::get(client, &path).await?.body["webhooks"].clone();
        for entry in entries.as_array_mut().into_iter().flatten() {
            entry["clientConfig"]["caBundle"] = Value::from(STANDARD.encode(identity.authority()));
        }
        let patch = json!({"webhooks": entries});
        let answer = raw::merge(client, &path, &patch).await?;
        assert!(answer.granted(), "{answer:?}");
    }
    called(&installation).await?;
    calls_succeed(&installation, async || identity.swap()).await
}
