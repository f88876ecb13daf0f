//! What the recipes of `justfile` need done that is more than a command. `./just` builds it, and has
//! it install what a recipe takes; the recipes call it for the rest. It has no dependencies, so that
//! it is there seconds after the toolchain.

mod collect;
mod files;
mod format;
mod needs;
mod peers;
mod restate;
mod tools;
mod with_model;

use std::path::Path;
use std::process::ExitCode;

use self::tools::{Trouble, said};

const USAGE: &str =
    "xtask just RECIPE… | collect FROM TO | demo FOLDER WORD… | format [--check] | peers | restate";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match carry_out(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            said(&trouble);
            ExitCode::FAILURE
        }
    }
}

fn carry_out(arguments: &[&str]) -> Result<(), Trouble> {
    match arguments {
        ["just", words @ ..] => needs::just(words),
        ["collect", from, to] => collect::collect(Path::new(from), Path::new(to)),
        ["demo", folder, words @ ..] => with_model::demo(folder, words),
        ["format"] => format::format(false),
        ["format", "--check"] => format::format(true),
        ["peers"] => peers::install(),
        ["restate"] => restate::install(),
        _ => Err(Trouble::new(USAGE)),
    }
}
