//! The `callboard` program: parse, dispatch, exit code. Asked to compile a component it does that
//! and nothing else: it is then the child of another `callboard`.

#![recursion_limit = "256"]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use callboard_core::plugin::compile;

/// On Linux, this very program, also after another one was put in its place.
const ITSELF: &str = "/proc/self/exe";

fn main() -> ExitCode {
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
    callboard::cli::tell_panics();
    std::process::exit(callboard::cli::main().await)
}
