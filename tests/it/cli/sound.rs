//! A database that is damaged, takes no writes, or is another one than before: everybody says so, and
//! no run pays for it.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::sync::Arc;

use callboard_core::app::{App, AppError};
use callboard_core::store::Dialect::{Postgres, Sqlite};
use callboard_core::value::Statement;
use sqlx::{Connection as _, PgConnection};

use crate::support::daemon::{Daemon, eventually, get};
use crate::support::database::runtime;
use crate::support::factory::{Factory, KEEP};
use crate::support::host::Ran;
use crate::support::program;

/// Write noise over the page with which an index begins.
fn damage(factory: &Factory, index: &str) {
    let number = |sql: &str| {
        let rows = factory.query(sql);
        let row = rows.first().expect("a row");
        row.integer("n").expect("a number").unsigned_abs()
    };
    let page = number(&format!(
        "SELECT rootpage AS n FROM sqlite_schema WHERE name = '{index}'"
    ));
    let size = number("SELECT page_size AS n FROM pragma_page_size");
    let path = factory.workspace().join("callboard.db");
    let file = OpenOptions::new().write(true).open(path);
    let noise = vec![0xa5; usize::try_from(size).expect("a size")];
    let written = file
        .expect("it is there")
        .write_all_at(&noise, (page - 1) * size);
    written.expect("it is damaged");
}

#[test]
fn a_damaged_database_is_said_everywhere_and_costs_no_run() {
    let factory = Factory::bare(Sqlite);
    let config = factory.read("callboard.toml");
    factory.write("callboard.toml", config + "\n[engine]\nlease = \"2s\"\n");
    factory.ok(&["apply"]);
    damage(&factory, "history_finished");
    // The upkeep begins by itself, and no end of it can be kept.
    let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address();
    let line = server.until("no run is taken any more");
    assert!(line.contains("the database is damaged"), "{line}");
    assert_eq!(get(address, "/health").status, 503);
    let ran = factory.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout.contains("the database is damaged") && ran.stdout.contains("backup"),
        "{ran}"
    );
    server.signal("TERM");
    let ran = server.ended();
    assert_eq!(ran.code, 0, "{ran}");
    assert!(factory.count("open_runs") > 0, "nothing has ended");
    let paid = "open_runs WHERE recoveries > 0 OR status NOT IN ('queued', 'waiting')";
    assert_eq!(factory.count(paid), 0);
    let told = factory.count("open_runs WHERE detail LIKE 'given back: the database is damaged%'");
    assert!(told > 0);
}

#[test]
fn a_database_that_takes_no_writes_is_not_there_for_now() {
    let factory = Factory::bare(Postgres);
    let name = factory.texts("SELECT current_database()::text AS name", "name");
    factory.execute(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        name[0]
    ));
    let ran = factory.run(&["policies", "run", KEEP]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr.contains("default_transaction_read_only"),
        "{ran}"
    );
}

#[test]
fn a_database_that_is_restored_under_a_daemon_ends_it() {
    let factory = Factory::bare(Postgres);
    let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    server.address();
    // The daemon reads meanwhile: the server may end one of two that wait for each other.
    eventually("it is empty", || {
        runtime().block_on(async {
            let mut other = PgConnection::connect(&factory.url()).await.ok()?;
            let anew = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            let made = sqlx::raw_sql(anew).execute(&mut other).await;
            other.close().await.ok()?;
            made.ok().map(drop)
        })
    });
    factory.ok(&["apply"]);
    let Ran { code, stderr, .. } = server.ended();
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("another database was restored"), "{stderr}");
}

/// A restore may give the number of a revision to another one.
#[test]
fn a_revision_is_known_by_what_is_in_it() {
    let factory = Factory::bare(Sqlite);
    runtime().block_on(async {
        let app = App::open(&factory.workspace(), None).await.expect("an app");
        let loaded = async || app.loaded_revision(1).await;
        let first = loaded().await.expect("it loads");
        assert!(Arc::ptr_eq(&first, &loaded().await.expect("it is at hand")));
        let other = Statement::new("UPDATE revisions SET digest = 'other' WHERE id = 1");
        app.store().execute(other).await.expect("another one");
        // Its files are not what this digest says, and nothing at hand is taken for it.
        assert!(matches!(loaded().await, Err(AppError::ChangedRevision(1))));
        app.store().close().await;
    });
}

/// As on a full disk: nothing is left of an export, and the code is that of what is not there for now.
#[test]
fn an_export_that_has_no_room_leaves_nothing_behind() {
    let factory = Factory::bare(Sqlite);
    factory.write("site/wide.css", "a { color: red }\n".repeat(20_000));
    factory.ok(&["apply"]);
    let program = program();
    let program = program.to_str().expect("UTF-8");
    let export = |folder: &str| {
        let line = "trap '' XFSZ; ulimit -f 200; exec \"$0\" posts export \"$1\"";
        let ran = factory
            .around("sh", &["-c", line, program, folder])
            .output();
        Ran::from(ran.expect("it starts"))
    };
    let there = || {
        let all = std::fs::read_dir(factory.workspace()).expect("a folder");
        let mut all: Vec<_> = all.flatten().map(|it| it.file_name()).collect();
        all.retain(|name| !name.to_string_lossy().starts_with("callboard.db"));
        all.sort();
        all
    };
    let before = there();
    for folder in ["pub", "deep/er/pub"] {
        let ran = export(folder);
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.stderr.contains("File too large"), "{ran}");
        assert_eq!(there(), before);
    }
    // Nor in a folder that was there.
    let own = factory.workspace().join("own");
    std::fs::create_dir(&own).expect("a folder");
    assert_eq!(export("own").code, 3);
    assert_eq!(std::fs::read_dir(&own).expect("a folder").count(), 0);
    std::fs::remove_dir(&own).expect("it is empty");
    factory.ok(&["apply"]);
    // With room it is there as a whole, as any folder is, and is written again.
    for _ in 0..2 {
        factory.ok(&["posts", "export", "deep/er/pub"]);
        let wide = factory.read("deep/er/pub/wide.css");
        assert_eq!(wide.lines().count(), 20_000);
    }
    let mode = |folder: &str| {
        let folder = factory.workspace().join(folder).metadata();
        folder.expect("it is there").permissions().mode()
    };
    assert_eq!(mode("deep/er/pub"), mode("deep/er"));
}

/// A file that may not grow further is an error with a sentence, and no death without a word.
#[test]
fn a_limit_on_the_size_of_files_is_said() {
    let factory = Factory::bare(Sqlite);
    let program = program();
    let program = program.to_str().expect("UTF-8");
    let line = "ulimit -f 1; exec \"$0\" settings set roles.writer.model other";
    let ran = factory.around("sh", &["-c", line, program]).output();
    let ran = Ran::from(ran.expect("it starts"));
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("error"), "{ran}");
}
