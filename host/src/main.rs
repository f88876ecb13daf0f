//! The `callboard` program: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    callboard::cli::main(callboard::cli::Cli::parse()).await
}
