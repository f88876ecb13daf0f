//! What the program begins with, as a plain function: so the commands are compiled here, once, and
//! `main` is a call. Asked to compile a component it does that and nothing else: it is then the
//! child of another `callboard`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use callboard_core::plugin::compile;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli;

/// On Linux, this very program, also after another one was put in its place.
const ITSELF: &str = "/proc/self/exe";

/// SIGXFSZ, which ends a process that writes past the limit of a file's size.
const TOO_LARGE: i32 = rustix::process::Signal::XFSZ.as_raw();

/// Carry out the command line of this process.
#[must_use]
pub fn start() -> ExitCode {
    // A package is linked if something of it is named.
    #[cfg(feature = "restate")]
    let _ = callboard_restate::dispatcher();
    match compile::child::asked() {
        Some(compiled) => answer(compiled),
        None => begin(),
    }
}
fn answer(compiled: Result<Vec<u8>, String>) -> ExitCode {
    let written = match &compiled {
        Ok(code) => std::io::stdout().write_all(code),
        Err(problem) => std::io::stderr().write_all(problem.as_bytes()),
    };
    if compiled.is_ok() && written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The process ends with the command, whatever its threads still do: what is to be kept was
/// committed, and a database that was replaced under it must not be written on the way out.
#[expect(
    clippy::disallowed_methods,
    reason = "the command has ended, and its workers with it"
)]
#[tokio::main]
async fn begin() -> ! {
    let itself = PathBuf::from(ITSELF);
    if itself.exists() {
        compile::use_program(itself);
    } else if let Ok(itself) = std::env::current_exe() {
        compile::use_program(itself);
    }
    // Heard of and not heeded: a file that may not grow is then an error with a sentence.
    let _heard = signal(SignalKind::from_raw(TOO_LARGE)).ok();
    cli::tell_panics();
    std::process::exit(cli::main().await)
}
