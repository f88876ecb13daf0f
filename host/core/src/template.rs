//! Templates: every environment that compiles or renders one is made here, so that none is without
//! a bound on what a rendering may do.

use std::panic::resume_unwind;
use std::thread;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

/// What one rendering may use up: an instruction or 64 bytes of data each. A page of ten posts
/// takes a few thousand; all of it is less than a second and less than 128 MB.
const FUEL: u64 = 2_000_000;

/// Bytes of a template at most, and of one tag: what is written inside one another in them, or
/// one after another, the compiler follows by recursion.
const TEXT: usize = 256 << 10;
const TAG: usize = 4 << 10;
/// How deep a rendering may go; a template in another takes ten of it.
const DEPTH: usize = 100;
/// Bytes of the stack on which templates are compiled and rendered: enough for all that the
/// bounds above let through.
const STACK: usize = 128 << 20;

/// An environment that is strict about names and bounded in time and memory.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes environments"
)]
pub fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    // The one thing with which a loop makes a value that is as deep as the loop is long.
    environment.remove_global("namespace");
    environment
}

/// Compile or render on a stack that is deep enough for it, whatever the template. The text has
/// been found [`bounded`].
pub fn apart<T: Send>(work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let started = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        let started = started.map_err(|error| {
            let text = format!("no thread to work on a template: {error}");
            Error::new(ErrorKind::InvalidOperation, text)
        })?;
        started.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// The text, if neither it nor a tag of it is longer than can be compiled.
pub fn bounded(text: &str) -> Result<&str, Error> {
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
    Ok(text)
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
        (ErrorKind::OutOfFuel, _) => format!(
            "a rendering takes more than {FUEL} steps; loop over less, or write less in a loop"
        ),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendering_ends_however_long_its_loops_are() {
        let loops =
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        let doubled = format!("{{% set x = 'xx' %}}{}", "{% set x = x ~ x %}".repeat(40));
        for text in [loops, &doubled, "{{ 'x' * 9999999999 }}"] {
            let rendered = environment().render_str(text, ());
            let error = rendered.expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::OutOfFuel, "{text:.40}: {error}");
            assert!(reason(&error).contains("loop over less"), "{error}");
        }
    }
}
