//! The `callboard` program: parse, dispatch, exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    callboard::cli::main(callboard::cli::Cli::read()).await
}
