//! The two streams of the process, and what becomes of a command that nobody hears any more: an
//! answer that cannot be written is told once, in [`lost`], and everything after it is said to
//! nobody. Who reads no errors is told none.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use callboard_core::shown::Shown;
use tokio::sync::SetOnce;

use crate::cli::exit::Exit;

/// How a command ends whose answer could not be written.
static LOST: SetOnce<Exit> = SetOnce::const_new();

/// How this command ends, if its answer could not be written.
pub(in crate::cli) fn lost() -> Option<Exit> {
    LOST.get().copied()
}

/// Wait until an answer cannot be written.
pub(in crate::cli) async fn until_lost() -> Exit {
    *LOST.wait().await
}

/// A line, or several, of the answer.
pub(super) fn answer(text: impl Display) {
    if lost().is_none() {
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
        _ => Exit::Failed,
    };
    // Whoever was first has told it.
    if LOST.set(exit).is_ok() && exit == Exit::Failed {
        let problem = format_args!("standard output takes no more: {error}");
        aside(format_args!("error: {}", Shown::line(problem)));
        aside("  help: what it says is lost from there on; see whether its disk is full");
    }
}

/// A line, or several, beside the answer.
pub(super) fn aside(text: impl Display) {
    writeln!(anstream::stderr().lock(), "{text}").ok();
}
