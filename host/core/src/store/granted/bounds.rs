//! The bounds of SQLite while a plugin's statement runs on a connection. Together they see to
//! it that no step between two looks at the clock is a long one, and that no row is a large one.

use std::ffi::c_int;

use libsqlite3_sys as ffi;
use sqlx::sqlite::LockedSqliteHandle;

use super::admission::LENGTH;
use crate::config::CallLimits;
use crate::store::StoreError;

/// Columns of a result at most. All of a row is in memory before its size can be counted.
pub(super) const COLUMNS: usize = 100;
/// What the functions that a statement names may weigh. SQLite looks at the clock in loops only,
/// not between the calls of one row.
pub(super) const CALLS: u32 = 250;
/// What the memory of all statements may grow by while one runs, in bytes.
pub(super) const MEMORY: i64 = 512 << 20;

/// Functions that take a hundred times longer than others on a value of the largest size: by
/// measurement, a tenth of a second and more.
const HEAVY: &[&str] = &[
    "->",
    "->>",
    "format",
    "glob",
    "like",
    "printf",
    "randomblob",
    "strftime",
];
/// Functions that take minutes on such a value.
const ENDLESS: &[&str] = &["json_patch", "jsonb_patch", "unhex"];

/// What a call of a function weighs; nothing, if plugins may not call it on SQLite.
pub(super) fn weight(name: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase();
    let is_one_of = |names: &[&str]| names.contains(&name.as_str());
    if is_one_of(ENDLESS) {
        None
    } else if is_one_of(HEAVY) || name.starts_with("json") {
        Some(10)
    } else {
        Some(1)
    }
}

/// Limits of SQLite and their values.
fn values(limits: &CallLimits) -> [(c_int, c_int); 11] {
    let length = c_int::try_from(limits.value_bytes).unwrap_or(c_int::MAX);
    let text = c_int::try_from(4 * LENGTH).unwrap_or(c_int::MAX);
    [
        (ffi::SQLITE_LIMIT_ATTACHED, 0),
        (ffi::SQLITE_LIMIT_LENGTH, length),
        (ffi::SQLITE_LIMIT_SQL_LENGTH, text),
        // Of tables, too, granted or not: a wider one could not even be read past.
        (ffi::SQLITE_LIMIT_COLUMN, 500),
        (ffi::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (ffi::SQLITE_LIMIT_COMPOUND_SELECT, 100),
        (ffi::SQLITE_LIMIT_VDBE_OP, 25_000),
        (ffi::SQLITE_LIMIT_FUNCTION_ARG, 32),
        // A pattern is tried at each place of a text.
        (ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64),
        (ffi::SQLITE_LIMIT_VARIABLE_NUMBER, 8_000),
        (ffi::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
    ]
}

/// Set the limits.
#[expect(
    unsafe_code,
    reason = "SQLite's C interface is the only one with limits"
)]
pub(super) fn set(handle: &mut LockedSqliteHandle<'_>, limits: &CallLimits) {
    let raw = handle.as_raw_handle().as_ptr();
    for (limit, value) in values(limits) {
        // SAFETY: the handle is locked and open.
        unsafe { ffi::sqlite3_limit(raw, limit, value) };
    }
}

/// Set the limits to what they were: the most that SQLite was built for.
#[expect(
    unsafe_code,
    reason = "SQLite's C interface is the only one with limits"
)]
pub(super) fn lift(handle: &mut LockedSqliteHandle<'_>) {
    let raw = handle.as_raw_handle().as_ptr();
    for (limit, _) in values(&CallLimits::default()) {
        // SAFETY: the handle is locked and open; SQLite cuts the value to its own bound.
        unsafe { ffi::sqlite3_limit(raw, limit, c_int::MAX) };
    }
}

/// Refuse what no plain statement needs, on a connection that is a plugin's for good.
#[expect(
    unsafe_code,
    reason = "SQLite's C interface is the only one with a configuration"
)]
pub(super) fn harden(handle: &mut LockedSqliteHandle<'_>) -> Result<(), StoreError> {
    let raw = handle.as_raw_handle().as_ptr();
    // SAFETY: the handle is locked and open.
    unsafe { ffi::sqlite3_limit(raw, ffi::SQLITE_LIMIT_WORKER_THREADS, 0) };
    for (option, value) in [
        (ffi::SQLITE_DBCONFIG_DEFENSIVE, 1),
        (ffi::SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (ffi::SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        (ffi::SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
    ] {
        // SAFETY: the handle is locked and open; these options take an int and a pointer to
        // an int that may be null.
        let code = unsafe {
            ffi::sqlite3_db_config(raw, option, value as c_int, std::ptr::null_mut::<c_int>())
        };
        accepted(code, "a safe configuration")?;
    }
    Ok(())
}

/// Bytes that all statements of the process hold now.
#[expect(
    unsafe_code,
    reason = "SQLite's C interface is the only one that counts"
)]
pub(super) fn memory() -> i64 {
    // SAFETY: it takes nothing, and may be called at any time from any thread.
    unsafe { ffi::sqlite3_memory_used() }
}

pub(super) fn accepted(code: c_int, what: &str) -> Result<(), StoreError> {
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(StoreError::internal(format!(
            "sqlite refused {what}: code {code}"
        )))
    }
}
