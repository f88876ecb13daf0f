//! What the program begins with, as a plain function: so the commands are compiled here, once, and
//! `main` is a call. Asked to compile a component it does that and nothing else: it is then the
//! child of another `callboard`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;

use callboard_core::plugin::compile;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli;

/// On Linux, this very program, also after another one was put in its place.
const ITSELF: &str = "/proc/self/exe";

/// SIGXFSZ, which ends a process that writes past the limit of a file's size.
const TOO_LARGE: i32 = rustix::process::Signal::XFSZ.as_raw();

/// Threads that a command has beside those of its runtime: of the database, of standard error, of what
/// leaves the runtime.
const BESIDE: usize = 6;

/// Carry out the command line of this process.
#[must_use]
pub fn start() -> ExitCode {
    // A package is linked if something of it is named.
    #[cfg(feature = "restate")]
    let _ = callboard_restate::dispatcher();
    match compile::child::asked() {
        Some(compiled) => answer(compiled),
        None => match runtime() {
            Ok(runtime) => runtime.block_on(begin()),
            Err(error) => cli::without_threads(&error).into(),
        },
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

/// The runtime, which would panic where the system gives it no thread.
fn runtime() -> io::Result<Runtime> {
    have_threads()?;
    std::panic::set_hook(Box::new(|_| {}));
    let built = std::panic::catch_unwind(|| Builder::new_multi_thread().enable_all().build());
    cli::tell_panics();
    built.unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
}

/// Whether as many threads as a command takes can be had at once: wherever one is not to be had later,
/// it is a panic.
fn have_threads() -> io::Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let gate = Arc::new(Mutex::new(()));
    let shut = gate.lock();
    let mut threads = Vec::new();
    let had = (0..workers + BESIDE).try_for_each(|_| {
        let gate = Arc::clone(&gate);
        let waits = move || drop(gate.lock());
        threads.push(thread::Builder::new().spawn(waits)?);
        Ok(())
    });
    drop(shut);
    for thread in threads {
        thread.join().ok();
    }
    had
}

/// The process ends with the command, whatever its threads still do: what is to be kept was
/// committed, and a database that was replaced under it must not be written on the way out.
#[expect(
    clippy::disallowed_methods,
    reason = "the command has ended, and its workers with it"
)]
async fn begin() -> ! {
    let itself = PathBuf::from(ITSELF);
    if itself.exists() {
        compile::use_program(itself);
    } else if let Ok(itself) = std::env::current_exe() {
        compile::use_program(itself);
    }
    // Heard of and not heeded: a file that may not grow is then an error with a sentence.
    let _heard = signal(SignalKind::from_raw(TOO_LARGE)).ok();
    std::process::exit(cli::main().await)
}
