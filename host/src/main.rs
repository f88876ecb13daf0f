//! The `callboard` program: parse, dispatch, exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    callboard::cli::tell_panics();
    callboard::cli::main().await
}
