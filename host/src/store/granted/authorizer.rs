//! SQLite's own guard over a plugin's statements: an authorizer that denies by default, a
//! progress handler that stops what runs too long, and the limits of the connection.
//!
//! This is the one file with `unsafe` code: SQLite's C interface has no other way to set an
//! authorizer. The context that SQLite holds is an `Arc` of which the connection's progress
//! handler owns a share, so it lives as long as a statement of the connection can run.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use libsqlite3_sys as ffi;
use sqlx::SqliteConnection;
use sqlx::sqlite::LockedSqliteHandle;

use super::admission::{LENGTH, SUBQUERY};
use super::{denial, functions};
use crate::config::Limits;
use crate::grants::{Grants, Verb};
use crate::store::StoreError;

/// Instructions of SQLite's machine between two looks at the clock.
const INSTRUCTIONS_PER_LOOK: i32 = 4_000;
/// Table-valued functions that read nothing but their arguments.
const TABLE_FUNCTIONS: [&str; 2] = ["json_each", "json_tree"];

/// What the statement that runs now may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The host's own statement: everything.
    Host,
    /// A guest's statement that gives rows.
    Read,
    /// A guest's statement that changes rows.
    Write,
}

/// Decides for one connection what the plugin's statements may do.
pub(super) struct Authorizer {
    plugin: String,
    grants: Grants,
    now: Mutex<Now>,
}

struct Now {
    mode: Mode,
    deadline: Option<Instant>,
    denial: Option<String>,
}

/// One question of SQLite.
struct Question<'a> {
    action: c_int,
    first: Option<&'a str>,
    second: Option<&'a str>,
    database: Option<&'a str>,
}

impl Authorizer {
    pub(super) fn new(plugin: &str, grants: &Grants) -> Arc<Self> {
        Arc::new(Self {
            plugin: plugin.to_owned(),
            grants: grants.clone(),
            now: Mutex::new(Now {
                mode: Mode::Host,
                deadline: None,
                denial: None,
            }),
        })
    }

    /// Guard one statement.
    pub(super) fn arm(&self, mode: Mode, timeout: Duration) {
        self.change(|now| {
            *now = Now {
                mode,
                deadline: Instant::now().checked_add(timeout),
                denial: None,
            };
        });
    }

    /// Stop guarding; gives what was denied meanwhile.
    pub(super) fn disarm(&self) -> Option<String> {
        self.change(|now| {
            now.mode = Mode::Host;
            now.deadline = None;
            now.denial.take()
        })
    }

    /// Set it, the limits and the safe configuration on a connection of a plugin.
    pub(super) async fn guard(
        self: &Arc<Self>,
        connection: &mut SqliteConnection,
        limits: &Limits,
    ) -> Result<(), StoreError> {
        let mut handle = connection.lock_handle().await?;
        self.install(&mut handle)?;
        configure(&mut handle, limits)
    }

    /// Set it on a connection of the host, for one statement.
    pub(super) async fn lend(
        self: &Arc<Self>,
        connection: &mut SqliteConnection,
    ) -> Result<(), StoreError> {
        let mut handle = connection.lock_handle().await?;
        self.install(&mut handle)
    }

    /// Take it off again.
    #[expect(
        unsafe_code,
        reason = "SQLite's C interface is the only one with an authorizer"
    )]
    pub(super) async fn take_back(connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut handle = connection.lock_handle().await?;
        // SAFETY: the handle is locked and open; no callback means no context.
        let code =
            unsafe { ffi::sqlite3_set_authorizer(raw(&mut handle), None, std::ptr::null_mut()) };
        handle.remove_progress_handler();
        accepted(code, "the authorizer")
    }

    #[expect(
        unsafe_code,
        reason = "SQLite's C interface is the only one with an authorizer"
    )]
    fn install(self: &Arc<Self>, handle: &mut LockedSqliteHandle<'_>) -> Result<(), StoreError> {
        let owner = Arc::clone(self);
        handle.set_progress_handler(INSTRUCTIONS_PER_LOOK, move || owner.has_time());
        let context = Arc::as_ptr(self).cast_mut().cast::<c_void>();
        // SAFETY: the handle is locked and open. The context stays alive while statements can
        // run: the progress handler of the same connection, set above, owns a share of it.
        let code = unsafe { ffi::sqlite3_set_authorizer(raw(handle), Some(ask), context) };
        accepted(code, "the authorizer")
    }

    fn has_time(&self) -> bool {
        self.change(|now| {
            now.deadline
                .is_none_or(|deadline| Instant::now() < deadline)
        })
    }

    fn change<T>(&self, with: impl FnOnce(&mut Now) -> T) -> T {
        with(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn decide(&self, question: &Question<'_>) -> bool {
        let mode = self.change(|now| now.mode);
        if mode == Mode::Host {
            return true;
        }
        match self.refusal(question, mode) {
            None => true,
            Some(text) => {
                self.change(|now| now.denial.get_or_insert(text).len());
                false
            }
        }
    }

    /// Why the answer is no. What is not named here is denied, unknown actions included.
    fn refusal(&self, question: &Question<'_>, mode: Mode) -> Option<String> {
        let first = question.first.unwrap_or_default();
        match question.action {
            ffi::SQLITE_SELECT | ffi::SQLITE_RECURSIVE => None,
            ffi::SQLITE_FUNCTION => {
                let name = question.second.unwrap_or_default();
                (!functions::is_allowed(name)).then(|| denial::function(&self.plugin, name))
            }
            ffi::SQLITE_READ if TABLE_FUNCTIONS.contains(&first) => None,
            ffi::SQLITE_READ if first.starts_with(SUBQUERY) => None,
            ffi::SQLITE_READ => self.on_table(question, Verb::Select),
            action => match changing(action) {
                Some(_) if mode == Mode::Read => Some(denial::statement(
                    &self.plugin,
                    "a change of rows where rows are asked for (use `execute`)",
                )),
                Some(verb) => self.on_table(question, verb),
                None => Some(denial::statement(&self.plugin, name_of(action))),
            },
        }
    }

    fn on_table(&self, question: &Question<'_>, verb: Verb) -> Option<String> {
        let table = question.first.unwrap_or_default();
        let open = question.database == Some("main")
            && !denial::belongs_to_host(table)
            && self.grants.allows(table, verb);
        (!open).then(|| denial::table(&self.plugin, table, verb))
    }
}

fn changing(action: c_int) -> Option<Verb> {
    match action {
        ffi::SQLITE_INSERT => Some(Verb::Insert),
        ffi::SQLITE_UPDATE => Some(Verb::Update),
        ffi::SQLITE_DELETE => Some(Verb::Delete),
        _ => None,
    }
}

fn name_of(action: c_int) -> &'static str {
    match action {
        ffi::SQLITE_PRAGMA => "PRAGMA",
        ffi::SQLITE_ATTACH => "ATTACH",
        ffi::SQLITE_DETACH => "DETACH",
        ffi::SQLITE_TRANSACTION => {
            "BEGIN, COMMIT or ROLLBACK (use a transaction of the `db` interface)"
        }
        ffi::SQLITE_SAVEPOINT => "SAVEPOINT",
        _ => "a command on the schema or the database",
    }
}

fn raw(handle: &mut LockedSqliteHandle<'_>) -> *mut ffi::sqlite3 {
    handle.as_raw_handle().as_ptr()
}

fn accepted(code: c_int, what: &str) -> Result<(), StoreError> {
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(StoreError::internal(format!(
            "sqlite refused {what}: code {code}"
        )))
    }
}

/// Bounds that hold whatever the statement is.
#[expect(
    unsafe_code,
    reason = "SQLite's C interface is the only one with limits"
)]
fn configure(handle: &mut LockedSqliteHandle<'_>, limits: &Limits) -> Result<(), StoreError> {
    let raw = raw(handle);
    let length = c_int::try_from(limits.row_bytes.max(1 << 20)).unwrap_or(c_int::MAX);
    let longest = c_int::try_from(4 * LENGTH).unwrap_or(c_int::MAX);
    for (limit, value) in [
        (ffi::SQLITE_LIMIT_ATTACHED, 0),
        (ffi::SQLITE_LIMIT_LENGTH, length),
        (ffi::SQLITE_LIMIT_SQL_LENGTH, longest),
        (ffi::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (ffi::SQLITE_LIMIT_COMPOUND_SELECT, 100),
        (ffi::SQLITE_LIMIT_VDBE_OP, 250_000),
        (ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        (ffi::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
        (ffi::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        // SAFETY: the handle is locked and open.
        unsafe { ffi::sqlite3_limit(raw, limit, value) };
    }
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

/// What SQLite calls for each thing that a statement does. It does not unwind: nothing in it
/// panics.
#[expect(unsafe_code, reason = "SQLite calls it with C strings")]
unsafe extern "C" fn ask(
    context: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: SQLite passes the pointer of `install`, whose owner is still alive.
    let authorizer = unsafe { &*context.cast::<Authorizer>() };
    // SAFETY: SQLite's strings end with a NUL and live during the call.
    let texts = unsafe { [string(first), string(second), string(database)] };
    let [Ok(first), Ok(second), Ok(database)] = texts else {
        return ffi::SQLITE_DENY;
    };
    let question = Question {
        action,
        first,
        second,
        database,
    };
    if authorizer.decide(&question) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_DENY
    }
}

/// # Safety
/// `pointer` is null or a string that ends with a NUL and lives as long as the answer.
#[expect(unsafe_code, reason = "reads a C string")]
unsafe fn string<'a>(pointer: *const c_char) -> Result<Option<&'a str>, std::str::Utf8Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_str().map(Some)
}
