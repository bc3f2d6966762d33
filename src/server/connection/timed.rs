//! A stream that ends when its connection's clock says so.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::super::peers::PeerShare;
use super::clock::{Clock, Head};

/// How often the clock is asked. Limits are exact to this; one timer that is seldom due is cheaper
/// than one that is set anew with every request.
const TICK: Duration = Duration::from_secs(2);

/// How an HTTP/2 connection begins. Its bytes between requests are pings and window updates, no
/// heads, so only its idle time is bounded.
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// A connection's stream; it holds the connection's place among those of its peer until it is dropped.
pub(crate) struct Timed<I> {
    inner: I,
    clock: Arc<Clock>,
    ticks: Interval,
    head: Option<Head>,
    /// Whether heads are looked for; `None` before the first bytes.
    http1: Option<bool>,
    _open: PeerShare,
}

impl<I> Timed<I> {
    pub(super) fn new(inner: I, clock: Arc<Clock>, open: PeerShare) -> Self {
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            inner,
            clock,
            ticks,
            head: None,
            http1: None,
            _open: open,
        }
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &I {
        &self.inner
    }

    /// An error when the connection is over; also sees to it that the task asks again in time.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.ticks.poll_tick(context).is_ready() {
            if self.clock.is_over(self.head) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    fn arrived(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if *self.http1.get_or_insert_with(|| !bytes.starts_with(HTTP2)) {
            self.head = self.clock.arrived(self.head);
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Timed<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.arrived(buffer.filled().get(filled..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Timed<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
