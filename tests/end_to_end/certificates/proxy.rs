//! A Service's part: connections are handed to one endpoint after another, unread.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::failure::{During, Outcome};

/// A loopback port in front of endpoints that come and go.
pub(super) struct Proxy {
    pub(super) port: u16,
    endpoints: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy without endpoints: connections are closed at once.
    pub(super) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.during("bind the port of a Service")?;
        let port = listener.local_addr().during("read a port")?.port();
        let endpoints = Arc::<Mutex<Vec<SocketAddr>>>::default();
        let known = Arc::clone(&endpoints);
        let task = tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((mut client, _)) = listener.accept().await {
                let all = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
                turn += 1;
                let Some(endpoint) = all.get(turn % all.len().max(1)).copied() else {
                    continue;
                };
                tokio::spawn(async move {
                    // Without this each small answer waits for an acknowledgement.
                    let _ = client.set_nodelay(true);
                    if let Ok(mut server) = TcpStream::connect(endpoint).await {
                        let _ = server.set_nodelay(true);
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Ok(Self {
            port,
            endpoints,
            task,
        })
    }

    /// The endpoints of connections from now on.
    pub(super) fn lead_to(&self, endpoints: &[SocketAddr]) {
        let mut known = self
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = endpoints.to_vec();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
