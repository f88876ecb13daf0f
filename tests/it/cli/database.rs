//! Databases that cannot be used: exit code 3 and a reason, with the file left as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::time::{Duration, Instant};

use callboard_core::store::Dialect::{self, Sqlite};
use callboard_core::store::Store;
use callboard_core::value::Statement;
use sqlx::Connection as _;

use super::refuses;
use crate::store::rights::Owned;
use crate::support::database::runtime;
use crate::support::factory::{Factory, on_each};
use crate::support::host::Ran;
use crate::support::program;

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let factory = Factory::bare_written(Sqlite);
    let text = "not a database, but something that somebody may want to keep. ".repeat(100);
    factory.write("callboard.db", &text);
    for command in [&["check"][..], &["apply"], &["posts", "list"], &["serve"]] {
        refuses(&factory, command, 3, &["callboard.db"]);
    }
    assert_eq!(factory.read("callboard.db"), text);
}

#[test]
fn a_damaged_database_is_unavailable() {
    let factory = Factory::bare(Sqlite);
    let file = factory.workspace().join("callboard.db");
    let mut bytes = fs::read(&file).expect("a database");
    // The header stays; every page after it is noise.
    bytes[200..].fill(0x5a);
    fs::write(&file, &bytes).expect("written over");
    refuses(&factory, &["posts", "list"], 3, &[]);
    refuses(&factory, &["apply"], 3, &[]);
}

#[test]
fn a_command_leaves_everything_in_the_one_file() {
    let factory = Factory::bare(Sqlite);
    factory.ok(&["settings", "set", "site.title", "Kept"]);
    for name in ["callboard.db-wal", "callboard.db-shm"] {
        assert!(!factory.workspace().join(name).exists(), "{name} is left");
    }
    // So a copy of the file is a copy of the database.
    let copy = Factory::bare_written(Sqlite);
    fs::copy(
        factory.workspace().join("callboard.db"),
        copy.workspace().join("callboard.db"),
    )
    .expect("copied");
    assert_eq!(copy.ok(&["settings", "get", "site.title"]).trim(), "Kept");
}

#[test]
fn the_file_of_another_program_gets_no_tables() {
    let factory = Factory::bare_written(Sqlite);
    let file = factory.workspace().join("other.db");
    let url = format!("sqlite:{}", file.display());
    runtime().block_on(async {
        let options = format!("{url}?mode=rwc");
        let mut other = sqlx::SqliteConnection::connect(&options)
            .await
            .expect("a file");
        sqlx::raw_sql("CREATE TABLE music (song TEXT)")
            .execute(&mut other)
            .await
            .expect("a table");
        other.close().await.expect("it goes");
    });
    let before = fs::read(&file).expect("a file").len();
    let line = ["runs", "list", "--database", &url];
    refuses(
        &factory,
        &line,
        3,
        &["another program", "name another file"],
    );
    assert_eq!(fs::read(&file).expect("a file").len(), before);
    fs::remove_file(&file).expect("it goes");
}

#[test]
fn a_folder_is_no_database() {
    let factory = Factory::bare_written(Sqlite);
    fs::create_dir(factory.workspace().join("callboard.db")).expect("a folder");
    refuses(&factory, &["check"], 3, &["callboard.db"]);
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    let factory = Factory::bare_written(Sqlite);
    refuses(
        &factory,
        &["check", "--database", "mysql://x/y"],
        2,
        &["sqlite:PATH", "postgres://"],
    );
    refuses(&factory, &["check", "--database", ""], 2, &["sqlite:PATH"]);
}

#[test]
fn a_server_that_does_not_answer_is_unavailable() {
    let factory = Factory::bare_written(Sqlite);
    // A port that was free a moment ago; no process listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let url = format!("postgres://ada:hunter2@127.0.0.1:{port}/factory");
    let ran = refuses(&factory, &["check", "--database", &url], 3, &[]);
    assert!(
        !ran.to_string().contains("hunter2"),
        "the password is not shown: {ran}"
    );
}

/// A command line as a user who may not write what is not theirs: the superuser of the machine may
/// write everything.
fn as_somebody(factory: &Factory, arguments: &[&str]) -> Ran {
    let mut command = factory.command(arguments);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    command.output().expect("it starts").into()
}

#[test]
fn a_database_that_may_only_be_read_is_unavailable_at_once() {
    let factory = Factory::bare(Sqlite);
    let (folder, file) = (
        factory.workspace(),
        factory.workspace().join("callboard.db"),
    );
    let top = folder.parent().expect("a folder around it");
    for (path, mode) in [(top, 0o755), (&folder, 0o777), (&file, 0o444)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }
    let began = Instant::now();
    for line in [
        &["settings", "set", "site.title", "x"][..],
        &["policies", "run", "commits_keep_newest"],
    ] {
        let ran = as_somebody(&factory, line);
        assert_eq!(ran.code, 3, "{line:?}: {ran}");
        assert!(ran.stderr.contains("is read-only"), "{ran}");
        assert!(
            ran.stderr.contains("give this user the right to write"),
            "{ran}"
        );
    }
    // What only reads goes on.
    let ran = as_somebody(&factory, &["settings", "get", "site.title"]);
    assert_eq!(ran.code, 0, "{ran}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("ours");
    let ran = as_somebody(&factory, &["settings", "set", "site.title", "x"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("folder"), "{ran}");
    // A file system that is mounted to be read is such a folder.
    for line in [
        &["settings", "get", "site.title"][..],
        &["runs", "list"],
        &["posts", "list"],
        &["gates", "list"],
        &["check"],
    ] {
        let ran = as_somebody(&factory, line);
        assert_eq!(ran.code, 0, "{line:?}: {ran}");
    }
    // No lock is waited for. Each command alone would have been, for ten seconds.
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_database_that_another_program_has_locked_is_unavailable_and_the_program_named() {
    let factory = Factory::bare(Sqlite);
    let url = factory.url();
    runtime().block_on(async {
        let store = Store::open(&url).await.expect("it opens");
        let (locked, wait) = tokio::sync::oneshot::channel();
        let (done, over) = tokio::sync::oneshot::channel::<()>();
        // This test is the other program: a transaction that does not end.
        let held = store.write(move |transaction| {
            Box::pin(async move {
                transaction
                    .execute(Statement::new("DELETE FROM findings"))
                    .await?;
                locked.send(()).ok();
                over.await.ok();
                Ok(())
            })
        });
        let refused = async {
            wait.await.expect("it is locked");
            let id = format!("process {}", std::process::id());
            let line = ["settings", "set", "site.title", "x"];
            let ran = tokio::task::block_in_place(|| factory.run(&line));
            assert_eq!(ran.code, 3, "{ran}");
            for part in [&id, "callboard.db", "stop it or wait for it"] {
                assert!(ran.stderr.contains(part), "{part}: {ran}");
            }
            done.send(()).ok();
        };
        let (held, ()) = tokio::join!(held, refused);
        held.expect("it ends");
    });
    factory.ok(&["settings", "set", "site.title", "x"]);
}

/// Whatever is asked for that needs it.
#[test]
fn a_right_that_is_missing_on_a_table_of_the_host_is_told_with_its_mend() {
    let owned = Owned::new();
    let factory = Factory::written_at(&owned.url).strip();
    factory.ok(&["apply"]);
    let user = &owned.user;
    for (table, right, lines) in [
        (
            "open_runs",
            "INSERT",
            &["policies run commits_keep_newest"][..],
        ),
        ("locks", "UPDATE", &["policies run commits_keep_newest"]),
        ("settings", "INSERT", &["settings set site.title x"]),
        ("posts", "SELECT", &["posts list"]),
        (
            "migrations",
            "SELECT",
            &["runs list", "check", "apply", "settings list"],
        ),
    ] {
        owned.administer(&format!("REVOKE {right} ON {table} FROM {user}"));
        let mend = format!("GRANT {right} ON {table} TO {user}");
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            refuses(&factory, &words, 3, &[mend.as_str()]);
        }
        owned.administer(&mend);
    }
    // A table that plugins and handlers may have is there, whoever has it.
    owned.administer("ALTER TABLE commits OWNER TO postgres");
    let ran = factory.run(&["check"]);
    let said = [
        "table `commits` belongs to `postgres`".to_owned(),
        format!("ALTER TABLE commits OWNER TO {user}"),
    ];
    for said in said {
        assert!(ran.to_string().contains(&said), "{said}: {ran}");
    }
    assert!(!ran.to_string().contains("has no table"), "{ran}");
}

/// A user or a container whose processes are bounded.
#[test]
fn a_process_that_gets_no_thread_says_so() {
    let factory = Factory::bare_written(Sqlite);
    let program = program();
    let program = program.to_str().expect("UTF-8");
    // The bound has another letter in another shell.
    let line = "ulimit -u 1 2>/dev/null || ulimit -p 1; exec \"$0\" runs list";
    let mut command = factory.around("sh", &["-c", line, program]);
    if rustix::process::geteuid().is_root() {
        command.uid(65_533).gid(65_533);
        let folder = factory.workspace();
        let top = folder.parent().expect("a folder around it");
        for path in [top, &folder] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
        }
    }
    let ran = Ran::from(command.output().expect("it starts"));
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("too few threads"), "{ran}");
    assert!(!ran.stderr.contains("panicked"), "{ran}");
}

on_each!(
    a_database_of_a_newer_program_is_refused_and_left_alone,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        factory.execute("INSERT INTO migrations (owner, number, digest) VALUES ('host', 99, 'x')");
        for command in [&["check"][..], &["apply"], &["serve"], &["runs", "list"]] {
            refuses(&factory, command, 3, &["schema 99", "newer callboard"]);
        }
    }
);

#[test]
fn a_name_that_no_database_has_is_said_and_makes_none() {
    let factory = Factory::bare(Sqlite);
    let ran = factory.run(&["--database", "sqlite:typo.db", "runs", "list"]);
    assert_eq!(ran.code, 0, "{ran}");
    let said = "there is no database sqlite:typo.db yet";
    assert!(ran.stderr.contains(said), "{ran}");
    assert!(!factory.workspace().join("typo.db").exists());
    let ran = factory.run(&["--database", "sqlite:typo.db", "doctor"]);
    assert!(ran.stdout.contains("  mend  callboard apply\n"), "{ran}");
    // The workspace's own comes with `apply`.
    let fresh = Factory::bare_written(Sqlite);
    assert_eq!(fresh.run(&["runs", "list"]).stderr, "");
}

#[test]
fn two_workspaces_can_name_one_database_by_the_option() {
    let factory = Factory::bare(Sqlite);
    let other = Factory::bare_written(Sqlite);
    let listed = other.ok(&["--database", &factory.url(), "revisions", "list"]);
    assert!(listed.contains("active"), "{listed}");
    assert!(
        !other.workspace().join("callboard.db").exists(),
        "the one of the file is not touched"
    );
}
