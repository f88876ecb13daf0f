//! Readers of others: parsers that are not Callboard's, given texts that are not Callboard's. What
//! one of them trips over is a text that can't be read, and never the end of the process.
//!
//! This is the one place that catches their panics. A caller of such a reader calls it in [`read`],
//! and tells what came of it with the name of the file, the plugin or the handler.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::shown::cut;

/// The most characters of a panic that are told.
const LONGEST: usize = 200;

thread_local! {
    static READS: Cell<bool> = const { Cell::new(false) };
}

/// A reader that gave up on a text in a way that it was not made for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the reader of {of} broke down on it ({how}); write it in another way")]
pub struct ReaderPanic {
    of: &'static str,
    how: String,
}

/// What a reader `of` something makes of a text. What it had in hand when it panicked is gone.
pub fn read<T>(of: &'static str, read: impl FnOnce() -> T) -> Result<T, ReaderPanic> {
    let outer = READS.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    READS.set(outer);
    result.map_err(|panic| broken(of, &*panic))
}

/// Whether this thread is in a reader, so that a panic of it is told by the reader's caller.
pub fn is_reading() -> bool {
    READS.get()
}

/// What a panic of a reader means.
fn broken(of: &'static str, panic: &(dyn Any + Send)) -> ReaderPanic {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let how = cut(text.unwrap_or("without a text"), LONGEST);
    ReaderPanic { of, how }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_reader_is_an_error_that_names_it() {
        let broken = read("cron", || [1, 2, 3].iter().sum::<usize>() / 2);
        assert_eq!(broken, Ok(3));
        let broken = read("cron", || panic!("attempt to add with {}", "overflow"));
        let told = broken.map(|(): ()| ()).expect_err("it broke").to_string();
        assert!(
            told.contains("the reader of cron broke down on it (attempt to add with overflow)"),
            "{told}"
        );
        assert!(!is_reading());
    }
}
