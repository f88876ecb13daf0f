//! Functions of SQLite that search one text in another, in linear time. SQLite's own compare at
//! each place, hold the lock of a write for minutes on a text of a megabyte, and nothing can
//! interrupt them: neither the time of a statement nor the end of the process.
//!
//! They stand on each connection on which a plugin's statement may run, the host's writer
//! included, and mean the same as SQLite's.

use std::collections::HashSet;
use std::ffi::{CStr, c_int};

use libsqlite3_sys as ffi;
use memchr::memmem;
use sqlx::SqliteConnection;

use crate::store::StoreError;

/// A function as SQLite calls it: context, number of arguments, arguments.
type Function =
    unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);

/// Name, number of arguments, and what it does.
const FUNCTIONS: [(&CStr, c_int, Function); 5] = [
    (c"instr", 2, instr),
    (c"replace", 3, replace),
    (c"trim", 2, trim),
    (c"ltrim", 2, trim_left),
    (c"rtrim", 2, trim_right),
];

/// Put them in the place of SQLite's.
#[expect(
    unsafe_code,
    reason = "SQLite's C interface is the only one that takes functions"
)]
pub(in crate::store) async fn install(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut handle = connection.lock_handle().await?;
    let database = handle.as_raw_handle().as_ptr();
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS;
    for (name, arguments, function) in FUNCTIONS {
        // SAFETY: the handle is locked and open; the name ends with a NUL; without a context
        // there is nothing to keep alive or to free.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(
                database,
                name.as_ptr(),
                arguments,
                flags,
                std::ptr::null_mut(),
                Some(function),
                None,
                None,
                None,
            )
        };
        if code != ffi::SQLITE_OK {
            let text = format!("sqlite refused the function {name:?}: code {code}");
            return Err(StoreError::internal(text));
        }
    }
    Ok(())
}

/// Where `needle` begins, counted from 1 in bytes, or in characters if they are texts; 0 if
/// nowhere.
fn position(haystack: &[u8], needle: &[u8], texts: bool) -> usize {
    let found = match needle.first() {
        // No character begins with it, so it is at most at the very start.
        Some(first) if texts && continues(*first) => haystack.starts_with(needle).then_some(0),
        _ => memmem::find(haystack, needle),
    };
    match found {
        None => 0,
        Some(at) if texts => {
            1 + haystack[..at]
                .iter()
                .filter(|byte| !continues(**byte))
                .count()
        }
        Some(at) => 1 + at,
    }
}

/// `text` with each `old` replaced by `new`, unless that is longer than `longest`.
fn replaced(text: &[u8], old: &[u8], new: &[u8], longest: usize) -> Option<Vec<u8>> {
    if is_empty(old) {
        return Some(text.to_vec());
    }
    let mut output = Vec::new();
    let mut end = 0;
    for at in memmem::find_iter(text, old) {
        if output.len() + (at - end) + new.len() > longest {
            return None;
        }
        output.extend_from_slice(&text[end..at]);
        output.extend_from_slice(new);
        end = at + old.len();
    }
    output.extend_from_slice(&text[end..]);
    (output.len() <= longest).then_some(output)
}

/// A pattern that begins with a NUL is an empty one to SQLite.
fn is_empty(pattern: &[u8]) -> bool {
    pattern.first().is_none_or(|first| *first == 0)
}

/// `text` without the characters of `set` at its ends.
fn trimmed<'a>(text: &'a [u8], set: &[u8], (left, right): (bool, bool)) -> &'a [u8] {
    let mut within = HashSet::new();
    let mut rest = set;
    while !rest.is_empty() {
        let (character, after) = rest.split_at(first(rest));
        within.insert(character);
        rest = after;
    }
    let mut text = text;
    while left && !text.is_empty() && within.contains(&text[..first(text)]) {
        text = &text[first(text)..];
    }
    while right && !text.is_empty() {
        let start = text.iter().rposition(|byte| !continues(*byte));
        let (before, character) = text.split_at(start.unwrap_or(0));
        if !within.contains(character) {
            break;
        }
        text = before;
    }
    text
}

/// The length of the first character.
fn first(text: &[u8]) -> usize {
    1 + text
        .iter()
        .skip(1)
        .take_while(|byte| continues(**byte))
        .count()
}

/// Whether a byte continues a character in UTF-8.
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[expect(unsafe_code, reason = "SQLite calls it")]
unsafe extern "C" fn instr(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes two arguments, and they live during the call.
    unsafe {
        let (haystack, needle) = (*arguments, *arguments.add(1));
        if is_null(haystack) || is_null(needle) {
            return;
        }
        let blob = |value| ffi::sqlite3_value_type(value) == ffi::SQLITE_BLOB;
        let texts = !(blob(haystack) && blob(needle));
        let at = position(bytes(haystack, texts), bytes(needle, texts), texts);
        ffi::sqlite3_result_int64(context, i64::try_from(at).unwrap_or(i64::MAX));
    }
}

#[expect(unsafe_code, reason = "SQLite calls it")]
unsafe extern "C" fn replace(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes three arguments, and they live during the call.
    unsafe {
        let (text, old, new) = (*arguments, *arguments.add(1), *arguments.add(2));
        // An empty pattern gives the text back, whatever would replace it.
        let empty = !is_null(old) && is_empty(bytes(old, true));
        if is_null(text) || is_null(old) || (is_null(new) && !empty) {
            return;
        }
        let database = ffi::sqlite3_context_db_handle(context);
        let longest = ffi::sqlite3_limit(database, ffi::SQLITE_LIMIT_LENGTH, -1);
        let longest = usize::try_from(longest).unwrap_or_default();
        match replaced(
            bytes(text, true),
            bytes(old, true),
            bytes(new, true),
            longest,
        ) {
            Some(text) => answer(context, &text),
            None => ffi::sqlite3_result_error_toobig(context),
        }
    }
}

#[expect(unsafe_code, reason = "SQLite calls it")]
unsafe extern "C" fn trim(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes two arguments, and they live during the call.
    unsafe { trim_ends(context, arguments, (true, true)) }
}

#[expect(unsafe_code, reason = "SQLite calls it")]
unsafe extern "C" fn trim_left(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes two arguments, and they live during the call.
    unsafe { trim_ends(context, arguments, (true, false)) }
}

#[expect(unsafe_code, reason = "SQLite calls it")]
unsafe extern "C" fn trim_right(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite passes two arguments, and they live during the call.
    unsafe { trim_ends(context, arguments, (false, true)) }
}

/// # Safety
/// There are two arguments, which live during the call.
#[expect(unsafe_code, reason = "reads what SQLite passes")]
unsafe fn trim_ends(
    context: *mut ffi::sqlite3_context,
    arguments: *mut *mut ffi::sqlite3_value,
    ends: (bool, bool),
) {
    // SAFETY: as the caller promises.
    unsafe {
        let (text, set) = (*arguments, *arguments.add(1));
        if !is_null(text) && !is_null(set) {
            let text = trimmed(bytes(text, true), bytes(set, true), ends);
            answer(context, text);
        }
    }
}

/// # Safety
/// The value lives.
#[expect(unsafe_code, reason = "reads what SQLite passes")]
unsafe fn is_null(value: *mut ffi::sqlite3_value) -> bool {
    // SAFETY: as the caller promises.
    unsafe { ffi::sqlite3_value_type(value) == ffi::SQLITE_NULL }
}

/// # Safety
/// The value lives as long as the answer, and nothing else converts it meanwhile.
#[expect(unsafe_code, reason = "reads what SQLite passes")]
unsafe fn bytes<'a>(value: *mut ffi::sqlite3_value, text: bool) -> &'a [u8] {
    // SAFETY: as the caller promises; the length is asked after the conversion.
    unsafe {
        let start = if text {
            ffi::sqlite3_value_text(value)
        } else {
            ffi::sqlite3_value_blob(value).cast()
        };
        let length = usize::try_from(ffi::sqlite3_value_bytes(value)).unwrap_or_default();
        if start.is_null() || length == 0 {
            &[]
        } else {
            std::slice::from_raw_parts(start, length)
        }
    }
}

/// # Safety
/// The context is that of a call under way.
#[expect(unsafe_code, reason = "gives SQLite a text")]
unsafe fn answer(context: *mut ffi::sqlite3_context, text: &[u8]) {
    // SAFETY: as the caller promises; SQLite copies the text.
    unsafe {
        ffi::sqlite3_result_text64(
            context,
            text.as_ptr().cast(),
            text.len() as u64,
            ffi::SQLITE_TRANSIENT(),
            ffi::SQLITE_UTF8.to_le_bytes()[0],
        );
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection as _};

    use super::*;

    /// Pieces of which the texts of the comparison are made.
    const PIECES: [&str; 8] = [
        "NULL",
        "''",
        "'a'",
        "'aäa'",
        "'äaaäb'",
        "x'61c3a461'",
        "123.5",
        "'ba' || char(8364)",
    ];

    async fn answers(connection: &mut SqliteConnection, sql: &str) -> String {
        let row: (String,) = sqlx::query_as(AssertSqlSafe(format!("SELECT quote({sql})")))
            .fetch_one(connection)
            .await
            .expect("a row");
        row.0
    }

    #[tokio::test]
    async fn they_mean_the_same_as_those_of_sqlite() {
        let open = || SqliteConnection::connect("sqlite::memory:");
        let (mut own, mut theirs) = (open().await.expect("open"), open().await.expect("open"));
        install(&mut own).await.expect("installed");
        for a in PIECES {
            for b in PIECES {
                let mut calls = vec![
                    format!("instr({a}, {b})"),
                    format!("trim({a}, {b})"),
                    format!("ltrim({a}, {b})"),
                    format!("rtrim({a}, {b})"),
                ];
                calls.extend(PIECES.iter().map(|c| format!("replace({a}, {b}, {c})")));
                for call in calls {
                    let expected = answers(&mut theirs, &call).await;
                    assert_eq!(answers(&mut own, &call).await, expected, "{call}");
                }
            }
        }
    }
}
