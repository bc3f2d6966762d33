//! A client that shows what a library would hide: single bytes, headers, connections.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

/// How long a read may take.
const READ_TIMEOUT: Duration = Duration::from_secs(40);

/// An HTTP/1.1 connection.
pub(crate) struct Connection<S> {
    stream: S,
    received: Vec<u8>,
}

/// A connection over TLS.
pub(crate) type Tls = Connection<StreamOwned<ClientConnection, TcpStream>>;

/// A response, with header names in lower case.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What clients that trust these authorities (PEM) are made of.
pub(crate) fn trusting(authorities: &[&str], protocols: &[&str]) -> Arc<ClientConfig> {
    pillion::tls::install_provider();
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        let der = CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
        roots.add(der).unwrap();
    }
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session shows no certificate.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A plain connection, to the admin port.
pub(crate) fn plain(address: SocketAddr) -> io::Result<Connection<TcpStream>> {
    Ok(Connection::new(tcp(address)?))
}

/// A TLS connection, to the webhook port.
pub(crate) fn tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Tls> {
    tls_sending(address, config, &[])
}

/// A TLS connection whose first bytes go out in one segment with the end of the handshake.
pub(crate) fn tls_sending(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    first: &[u8],
) -> io::Result<Tls> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    client.writer().write_all(first)?;
    let mut stream = StreamOwned::new(client, tcp(address)?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(Connection::new(stream))
}

impl Connection<TcpStream> {
    /// Bounds how long a read may take.
    pub(crate) fn read_for(&mut self, time: Duration) {
        self.stream.set_read_timeout(Some(time)).unwrap();
    }
}

impl Tls {
    /// Bounds how long a read may take.
    pub(crate) fn read_for(&mut self, time: Duration) {
        self.stream.sock.set_read_timeout(Some(time)).unwrap();
    }

    /// The certificate that the server showed.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// The protocol agreed upon.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.stream.conn.alpn_protocol()
    }
}

impl<S: Read + Write> Connection<S> {
    fn new(stream: S) -> Self {
        let received = Vec::new();
        Self { stream, received }
    }

    /// Sends text as it is.
    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.send_bytes(text.as_bytes())
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Sends a request and reads its response.
    pub(crate) fn request(&mut self, head: &str, body: &str) -> io::Result<Response> {
        let length = body.len();
        let sent = self.send(&format!(
            "{head}\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        // A server that refuses a body for its length answers before the body has come.
        match (sent, self.response()) {
            (Err(error), Err(_)) => Err(error),
            (_, response) => response,
        }
    }

    /// Sends a GET and reads its response.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Response> {
        self.request(&format!("GET {path} HTTP/1.1"), "")
    }

    /// Sends a review and reads its answer.
    pub(crate) fn review(&mut self, body: &str) -> io::Result<Response> {
        let head = "POST /mutate?timeout=10s HTTP/1.1\r\nContent-Type: application/json";
        self.request(head, body)
    }

    /// Sends a review of a workload and reads the advice.
    pub(crate) fn advise(&mut self, body: &str) -> io::Result<Response> {
        let head = "POST /advise?timeout=2s HTTP/1.1\r\nContent-Type: application/json";
        self.request(head, body)
    }

    /// Reads a response.
    pub(crate) fn response(&mut self) -> io::Result<Response> {
        let end = loop {
            if let Some(end) = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            {
                break end;
            }
            self.receive()?;
        };
        let head: Vec<u8> = self.received.drain(..end + 4).collect();
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: BTreeMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").and_then(|l| l.parse().ok());
        let length = length.unwrap_or(0);
        let body = self.take(length)?;
        Ok(Response {
            status: status.unwrap_or(0),
            headers,
            body: String::from_utf8(body).map_err(io::Error::other)?,
        })
    }

    /// Reads so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < count {
            self.receive()?;
        }
        Ok(self.received.drain(..count).collect())
    }

    /// Waits for the server to close the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.receive() {
            Ok(()) => false,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ),
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.received.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}
