//! The two streams of the process, and what becomes of a command whose answer is not read any more:
//! an answer that cannot be written is told once, in [`lost`], and everything after it is dropped.
//! Who reads no errors is told none.
//!
//! What stands beside the answer is text, or, once [`write_documents`] said so, a JSON document a
//! line, as the lines of the log are.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use callboard_core::operations;
use callboard_core::shown::{self, Shown};
use callboard_core::standard_error::{self, StandardError};
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::sync::SetOnce;

use crate::cli::exit::Exit;

/// How a command ends whose answer could not be written.
static LOST: SetOnce<Exit> = SetOnce::const_new();

/// Whether what is beside the answer is for programs.
static DOCUMENTS: AtomicBool = AtomicBool::new(false);

/// How grave it is what is said beside the answer; named as in the log.
#[derive(Debug, Clone, Copy)]
pub(super) enum MessageLevel {
    Info,
    Warn,
    Error,
}

impl MessageLevel {
    fn name(self) -> &'static str {
        match self {
            MessageLevel::Info => "INFO",
            MessageLevel::Warn => "WARN",
            MessageLevel::Error => "ERROR",
        }
    }
}

/// From now on each thing said beside the answer is a document on a line of its own.
pub(in crate::cli) fn write_documents() {
    DOCUMENTS.store(true, Ordering::Relaxed);
    standard_error::write_documents();
}

/// Whether it is.
pub(super) fn are_documents() -> bool {
    DOCUMENTS.load(Ordering::Relaxed)
}

/// How this command ends, if its answer could not be written.
pub(in crate::cli) fn lost() -> Option<Exit> {
    LOST.get().copied()
}

/// Wait until an answer cannot be written.
pub(in crate::cli) async fn until_lost() -> Exit {
    *LOST.wait().await
}

/// Where another program draws: never where the answer goes, unless that is the terminal.
pub(in crate::cli) fn screen() -> io::Result<Stdio> {
    if io::stdout().is_terminal() {
        return Ok(Stdio::inherit());
    }
    let beside = io::stderr().as_fd().try_clone_to_owned()?;
    Ok(beside.into())
}

/// A line, or several, of the answer.
pub(super) fn answer(text: impl Display) {
    if lost().is_none() {
        // What was said before it stands before it.
        standard_error::written();
        written(writeln!(anstream::stdout().lock(), "{text}"));
    }
}

/// What became of a part of the answer that was written by other means.
pub(super) fn written(result: io::Result<()>) {
    let Err(error) = result.and_then(|()| io::stdout().flush()) else {
        return;
    };
    let exit = match error.kind() {
        // As with every program before `head`, that is no failure worth a word.
        ErrorKind::BrokenPipe => Exit::Unread,
        // As wherever else the disk is full.
        kind => match operations::ErrorKind::of_write(kind, operations::ErrorKind::Failed) {
            operations::ErrorKind::Unavailable => Exit::Unavailable,
            _ => Exit::Failed,
        },
    };
    // The first failure tells it.
    if LOST.set(exit).is_ok() && exit != Exit::Unread {
        let problem = format!("standard output takes no more: {error}");
        let help = "what it says is lost from there on; see whether its disk is full";
        let text = format!("error: {}\n  help: {help}", Shown::line(&problem));
        aside(MessageLevel::Error, text, || {
            Json::from_iter([("message", problem.as_str()), ("help", help)])
        });
    }
}

/// A line, or several, beside the answer: the text for people, or the document for programs, whose
/// `message` says the same.
pub(super) fn aside(level: MessageLevel, text: impl Display, document: impl FnOnce() -> Json) {
    if are_documents() {
        let mut line = Json::from_iter([
            ("timestamp", Timestamp::now().to_string()),
            ("level", level.name().to_owned()),
            ("target", "callboard::cli".to_owned()),
        ]);
        if let (Json::Object(line), Json::Object(more)) = (&mut line, document()) {
            line.extend(more);
        }
        let line = shown::json(&line.to_string());
        beside(&format!("{line}\n"));
    } else {
        beside(&format!("{text}\n"));
    }
}

/// A text for standard error, however fast its reader is.
pub(super) fn beside(text: &str) {
    // What is dropped is counted there.
    StandardError.write_all(text.as_bytes()).ok();
}
