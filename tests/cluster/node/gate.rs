//! A way in: connections to a loopback port of the machine come out inside the namespaces.
//!
//! Clients of the API server (`kubectl`, Helm, the tests themselves) so need no rights and no
//! knowledge of namespaces.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::space::Space;
use crate::support::failure::{During, Outcome};

/// An open way, closed with this value.
pub(crate) struct Gate {
    /// Where to connect to.
    pub(crate) outside: SocketAddr,
    _close: oneshot::Sender<()>,
}

impl Gate {
    /// Opens a way to an address inside.
    pub(crate) fn open(space: &Space, inside: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).during("bind a port")?;
        listener
            .set_nonblocking(true)
            .during("make a listener asynchronous")?;
        let outside = listener.local_addr().during("read a loopback port")?;
        let network = File::open(space.namespace("net")).during("open a network namespace")?;
        let (close, closed) = oneshot::channel();
        // A socket belongs to the network namespace of the thread that makes it: the listener
        // was made here, the connections are made there.
        std::thread::Builder::new()
            .name("gate".to_owned())
            .spawn(move || run(listener, &network, inside, closed))
            .during("start a thread")?;
        Ok(Self {
            outside,
            _close: close,
        })
    }
}

/// Until the gate is closed. What goes wrong before shows as a refused connection.
fn run(
    listener: TcpListener,
    network: &File,
    inside: SocketAddr,
    closed: oneshot::Receiver<()>,
) -> Outcome {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
        .during("enter a network namespace")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .during("make a runtime")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).during("take a listener")?;
        tokio::select! {
            result = accept(&listener, inside) => result,
            _ = closed => Ok(()),
        }
    })
}

async fn accept(listener: &tokio::net::TcpListener, inside: SocketAddr) -> Outcome {
    loop {
        let (mut near, _) = listener.accept().await.during("accept a connection")?;
        tokio::spawn(async move {
            // Whoever connected sees the end of the connection, whatever its reason.
            if let Ok(mut far) = TcpStream::connect(inside).await {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
}
