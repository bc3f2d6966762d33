//! How long a request waits before anything of it is read.
//!
//! Under overload, requests wait in the kernel and in the runtime's queue, where no handler sees
//! them. So a byte is sent around the same way again and again: through a socket to a task of the
//! runtime that answers reviews, and back to the admin thread, which takes the time.

use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

/// Between two measurements, and how often one that is still under way counts as it is.
const PERIOD: Duration = Duration::from_millis(50);

/// The delay that was measured last.
#[derive(Debug, Clone, Default)]
pub(super) struct QueueDelay(Arc<AtomicU64>);

impl QueueDelay {
    pub(super) fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.0.store(delay, Ordering::Relaxed);
    }

    /// Whether a request that has to be answered within `timeout` is hopeless: it has waited for
    /// about this delay before it was read, and its answer must leave the same way.
    pub(super) fn exceeds(&self, timeout: Duration) -> bool {
        self.get() * 2 >= timeout
    }

    #[cfg(test)]
    pub(super) fn of(delay: Duration) -> Self {
        let queue_delay = Self::default();
        queue_delay.set(delay);
        queue_delay
    }
}

/// Both ends of the socket: one for [`echo`], one for [`measure`].
pub(super) fn pair() -> io::Result<(StdStream, StdStream)> {
    let (here, there) = StdStream::pair()?;
    here.set_nonblocking(true)?;
    there.set_nonblocking(true)?;
    Ok((here, there))
}

/// Answers each byte, on the runtime whose delay is measured.
pub(super) async fn echo(end: StdStream) -> io::Result<()> {
    let mut end = UnixStream::from_std(end)?;
    loop {
        let byte = end.read_u8().await?;
        end.write_u8(byte).await?;
    }
}

/// Measures until the other end is gone, on a runtime that does nothing else.
pub(super) async fn measure(end: StdStream, delay: QueueDelay) -> io::Result<()> {
    let mut end = UnixStream::from_std(end)?;
    loop {
        let sent = Instant::now();
        end.write_u8(0).await?;
        loop {
            match timeout(PERIOD, end.read_u8()).await {
                Ok(answer) => {
                    answer?;
                    break;
                }
                // An answer that does not come is a delay, too.
                Err(_) => delay.set(delay.get().max(sent.elapsed())),
            }
        }
        delay.set(sent.elapsed());
        sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_runtime_is_seen_while_it_is_busy() {
        let (here, there) = pair().unwrap();
        let delay = QueueDelay::default();
        let measured = delay.clone();
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(measure(there, measured))
        });
        let echoing = tokio::spawn(echo(here));
        sleep(Duration::from_millis(200)).await;
        // Nothing else of this runtime runs now, nor does the echo.
        std::thread::sleep(Duration::from_millis(600));
        assert!(delay.exceeds(Duration::from_millis(300)), "{delay:?}");
        echoing.abort();
    }

    #[test]
    fn a_request_is_hopeless_when_half_of_its_time_is_waited_away() {
        let delay = QueueDelay::of(Duration::from_secs(2));
        assert!(delay.exceeds(Duration::from_secs(1)));
        assert!(delay.exceeds(Duration::from_secs(4)));
        assert!(!delay.exceeds(Duration::from_secs(5)));
        assert!(!QueueDelay::default().exceeds(Duration::from_secs(1)));
    }
}
