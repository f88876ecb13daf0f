//! How a SQLite file is opened: its folder is there, its log is on, its schema is current.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{BUSY_TIMEOUT, locked, search};
use crate::private;
use crate::store::{Connection, StoreError, StoreErrorKind, Transaction, migrate};
use crate::value::Statement;

/// What SQLite says of each write to a file that it could open for reading only. That is not the
/// "denied" of a plugin, whose code it shares.
const READ_ONLY: &str = "attempt to write a readonly database";
/// What SQLite says where the disk, or the share that this user has of it, is used up.
const FULL: &str = "database or disk is full";
/// How long to wait before asking again for a file that another process is turning to its log.
const TURN_PAUSE: Duration = Duration::from_millis(5);

/// The file that an address names, literally.
pub(super) fn file(path: &str) -> Result<&str, StoreError> {
    // `sqlite://PATH` is what other programs write.
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        let message = "a database in memory would be lost; write `sqlite:PATH` with a file";
        return Err(StoreError::new(StoreErrorKind::Address, message));
    }
    Ok(path)
}

/// A connection to the file, made if it is missing, with the schema of this program.
pub(super) async fn current(
    options: &SqliteConnectOptions,
    path: &str,
) -> Result<SqliteConnection, StoreError> {
    refuse_missing_folder(path)?;
    // SQLite gives its log the rights of the file. Why it can't be made is said by whoever opens it.
    private::make(Path::new(path)).ok();
    let began = Instant::now();
    loop {
        let error = match try_open(options).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        locked::wait(Path::new(path), began, error).map_err(|error| match error.kind {
            // It names the file already.
            StoreErrorKind::Busy => error,
            _ => named(path, &error),
        })?;
        tokio::time::sleep(TURN_PAUSE).await;
    }
}

/// Connect, turn a new file to its log, and bring its schema up to date. SQLite answers "busy" at
/// once, whatever the timeout says, when two connections turn the same file together; the other
/// one is done in a moment.
async fn try_open(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut connection = connect(options).await?;
    // Somebody else may be writing: only what there is to change is worth the wait.
    if look_on(&mut connection).await.is_err() {
        migrate_locked(&mut connection).await?;
    }
    Ok(connection)
}

/// Whether the file is there and has the current schema.
pub(in crate::store) async fn look(path: &str) -> Result<(), StoreError> {
    let path = file(path)?;
    if !Path::new(path).exists() {
        let message = format!("there is no database {path} yet; `callboard apply` makes it");
        return Err(StoreError::new(StoreErrorKind::Unavailable, message));
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .log_statements(tracing::log::LevelFilter::Trace);
    let looked = async {
        let mut connection = options.connect().await?;
        look_on(&mut connection).await
    };
    looked.await.map_err(|error| named(path, &error))
}

async fn look_on(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut snapshot = connection.begin().await?;
    migrate::look(&mut Transaction::new(Connection::Sqlite(&mut snapshot))).await
}

async fn migrate_locked(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN EXCLUSIVE").await?;
    refuse_foreign(&mut transaction).await?;
    migrate::run(&mut Transaction::new(Connection::Sqlite(&mut transaction))).await?;
    transaction.commit().await?;
    Ok(())
}

/// A file that has tables, and none of callboard's, is another program's.
async fn refuse_foreign(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' \
        ESCAPE '\\' AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'migrations') \
        ORDER BY name LIMIT 1";
    let rows = super::query(connection, Statement::new(sql)).await?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    Err(StoreError::new(
        StoreErrorKind::Address,
        format!(
            "it has the table `{}` and none of callboard's, so it is another program's; name \
             another file",
            row.text("name")?
        ),
    ))
}

/// A connection on which plugins' deferred writes may run, too.
pub(super) async fn connect(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    let mut connection = options.connect().await?;
    search::install(&mut connection).await?;
    Ok(connection)
}

fn refuse_missing_folder(path: &str) -> Result<(), StoreError> {
    let folder = Path::new(path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!(
                "the folder {} of the database does not exist; create it",
                folder.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// Why nothing can be written to the file, and the mend: no waiting changes it.
pub(super) fn unwritable(path: &Path, error: StoreError) -> StoreError {
    let (is, mend) = match error.message.as_str() {
        READ_ONLY => (
            "is read-only",
            "give this user the right to write the file and its folder, or name another one with \
             --database",
        ),
        FULL => ("cannot grow", "free space on its disk"),
        _ => return error,
    };
    let path = path.display();
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!("the database {path} {is}: {}; {mend}", error.message),
    )
}

/// Say which file, and the mend.
fn named(path: &str, error: &StoreError) -> StoreError {
    if [READ_ONLY, FULL].contains(&error.message.as_str()) {
        return unwritable(Path::new(path), error.clone());
    }
    let mend = match error.kind {
        StoreErrorKind::Corrupt => {
            "; it is no SQLite database or is damaged: restore a backup or move it away"
        }
        StoreErrorKind::Busy => "; another process holds it: stop that process or wait for it",
        StoreErrorKind::Unavailable => "; check that the file and its folder can be written",
        _ => "",
    };
    StoreError::new(
        error.kind,
        format!("cannot open the database {path}: {}{mend}", error.message),
    )
}
