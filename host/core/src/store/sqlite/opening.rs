//! How a SQLite file is opened: its folder is there, its log is on, its schema is current.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Access, access, statvfs};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{BUSY_TIMEOUT, locked, search};
use crate::private_file;
use crate::store::{Connection, StoreError, StoreErrorKind, Transaction, migrate};
use crate::value::{Query, Statement};

/// What SQLite says of each write to a file that it could open for reading only. That is not the
/// "denied" of a plugin, whose code it shares.
const READ_ONLY: &str = "attempt to write a readonly database";
/// What SQLite says where the disk, or the share that this user has of it, is used up.
const FULL: &str = "database or disk is full";
/// What it says, of a full disk too, where it can make its log or the index of that no larger.
const UNSAID: [&str; 2] = ["disk I/O error", "unable to open database file"];
/// Bytes that the index of a log begins with: without them no file is opened.
const ROOM: u64 = 32 << 10;
/// How long to wait before asking again for a file that another process is turning to its log.
const TURN_PAUSE: Duration = Duration::from_millis(5);

/// Says in the head of a file whose it is: the letters `call`.
const APPLICATION: i64 = 0x6361_6c6c;
/// What SQLite writes beside a database, and the lock of who works on it.
const BESIDE: [&str; 5] = ["", "-wal", "-shm", "-journal", ".lock"];

/// The file that an address names, literally.
pub(super) fn file(path: &str) -> Result<&str, StoreError> {
    // `sqlite://PATH` is what other programs write.
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        let message = "a database in memory would be lost; write `sqlite:PATH` with a file";
        return Err(StoreError::new(StoreErrorKind::Address, message));
    }
    if path.contains('?') {
        let message = "an address of SQLite takes no parameters after a `?`; write `sqlite:PATH`";
        return Err(StoreError::new(StoreErrorKind::Address, message));
    }
    Ok(path)
}

/// The files in which a database is kept, whether they are there or not.
pub(in crate::store) fn files(path: &Path) -> Vec<PathBuf> {
    // Beside the file itself, whatever links lead to it.
    let real = path
        .is_symlink()
        .then(|| path.canonicalize().ok())
        .flatten();
    let path = real.unwrap_or_else(|| path.to_owned());
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    BESIDE.map(named).into()
}

/// Whether there is no database at an address yet, though there could be one.
pub(in crate::store) fn is_absent(path: &str) -> Result<bool, StoreError> {
    let path = file(path)?;
    refuse_missing_folder(path)?;
    match Path::new(path).metadata() {
        Ok(found) => Ok(found.is_file() && found.len() == 0),
        Err(error) => Ok(error.kind() == std::io::ErrorKind::NotFound),
    }
}

/// Whether a file can only be read, and has no log: its folder, such as one of a file system that
/// is mounted to be read, takes none. SQLite would ask for one even to read.
pub(super) fn is_at_rest(path: &Path) -> bool {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let log = PathBuf::from(format!("{}-wal", path.display()));
    let has_log = log.metadata().is_ok_and(|log| log.len() > 0);
    path.is_file() && !has_log && access(folder, Access::WRITE_OK).is_err()
}

/// A connection to the file, made if it is missing, with the schema of this program.
pub(super) async fn current(
    options: &SqliteConnectOptions,
    path: &str,
) -> Result<SqliteConnection, StoreError> {
    refuse_missing_folder(path)?;
    // SQLite gives its log the rights of the file. Opening it says why it can't be made.
    private_file::make(Path::new(path)).ok();
    let began = Instant::now();
    loop {
        let error = match try_open(options, path).await {
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

/// A connection that has read from the file, so that its log is there for as long as this is.
pub(super) async fn anchor(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let options = options.clone().read_only(true);
    let mut connection = options.connect().await?;
    sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// Bring what stands in the log into the file. After a crash it cannot be told what of it is there,
/// and so whether it was SQLite that wrote to the file. It is of no consequence if another
/// connection reads meanwhile, and it can't be done.
pub(super) async fn settle(connection: &mut SqliteConnection) {
    let checkpoint = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)");
    if let Err(error) = checkpoint.execute(connection).await {
        tracing::debug!(%error, "the log of the database stays as a crash has left it");
    }
}

/// Connect, turn a new file to its log, and bring its schema up to date. SQLite answers "busy" at
/// once, whatever the timeout says, when two connections turn the same file together; the other
/// one is done in a moment.
async fn try_open(
    options: &SqliteConnectOptions,
    path: &str,
) -> Result<SqliteConnection, StoreError> {
    // Before the log is turned on, which is a change of the file.
    match look_at(path).await {
        Err(error) if error.kind == StoreErrorKind::Foreign => return Err(error),
        _ => {}
    }
    let mut connection = connect(options).await?;
    // Another process may be writing: only what there is to change is worth the wait.
    if look_on(&mut connection).await.is_err() {
        migrate_locked(&mut connection).await?;
    }
    Ok(connection)
}

/// Whether the file is there and has the current schema.
pub(in crate::store) async fn inspect(path: &str) -> Result<(), StoreError> {
    let path = file(path)?;
    if !Path::new(path).exists() {
        let message = format!("there is no database {path} yet; `callboard apply` makes it");
        return Err(StoreError::new(StoreErrorKind::Absent, message));
    }
    refuse_missing_folder(path)?;
    look_at(path).await.map_err(|error| named(path, &error))
}

async fn look_at(path: &str) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(is_at_rest(Path::new(path)))
        .busy_timeout(BUSY_TIMEOUT)
        .log_statements(tracing::log::LevelFilter::Trace);
    look_on(&mut options.connect().await?).await
}

async fn look_on(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut snapshot = connection.begin().await?;
    let mut transaction = Transaction::new(Connection::Sqlite(&mut snapshot));
    let looked = migrate::inspect(&mut transaction).await;
    if looked.is_err() && is_foreign(&mut transaction).await? {
        let message = "it is a database of another program";
        return Err(StoreError::new(StoreErrorKind::Foreign, message));
    }
    looked
}

/// Whether a file without the current schema belongs to another program: it says so in its head, or
/// has tables and none of ours.
async fn is_foreign(transaction: &mut Transaction<'_>) -> Result<bool, StoreError> {
    let sql = "SELECT (SELECT application_id FROM pragma_application_id) AS application, \
         (SELECT COUNT(*) FROM sqlite_schema) AS objects, \
         (SELECT COUNT(*) FROM pragma_table_info('migrations') \
          WHERE name IN ('number', 'digest')) AS ours";
    let query = Query::<(i64, u64, u64)>::new(sql);
    let (application, objects, ours) = transaction.read_one(query).await?;
    Ok(match application {
        APPLICATION => false,
        0 => objects > 0 && ours < 2,
        _ => true,
    })
}

async fn migrate_locked(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN EXCLUSIVE").await?;
    let mut work = Transaction::new(Connection::Sqlite(&mut transaction));
    migrate::run(&mut work).await?;
    let marked = format!("PRAGMA application_id = {APPLICATION}");
    work.execute(Statement::new(marked)).await?;
    transaction.commit().await?;
    Ok(())
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
    if Path::new(path).is_dir() {
        let message = format!("{path} is a folder, and no database; name a file in it");
        return Err(StoreError::new(StoreErrorKind::Unavailable, message));
    }
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
        FULL => return full(path, &error),
        said if UNSAID.contains(&said) && has_no_room(path) => return full(path, &error),
        _ => return error,
    };
    let path = path.display();
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!("the database {path} {is}: {}; {mend}", error.message),
    )
}

fn full(path: &Path, error: &StoreError) -> StoreError {
    let (path, said) = (path.display(), &error.message);
    StoreError::new(
        StoreErrorKind::Full,
        format!(
            "the database {path} cannot grow, its disk is full ({said}); free space on that disk"
        ),
    )
}

/// Whether the file system of a file has no room for what SQLite writes beside it.
fn has_no_room(path: &Path) -> bool {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let Ok(system) = statvfs(folder.unwrap_or(Path::new("."))) else {
        return false;
    };
    let bytes = system.f_bavail.saturating_mul(system.f_frsize);
    let is_told = system.f_blocks > 0;
    is_told && bytes < ROOM || (system.f_files > 0 && system.f_favail == 0)
}

/// Say which file, and the mend.
fn named(path: &str, error: &StoreError) -> StoreError {
    let explained = unwritable(Path::new(path), error.clone());
    if explained.message != error.message {
        return explained;
    }
    let mend = match error.kind {
        StoreErrorKind::Corrupt => {
            "; it is no SQLite database or is damaged: restore a backup or move it away"
        }
        StoreErrorKind::Foreign => {
            "; nothing was changed: name another file with `database` in callboard.toml or --database"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such_and_another_error_of_the_disk_is_not() {
        let folder = tempfile::tempdir().expect("a folder with room");
        let file = folder.path().join("callboard.db");
        let of = |said: &str| {
            let error = StoreError::new(StoreErrorKind::Unavailable, said);
            unwritable(&file, error)
        };
        let full = of(FULL);
        assert_eq!(full.kind, StoreErrorKind::Full, "{full}");
        assert!(full.message.contains("its disk is full"), "{full}");
        assert_eq!(of(UNSAID[0]).kind, StoreErrorKind::Unavailable);
        // What says nothing of its room is not full for that.
        assert!(!has_no_room(Path::new("/proc/callboard.db")));
    }
}
