//! Logs: to standard error, at the level that `CALLBOARD_LOG` names, and no task waits for its
//! reader. What a message or a field says stays on its line and moves no cursor.

use std::fmt::{Debug, Result};
use std::io::{self, Write};

use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::shown::{self, Shown};
use crate::standard_error::StandardError;

/// How the lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text { colours: bool },
    /// One JSON document a line, for programs.
    Json,
}

/// Said by the reader of HTML of each character that it reads, and by the connections of what the
/// store says by itself, unless they are asked for by name.
const TALKATIVE: &str = "html5ever=warn,sqlx=error";

/// Send events to standard error. `level` counts where `CALLBOARD_LOG` says nothing; what it says
/// and no filter is, is the error.
pub fn start(form: Form, level: &str) -> std::result::Result<(), String> {
    let wanted = std::env::var("CALLBOARD_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = EnvFilter::builder().parse(format!("{TALKATIVE},{wanted}"));
    let filter = filter.map_err(|error| format!("CALLBOARD_LOG is `{wanted}`: {error}"))?;
    let lines = tracing_subscriber::registry()
        .with(filter)
        .with(written(form, || StandardError));
    // A second start, as in tests, keeps the first.
    lines.try_init().ok();
    Ok(())
}

fn written<S, W>(form: Form, to: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    match form {
        Form::Text { colours } => Box::new(
            fmt::layer()
                .fmt_fields(format::debug_fn(field).delimited(" "))
                .with_ansi(colours)
                .with_writer(to),
        ),
        Form::Json => {
            let lines = fmt::layer().with_writer(Json(to)).json();
            Box::new(lines.flatten_event(true).with_span_list(false))
        }
    }
}

/// One field; the message without its name.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> Result {
    let text = Shown::line(format_args!("{value:?}"));
    match field.name() {
        "message" => write!(writer, "{text}"),
        name => write!(writer, "{name}={text}"),
    }
}

/// Writes JSON that can be shown; an event comes as a whole.
#[derive(Clone)]
struct Json<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Json<W> {
    type Writer = Json<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Json(self.0.make_writer())
    }
}

impl<W: Write> Write for Json<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(shown::json(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct CapturedLog(Arc<Mutex<Vec<u8>>>);

    impl Write for CapturedLog {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const EVIL: &str = "a\u{1b}[2J\r\nERROR forged\u{9b}\u{202e}";

    /// The only line that is written of an event which says evil things in each way.
    fn line(form: Form) -> String {
        let kept = CapturedLog::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::registry().with(written(form, move || writer.clone()));
        tracing::subscriber::with_default(lines, || {
            tracing::warn!(run = %EVIL, error = ?EVIL, name = EVIL, "said {EVIL}");
        });
        let kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8(kept.clone()).expect("UTF-8");
        let line = text.strip_suffix('\n').expect("a line").to_owned();
        let hidden = line.chars().find(|c| c.is_control() || *c == '\u{202e}');
        assert_eq!(hidden, None, "{line:?}");
        line
    }

    #[test]
    fn a_line_of_the_log_is_one_and_moves_nothing() {
        let text = line(Form::Text { colours: false });
        // A field that is no text by itself is told as Rust writes it.
        let told = text.matches("\\u{1b}[2J ⏎ ERROR forged").count();
        let written = text.matches("\\u{1b}[2J\\r\\nERROR forged").count();
        assert_eq!((told, written), (2, 2), "{text}");
        let json: serde_json::Value = serde_json::from_str(&line(Form::Json)).expect("a document");
        assert_eq!(json["name"], EVIL);
    }
}
