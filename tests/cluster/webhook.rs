//! The one server that all tests of this binary share, called as in production.

use std::net::SocketAddrV4;
use std::path::Path;

use tokio::sync::OnceCell;

use crate::cluster::node::{Cluster, NODE};
use crate::support::failure::{Failure, Outcome};
use crate::support::pillion::Identity;
use crate::support::webhook::register_behind_service;

/// Where the server listens, inside the cluster's network.
const PORT: u16 = 8443;

/// The binary under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_pillion"))
}

/// The cluster with the built-in catalog served in it. Whichever test asks first starts it.
pub(crate) async fn cluster() -> Outcome<&'static Cluster> {
    static SERVED: OnceCell<Result<Identity, String>> = OnceCell::const_new();
    let cluster = Cluster::shared().await?;
    SERVED
        .get_or_init(async || serve(cluster).await.map_err(|failure| failure.to_string()))
        .await
        .as_ref()
        .map_err(Failure::new)?;
    Ok(cluster)
}

async fn serve(cluster: &Cluster) -> Outcome<Identity> {
    let identity = Identity::new()?;
    let mut command = cluster.space().inside(program());
    command
        .args(["serve", "--admin-listen", "127.0.0.1:0", "--listen"])
        .arg(format!("{NODE}:{PORT}"))
        .arg("--tls-cert")
        .arg(identity.mount.certificate())
        .arg("--tls-key")
        .arg(identity.mount.key());
    cluster.space().start("pillion", &mut command)?;
    let address = SocketAddrV4::new(NODE, PORT);
    register_behind_service(&cluster.client()?, address, identity.authority()).await?;
    Ok(identity)
}
