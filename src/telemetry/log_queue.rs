//! The way of a log line: a bounded queue, and one thread that writes to standard error.
//!
//! Reviews, handshakes, probes and the exit all log, and none of them may wait for whoever reads the
//! log. A reader that is slow, gone or out of disk space therefore costs lines and nothing else: a
//! line that finds the queue full, or whose write fails, is counted, and the log says how many were
//! lost once it can be written again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// The most lines in the queue: about two seconds of decisions under full load.
const LINES: usize = 8192;

/// The most bytes in the queue.
const BYTES: usize = 4 * 1024 * 1024;

/// How many bytes are written at once where that many are waiting.
const BATCH: usize = 64 * 1024;

/// How long lines gather behind those just written. Under load each line would wake the writer alone, which
/// costs more than the line; a line behind silence is written at once.
const PAUSE: Duration = Duration::from_millis(5);

/// How often [`LogQueue::flush`] looks whether everything was written.
const FLUSH_POLL: Duration = Duration::from_millis(2);

/// The queue of log lines. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LogQueue {
    sender: SyncSender<Vec<u8>>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are queued or being written.
    pending: AtomicUsize,
    /// Lines lost since the log last reported them.
    unreported: AtomicU64,
    /// Lines lost since the start.
    lost: Counter,
}

impl State {
    fn lose(&self, lines: u64) {
        self.unreported.fetch_add(lines, Ordering::Relaxed);
        self.lost.inc_by(lines);
    }
}

impl LogQueue {
    /// Starts the thread that writes the queued lines to `output`.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(LINES);
        let state = Arc::new(State::default());
        let writer_state = Arc::clone(&state);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&receiver, &writer_state, output))?;
        Ok(Self { sender, state })
    }

    /// The counter of lost lines.
    pub(crate) fn lost(&self) -> Counter {
        self.state.lost.clone()
    }

    /// Waits until every queued line was written, but no longer than `patience`.
    pub(crate) fn flush(&self, patience: Duration) {
        let started = Instant::now();
        while self.state.pending.load(Ordering::Acquire) > 0 && started.elapsed() < patience {
            std::thread::sleep(FLUSH_POLL);
        }
    }

    fn push(&self, line: &[u8]) {
        let length = line.len();
        let before = self.state.pending.fetch_add(length, Ordering::AcqRel);
        if before + length > BYTES || self.sender.try_send(line.to_vec()).is_err() {
            self.state.pending.fetch_sub(length, Ordering::AcqRel);
            self.state.lose(1);
        }
    }
}

/// The writer of one event: the subscriber formats a whole line and writes it with one call.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Writes until every sender is gone. A failed write loses its lines and nothing else.
fn write_lines(receiver: &Receiver<Vec<u8>>, state: &State, mut output: impl Write) {
    while let Ok(first) = receiver.recv() {
        let (mut batch, mut lines) = (first, 1);
        while batch.len() < BATCH
            && let Ok(line) = receiver.try_recv()
        {
            batch.extend_from_slice(&line);
            lines += 1;
        }
        match output.write_all(&batch) {
            Ok(()) => report_lost(state),
            Err(_) => state.lose(lines),
        }
        state.pending.fetch_sub(batch.len(), Ordering::AcqRel);
        if batch.len() < BATCH {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Logs how many lines were lost since the last report. The report takes the queue like any line.
fn report_lost(state: &State) {
    let lost = state.unreported.swap(0, Ordering::Relaxed);
    if lost > 0 {
        tracing::warn!(
            lost,
            "log lines were lost: whatever reads standard error was too slow, gone or full"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// An output that waits for permission before each write, and fails where it is told to.
    struct Gate {
        permissions: Receiver<bool>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.permissions.recv() == Ok(false) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (LogQueue, Sender<bool>, Arc<Mutex<Vec<u8>>>) {
        let (permit, permissions) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate {
            permissions,
            written: Arc::clone(&written),
        };
        (LogQueue::start(gate).unwrap(), permit, written)
    }

    #[test]
    fn a_reader_that_takes_nothing_costs_lines_and_no_time() {
        let (mut queue, permit, written) = gated();
        let line = vec![b'x'; 1024];
        let started = Instant::now();
        for _ in 0..3 * LINES {
            queue.write_all(&line).unwrap();
        }
        assert!(started.elapsed() < Duration::from_secs(10));
        let lost = queue.lost().get();
        assert!(lost >= 2 * LINES as u64, "{lost}");
        assert!(queue.state.pending.load(Ordering::Relaxed) <= BYTES);

        drop(permit);
        queue.flush(Duration::from_secs(10));
        let kept = written.lock().unwrap().len() as u64 / 1024;
        assert_eq!(kept + queue.lost().get(), 3 * LINES as u64);
    }

    #[test]
    fn a_failed_write_loses_its_lines_and_the_next_one_is_written() {
        let (mut queue, permit, written) = gated();
        permit.send(false).unwrap();
        queue.write_all(b"one\n").unwrap();
        queue.flush(Duration::from_secs(10));
        assert_eq!(queue.lost().get(), 1);
        permit.send(true).unwrap();
        queue.write_all(b"two\n").unwrap();
        queue.flush(Duration::from_secs(10));
        assert_eq!(written.lock().unwrap().as_slice(), b"two\n");
    }
}
