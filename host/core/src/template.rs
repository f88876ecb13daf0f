//! Templates: every environment that compiles or renders one is made here, so that none is without
//! a bound on what a rendering may do.

mod counted;
mod known;
mod shape;

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter,
};

use crate::foreign_reader;

pub use self::known::{Given, Stranger, strangers};
pub use self::shape::ValueShape;

/// What one rendering may use up: an instruction, a part of a value that is looked into, or 64
/// bytes of data each. A page of a few screens takes a few thousand; all of it is less than a second
/// and less than 128 MB.
const FUEL: u64 = 2_000_000;
/// How long one rendering may take. The fuel ends it long before, unless the machine is busy.
pub const LONGEST: Duration = Duration::from_secs(10);

/// Bytes of a template at most, and of one tag: what is written inside one another in them, or
/// one after another, the compiler follows by recursion.
const TEXT: usize = 256 << 10;
const TAG: usize = 4 << 10;
/// Bytes of a line at most: columns are counted in 16 bits.
const LINE: usize = 65_000;
/// How deep a rendering may go; a template in another takes ten of it.
const DEPTH: usize = 100;
/// Bytes of the stack on which templates are compiled and rendered: enough for all that the
/// bounds above let through.
const STACK: usize = 128 << 20;

thread_local! {
    /// Until when this thread may work on a template.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// An environment that is strict about names and bounded in time and memory, for templates that
/// have been [`bounded`].
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes environments"
)]
pub fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // What is undefined is told by its name.
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    // The one thing with which a loop makes a value that is as deep as the loop is long.
    environment.remove_global("namespace");
    // What it says is all that a rendering knows, whose parts are not counted.
    environment.remove_global("debug");
    environment.set_formatter(formatter);
    environment.add_filter(counted::FILTER, |state: &State<'_, '_>, value: Value| {
        counted(state, &value).map(|()| value)
    });
    environment
}

/// Whether what is left of a rendering is enough to look into a value. A formatter that writes one
/// itself asks this first.
pub fn counted(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if UNTIL.get().is_some_and(|until| Instant::now() > until) {
        let text = format!("it takes longer than {LONGEST:?}; loop over less");
        return Err(Error::new(ErrorKind::OutOfFuel, text));
    }
    counted::count(state, value)
}

fn formatter(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    counted(state, value)?;
    escape_formatter(output, state, value)
}

/// Compile or render on a stack that is deep enough for it, whatever the template, and for so
/// long. The text has been found [`bounded`].
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    let bounded = move || {
        UNTIL.set(Some(Instant::now() + LONGEST));
        foreign_reader::read("templates", work).unwrap_or_else(|broken| {
            let text = broken.to_string();
            Err(Error::new(ErrorKind::InvalidOperation, text))
        })
    };
    let lost = |cause: String| Error::new(ErrorKind::InvalidOperation, cause);
    thread::scope(|scope| {
        let started = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, bounded);
        let started =
            started.map_err(|error| lost(format!("no thread to work on a template: {error}")))?;
        let ended = started.join();
        ended.unwrap_or_else(|_| Err(lost("the thread that worked on it is gone".to_owned())))
    })
}

/// A text as it may be compiled: if neither it nor a line or a tag of it is longer than can be,
/// with all counted that it looks into.
pub fn bounded(text: &str) -> Result<String, Error> {
    let refused = |what: String| Err(Error::new(ErrorKind::SyntaxError, what));
    if text.len() > TEXT {
        return refused(format!("it is longer than {} KiB; divide it", TEXT >> 10));
    }
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        rest = &rest[start + 2..];
        let end = end(rest);
        if end > TAG {
            return refused(format!("a tag is longer than {} KiB; divide it", TAG >> 10));
        }
        rest = &rest[end..];
    }
    lines(text)?;
    let written = on_deep_stack(|| counted::rewritten(text))?;
    lines(&written)?;
    Ok(written)
}

/// Whether each line of a text has columns that can be counted.
fn lines(text: &str) -> Result<(), Error> {
    let long = text.lines().position(|line| line.len() > LINE);
    let refused = |line: usize| {
        let text = format!("line {} is longer than {LINE} bytes; break it", line + 1);
        Err(Error::new(ErrorKind::SyntaxError, text))
    };
    long.map_or(Ok(()), refused)
}

/// Where a tag ends: not in a text, nor in brackets.
fn end(tag: &str) -> usize {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_i64);
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b'}' | b'%') if depth <= 0 && tag[at..].get(1..2) == Some("}") => return at,
            (None, b')' | b']' | b'}') => depth -= 1,
            _ => {}
        }
    }
    tag.len()
}

/// What is wrong with a template, without its name and line.
pub fn reason(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, None) => format!(
            "a rendering takes more than {FUEL} steps; loop over less, or write less in a loop"
        ),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod tests;
