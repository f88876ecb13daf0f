//! A guest's statements and values that outlive or outgrow a limit.

use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{
    DeferredWriter, GrantedDatabase, QueryLimits, execute_deferred,
};
use callboard_core::store::{Dialect, Store, StoreErrorKind};
use callboard_core::value::{Statement, Value};
use callboard_factory::diary::git::Git;

use super::attacks;
use crate::scenario::roll_call::{CEILING, add_plugin};
use crate::support::daemon::{BOUND, Daemon, eventually};
use crate::support::database::{runtime, with_database};
use crate::support::factory::{BARE, Factory};
use crate::support::repository::repository;

attacks! {
    a_call_that_nothing_interrupts: "one call of a C function of SQLite that takes minutes" => {
        calls_end
    };
    a_call_that_nothing_interrupts_deferred: "such a call in a deferred write, on the host's connection" => {
        deferred_calls_end
    };
    the_bounds_of_another: "a value larger than its plugin may have, in a deferred write" => {
        deferred_writes_have_their_plugins_limits
    };
    slow_steps_without_a_loop: "a statement without a loop of as many slow steps as are let through" => {
        straight_lines_are_short
    };
    many_calls_in_one_row: "thousands of slow calls in one row, where no loop looks at the clock" => {
        calls_are_counted
    };
    a_row_of_many_large_values: "a row of 40 texts of 60 MB" => { rows_are_bounded };
    a_row_the_server_makes: "a row of one large value, or of many, that PostgreSQL would send whole" => {
        rows_are_measured
    };
    a_message_of_many_megabytes: "a commit whose message has 64 MiB" => { messages_are_cut };
    a_commit_without_a_time: "a commit whose header has no time that can be read, between others" => {
        the_others_are_read
    };
    an_aggregate_that_grows: "an aggregate whose memory grows until the statement's time is over" => {
        aggregates_are_bounded
    };
    a_file_of_ends_of_lines: "a file of five million empty lines, each of which takes git 42 bytes" => {
        lines_are_not_counted
    };
    a_read_that_outlives_its_daemon: "SIGTERM to `serve` while a plugin's query that never ends is under way" => {
        || stops_amid("query", "SELECT count(*) FROM n")
    };
    a_write_that_outlives_its_daemon: "SIGTERM to `serve` while a plugin's write that never ends is under way" => {
        || stops_amid("execute", "INSERT INTO scratch (id) SELECT i FROM n WHERE i < 0")
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

pub(super) fn grants() -> Grants {
    let text = "[[db]]\ntable = \"scratch\"\nverbs = [\"select\", \"insert\"]";
    toml::from_str(text).expect("grants")
}

pub(super) fn writer(limits: CallLimits) -> DeferredWriter {
    DeferredWriter {
        plugin: "p".to_owned(),
        grants: grants(),
        limits,
    }
}

pub(super) async fn scratch(store: &Store) -> GrantedDatabase {
    let sql = "CREATE TABLE scratch (id INTEGER PRIMARY KEY, name TEXT)";
    store.execute(Statement::new(sql)).await.expect("a table");
    let (grants, limits) = (grants(), CallLimits::default());
    let granted = store.granted("p", &grants, &limits);
    granted.await.expect("granted")
}

/// What a statement that ran past its time may not keep: the right to write.
pub(super) async fn host_writes(store: &Store, sql: &str) {
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
                    let (statement, writer) = (Statement::new(*sql), writer(CallLimits::default()));
                    execute_deferred(transaction, &writer, statement, LONGEST).await
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

/// Under what the operator wrote for this plugin, more or less than what others may.
fn deferred_writes_have_their_plugins_limits() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        scratch(&store).await;
        for (value_bytes, fits) in [(3 << 20, true), (1 << 20, false), (1 << 10, false)] {
            let limits = CallLimits {
                value_bytes,
                ..CallLimits::default()
            };
            let written = store.write(move |transaction| {
                Box::pin(async move {
                    let sql = "INSERT INTO scratch (name) VALUES (hex(zeroblob(1000000)))";
                    let statement = Statement::new(sql);
                    execute_deferred(transaction, &writer(limits), statement, LONGEST).await
                })
            });
            let written = written.await;
            assert_eq!(written.is_ok(), fits, "{value_bytes}: {written:?}");
            if let Err(error) = written {
                assert_eq!(error.kind, StoreErrorKind::TooLarge, "{error}");
            }
        }
        let limits = CallLimits {
            statement_seconds: 1,
            ..CallLimits::default()
        };
        let began = Instant::now();
        let endless = store.write(move |transaction| {
            Box::pin(async move {
                let sql = "INSERT INTO scratch (name) WITH RECURSIVE n(i) AS \
                    (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
                let statement = Statement::new(sql);
                let minute = Duration::from_secs(60);
                execute_deferred(transaction, &writer(limits), statement, minute).await
            })
        });
        let error = endless.await.expect_err("it is late");
        assert_eq!(error.kind, StoreErrorKind::Overdue, "{error}");
        assert!(error.message.contains("1s"), "{error}");
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    });
}

/// The slowest statements without a loop that are known to be let through: nothing looks at the
/// clock in them, so the bounds alone see to it that they are short.
fn straight_lines_are_short() {
    with_database(Dialect::Sqlite, async |store: Store, _: String| {
        let database = scratch(&store).await;
        let insert = "INSERT INTO scratch (id, name) VALUES ($1, $2)";
        for (id, of) in [(1_i64, "1"), (2, "a")] {
            let insert = Statement::new(insert).bind(id).bind(of.repeat(1_000_000));
            store.execute(insert).await.expect("a text");
        }
        let numbers = vec![vec!["name"; 99].join(" + "); 10].join(", ");
        let numbers = format!("SELECT {numbers} FROM scratch WHERE id = 1");
        let pattern = "name LIKE '%' || printf('%.*c', 60, 'a') || 'b'";
        let patterns = [pattern; 12].join(", ");
        let patterns = format!("SELECT {patterns} FROM scratch WHERE id = 2");
        let sets = "name GLOB '*[' || printf('%.*c', 58, 'b') || 'a]c'";
        let sets = format!("SELECT {} FROM scratch WHERE id = 2", [sets; 12].join(", "));
        for sql in [numbers, patterns, sets] {
            let began = Instant::now();
            query(&database, &sql).await.expect("let through");
            let took = began.elapsed();
            assert!(took < BOUND, "{sql}: {took:?}");
        }
        for sql in [
            format!(
                "SELECT {}",
                vec![vec!["name"; 99].join(" + "); 11].join(", ")
            ),
            format!(
                "SELECT 1 FROM scratch WHERE id IN ({})",
                vec!["$1"; 1_001].join(", ")
            ),
            format!("SELECT {} FROM scratch", vec![pattern; 26].join(", ")),
        ] {
            let error = query(&database, &sql).await.expect_err("refused");
            assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
        }
        // Rows are stored as they are, so as many as are bound may come at once.
        let rows: Vec<_> = (1..=2_000).map(|at| format!("(${at})")).collect();
        let mut many = Statement::new(format!(
            "INSERT INTO scratch (name) VALUES {}",
            rows.join(", ")
        ));
        for _ in 0..2_000 {
            many = many.bind("x");
        }
        assert_eq!(
            database.execute(many, LONGEST).await.expect("stored"),
            2_000
        );
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

pub(super) async fn query(
    database: &GrantedDatabase,
    sql: &str,
) -> Result<callboard_core::value::Rows, callboard_core::store::StoreError> {
    let limits = QueryLimits::of(&CallLimits::default(), Duration::from_secs(60));
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

/// Texts made by the server, as values and as rows that a change gives. None of them is sent.
fn rows_are_measured() {
    const LARGE: &[&str] = &[
        "SELECT repeat('x', 3000000)",
        "SELECT id, repeat('x', 900000) AS a, repeat('y', 900000) AS a FROM scratch",
        "SELECT json_build_array(repeat('x', 2000000))",
        "SELECT convert_to(repeat('x', 2000000), 'UTF8')",
        "WITH n AS (SELECT repeat('x', 2000000) AS a) SELECT a FROM n ORDER BY a",
        "INSERT INTO scratch (id, name) VALUES (7, 'x') RETURNING repeat(name, 2000000)",
    ];
    with_database(Dialect::Postgres, async |store: Store, _: String| {
        let sql = "CREATE TABLE scratch (id BIGINT PRIMARY KEY, name TEXT)";
        store.execute(Statement::new(sql)).await.expect("a table");
        let sql = "INSERT INTO scratch SELECT i, i::text FROM generate_series(1, 5) AS n (i)";
        store.execute(Statement::new(sql)).await.expect("rows");
        let (grants, mut limits) = (grants(), CallLimits::default());
        limits.row_bytes = 1 << 20;
        // Of one row that is too large, not of one value.
        limits.value_bytes = 4 << 20;
        let database = store.granted("p", &grants, &limits).await.expect("granted");
        for sql in LARGE {
            let limits = QueryLimits::of(&limits, Duration::from_secs(60));
            let mut transaction = database
                .begin(Duration::from_secs(60))
                .await
                .expect("begun");
            let error = transaction.query(Statement::new(*sql), limits).await;
            let error = error.expect_err(sql);
            assert_eq!(error.kind, StoreErrorKind::TooLarge, "{sql}: {error}");
            assert!(
                error.message.contains("a row of"),
                "it came whole: {sql}: {error}"
            );
            drop(transaction);
            // Whose values the caller does not want, is only counted.
            let executed = database.execute(Statement::new(*sql), Duration::from_secs(60));
            assert!(executed.await.expect(sql) >= 1, "{sql}");
        }
        // What is no larger comes as it is: names, kinds, parameters and order.
        let sql = "SELECT name AS \"a \"\"b\"\"\", name AS id, id, $1, $2 + 1, NULL, CAST('[1]' AS JSON) \
            FROM scratch WHERE name <> $1 AND scratch.id < 6 ORDER BY scratch.id DESC";
        let asked = Statement::new(sql).bind("3").bind(41_i64);
        let limits = QueryLimits::of(&limits, Duration::from_secs(60));
        let rows = database.query(asked, limits).await.expect("rows");
        assert_eq!(rows.columns[..3], ["a \"b\"", "id", "id"]);
        let ids: Vec<_> = rows.rows.iter().map(|row| row[2].clone()).collect();
        assert_eq!(ids, [5_i64, 4, 2, 1].map(Value::Integer));
        let text = |text: &str| Value::Text(text.to_owned());
        let first = [
            text("5"),
            text("5"),
            Value::Integer(5),
            text("3"),
            Value::Integer(42),
            Value::Null,
            Value::Json("[1]".to_owned()),
        ];
        assert_eq!(rows.rows[0], first);
        let error = query(&database, "SELECT string_to_array(name, '1') FROM scratch").await;
        assert!(error.expect_err("no value").message.contains("cast it"));
        let rows = query(&database, "SELECT name FROM scratch WHERE id > 99").await;
        assert_eq!(rows.expect("none").rows.len(), 0);
    });
}

/// The most memory that this process, of one test alone, ever had, in KiB.
pub(super) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn messages_are_cut() {
    const PARAGRAPH: &str = "Because it had to be, and nobody asked how long that takes.\n";
    let repository = repository();
    {
        let body = PARAGRAPH.repeat((64 << 20) / PARAGRAPH.len());
        let commit = repository.at("2026-03-02T10:00:00Z").body(&body);
        commit.commit("feat: a long story");
    }
    let id = repository.git(&["rev-parse", "HEAD"], "");
    // What making it took is not to be counted.
    let reset = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak().filter(|_| reset.is_ok());
    runtime().block_on(async {
        let path = repository.path().to_str().expect("a path");
        let deadline = Instant::now() + Duration::from_secs(60);
        let git = Git::open(path, deadline).expect("a repository");
        let commits = git.commits(&[id], &mut (1 << 20)).await;
        let entries = commits.expect("commits").entries;
        assert_eq!(entries[0].subject, "feat: a long story");
        let body = &entries[0].body;
        assert!(
            body.starts_with("Because") && body.len() <= 6_000,
            "{}",
            body.len()
        );
    });
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = after.saturating_sub(before);
        assert!(
            grown < 16 << 10,
            "{grown} KiB for a message of {} KiB",
            64 << 10
        );
    }
}

/// What a repository says of one commit is no reason to read none.
fn the_others_are_read() {
    let repository = repository();
    for (hour, name) in [(8, "search"), (9, "feeds"), (10, "pages")] {
        let commit = repository.at(&format!("2026-01-05T{hour:02}:00:00Z"));
        let commit = commit.file(&format!("src/{name}.rs"), &"fn it() {}\n".repeat(40));
        commit
            .body("Readers could not do without it any longer.")
            .commit(&format!("feat: {name} are there for all readers"));
    }
    let head = |what: &str| repository.git(&["rev-parse", what], "").trim().to_owned();
    let (tree, base) = (head("HEAD^{tree}"), head("HEAD"));
    let write = |object: &str| {
        let arguments = [
            "hash-object",
            "-t",
            "commit",
            "-w",
            "--stdin",
            "--literally",
        ];
        repository.git(&arguments, object).trim().to_owned()
    };
    let bad = write(&format!(
        "tree {tree}\nparent {base}\nauthor a <a@x> abc +0000\ncommitter a <a@x> abc +0000\n\nfeat: bogus\n"
    ));
    let who = "a <a@x> 1767610800 +0000";
    let merge = write(&format!(
        "tree {tree}\nparent {base}\nparent {bad}\nauthor {who}\ncommitter {who}\n\n\
         Merge pull request #1 from x/y\n\nfeat: a page has its own address\n"
    ));
    repository.git(&["update-ref", "HEAD", &merge], "");
    let factory = Factory::bare(Dialect::Sqlite);
    let input = format!("repository={}", repository.path().display());
    let ran = factory.run(&["run", "remember", "--input", &input]);
    assert!(!ran.to_string().contains("has no time"), "{ran}");
    assert_eq!(factory.count("commits"), 4, "{ran}");
    let again = factory.run(&["run", "remember", "--input", &input]);
    assert!(again.to_string().contains("cannot be read"), "{again}");
    let ran = factory.diary(repository.path(), "2026-01-05");
    assert_eq!(ran.code, 4, "{ran}");
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

fn lines_are_not_counted() {
    let repository = repository();
    let commit = repository.at("2026-03-02T10:00:00Z");
    let commit = commit.file("f.txt", &"\n".repeat(5 << 20));
    let id = commit.file("g.txt", "one\ntwo\n").commit("feat: nothing");
    runtime().block_on(async {
        let path = repository.path().to_str().expect("a path");
        let deadline = Instant::now() + Duration::from_secs(60);
        let git = Git::open(path, deadline).expect("a repository");
        let commits = git.commits(&[id], &mut (1 << 20)).await;
        let entries = commits.expect("commits").entries;
        assert_eq!((entries[0].files, entries[0].insertions), (2, 2));
    });
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
