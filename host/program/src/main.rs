//! The `callboard` program, which the library has whole: what is compiled here is compiled again
//! after each change of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    callboard::start()
}
