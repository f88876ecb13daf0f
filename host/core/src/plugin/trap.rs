//! Why a call ended without an answer, in words of the plugin's author. Stage and handler are told
//! where it is shown.

use std::collections::BTreeSet;

use wasmtime::{FrameInfo, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::capability::{InstanceState, LimitHit};
use crate::outcome::{Failure, FailureKind};
use crate::shown::cut;

/// Function names of a trap that are shown.
const SHOWN: usize = 6;
/// Characters of the name of one.
const NAMED: usize = 500;
/// Characters of a standard error that are shown.
const SAID: usize = 2_000;

/// The failure that an error of a guest's call stands for.
pub(super) fn failure(error: &wasmtime::Error, state: &InstanceState) -> Failure {
    if let Some(hit) = error.downcast_ref::<LimitHit>() {
        let kind = if *hit == LimitHit::Time {
            FailureKind::Timeout
        } else {
            FailureKind::Trap
        };
        let retryable = kind == FailureKind::Timeout;
        return Failure {
            kind,
            message: hit.told(&state.access.plugin, state.describes),
            retryable,
        };
    }
    let message = format!("{}{}", what(error, state), frames(error));
    Failure {
        kind: FailureKind::Trap,
        message,
        retryable: false,
    }
}

fn what(error: &wasmtime::Error, state: &InstanceState) -> String {
    let said = || said(state);
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "stack overflow: it recurses too deep".to_owned(),
        Some(Trap::MemoryOutOfBounds) if is_recursion(error) => {
            "stack overflow: it recurses too deep".to_owned()
        }
        Some(Trap::UnreachableCodeReached) => said().unwrap_or_else(|| "it aborted".to_owned()),
        Some(trap) => with_text(trap.to_string(), said()),
        None => with_text(ended(error), said()),
    }
}

/// A guest in a language of its own ends itself with an exit code.
fn ended(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(code)) => format!("it ended itself with exit code {code}"),
        None => error.root_cause().to_string(),
    }
}

fn with_text(what: String, said: Option<String>) -> String {
    match said {
        Some(said) => format!("{what}: {said}"),
        None => what,
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

/// What the guest said before it ended: its panic through `log`, or its standard error.
fn said(state: &InstanceState) -> Option<String> {
    let panic = state.panic_text.clone();
    panic.or_else(|| last_words(&state.standard_error().text()))
}

/// A failure with what the guest wrote to its standard error until then.
pub(super) fn with_last_words(failure: Failure, written: &str) -> Failure {
    Failure {
        message: with_text(failure.message, last_words(written)),
        ..failure
    }
}

/// The end of a standard error as one line: from the panic on or, where an exception is told
/// with its cause last, as much as is shown.
fn last_words(written: &str) -> Option<String> {
    let tail = cause(written.trim());
    let surplus = tail.chars().count().saturating_sub(SAID);
    let cut = if surplus > 0 { "… " } else { "" };
    let end = tail.chars().skip(surplus);
    let line: String = end.map(|c| if c.is_control() { ' ' } else { c }).collect();
    (!line.is_empty()).then(|| format!("{cut}{line}"))
}

/// From where on the end is told. An uncaught exception of Python makes the runtime below it panic,
/// which says nothing of the cause.
fn cause(written: &str) -> &str {
    let Some(panic) = written.rfind("panicked at ") else {
        return written;
    };
    let before = &written[..panic];
    let Some(exception) = before.rfind("Traceback (most recent call last)") else {
        return &written[panic..];
    };
    let told = &before[exception..];
    // The line of the panic begins with its thread.
    told.rsplit_once('\n')
        .map_or(told, |(told, _)| told)
        .trim_end()
}

/// The innermost functions, by name.
fn frames(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let names = trace.frames().iter().filter_map(FrameInfo::func_name);
    let names = names.map(|name| cut(format_args!("{:#}", rustc_demangle::demangle(name)), NAMED));
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

#[cfg(test)]
mod tests {
    use super::last_words;

    #[test]
    fn an_exception_is_told_to_its_end_and_a_panic_from_its_beginning() {
        let trace = format!(
            "Traceback:\n{}ValueError: no such day\n",
            "  File x\n".repeat(900)
        );
        let told = last_words(&trace).expect("words");
        assert!(told.ends_with("ValueError: no such day"), "{told}");
        assert!(
            told.starts_with("… ") && told.chars().count() == super::SAID + 2,
            "{told}"
        );
        let panic = last_words("some line\nthread 'main' panicked at src/lib.rs:1:1:\nboom\n");
        assert_eq!(panic.as_deref(), Some("panicked at src/lib.rs:1:1: boom"));
        assert_eq!(last_words(" \n"), None);
        let python = "Traceback (most recent call last):\n  File \"app.py\"\nValueError: no such day\n\
            \nthread '<unnamed>' panicked at runtime/src/lib.rs:1280:17:\nPython raised\n";
        let told = last_words(python).expect("words");
        assert!(told.ends_with("ValueError: no such day"), "{told}");
        assert!(told.starts_with("Traceback"), "{told}");
    }
}
