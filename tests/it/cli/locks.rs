//! A database that somebody else keeps locked, or replaces under a daemon: it is said within
//! seconds, by name, and ends what it must.

use std::fs;

use callboard_core::store::Dialect::{Postgres, Sqlite};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::daemon::{Daemon, eventually, get};
use crate::support::database::runtime;
use crate::support::factory::{DAY, Factory, board, diary};

/// Somebody else's session, in a transaction that took a lock.
async fn stranger(factory: &Factory, sql: &str) -> (PgConnection, i32) {
    let mut other = PgConnection::connect(&factory.url())
        .await
        .expect("another session");
    sqlx::raw_sql("SET application_name = 'somebody'; BEGIN")
        .execute(&mut other)
        .await
        .expect("a transaction");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut other)
        .await
        .expect("it has the lock");
    let (id,): (i32,) = sqlx::query_as("SELECT pg_backend_pid()")
        .fetch_one(&mut other)
        .await
        .expect("its number");
    (other, id)
}

#[test]
fn a_table_that_somebody_keeps_locked_is_said_everywhere_and_keeps_no_daemon_alive() {
    let factory = Factory::bare(Postgres);
    let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address();
    assert_eq!(get(address, "/health").status, 200);
    let runtime = runtime();
    let (other, id) = runtime.block_on(stranger(
        &factory,
        "LOCK TABLE open_runs IN ACCESS EXCLUSIVE MODE",
    ));
    let named = format!("session {id} of ");
    let line = server.until(&named);
    assert!(
        line.contains("(somebody) holds a lock on `open_runs`"),
        "{line}"
    );
    assert_eq!(get(address, "/health").status, 503);
    let ran = factory.run(&["runs", "list"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr.contains(&named) && ran.stderr.contains("pg_terminate_backend"),
        "{ran}"
    );
    // Still locked: that it ends at all is the point.
    server.signal("TERM");
    let ran = server.ended();
    assert!([0, 3].contains(&ran.code), "{ran}");
    runtime.block_on(other.close()).expect("it goes");
    factory.ok(&["runs", "list"]);
}

#[test]
fn a_run_that_somebody_keeps_locked_is_not_waited_for_without_a_word() {
    let factory = Factory::bare(Postgres);
    let ran = factory.diary(board().path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    let runtime = runtime();
    let (other, id) = runtime.block_on(stranger(&factory, "SELECT id FROM open_runs FOR UPDATE"));
    let ran = factory.run(&["runs", "cancel", "latest"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains(&format!("session {id} of ")), "{ran}");
    runtime.block_on(other.close()).expect("it goes");
    factory.ok(&["runs", "cancel", "latest"]);
}

#[test]
fn a_file_that_is_replaced_under_a_daemon_ends_it() {
    let factory = Factory::bare(Sqlite);
    for name in ["callboard.db", "callboard.db.lock"] {
        let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
        server.address();
        let file = factory.workspace().join(name);
        let backup = factory.workspace().join("backup");
        fs::copy(&file, &backup).expect("a copy");
        fs::rename(&backup, &file).expect("it is put in its place");
        let ran = server.ended();
        assert_eq!(ran.code, 3, "{ran}");
        let said = format!("{name} was replaced or removed under this process");
        assert!(ran.stderr.contains(&said), "{ran}");
    }
    factory.ok(&["runs", "list"]);
}

/// As the page on operating says, but under a daemon: what it holds in the log that was removed must
/// not get into the file that was restored.
#[test]
fn a_backup_that_is_restored_under_a_daemon_ends_it_and_stays_as_it_is() {
    let factory = Factory::bare(Sqlite);
    let file = factory.workspace().join("callboard.db");
    let backup = factory.workspace().join("backup");
    fs::copy(&file, &backup).expect("a copy");
    for name in ["callboard.db-wal", "callboard.db-shm"] {
        let server = Daemon::start(&factory, &["work"]);
        server.until("Ctrl-C stops");
        factory.ok(&["settings", "set", "roles.writer.model", "later"]);
        fs::remove_file(factory.workspace().join(name)).expect("it is there");
        fs::copy(&backup, &file).expect("it is written over");
        let ran = server.ended();
        assert_eq!(ran.code, 3, "{ran}");
        let said = format!("{name} was replaced or removed under this process");
        assert!(ran.stderr.contains(&said), "{ran}");
        if name == "callboard.db-shm" {
            // What its log says counts, and was not restored.
            continue;
        }
        let model = factory.json(&["settings", "get", "roles.writer.model"]);
        assert_ne!(model, "later");
    }
}

#[test]
fn whoever_follows_a_daemon_learns_that_its_file_is_gone() {
    let factory = Factory::bare(Sqlite);
    let server = Daemon::start(&factory, &["work"]);
    server.until("Ctrl-C stops");
    // It keeps its lock, and carries nothing out.
    server.freeze(&factory.url());
    let repository = board();
    let line = diary(repository.path(), DAY);
    let line: Vec<_> = line.iter().map(String::as_str).collect();
    let follower = Daemon::start(&factory, &line);
    follower.until("following");
    let file = factory.workspace().join("callboard.db");
    let backup = factory.workspace().join("backup");
    fs::copy(&file, &backup).expect("a copy");
    fs::rename(&backup, &file).expect("it is put in its place");
    let ran = follower.ended();
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("was replaced or removed"), "{ran}");
    server.signal("CONT");
    let ran = server.ended();
    assert_eq!(ran.code, 3, "{ran}");
    eventually("nobody works on it", || {
        factory.run(&["runs", "list"]).code.eq(&0).then_some(())
    });
}
