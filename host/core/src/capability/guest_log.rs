//! What a guest says, by its log or on its standard output and error: into the log of the host,
//! and with the run. As it is said, so that nothing is lost at a deadline.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::Caller;
use crate::lines::{Line, LineLevel, LineSource};
use crate::shown::Shown;

/// The most bytes of one line.
const LONGEST: usize = 1024;
/// Bytes of an output of one call that are heard; the rest is dropped.
const HEARD: usize = 64 * 1024;
/// Shorter secrets would tear holes into every line.
const SHORTEST_SECRET: usize = 4;

/// Hears one call of a plugin. Clones are the same.
#[derive(Clone)]
pub struct GuestLog {
    told: Arc<LogState>,
}

struct LogState {
    plugin: String,
    caller: Caller,
    /// Values that no line may show.
    secrets: Vec<String>,
}

impl GuestLog {
    pub(super) fn new(plugin: &str, caller: &Caller) -> Self {
        let told = LogState {
            plugin: plugin.to_owned(),
            caller: caller.clone(),
            secrets: secrets(caller),
        };
        Self {
            told: Arc::new(told),
        }
    }

    /// A text as a line may show it: without secrets, control characters or great length.
    pub fn line(&self, text: &str, fields: &[(String, String)]) -> String {
        // Whatever a guest says, this is all that is copied: a secret that begins in what is shown
        // is in it to its end.
        let longest = self.told.secrets.first().map_or(0, String::len);
        let mut kept = LogStart {
            text: String::new(),
            room: LONGEST + longest + char::MAX.len_utf8(),
        };
        kept.push(text);
        for (name, value) in fields {
            for part in [" ", name, "=", value] {
                kept.push(part);
            }
            if kept.room == 0 {
                break;
            }
        }
        escaped(&self.without_secrets(&kept.text))
    }

    /// What is shown of a text, with a mark in the place of each secret that begins in it.
    fn without_secrets(&self, text: &str) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            if text.len() - rest.len() > LONGEST {
                shown.push('…');
                break;
            }
            let secrets = &self.told.secrets;
            let secret = secrets.iter().find(|it| rest.starts_with(it.as_str()));
            let (length, stands) = match secret {
                Some(secret) => (secret.len(), "[hidden]"),
                None => (sign.len_utf8(), &rest[..sign.len_utf8()]),
            };
            shown.push_str(stands);
            rest = &rest[length..];
        }
        shown
    }

    /// Tell of a line that [`line`](Self::line) made.
    pub fn say(&self, level: LineLevel, source: LineSource, text: String) {
        let (plugin, caller) = (&self.told.plugin, &self.told.caller);
        macro_rules! say {
            ($level:ident) => {
                tracing::$level!(target: "plugin", %plugin, run = %caller.run, stage = %caller.stage, "{text}")
            };
        }
        match level {
            LineLevel::Trace => say!(trace),
            LineLevel::Debug => say!(debug),
            LineLevel::Info => say!(info),
            LineLevel::Warn => say!(warn),
            LineLevel::Error => say!(error),
        }
        caller.lines.push(Line {
            at: Timestamp::now(),
            attempt: caller.attempt,
            level,
            source,
            text,
        });
    }
}

/// The beginning of what is said in parts.
struct LogStart {
    text: String,
    room: usize,
}

impl LogStart {
    fn push(&mut self, part: &str) {
        if part.len() > self.room {
            self.text
                .push_str(&part[..part.floor_char_boundary(self.room)]);
            self.room = 0;
        } else {
            self.text.push_str(part);
            self.room -= part.len();
        }
    }
}

/// The secrets of the settings, the longest first: one may contain another.
fn secrets(caller: &Caller) -> Vec<String> {
    let settings = &caller.settings;
    let declared = settings.declarations().keys();
    let texts = declared.filter_map(|key| Some(settings.secret(key).ok()??.expose().to_owned()));
    let mut texts: Vec<_> = texts.filter(|text| text.len() >= SHORTEST_SECRET).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

/// Text that stays on its line, of a bounded length.
fn escaped(text: &str) -> String {
    let mut line = Shown::line(text).to_string();
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push('…');
    }
    line
}

/// Standard output or error of a guest, which is heard line by line. It takes whatever is
/// written, so that a guest that talks too much does not fail for it.
#[derive(Clone)]
pub struct GuestOutput {
    heard: Arc<Mutex<PartialLine>>,
}

struct PartialLine {
    log: GuestLog,
    source: LineSource,
    bytes: Vec<u8>,
    /// How much of it has been told.
    told: usize,
    full: bool,
}

impl GuestOutput {
    pub(super) fn new(log: &GuestLog, source: LineSource) -> Self {
        let heard = PartialLine {
            log: log.clone(),
            source,
            bytes: Vec::new(),
            told: 0,
            full: false,
        };
        Self {
            heard: Arc::new(Mutex::new(heard)),
        }
    }

    /// All that was heard.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.heard().bytes).into_owned()
    }

    fn heard(&self) -> MutexGuard<'_, PartialLine> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialLine {
    fn hear(&mut self, bytes: &[u8]) {
        let room = HEARD - self.bytes.len();
        self.bytes.extend(bytes.iter().take(room));
        while let Some(length) = self.bytes[self.told..]
            .iter()
            .position(|byte| *byte == b'\n')
        {
            self.tell(self.told + length);
            self.told += 1;
        }
        if bytes.len() > room && !self.full {
            self.full = true;
            let text = format!("more than {} KiB; the rest is dropped", HEARD / 1024);
            self.log.say(LineLevel::Warn, self.source, text);
        }
    }

    fn tell(&mut self, end: usize) {
        let text = String::from_utf8_lossy(&self.bytes[self.told..end]);
        let text = text.trim_end();
        if !text.is_empty() {
            let line = self.log.line(text, &[]);
            let level = match self.source {
                LineSource::Stderr => LineLevel::Warn,
                LineSource::Log | LineSource::Stdout => LineLevel::Info,
            };
            self.log.say(level, self.source, line);
        }
        self.told = end;
    }
}

impl Drop for PartialLine {
    /// A line without an end is told when the call is over, or was ended at its deadline.
    fn drop(&mut self) {
        self.tell(self.bytes.len());
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.heard().hear(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(HEARD)
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.heard().hear(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_forge_another_or_turn_the_terminal() {
        let line = escaped("a\r\nERROR\u{1b}[31m\u{7}\0\u{202e}b\u{9b}é");
        assert_eq!(line, "a ⏎ ERROR\\u{1b}[31m\\u{7}\\u{0}\\u{202e}b\\u{9b}é");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = escaped(&"é".repeat(5000));
        assert!(
            line.len() <= LONGEST + 3 && line.ends_with("é…"),
            "{}",
            line.len()
        );
    }
}
