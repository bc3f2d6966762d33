//! Where the ports are: addresses as people write them, IPv6 that may be missing, and a listener
//! that says why it accepts nobody.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum_server::{AddrListener, Address};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How often failures to accept connections are logged.
const REPORTS: Duration = Duration::from_secs(10);

/// Length of the queue of connections that are not accepted yet. A rollout sends every client here
/// at once; what does not fit is silently retried by the kernel a second later.
const BACKLOG: u32 = 1024;

/// `EAFNOSUPPORT` of Linux: the kernel has no IPv6.
const NO_SUCH_FAMILY: i32 = 97;

/// An address to listen on: `ADDR:PORT`, or `:PORT` for every address of both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListenAddress(SocketAddr);

/// An address that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected ADDR:PORT with a numeric address, such as 127.0.0.1:8443, [::]:8443 or :8443")]
pub(crate) struct ListenAddressError;

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = match text.strip_prefix(':').map(str::parse) {
            Some(Ok(port)) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
            _ => text.parse().map_err(|_| ListenAddressError)?,
        };
        Ok(Self(address))
    }
}

impl ListenAddress {
    pub(crate) fn socket_address(self) -> SocketAddr {
        self.0
    }

    /// Listens. `[::]` takes IPv4 too, as Linux does unless told otherwise; where the machine has
    /// no IPv6 it means `0.0.0.0`.
    pub(super) fn bind(self) -> io::Result<TcpListener> {
        match listen(self.0) {
            Err(error) if self.0.ip() == Ipv6Addr::UNSPECIFIED && is_without_ipv6(&error) => {
                listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), self.0.port()))
            }
            result => result,
        }
    }
}

/// The address of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// A listener that logs why connections are not accepted. The caller tries again; the commonest
/// reason is that no descriptor is left.
#[derive(Debug)]
pub(super) struct Listener {
    inner: TcpListener,
    reported: Mutex<Option<Instant>>,
}

impl From<TcpListener> for Listener {
    fn from(inner: TcpListener) -> Self {
        let reported = Mutex::new(None);
        Self { inner, reported }
    }
}

impl Listener {
    fn report(&self, error: &io::Error) {
        // An instant is whole after any panic.
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.is_none_or(|last| last.elapsed() >= REPORTS) {
            *reported = Some(Instant::now());
            let error = error.to_string();
            tracing::error!(error, "failed to accept a connection; trying again");
        }
    }
}

impl Address for Peer {
    type Stream = TcpStream;
    type Listener = Listener;
}

impl AddrListener<TcpStream, Peer> for Listener {
    async fn bind_to(address: Peer) -> io::Result<Self> {
        Ok(listen(address.0)?.into())
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, Peer)> {
        let accepted = self.inner.accept().await;
        let (stream, address) = accepted.inspect_err(|error| self.report(error))?;
        Ok((stream, Peer(address)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.inner.local_addr().map(Peer)
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait for the last process's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn is_without_ipv6(error: &io::Error) -> bool {
    error.raw_os_error() == Some(NO_SUCH_FAMILY)
        || matches!(
            error.kind(),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<ListenAddress>().map(|a| a.0.to_string());
        assert_eq!(read(":8443").as_deref(), Ok("[::]:8443"));
        assert_eq!(read("[::1]:0").as_deref(), Ok("[::1]:0"));
        assert_eq!(read("127.0.0.1:80").as_deref(), Ok("127.0.0.1:80"));
        for wrong in ["", "8443", "localhost:8443", ":", ":99999", "::1:80"] {
            assert_eq!(read(wrong), Err(ListenAddressError), "{wrong}");
        }
    }

    #[tokio::test]
    async fn every_address_takes_ipv4_clients() {
        let listener = ":0".parse::<ListenAddress>().unwrap().bind().unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        assert!(client.is_ok(), "{client:?}");
    }

    #[test]
    fn only_a_missing_ipv6_falls_back() {
        assert!(is_without_ipv6(&io::Error::from_raw_os_error(97)));
        assert!(is_without_ipv6(&io::ErrorKind::AddrNotAvailable.into()));
        assert!(!is_without_ipv6(&io::ErrorKind::AddrInUse.into()));
    }
}
