//! What this process has had of the processors. A busy machine does not stretch that as it does the time.
#![expect(
    clippy::disallowed_methods,
    reason = "what a benchmark reads is its own, or the system's"
)]

use std::fs;
use std::time::Duration;

/// Of all threads that there are, by Linux; none elsewhere.
fn spent() -> Option<Duration> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    let of = |thread: fs::DirEntry| {
        // One that has just ended has none.
        let told = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let first = told.split_whitespace().next();
        first
            .and_then(|nanoseconds| nanoseconds.parse().ok())
            .unwrap_or(0)
    };
    Some(Duration::from_nanos(
        threads.filter_map(Result::ok).map(of).sum(),
    ))
}

/// From now on, in milliseconds: of the processors where that is known, and of the clock.
pub(super) struct Meter {
    spent: Option<Duration>,
    began: std::time::Instant,
}

impl Meter {
    pub(super) fn start() -> Self {
        let began = std::time::Instant::now();
        Self {
            spent: spent(),
            began,
        }
    }

    pub(super) fn processor(&self) -> f64 {
        let spent = spent()
            .zip(self.spent)
            .map(|(now, then)| now.saturating_sub(then));
        milliseconds(spent.unwrap_or_else(|| self.began.elapsed()))
    }

    pub(super) fn clock(&self) -> f64 {
        milliseconds(self.began.elapsed())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
