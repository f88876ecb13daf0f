//! One working process a SQLite file: the process that works on its runs holds a lock of the
//! operating system on the file `DATABASE.lock`, which ends with the process, however it ends.
//! PostgreSQL needs none: leases keep its workers apart.

use std::fmt;
use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::{Backend, Store, StoreError, StoreErrorKind};
use crate::{bounded, private_file};

/// A process that only looks holds the lock for a moment; it is asked for again that long.
const LOOKED_AT: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(10);

/// The right to work on a database, for as long as this lives.
#[derive(Debug)]
#[must_use = "the right ends when this is dropped"]
pub struct Exclusive {
    _lock: Option<Arc<File>>,
}

/// The process that works on a SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// Its number, and `serve` or `work`, if it could say it: on a full disk it can't yet.
    pub named: Option<(String, String)>,
}

impl fmt::Display for Occupant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.named {
            Some((process, mode)) => write!(f, "process {process} (`callboard {mode}`)"),
            None => f.write_str("another process"),
        }
    }
}

impl Store {
    /// Become the one that works on this database, as `mode`. Refused while another process
    /// does, on SQLite.
    pub async fn exclusive(&self, mode: &str) -> Result<Exclusive, StoreError> {
        let Some(path) = self.lock_file()? else {
            return Ok(Exclusive { _lock: None });
        };
        let mut file = open(&path)?;
        let began = Instant::now();
        while let Err(error) = file.try_lock() {
            let occupied = matches!(error, TryLockError::WouldBlock);
            if !occupied || began.elapsed() > LOOKED_AT {
                return Err(match error {
                    TryLockError::WouldBlock => occupied_by(&read(&mut file, &path)?),
                    TryLockError::Error(error) => unusable(&path, &error),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
        let file = Arc::new(file);
        if let Backend::Sqlite(store) = self.backend() {
            store.place.hold(&path);
            store.place.name(Sign::new(&file, mode));
        }
        // Who holds it is a courtesy; on a full disk the lock holds all the same.
        if let Err(error) = self.say_who_works() {
            tracing::warn!(path = %path.display(), %error, "cannot say yet who works on the database");
        }
        Ok(Exclusive { _lock: Some(file) })
    }

    /// Say in the lock of this process who works, if it does not say so: a full disk may have kept it from that.
    pub fn say_who_works(&self) -> std::io::Result<()> {
        match self.backend() {
            Backend::Sqlite(store) => store.place.say(),
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// Refused once the SQLite file, its log, or the lock of this process on it, is not the one at
    /// its path any more, or was written over; on PostgreSQL, once a look saw another database than before.
    pub async fn in_place(&self) -> Result<(), StoreError> {
        match self.backend() {
            Backend::Sqlite(store) => store.in_place().await,
            Backend::Postgres(_) => self.condition.in_place(),
        }
    }

    /// Who works on this SQLite file; always `None` on PostgreSQL.
    pub fn occupant(&self) -> Result<Option<Occupant>, StoreError> {
        let Some(path) = self.lock_file()? else {
            return Ok(None);
        };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&path, &error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => read(&mut file, &path).map(Some),
            Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
        }
    }

    /// Beside the file itself, whatever links lead to it.
    fn lock_file(&self) -> Result<Option<PathBuf>, StoreError> {
        let Backend::Sqlite(store) = self.backend() else {
            return Ok(None);
        };
        let path = store.options.get_filename();
        let path = path
            .canonicalize()
            .map_err(|error| unusable(path, &error))?;
        let mut name = path.into_os_string();
        name.push(".lock");
        Ok(Some(name.into()))
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = private_file::options();
    options.create(true).truncate(false).read(true).write(true);
    options.open(path).map_err(|error| unusable(path, &error))
}

/// What the lock of this process is to say, for as long as it is held.
#[derive(Debug)]
pub(in crate::store) struct Sign {
    lock: Weak<File>,
    text: String,
}

impl Sign {
    fn new(lock: &Arc<File>, mode: &str) -> Self {
        Self {
            lock: Arc::downgrade(lock),
            text: format!("{} {mode}\n", std::process::id()),
        }
    }

    /// Write it, if it is not there.
    pub(in crate::store) fn put(&self) -> std::io::Result<()> {
        let Some(lock) = self.lock.upgrade() else {
            return Ok(());
        };
        let text = self.text.as_bytes();
        let mut there = vec![0; text.len() + 1];
        let read = lock.read_at(&mut there, 0)?;
        if there.get(..read) == Some(text) {
            return Ok(());
        }
        lock.write_all_at(text, 0)?;
        lock.set_len(text.len() as u64)
    }
}

fn read(file: &mut File, path: &Path) -> Result<Occupant, StoreError> {
    let text = bounded::text(file, 4 << 10).map_err(|error| unusable(path, &error))?;
    let said = text.trim().split_once(' ');
    Ok(Occupant {
        named: said.map(|(process, mode)| (process.to_owned(), mode.to_owned())),
    })
}

fn occupied_by(occupant: &Occupant) -> StoreError {
    StoreError::new(
        StoreErrorKind::Busy,
        format!(
            "{occupant} works on this SQLite database already; stop it first, or use PostgreSQL \
             for several workers"
        ),
    )
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!(
            "{} cannot be locked: {error}; check that its folder can be written",
            path.display()
        ),
    )
}
