//! The process that compiles: it is bounded by the process that starts it, reads a component from
//! its standard input, and answers with compiled code. It has no environment and opens nothing.

use crate::bounded;
use crate::plugin::{component, engine};

/// The first argument of a program that is asked to compile. No command has this name.
pub(super) const ASKED: &str = "compile-component";

/// What a program begins with: if its arguments ask for it, it compiles, and has nothing else
/// to do but to write the code to its standard output, or what went wrong to its standard error.
pub fn asked() -> Option<Result<Vec<u8>, String>> {
    let first = std::env::args().nth(1)?;
    (first == ASKED).then(compile)
}

fn compile() -> Result<Vec<u8>, String> {
    let read = bounded::beginning(std::io::stdin().lock(), component::LARGEST as u64);
    let bytes = read.map_err(|error| format!("the component is not read: {error}"))?;
    let engine = engine::compiling().map_err(|error| format!("{error:#}"))?;
    engine
        .precompile_component(&bytes)
        .map_err(|error| format!("{error:#}"))
}
