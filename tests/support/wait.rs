//! Waiting for a condition, always with a bound and never blindly.

use std::time::{Duration, Instant};

use super::failure::{Failure, Outcome};

/// Between two looks: short beside what is waited for (hundreds of milliseconds).
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `probe` returns `Ok`, for at most `bound`.
///
/// `probe` returns what it saw instead as its error; the last one is part of the message
/// when the bound is reached.
pub(crate) async fn wait_until<T>(
    what: &str,
    bound: Duration,
    probe: impl AsyncFnMut() -> Result<T, String>,
) -> Outcome<T> {
    wait_pausing(PAUSE, what, bound, probe).await
}

/// The same with another `pause` between two looks: where a look costs the other side
/// something, or many look at once.
pub(crate) async fn wait_pausing<T>(
    pause: Duration,
    what: &str,
    bound: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> Outcome<T> {
    let start = Instant::now();
    loop {
        let seen = match probe().await {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        if start.elapsed() >= bound {
            let waited = start.elapsed().as_secs_f32();
            return Err(Failure::new(format!(
                "waited {waited:.1} s for {what}; last seen: {seen}"
            )));
        }
        tokio::time::sleep(pause).await;
    }
}
