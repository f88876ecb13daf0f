//! Logs: to standard error, at the level that `CALLBOARD_LOG` names.

use tracing_subscriber::EnvFilter;

/// Send events to standard error. Without `CALLBOARD_LOG` only warnings and errors show.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("CALLBOARD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start, as in tests, keeps the first.
    lines.try_init().ok();
}
