//! A guest's statements and values that outlive or outgrow a limit.

use std::time::{Duration, Instant};

use callboard_core::config::Limits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{GrantedDatabase, QueryLimits, execute_deferred};
use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::Statement;

use super::attacks;
use crate::scenario::roll_call::{CEILING, add_plugin};
use crate::support::daemon::{BOUND, Daemon, eventually};
use crate::support::database::with_database;
use crate::support::factory::{BARE, DAY, Factory, board};

attacks! {
    a_call_that_nothing_interrupts: "one call of a C function of SQLite that takes minutes" => {
        calls_end
    };
    a_call_that_nothing_interrupts_deferred: "such a call in a deferred write, on the host's connection" => {
        deferred_calls_end
    };
    many_calls_in_one_row: "thousands of slow calls in one row, where no loop looks at the clock" => {
        calls_are_counted
    };
    a_row_of_many_large_values: "a row of 40 texts of 60 MB" => { rows_are_bounded };
    an_aggregate_that_grows: "an aggregate whose memory grows until the statement's time is over" => {
        aggregates_are_bounded
    };
    a_read_that_outlives_its_daemon: "SIGTERM to `serve` while a plugin's query that never ends is under way" => {
        || stops_amid("query", "SELECT count(*) FROM n")
    };
    a_write_that_outlives_its_daemon: "SIGTERM to `serve` while a plugin's write that never ends is under way" => {
        || stops_amid("execute", "INSERT INTO scratch (id) SELECT i FROM n WHERE i < 0")
    };
    a_template_that_never_ends: "a template of the site with nested loops of 99,999 rounds" => {
        renderings_end
    };
}

/// How long a statement may take here.
const LONGEST: Duration = Duration::from_secs(2);

/// Statements that took from half a minute to days on a value of the largest size.
const ENDLESS: &[&str] = &[
    "INSERT INTO scratch (name) SELECT instr(printf('%.*c', 60000000, 'a'), printf('%.*c', 30000000, 'a') || 'b')",
    "INSERT INTO scratch (name) SELECT instr(printf('%.*c', 1000000, 'a'), printf('%.*c', 500000, 'a') || 'b')",
    "INSERT INTO scratch (name) SELECT length(replace(printf('%.*c', 1000000, 'a'), printf('%.*c', 500000, 'a') || 'b', 'c'))",
    "INSERT INTO scratch (name) SELECT length(trim(printf('%.*c', 1000000, 'a'), hex(zeroblob(500000)) || 'a'))",
    "INSERT INTO scratch (name) SELECT length(unhex(printf('%.*c', 1000000, 'g'), printf('%.*c', 500000, 'f') || 'g'))",
    "INSERT INTO scratch (name) SELECT length(json_patch('{}', '{}'))",
    "INSERT INTO scratch (name) SELECT printf('%.*c', 1000000, 'a') LIKE '%' || printf('%.*c', 900, 'a') || 'b'",
    "INSERT INTO scratch (name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
        SELECT count(*) FROM n WHERE instr(printf('%.*c', 1000000, 'a'), 'b') > i",
];

fn grants() -> Grants {
    let text = "[[db]]\ntable = \"scratch\"\nverbs = [\"select\", \"insert\"]";
    toml::from_str(text).expect("grants")
}

async fn scratch(store: &Store) -> GrantedDatabase {
    let sql = "CREATE TABLE scratch (id INTEGER PRIMARY KEY, name TEXT)";
    store.execute(Statement::new(sql)).await.expect("a table");
    let (grants, limits) = (grants(), Limits::default());
    let granted = store.granted("p", &grants, &limits);
    granted.await.expect("granted")
}

/// What a statement that ran past its time may not keep: the right to write.
async fn host_writes(store: &Store, sql: &str) {
    let insert = Statement::new("INSERT INTO scratch (name) VALUES ('host')");
    let written = tokio::time::timeout(BOUND, store.execute(insert)).await;
    written.expect(sql).expect(sql);
}

fn calls_end() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        for sql in ENDLESS {
            let began = Instant::now();
            let run = database.execute(Statement::new(*sql), LONGEST);
            if let Err(error) = run.await {
                use StoreErrorKind::{Denied, Statement, Timeout, TooLarge};
                let kinds = [Denied, Statement, Timeout, TooLarge];
                assert!(kinds.contains(&error.kind), "{sql}: {error:?}");
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{sql}: {:?}",
                began.elapsed()
            );
            host_writes(&store, sql).await;
        }
    });
}

fn deferred_calls_end() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        scratch(&store).await;
        for sql in ENDLESS {
            let began = Instant::now();
            let written = store.write(|transaction| {
                Box::pin(async {
                    let statement = Statement::new(*sql);
                    execute_deferred(transaction, "p", &grants(), statement, LONGEST).await
                })
            });
            drop(written.await);
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{sql}: {:?}",
                began.elapsed()
            );
            host_writes(&store, sql).await;
        }
        // What holds for a plugin's statement does not hold for the host's afterwards.
        let sql = "INSERT INTO scratch (name) VALUES (hex(zeroblob(3000000)))";
        store
            .execute(Statement::new(sql))
            .await
            .expect("the host may");
    });
}

fn calls_are_counted() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let call = "strftime(replace(hex(zeroblob(250000)), '0', '%J'), 'now')";
        let sql = format!("SELECT {}", vec![call; 99].join(" || "));
        let error = query(&database, &sql).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
        assert!(error.message.contains("calls of functions"), "{error}");
    });
}

async fn query(
    database: &GrantedDatabase,
    sql: &str,
) -> Result<callboard_core::value::Rows, callboard_core::store::StoreError> {
    let limits = QueryLimits::of(&Limits::default(), Duration::from_secs(60));
    database.query(Statement::new(sql), limits).await
}

fn rows_are_bounded() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let sql = format!("SELECT {}", vec!["hex(zeroblob(30000000))"; 40].join(", "));
        let error = query(&database, &sql).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::TooLarge, "{error}");
        assert!(error.message.contains("`value_bytes`"), "{error}");
        let sql = format!("SELECT {}", vec!["hex(zeroblob(500000))"; 101].join(", "));
        let error = query(&database, &sql).await.expect_err("refused");
        assert!(error.message.contains("100 columns"), "{error}");
        let sql = format!("SELECT {}", vec!["hex(zeroblob(500000))"; 80].join(", "));
        let error = query(&database, &sql).await.expect_err("refused");
        assert!(error.message.contains("`row_bytes`"), "{error}");
    });
}

fn aggregates_are_bounded() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
            SELECT length(json_group_array(hex(zeroblob(500000)))) FROM n";
        let error = query(&database, sql).await.expect_err("refused");
        assert_eq!(error.kind, StoreErrorKind::TooLarge, "{error}");
        assert!(error.message.contains("MiB"), "{error}");
    });
}

fn renderings_end() {
    let factory = Factory::bare(Dialect::Sqlite);
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    let write = |template: String| {
        let template =
            format!("{{% extends \"base.html\" %}}{{% block main %}}{template}{{% endblock %}}");
        factory.write("site/post.html", template);
    };
    // On the samples, before it is the active revision.
    write(loops.to_owned());
    let ran = factory.run(&["apply"]);
    assert_ne!(ran.code, 0, "{ran}");
    for part in ["post.html", "steps"] {
        assert!(ran.to_string().contains(part), "{part}: {ran}");
    }
    // On a post that is unlike the samples.
    write(format!(
        "{{% if post.title == 'Endless' %}}{loops}{{% endif %}}"
    ));
    factory.ok(&["apply"]);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", "latest"]);
    factory.execute("UPDATE posts SET title = 'Endless'");
    let ran = factory.run(&["posts", "export", "out"]);
    assert_ne!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("post.html") && ran.stderr.contains("steps"),
        "{ran}"
    );
}

/// The daemon ends, although the statement has ten minutes.
fn stops_amid(mode: &str, statement: &str) {
    let factory = Factory::bare_written(Dialect::Sqlite);
    let rules =
        "[engine]\ndrain = \"1s\"\n[limits.misbehave]\nseconds = 600\nstatement_seconds = 600\n";
    factory.write("callboard.toml", format!("{BARE}{CEILING}{rules}"));
    factory.execute("CREATE TABLE scratch (id BIGINT)");
    add_plugin(&factory, "misbehave");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    let stage = format!(
        "name = \"probe\"\nbudget = \"20m\"\n[[stage]]\nid = \"a\"\nhandler = \"probe.queries\"\n\
         timeout = \"15m\"\nconfig = {{ mode = \"{mode}\", statement = \"{endless} {statement}\" }}\n"
    );
    factory.write("pipelines/probe.toml", stage);
    factory.ok(&["apply"]);
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    daemon.address();
    let follower = Daemon::start(&factory, &["run", "probe"]);
    daemon.until("pipeline=\"probe\"");
    // It would carry the run on in its turn.
    drop(follower);
    let began = processor_time(daemon.id());
    eventually("the statement is at work", || {
        (processor_time(daemon.id()) > began + 200).then_some(())
    });
    daemon.signal("TERM");
    let ended = daemon.ended();
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(factory.count("open_runs WHERE status = 'queued'"), 1);
    assert_eq!(factory.execute("INSERT INTO scratch (id) VALUES (1)"), 1);
}

/// The time that a process has computed for, in hundredths of a second.
fn processor_time(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it is there");
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let times = rest.split_whitespace().skip(11).take(2);
    times
        .map(|time| time.parse::<u64>().expect("a number"))
        .sum()
}
