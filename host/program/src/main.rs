//! The `callboard` program: parse, dispatch, exit code. Asked to compile a component it does that
//! and nothing else: it is then the child of another `callboard`.

#![recursion_limit = "256"]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use callboard_core::plugin::compile;

/// On Linux, this very program, also after another one was put in its place.
const ITSELF: &str = "/proc/self/exe";
/// How long a thread may take to finish what it has in hand, such as a file, once all is said.
const IN_HAND: Duration = Duration::from_secs(1);

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

fn begin() -> ExitCode {
    let itself = PathBuf::from(ITSELF);
    if itself.exists() {
        compile::use_program(itself);
    } else if let Ok(itself) = std::env::current_exe() {
        compile::use_program(itself);
    }
    callboard::cli::tell_panics();
    let made = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match made {
        Ok(runtime) => {
            let exit = runtime.block_on(callboard::cli::main());
            // Whoever is waited for has been by now. What still computes, or waits for a disk, does
            // so for nobody, and ends with the process.
            runtime.shutdown_timeout(IN_HAND);
            exit
        }
        Err(error) => answer(Err(format!("error: no threads to work with: {error}\n"))),
    }
}
