//! A database that another program keeps locked, or replaces under a daemon: it is said within
//! seconds, by name, and ends what it must.

use std::fs;
use std::path::Path;

use callboard_core::store::Dialect::{Postgres, Sqlite};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::daemon::{Daemon, eventually, get, until_frozen};
use crate::support::database::runtime;
use crate::support::factory::{DAY, Factory, board, diary};

/// A session of another program, in a transaction that took a lock.
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

/// No process has it in hand, and it would hold its locks for ever.
#[test]
fn a_prepared_transaction_that_was_forgotten_is_named() {
    let factory = Factory::bare(Postgres);
    let runtime = runtime();
    let lock = "LOCK TABLE open_runs IN ACCESS EXCLUSIVE MODE";
    let (mut other, _) = runtime.block_on(stranger(&factory, lock));
    let mut says = |sql: &'static str| {
        let said = runtime.block_on(async { sqlx::raw_sql(sql).execute(&mut other).await });
        said.expect("it does as it is told");
    };
    says("PREPARE TRANSACTION 'forgotten'");
    let ran = factory.run(&["runs", "list"]);
    says("ROLLBACK PREPARED 'forgotten'");
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr.contains("ROLLBACK PREPARED 'forgotten'"),
        "{ran}"
    );
    factory.ok(&["runs", "list"]);
}

/// A daemon that keeps its lock and carries nothing out, and a run that follows it.
fn frozen(factory: &Factory, repository: &Path) -> (Daemon, Daemon) {
    let server = Daemon::start(factory, &["work"]);
    server.until("Ctrl-C stops");
    server.freeze(&factory.url());
    let line = diary(repository, DAY);
    let line: Vec<_> = line.iter().map(String::as_str).collect();
    let follower = Daemon::start(factory, &line);
    follower.until("following");
    (server, follower)
}

#[test]
fn a_daemon_that_is_frozen_with_the_file_to_itself_is_a_problem() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    let (server, follower) = frozen(&factory, repository.path());
    factory.execute("UPDATE open_runs SET wake_at = wake_at - 3600000000");
    factory.execute(
        "INSERT INTO workers (name, seen_at) VALUES ('w', 1) \
        ON CONFLICT (name) DO NOTHING",
    );
    factory.execute("UPDATE workers SET seen_at = 1");
    let ran = factory.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran}");
    let resume = format!("kill -CONT {}", server.id());
    assert!(
        ran.stdout.contains("was last seen") && ran.stdout.contains(&resume),
        "{ran}"
    );
    server.signal("CONT");
    follower.ended();
}

#[test]
fn a_lock_on_what_a_checkpoint_writes_is_seen_by_whoever_asks_after_the_health() {
    let factory = Factory::bare(Postgres);
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let address = server.address();
    let runtime = runtime();
    let lock = "LOCK TABLE stage_runs IN SHARE MODE";
    let (other, _) = runtime.block_on(stranger(&factory, lock));
    eventually("it is not well", || {
        (get(address, "/health").status == 503).then_some(())
    });
    runtime.block_on(other.close()).expect("it goes");
    eventually("it is well", || {
        (get(address, "/health").status == 200).then_some(())
    });
    // One cause is told once, however many checks it would hold up.
    let lock = "LOCK TABLE open_runs IN ACCESS EXCLUSIVE MODE";
    let (other, id) = runtime.block_on(stranger(&factory, lock));
    let ran = factory.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran}");
    let named = format!("session {id} of ");
    assert_eq!(ran.stdout.matches(&named).count(), 1, "{ran}");
    runtime.block_on(other.close()).expect("it goes");
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

/// As the page does not say: the log stays, and the file that is written over is the same one.
#[test]
fn a_backup_that_is_copied_over_the_file_of_a_daemon_ends_it() {
    let factory = Factory::bare(Sqlite);
    let file = factory.workspace().join("callboard.db");
    let backup = factory.workspace().join("backup");
    fs::copy(&file, &backup).expect("a copy");
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    let address = server.address();
    factory.ok(&["settings", "set", "roles.writer.model", "later"]);
    // It has looked at the file since its log was begun.
    assert_eq!(get(address, "/health").status, 200);
    fs::copy(&backup, &file).expect("it is written over");
    let ran = server.ended();
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr.contains("was written over under this process"),
        "{ran}"
    );
    for name in ["callboard.db-wal", "callboard.db-shm"] {
        assert!(ran.stderr.contains(name), "{ran}");
        fs::remove_file(factory.workspace().join(name)).expect("it was left");
    }
    fs::copy(&backup, &file).expect("it is put there again");
    let model = factory.json(&["settings", "get", "roles.writer.model"]);
    assert_ne!(model, "later");
}

/// A run is carried out by the command itself, and frozen in the middle of a stage.
#[test]
fn a_file_that_is_replaced_under_a_command_that_carries_a_run_ends_it() {
    let factory = Factory::bare(Sqlite);
    let file = factory.workspace().join("callboard.db");
    let backup = factory.workspace().join("backup");
    let repository = board();
    let line = diary(repository.path(), DAY);
    let line: Vec<_> = line.iter().map(String::as_str).collect();
    let commands: [&[&str]; 2] = [&line, &["runs", "tail"]];
    for line in commands {
        fs::copy(&file, &backup).expect("a copy");
        let mut command = factory.command(line);
        command.env("CALLBOARD_FAULT", "before-handler=stop");
        let carrier = Daemon::of(command);
        if line[0] == "run" {
            until_frozen(carrier.id());
        } else {
            // It looks at it.
            eventually("it has the file open", || {
                let open = fs::read_dir(format!("/proc/{}/fd", carrier.id())).ok()?;
                let links = open
                    .flatten()
                    .filter_map(|it| fs::read_link(it.path()).ok());
                links.into_iter().any(|it| it == file).then_some(())
            });
        }
        for name in ["callboard.db-wal", "callboard.db-shm"] {
            fs::remove_file(factory.workspace().join(name)).expect("it is there");
        }
        fs::copy(&backup, &file).expect("it is put there");
        carrier.signal("CONT");
        let ran = carrier.ended();
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.stderr.contains("was replaced or removed"), "{ran}");
        factory.ok(&["runs", "list"]);
    }
}

#[test]
fn whoever_follows_a_daemon_learns_that_its_file_is_gone() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    let (server, follower) = frozen(&factory, repository.path());
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

#[test]
fn whoever_only_follows_gives_nothing_back() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    let (server, follower) = frozen(&factory, repository.path());
    follower.signal("INT");
    let ran = follower.ended();
    assert_eq!(ran.code, 130, "{ran}");
    for said in ["is not followed any more", "callboard runs cancel"] {
        assert!(ran.stderr.contains(said), "{ran}");
    }
    assert!(!ran.stderr.contains("given back"), "{ran}");
    server.signal("CONT");
}

/// As on a disk that was full when it began.
#[test]
fn a_lock_that_says_nothing_is_another_process_until_it_says_who() {
    let factory = Factory::bare(Sqlite);
    let repository = board();
    let lock = factory.workspace().join("callboard.db.lock");
    let server = Daemon::start(&factory, &["work"]);
    server.until("Ctrl-C stops");
    server.freeze(&factory.url());
    fs::write(&lock, "").expect("it is emptied");
    let line = diary(repository.path(), DAY);
    let line: Vec<_> = line.iter().map(String::as_str).collect();
    let follower = Daemon::start(&factory, &line);
    follower.until("another process carries it out");
    server.signal("CONT");
    let wanted = format!("{} work\n", server.id());
    eventually("it says who it is", || {
        let said = fs::read_to_string(&lock).ok()?;
        (said == wanted).then_some(())
    });
    follower.ended();
}
