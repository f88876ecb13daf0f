//! Why a call ended without an answer, in words of the plugin's author.

use std::collections::BTreeSet;

use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use crate::capability::{InstanceState, LimitHit};
use crate::outcome::{Failure, FailureKind};

/// Function names of a trap that are shown.
const SHOWN: usize = 6;

/// The failure that an error of a guest's call stands for.
pub(super) fn failure(error: &wasmtime::Error, state: &InstanceState) -> Failure {
    let plugin = &state.access.plugin;
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        let kind = if *hit == LimitHit::Time {
            FailureKind::Timeout
        } else {
            FailureKind::Trap
        };
        let retryable = kind == FailureKind::Timeout;
        return Failure {
            kind,
            message: format!("plugin `{plugin}`: {hit}"),
            retryable,
        };
    }
    let message = format!("plugin `{plugin}`: {}{}", what(error, state), frames(error));
    Failure {
        kind: FailureKind::Trap,
        message,
        retryable: false,
    }
}

fn what(error: &wasmtime::Error, state: &InstanceState) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "stack overflow: it recurses too deep".to_owned(),
        Some(Trap::MemoryOutOfBounds) if is_recursion(error) => {
            "stack overflow: it recurses too deep".to_owned()
        }
        Some(Trap::UnreachableCodeReached) => match panic_text(state) {
            Some(text) => text,
            None => "it aborted".to_owned(),
        },
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

/// A guest keeps a stack of its own in its memory and runs off that one first: an access out
/// of bounds with a few functions over and over is such a run.
fn is_recursion(error: &wasmtime::Error) -> bool {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return false;
    };
    let functions: BTreeSet<_> = trace.frames().iter().map(FrameInfo::func_index).collect();
    trace.frames().len() > SHOWN && functions.len() <= trace.frames().len() / 3
}

/// What the guest said when it panicked: through `log`, or on standard error.
fn panic_text(state: &InstanceState) -> Option<String> {
    if let Some(text) = &state.panic_text {
        return Some(text.clone());
    }
    let written = state.standard_error();
    let written = written.trim();
    let tail = written
        .rfind("panicked at ")
        .map_or(written, |at| &written[at..]);
    let line: String = tail
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect();
    (!line.is_empty()).then_some(line)
}

/// The innermost functions, by name.
fn frames(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let names = trace.frames().iter().filter_map(FrameInfo::func_name);
    let names = names.map(|name| format!("{:#}", rustc_demangle::demangle(name)));
    let mut names: Vec<_> = names.filter(|name| !is_machinery(name)).collect();
    names.dedup();
    names.truncate(SHOWN);
    if names.is_empty() {
        String::new()
    } else {
        format!(" (in {})", names.join(" < "))
    }
}

/// Functions between the panic and the code that panicked.
fn is_machinery(name: &str) -> bool {
    [
        "core::panicking",
        "std::panicking",
        "std::sys",
        "std::process",
        "rust_panic",
        "__rust",
        "abort",
    ]
    .iter()
    .any(|prefix| name.trim_start_matches('<').starts_with(prefix))
}
