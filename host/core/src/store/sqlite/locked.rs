//! Waiting for a lock on a SQLite file. Other processes of callboard hold it for moments; another
//! program that holds it for long may never let go, and is told at once, by name.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Sqlite, Transaction};

use super::BUSY_TIMEOUT;
use crate::bounded;
use crate::store::{StoreError, StoreErrorKind};

/// How long SQLite itself waits, after which it is asked who holds the lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What the program is called.
const OURS: &str = "callboard";
/// How long to wait before asking again where SQLite did not wait.
const PAUSE: Duration = Duration::from_millis(5);
/// Reading the schema makes a connection notice that another process has changed it.
const LOOKED_AT: &str = "SELECT 1 FROM sqlite_schema LIMIT 1";

/// The byte of the file `-shm` that the writing connection has locked.
const WRITER: u64 = 120;
/// The bytes of the file itself that SQLite locks.
const PENDING: std::ops::RangeInclusive<u64> = 0x4000_0000..=0x4000_01ff;

/// Whether it is worth to ask again after an error.
pub(super) fn wait(file: &Path, began: Instant, error: StoreError) -> Result<(), StoreError> {
    if error.kind != StoreErrorKind::Busy {
        return Err(error);
    }
    let holder = (began.elapsed() >= PATIENCE)
        .then(|| stranger(file))
        .flatten();
    let by = match holder {
        Some(holder) => holder,
        None if began.elapsed() < BUSY_TIMEOUT => return Ok(()),
        None => "another process".to_owned(),
    };
    let file = file.display();
    Err(StoreError::new(
        StoreErrorKind::Busy,
        format!("{by} holds a lock on the database {file}: stop it or wait for it, and try again"),
    ))
}

/// Begin to write, once no other connection does.
pub(super) async fn begin<'c>(
    connection: &'c mut SqliteConnection,
    file: &Path,
) -> Result<Transaction<'c, Sqlite>, StoreError> {
    let began = Instant::now();
    let begin = "BEGIN IMMEDIATE";
    while let Err(error) = sqlx::raw_sql(begin).execute(&mut *connection).await {
        wait(file, began, error.into())?;
        tokio::time::sleep(PAUSE).await;
    }
    // It has begun; this has sqlx know.
    Ok(connection.begin_with(LOOKED_AT).await?)
}

/// The most bytes of the system's list of locks.
const LOCKS: u64 = 16 << 20;

/// The process that holds a lock which keeps others from writing, unless it is one of callboard.
fn stranger(file: &Path) -> Option<String> {
    let inode = |path: &Path| path.metadata().ok().map(|metadata| metadata.ino());
    let mut log = file.as_os_str().to_owned();
    log.push("-shm");
    let (main, log) = (inode(file), inode(Path::new(&log)));
    let locks = bounded::text_of(Path::new("/proc/locks"), LOCKS).ok()?;
    let mut holders = locks.lines().filter_map(FileLock::read);
    let holder = holders.find(|lock| {
        let of = |inode: Option<u64>| inode == Some(lock.inode);
        let writes = of(log) && (lock.start..=lock.end).contains(&WRITER);
        let all = of(main) && lock.start <= *PENDING.end() && lock.end >= *PENDING.start();
        writes || all
    })?;
    let program =
        |process: &str| std::fs::read_link(PathBuf::from("/proc").join(process).join("exe"));
    let ours = program("self").ok();
    let theirs = program(&holder.process).ok()?;
    let name = theirs.file_name()?.to_string_lossy().into_owned();
    // Of another place or version it is callboard all the same; one that was replaced is `(deleted)`.
    let is_ours = ours.as_ref() == Some(&theirs) || name.split(' ').next() == Some(OURS);
    (!is_ours).then(|| format!("process {} ({name})", holder.process))
}

/// A lock for writing, as Linux lists it.
#[derive(Debug, PartialEq, Eq)]
struct FileLock {
    process: String,
    inode: u64,
    start: u64,
    end: u64,
}

impl FileLock {
    /// `1: POSIX  ADVISORY  WRITE 1234 fe:00:5465542 120 120`; a line about who waits has an arrow.
    fn read(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, "POSIX", _, "WRITE", process, place, start, end] = words[..] else {
            return None;
        };
        Some(Self {
            process: process.to_owned(),
            inode: place.rsplit(':').next()?.parse().ok()?,
            start: start.parse().ok()?,
            end: match end {
                "EOF" => u64::MAX,
                end => end.parse().ok()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_locks_is_read() {
        let line = "12: POSIX  ADVISORY  WRITE 1234 fe:00:5465542 120 120";
        let lock = FileLock {
            process: "1234".to_owned(),
            inode: 5_465_542,
            start: 120,
            end: 120,
        };
        assert_eq!(FileLock::read(line), Some(lock));
        for other in [
            "1: FLOCK  ADVISORY  WRITE 13398 fe:00:6283482 0 EOF",
            "1: -> POSIX  ADVISORY  WRITE 13398 fe:00:6283482 0 EOF",
            "1: POSIX  ADVISORY  READ 13398 fe:00:6283482 0 EOF",
        ] {
            assert_eq!(FileLock::read(other), None, "{other}");
        }
    }
}
