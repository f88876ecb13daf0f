//! A SQLite file that is replaced, or written over, under whoever writes to it: nothing is said to be
//! kept that is not, and what was put there stays as it is. What SQLite itself does to the file is no
//! such thing.

use std::fs;
use std::path::{Path, PathBuf};

use callboard_core::store::{Dialect, Store, StoreErrorKind};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::{execute, insert, numbers, table};
use crate::support::database::{TestDatabase, runtime};

/// A way to put a backup in the place of a file.
type Restore = fn(&Path, &Path);

fn path(database: &TestDatabase) -> PathBuf {
    database.url().trim_start_matches("sqlite:").into()
}

/// A table with a 1 in it, a backup of that, and a 2 that is only in the log.
async fn backed_up(database: &TestDatabase) -> (Store, PathBuf) {
    let store = database.open().await;
    table(&store).await;
    store.execute(insert(1)).await.expect("it is kept");
    store.close().await;
    let backup = path(database).with_extension("backup");
    fs::copy(path(database), &backup).expect("a backup");
    let store = database.open().await;
    store.execute(insert(2)).await.expect("it is kept");
    (store, backup)
}

fn renamed(backup: &Path, file: &Path) {
    let other = file.with_extension("other");
    fs::copy(backup, &other).expect("a copy");
    fs::rename(other, file).expect("it is put there");
}

fn copied(backup: &Path, file: &Path) {
    fs::copy(backup, file).expect("it is written over");
}

/// As `dd conv=notrunc` does.
fn written_over(backup: &Path, file: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::options()
        .write(true)
        .open(file)
        .expect("it is there");
    let backup = fs::read(backup).expect("a backup");
    file.write_all(&backup).expect("it is written over");
}

/// The locks that this process has on a file.
fn locks(file: &Path) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let inode = format!(":{}", fs::metadata(file).expect("it is there").ino());
    let process = std::process::id().to_string();
    let held = fs::read_to_string("/proc/locks").expect("the system's list");
    let held = held
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mine = held.filter(|it| it.get(4) == Some(&&*process));
    mine.filter(|it| it.get(5).is_some_and(|it| it.ends_with(&inode)))
        .count()
}

/// To close any descriptor of a database ends the locks of its process, and the next one to leave
/// would remove the log.
#[test]
fn a_workspace_is_read_without_a_look_into_its_open_database() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("callboard.db");
        let store = Store::open(&format!("sqlite:{}", file.display()))
            .await
            .expect("a store");
        table(&store).await;
        fs::write(folder.path().join("callboard.toml"), "name = \"x\"").expect("a file");
        let index = file.with_extension("db-shm");
        assert!(locks(&index) > 0, "SQLite marks who has the log open");
        let private = [file.clone()];
        for private in [store.files(), private.to_vec()] {
            let read = callboard_core::workspace::read(folder.path(), &private);
            assert_eq!(read.expect("a workspace").files.len(), 1);
            assert!(locks(&index) > 0, "they are held still");
        }
    });
}

#[test]
fn nothing_is_written_to_a_file_that_a_backup_was_put_in_the_place_of() {
    let ways: [(&str, Restore); 3] = [
        ("was replaced or removed", renamed),
        ("was written over", copied),
        ("was written over", written_over),
    ];
    for (said, restore) in ways {
        let database = TestDatabase::new(Dialect::Sqlite);
        let file = path(&database);
        runtime().block_on(async {
            let (store, backup) = backed_up(&database).await;
            restore(&backup, &file);
            let error = store
                .execute(insert(3))
                .await
                .expect_err("it would be lost");
            assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
            assert!(error.message.contains(said), "{error}");
            // Once and for all, whatever is put there later.
            let error = store
                .execute(insert(4))
                .await
                .expect_err("it would be lost");
            assert!(error.message.contains(said), "{error}");
            store.close().await;
            drop(store);
            let (restored, kept) = (fs::read(&file), fs::read(&backup));
            assert!(
                restored.expect("it is there") == kept.expect("a backup"),
                "{said}"
            );
        });
    }
}

/// What others do to the file through SQLite, and what changes nothing of it.
#[test]
fn a_file_to_which_sqlite_writes_stays_in_its_place() {
    let database = TestDatabase::new(Dialect::Sqlite);
    runtime().block_on(async {
        let (store, _) = backed_up(&database).await;
        let url = format!("sqlite:{}", path(&database).display());
        for (number, mode) in (10..).zip(["PASSIVE", "FULL", "RESTART", "TRUNCATE"].repeat(3)) {
            let mut other = SqliteConnection::connect(&url).await.expect("another one");
            let work = format!(
                "PRAGMA busy_timeout = 5000; INSERT INTO t VALUES ({number}00); \
                 PRAGMA wal_checkpoint({mode}); VACUUM"
            );
            let done = sqlx::raw_sql(AssertSqlSafe(work)).execute(&mut other).await;
            done.expect("it works on it");
            store.execute(insert(number)).await.expect("it is kept");
            other.close().await.expect("it goes");
            let mode: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(path(&database), mode).expect("it is ours");
            store
                .execute(insert(number + 1000))
                .await
                .expect("it is kept");
        }
        execute(&store, "DELETE FROM t WHERE n < 1000").await;
        assert_eq!(
            numbers(&store, "SELECT n FROM t WHERE n < 1000").await,
            super::NONE
        );
        store.close().await;
    });
}

/// A crash leaves behind what nobody knows about; whoever opens the file afterwards settles it.
#[test]
fn a_file_that_is_written_over_after_a_crash_is_noticed() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let file = path(&database);
    runtime().block_on(async {
        let (store, backup) = backed_up(&database).await;
        // What `kill -9` leaves behind, elsewhere.
        let left = TestDatabase::new(Dialect::Sqlite);
        let log = |file: &Path| PathBuf::from(format!("{}-wal", file.display()));
        fs::copy(&file, path(&left)).expect("a copy");
        fs::copy(log(&file), log(&path(&left))).expect("a copy");
        store.close().await;
        let store = left.open().await;
        assert_eq!(numbers(&store, "SELECT n FROM t ORDER BY n").await, [1, 2]);
        copied(&backup, &path(&left));
        let error = store
            .execute(insert(3))
            .await
            .expect_err("it would be lost");
        assert!(error.message.contains("was written over"), "{error}");
    });
}
