//! Logs: to standard error, at the level that `CALLBOARD_LOG` names. What a message or a field says
//! stays on its line and moves no cursor.

use std::fmt::{Debug, Result};

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{self, Writer};

use crate::shown::Shown;

/// Send events to standard error. Without `CALLBOARD_LOG` only warnings and errors show.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("CALLBOARD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt()
        .fmt_fields(format::debug_fn(field).delimited(" "))
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start, as in tests, keeps the first.
    lines.try_init().ok();
}

/// One field; the message without its name.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> Result {
    let text = Shown::line(format_args!("{value:?}"));
    match field.name() {
        "message" => write!(writer, "{text}"),
        name => write!(writer, "{name}={text}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_of_the_log_is_one_and_moves_nothing() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::fmt()
            .fmt_fields(format::debug_fn(field).delimited(" "))
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let evil = "a\u{1b}[2J\r\nERROR forged\u{9b}\u{202e}";
        tracing::subscriber::with_default(lines.finish(), || {
            tracing::warn!(run = %evil, error = ?evil, name = evil, "said {evil}");
        });
        let bytes = kept
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        let line = text.strip_suffix('\n').expect("a line");
        assert_eq!(
            line.chars().find(|c| c.is_control() || *c == '\u{202e}'),
            None,
            "{line:?}"
        );
        assert_eq!(
            line.matches("\\u{1b}[2J\\r\\nERROR forged").count(),
            4,
            "{line}"
        );
    }
}
