//! The process that compiles: it bounds itself, reads a component from its standard input, and
//! answers with compiled code. It has no environment and opens nothing.

use std::io::Read as _;

use crate::config::CompileLimits;
use crate::plugin::{component, engine};

/// The first argument of a program that is asked to compile. No command has this name.
const ASKED: &str = "compile-component";

/// The arguments that ask a program to compile.
pub(super) fn arguments(limits: &CompileLimits) -> [String; 3] {
    let (memory, seconds) = (limits.memory_mib.to_string(), limits.seconds.to_string());
    [ASKED.to_owned(), memory, seconds]
}

/// What a program begins with: if its arguments ask for it, it compiles, and has nothing else
/// to do but to write the code to its standard output, or what went wrong to its standard error.
pub fn asked() -> Option<Result<Vec<u8>, String>> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == ASKED).then(|| {
        let mut number = || arguments.next()?.parse::<u64>().ok();
        match (number(), number()) {
            (Some(memory), Some(seconds)) => compile(memory, seconds),
            _ => Err("the compiler is not told its limits".to_owned()),
        }
    })
}

fn compile(memory_mib: u64, seconds: u64) -> Result<Vec<u8>, String> {
    bound(memory_mib, seconds).map_err(|error| format!("the compiler is not bounded: {error}"))?;
    let mut bytes = Vec::new();
    let most = component::LARGEST as u64;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| format!("the component is not read: {error}"))?;
    let engine = engine::compiling().map_err(|error| format!("{error:#}"))?;
    engine
        .precompile_component(&bytes)
        .map_err(|error| format!("{error:#}"))
}

/// Memory that it may write to, time of all processors, and no image of it on the disk.
#[cfg(unix)]
fn bound(memory_mib: u64, seconds: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    // Where address space is only reserved, as for the stacks of threads, Linux does not count it.
    let memory = if cfg!(target_os = "linux") {
        Resource::Data
    } else {
        Resource::As
    };
    setrlimit(memory, limit(memory_mib << 20))?;
    setrlimit(Resource::Cpu, limit(seconds))?;
    setrlimit(Resource::Core, limit(0))?;
    Ok(())
}

#[cfg(not(unix))]
fn bound(_: u64, _: u64) -> std::io::Result<()> {
    Ok(())
}
