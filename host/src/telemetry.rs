//! Logs: to standard error, at the level that `CALLBOARD_LOG` names.

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// How the lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text { colours: bool },
    /// One JSON document a line, for programs.
    Json,
}

/// Send events to standard error. `level` counts where `CALLBOARD_LOG` says nothing.
pub fn start(form: Form, level: &str) {
    let filter = EnvFilter::try_from_env("CALLBOARD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::registry()
        .with(filter)
        .with(written(form));
    // A second start, as in tests, keeps the first.
    lines.try_init().ok();
}

fn written<S>(form: Form) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    match form {
        Form::Text { colours } => Box::new(lines.with_ansi(colours)),
        Form::Json => Box::new(lines.json().flatten_event(true).with_span_list(false)),
    }
}
