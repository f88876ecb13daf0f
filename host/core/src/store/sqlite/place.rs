//! The place of a database that is open: its files are the ones at their paths, and only SQLite
//! writes to them. Another file that is put there, or copied over it, is a backup that was restored
//! under this process; what it goes on writing would be lost, or make a mixture of both.
//!
//! In this mode of SQLite the file itself changes in one way: a checkpoint brings into it what
//! stands in the log, and says in the index of the log how far it wants to come before it begins,
//! and how far it came once it is done (<https://www.sqlite.org/walformat.html>, "The WAL-Index
//! Header"). A file that changed although no checkpoint came further was written by another
//! program.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use libsqlite3_sys as ffi;
use sqlx::SqliteConnection;
use sqlx::sqlite::LockedSqliteHandle;

use super::held;
use super::opened_file::OpenedFile;
use crate::store::exclusive::Sign;
use crate::store::{StoreError, StoreErrorKind};

/// The first part of the index that SQLite maps.
const REGION: i32 = 32 * 1024;
/// Where the index has the salts of the log, which change with each new one.
const SALTS: usize = 32;
/// Where it has how many frames of the log are in the file.
const DONE: usize = 96;
/// Where it has how many may be: a checkpoint says it before its first write.
const BEGUN: usize = 128;

pub(in crate::store) struct DatabaseFile {
    path: PathBuf,
    /// The files that have to stay where they are: the database with its log, and the lock of the
    /// process that works.
    files: Mutex<Vec<OpenedFile>>,
    /// What that lock says, if this process holds it.
    sign: Mutex<Option<Sign>>,
    /// Never used to read or write: the connection that closes the file last removes its log, which
    /// has to stay.
    anchor: tokio::sync::Mutex<Option<SqliteConnection>>,
    /// The last look at which no checkpoint was under way.
    settled: Mutex<Option<(CheckpointState, FileStamp)>>,
    /// Once it is lost it stays lost, whatever is put there later.
    lost: OnceLock<StoreError>,
}

/// How far checkpoints came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CheckpointState {
    salts: u64,
    begun: u32,
    done: u32,
}

/// When the file was written last, in seconds and nanoseconds, and its size.
type FileStamp = (i64, i64, u64);

/// What a look at the file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// A checkpoint is under way, or broke off: the next one settles it.
    Unsettled,
    /// As far as can be seen, only SQLite wrote to it.
    Sound,
    Overwritten,
}

impl DatabaseFile {
    /// The place of a database that has just been opened, and read by `anchor`.
    pub(super) fn new(path: &Path, anchor: SqliteConnection) -> Self {
        Self {
            path: path.to_owned(),
            files: Mutex::new(OpenedFile::of_database(path)),
            sign: Mutex::default(),
            anchor: tokio::sync::Mutex::new(Some(anchor)),
            settled: Mutex::default(),
            lost: OnceLock::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Have another file stay where it is.
    pub(in crate::store) fn hold(&self, path: &Path) {
        held(&self.files).push(OpenedFile::of(path));
    }

    /// Have the lock of this process say who it is.
    pub(in crate::store) fn name(&self, sign: Sign) {
        held(&self.sign).replace(sign);
    }

    /// Write what the lock of this process is to say, if it does not say it.
    pub(in crate::store) fn say(&self) -> std::io::Result<()> {
        held(&self.sign).as_ref().map_or(Ok(()), Sign::put)
    }

    /// Refused once the database is not the one at its path any more.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.settled().await.map(drop)
    }

    /// The same, and whether it could be seen that no other program wrote over it.
    pub(super) async fn settled(&self) -> Result<bool, StoreError> {
        if let Some(lost) = self.lost.get() {
            return Err(lost.clone());
        }
        if let Some(error) = self.moved() {
            return Err(self.lost.get_or_init(|| error).clone());
        }
        match self.look().await? {
            Look::Overwritten => {
                // Another file can have come to its path since.
                let error = self.moved().unwrap_or_else(|| self.overwritten());
                Err(self.lost.get_or_init(|| error).clone())
            }
            look => Ok(look == Look::Sound),
        }
    }

    /// What is another file than the one that was opened, if one is.
    fn moved(&self) -> Option<StoreError> {
        held(&self.files).iter().find_map(|file| file.check().err())
    }

    async fn look(&self) -> Result<Look, StoreError> {
        // Held to the end, so that looks come in their order.
        let mut anchor = self.anchor.lock().await;
        let Some(anchor) = anchor.as_mut().filter(|_| self.has_index()) else {
            return Ok(Look::Sound);
        };
        let (before, written, after) = looked(anchor, &self.path).await?;
        let (Some(filled), Some(written)) = (before.filter(|_| before == after), written) else {
            return Ok(Look::Unsettled);
        };
        if filled.begun != filled.done {
            return Ok(Look::Unsettled);
        }
        let last = held(&self.settled).replace((filled, written));
        let changed = last.is_some_and(|(then, was)| then == filled && was != written);
        Ok(if changed {
            Look::Overwritten
        } else {
            Look::Sound
        })
    }

    /// Whether its log has an index that can be looked at: a file that can only be read has none,
    /// and one that was made shorter would end the process.
    fn has_index(&self) -> bool {
        let mut index = self.path.clone().into_os_string();
        index.push("-shm");
        let index = Path::new(&index).metadata();
        index.is_ok_and(|index| index.len() >= u64::from(REGION.unsigned_abs()))
    }

    fn overwritten(&self) -> StoreError {
        let path = self.path.display();
        StoreError::new(
            StoreErrorKind::Unavailable,
            format!(
                "{path} was written over under this process, e.g. by a copy of a backup, and its log \
                 does not belong to it any more: stop whatever works on it, remove {path}-wal and \
                 {path}-shm, put the backup in its place again, and start again"
            ),
        )
    }

    /// Let go of the file. One that is lost is never closed: the connection that closes last brings
    /// the log into the file at the path, which is another one.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let sound = self.check().await;
        let anchor = self.anchor.lock().await.take();
        match (anchor, &sound) {
            (Some(anchor), Ok(())) => drop(sqlx::Connection::close(anchor).await),
            (anchor, _) => std::mem::forget(anchor),
        }
        sound
    }
}

fn written(path: &Path) -> Option<FileStamp> {
    let found = path.metadata().ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.len()))
}

/// How far checkpoints came on both sides of a look at the file, so that none came between. The connection is
/// asked for once: its thread is another one, and each commit waits for two looks.
async fn looked(
    anchor: &mut SqliteConnection,
    path: &Path,
) -> Result<
    (
        Option<CheckpointState>,
        Option<FileStamp>,
        Option<CheckpointState>,
    ),
    StoreError,
> {
    let mut handle = anchor.lock_handle().await?;
    let before = filled(&mut handle);
    let written = written(path);
    Ok((before, written, filled(&mut handle)))
}

/// How far checkpoints came, as the index of the log says; none without an index.
#[expect(
    unsafe_code,
    reason = "SQLite shows the index of its log through C only, and to open the file would end the \
              locks that this process has on it"
)]
fn filled(handle: &mut LockedSqliteHandle<'_>) -> Option<CheckpointState> {
    let database = handle.as_raw_handle().as_ptr();
    let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
    let mut index: *mut std::ffi::c_void = std::ptr::null_mut();
    // SAFETY: the handle is locked and open for as long as this takes; SQLite gives a pointer to the
    // file of `main`, and its methods one to the index, which stays mapped as long as a connection
    // is there. The index has more bytes than are read; they change under the reader, so that each
    // is read as a whole and never kept as a reference.
    unsafe {
        let asked = ffi::SQLITE_FCNTL_FILE_POINTER;
        let given = (&raw mut file).cast();
        let code = ffi::sqlite3_file_control(database, c"main".as_ptr(), asked, given);
        if code != ffi::SQLITE_OK || file.is_null() || (*file).pMethods.is_null() {
            return None;
        }
        let methods = &*(*file).pMethods;
        let map = methods.xShmMap.filter(|_| methods.iVersion >= 2)?;
        if map(file, 0, REGION, 0, (&raw mut index).cast()) != ffi::SQLITE_OK || index.is_null() {
            return None;
        }
        let number = |at: usize| index.cast::<u32>().add(at / 4).read_volatile();
        let salts = u64::from(number(SALTS)) << 32 | u64::from(number(SALTS + 4));
        let (begun, done) = (number(BEGUN), number(DONE));
        Some(CheckpointState { salts, begun, done })
    }
}
