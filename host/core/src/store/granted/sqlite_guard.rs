//! SQLite's own guard over a plugin's statements: an authorizer that denies by default, a
//! progress handler that stops what runs too long, and the limits of the connection.
//!
//! The code is `unsafe` because SQLite's C interface has no other way to set an authorizer. The
//! context that SQLite holds is an `Arc` of which the connection's progress
//! handler owns a share, so it lives as long as a statement of the connection can run.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use libsqlite3_sys as ffi;
use sqlx::SqliteConnection;
use sqlx::sqlite::LockedSqliteHandle;

use super::admission::SUBQUERY;
use super::bounds::{self, accepted};
use super::{denial, functions};
use crate::config::CallLimits;
use crate::grants::{Grants, Verb};
use crate::store::{StoreError, StoreErrorKind, sqlite};

/// Instructions of SQLite's machine between two looks at the clock.
const INSTRUCTIONS_PER_LOOK: i32 = 50;
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
    /// A script that makes tables and fills them.
    Script,
}

/// Decides for one connection what the plugin's statements may do.
pub(super) struct Authorizer {
    plugin: String,
    grants: Grants,
    limits: CallLimits,
    now: Mutex<Now>,
}

struct Now {
    mode: Mode,
    deadline: Option<Instant>,
    /// What the functions weigh that the statement names.
    calls: u32,
    /// What all statements held when it began, in bytes.
    memory: i64,
    refusal: Option<StoreError>,
}

impl Now {
    fn idle() -> Self {
        Self {
            mode: Mode::Host,
            deadline: None,
            calls: 0,
            memory: 0,
            refusal: None,
        }
    }

    /// Whether the statement has time and memory left; looked at again and again.
    fn may_go_on(&mut self) -> bool {
        let Some(deadline) = self.deadline else {
            return true;
        };
        if bounds::memory() - self.memory > bounds::MEMORY {
            let mebibytes = bounds::MEMORY >> 20;
            let text = format!("the statement took more than {mebibytes} MiB; gather less in one");
            self.refusal = Some(StoreError::new(StoreErrorKind::TooLarge, text));
            return false;
        }
        Instant::now() < deadline
    }
}

/// One question of SQLite.
struct AuthorizerQuestion<'a> {
    action: c_int,
    first: Option<&'a str>,
    second: Option<&'a str>,
    database: Option<&'a str>,
}

impl Authorizer {
    pub(super) fn new(plugin: &str, grants: &Grants, limits: &CallLimits) -> Arc<Self> {
        Arc::new(Self {
            plugin: plugin.to_owned(),
            grants: grants.clone(),
            limits: *limits,
            now: Mutex::new(Now::idle()),
        })
    }

    /// Guard one statement.
    pub(super) fn arm(&self, mode: Mode, timeout: Duration) {
        self.change(|now| {
            *now = Now {
                mode,
                deadline: Instant::now().checked_add(timeout),
                memory: bounds::memory(),
                ..Now::idle()
            };
        });
    }

    /// Stop guarding; gives what was refused meanwhile.
    pub(super) fn disarm(&self) -> Option<StoreError> {
        self.change(|now| std::mem::replace(now, Now::idle()).refusal)
    }

    /// The caller of the statement under way has gone: its time is over.
    pub(super) fn give_up(&self) {
        self.change(|now| now.deadline = Some(Instant::now()));
    }

    /// Set it, the limits and the safe configuration on a connection of a plugin.
    pub(super) async fn guard(
        self: &Arc<Self>,
        connection: &mut SqliteConnection,
    ) -> Result<(), StoreError> {
        sqlite::search(connection).await?;
        let mut handle = connection.lock_handle().await?;
        self.install(&mut handle)?;
        bounds::set(&mut handle, &self.limits);
        bounds::harden(&mut handle)
    }

    /// Set it and the limits on a connection of the host, for one statement.
    pub(super) async fn lend(
        self: &Arc<Self>,
        connection: &mut SqliteConnection,
    ) -> Result<(), StoreError> {
        let mut handle = connection.lock_handle().await?;
        bounds::set(&mut handle, &self.limits);
        self.install(&mut handle)
    }

    /// Take them off again.
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
        bounds::lift(&mut handle);
        accepted(code, "the authorizer")
    }

    #[expect(
        unsafe_code,
        reason = "SQLite's C interface is the only one with an authorizer"
    )]
    fn install(self: &Arc<Self>, handle: &mut LockedSqliteHandle<'_>) -> Result<(), StoreError> {
        let owner = Arc::clone(self);
        handle.set_progress_handler(INSTRUCTIONS_PER_LOOK, move || owner.may_go_on());
        let context = Arc::as_ptr(self).cast_mut().cast::<c_void>();
        // SAFETY: the handle is locked and open. The context stays alive while statements can
        // run: the progress handler of the same connection, set above, owns a share of it.
        let code = unsafe { ffi::sqlite3_set_authorizer(raw(handle), Some(ask), context) };
        accepted(code, "the authorizer")
    }

    fn may_go_on(&self) -> bool {
        self.change(Now::may_go_on)
    }

    fn change<T>(&self, with: impl FnOnce(&mut Now) -> T) -> T {
        with(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn decide(&self, question: &AuthorizerQuestion<'_>) -> bool {
        let mode = self.change(|now| now.mode);
        let refusal = match mode {
            Mode::Host => return true,
            Mode::Script => beyond_script(question),
            Mode::Read | Mode::Write => self.refusal(question, mode),
        };
        match refusal {
            None => true,
            Some(text) => {
                self.change(|now| {
                    now.refusal.get_or_insert_with(|| denial::denied(text));
                });
                false
            }
        }
    }

    /// Why the answer is no. What is not named here is denied, unknown actions included.
    fn refusal(&self, question: &AuthorizerQuestion<'_>, mode: Mode) -> Option<String> {
        let first = question.first.unwrap_or_default();
        match question.action {
            ffi::SQLITE_SELECT | ffi::SQLITE_RECURSIVE => None,
            ffi::SQLITE_FUNCTION => self.on_function(question.second.unwrap_or_default()),
            ffi::SQLITE_READ if TABLE_FUNCTIONS.contains(&first) => None,
            ffi::SQLITE_READ if first.starts_with(SUBQUERY) => None,
            ffi::SQLITE_READ => self.on_table(question, Verb::Select),
            action => match changing(action) {
                Some(_) if mode == Mode::Read => Some(denial::statement(
                    "a change of rows where rows are asked for (use `execute`)",
                )),
                Some(verb) => self.on_table(question, verb),
                None => Some(denial::statement(name_of(action))),
            },
        }
    }

    fn on_function(&self, name: &str) -> Option<String> {
        let weight = bounds::weight(name).filter(|_| functions::is_allowed(name));
        let Some(weight) = weight else {
            return Some(denial::function(name));
        };
        let calls = self.change(|now| {
            now.calls += weight;
            now.calls
        });
        let what = "so many calls of functions";
        (calls > bounds::CALLS).then(|| denial::statement(what))
    }

    fn on_table(&self, question: &AuthorizerQuestion<'_>, verb: Verb) -> Option<String> {
        let table = question.first.unwrap_or_default();
        let open = question.database == Some("main")
            && verb.can_be_granted(table)
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

/// Why a script may not do something: what leads out of its database, out of its transaction, or into what the
/// host does later, as a trigger or a view would. What is not named here is denied.
fn beyond_script(question: &AuthorizerQuestion<'_>) -> Option<String> {
    let table = match question.action {
        ffi::SQLITE_ALTER_TABLE | ffi::SQLITE_CREATE_INDEX | ffi::SQLITE_DROP_INDEX => {
            question.second
        }
        _ => question.first,
    };
    let table = table.unwrap_or_default();
    let own = matches!(question.database, None | Some("main" | "temp"))
        && (table.starts_with("sqlite_") || Verb::Insert.can_be_granted(table));
    match question.action {
        ffi::SQLITE_SELECT | ffi::SQLITE_RECURSIVE | ffi::SQLITE_FUNCTION | ffi::SQLITE_READ => {
            None
        }
        ffi::SQLITE_INSERT
        | ffi::SQLITE_UPDATE
        | ffi::SQLITE_DELETE
        | ffi::SQLITE_CREATE_TABLE
        | ffi::SQLITE_CREATE_INDEX
        | ffi::SQLITE_DROP_TABLE
        | ffi::SQLITE_DROP_INDEX
        | ffi::SQLITE_ALTER_TABLE
        | ffi::SQLITE_REINDEX
            if own =>
        {
            None
        }
        action if changing(action).is_some() && !own => {
            Some(denial::script(&format!("`{table}`, which is the host's")))
        }
        action => Some(denial::script(name_of(action))),
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
    let question = AuthorizerQuestion {
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
