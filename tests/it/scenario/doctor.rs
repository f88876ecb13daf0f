//! `doctor`: it is silent about what is well, names what is not, and changes nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use callboard_core::store::Dialect;
use serde_json::Value as Json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use crate::store::rights::Owned;
use crate::support::daemon::{Daemon, eventually, get};
use crate::support::database::runtime;
use crate::support::factory::{Factory, KEEP, on_each};

/// What a check found, as `check level problem`.
fn symptoms(factory: &Factory) -> (i32, Vec<String>) {
    let ran = factory.run(&["--format", "json", "doctor"]);
    let diagnosis: Json =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let symptoms = diagnosis["symptoms"].as_array().expect("a list");
    let text = |symptom: &Json, key: &str| symptom[key].as_str().expect("a text").to_owned();
    let symptoms = symptoms.iter().map(|symptom| {
        assert!(!text(symptom, "mend").is_empty(), "{symptom}");
        ["check", "level", "subject", "problem"]
            .map(|key| text(symptom, key))
            .join(" | ")
    });
    (ran.code, symptoms.collect())
}

/// A run of a policy, ended, with its checkpoint; gives its id.
fn ended(factory: &Factory) -> String {
    factory.ok(&["policies", "run", KEEP]);
    let runs = factory.json(&["runs", "list"]);
    runs[0]["id"].as_str().expect("an id").to_owned()
}

/// An open run like the ended one.
fn open(factory: &Factory, id: &str, columns: &str, values: &str) {
    let changed = factory.execute(&format!(
        "INSERT INTO open_runs (id, pipeline, revision, detail, input, origin, priority, \
            created_at, spent, fence, recoveries, signals, {columns}) \
        SELECT '{id}', pipeline, revision, 'a cause', input, origin, priority, created_at, \
            spent, fence, 0, 0, {values} FROM history LIMIT 1"
    ));
    assert_eq!(changed, 1);
}

const REST: &str = "status, wake_at, lease_until, worker";
const LATER: i64 = 9_000_000_000_000_000;

/// A checkpoint like the one there is, with some columns changed.
fn checkpoint(factory: &Factory, run: &str, stage: &str, step: i64, fence: i64, follow: &str) {
    factory.execute(&format!(
        "INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, holds, \
            outcome, follow, report, superseded, started_at, finished_at) \
        SELECT '{run}', '{stage}', 1, {step}, {fence}, handler, 1, 0, 'unavailable', '{follow}', \
            report, FALSE, 1, 1 FROM stage_runs LIMIT 1"
    ));
}

on_each!(
    a_workspace_that_is_not_applied_is_said_to_be_so_and_stays_so,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        let (code, found) = symptoms(&factory);
        assert_eq!((code, found.len()), (1, 1), "{found:?}");
        assert!(found[0].starts_with("database | problem"), "{found:?}");
        let diagnosis = factory.run(&["--format", "json", "doctor"]).stdout;
        let diagnosis: Json = serde_json::from_str(&diagnosis).expect("JSON");
        assert_eq!(diagnosis["symptoms"][0]["mend"], "callboard apply");
        let file = factory.workspace().join("callboard.db");
        assert!(!file.exists(), "it has made a database");
        factory.query("SELECT COUNT(*) AS runs FROM open_runs");
        let (code, found) = symptoms(&factory);
        assert_eq!(code, 1, "{found:?}");
        assert!(found[0].contains("nothing is applied yet"), "{found:?}");
        assert_eq!(found.len(), 1, "one cause: {found:?}");
    }
);

on_each!(
    a_worker_that_runs_is_not_to_be_started,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        ended(&factory);
        let worker = Daemon::start(&factory, &["work"]);
        worker.until("Ctrl-C stops");
        if dialect == Dialect::Postgres {
            eventually("it was seen", || {
                (factory.count("workers") == 1).then_some(())
            });
        }
        worker.freeze(&factory.url());
        open(&factory, "expired", REST, "'running', 1, 1, 'ghost/1'");
        let told = factory.run(&["doctor"]).stdout;
        assert!(told.contains("should have taken it back"), "{told}");
        assert!(!told.contains("start `callboard serve`"), "{told}");
        worker.signal("CONT");
        worker.signal("TERM");
        assert_eq!(worker.ended().code, 0);
        assert_eq!(factory.count("workers"), 0);
    }
);

on_each!(what_is_well_is_told_in_one_line, |dialect: Dialect| {
    let factory = Factory::bare(dialect);
    ended(&factory);
    let ran = factory.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.ends_with("all is well\n"), "{ran}");
});

on_each!(
    a_run_that_cannot_be_read_has_a_mend_that_ends_it,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        ended(&factory);
        let rest = format!("'paused', {LATER}, 0, NULL");
        open(&factory, "broken", REST, &rest);
        factory.execute("UPDATE open_runs SET input = '{bad'");
        let (code, found) = symptoms(&factory);
        assert_eq!(code, 1, "{found:?}");
        let told = factory.run(&["doctor"]).stdout;
        assert!(told.contains("`callboard runs cancel broken`"), "{told}");
        let ran = factory.run(&["runs", "prune", "broken"]);
        assert!(
            ran.code == 1 && ran.stderr.contains("has not ended"),
            "{ran}"
        );
        factory.ok(&["runs", "cancel", "broken"]);
        // It is worth knowing, and nothing waits for it.
        let told = factory.ok(&["doctor"]);
        assert!(
            told.contains("`callboard runs prune broken` removes it"),
            "{told}"
        );
        factory.ok(&["runs", "prune", "broken"]);
        assert_eq!(factory.count("history WHERE id = 'broken'"), 0);
        let told = factory.ok(&["doctor"]);
        assert!(!told.contains("broken"), "{told}");
    }
);

on_each!(every_disorder_is_named_with_its_mend, |dialect: Dialect| {
    let factory = Factory::bare(dialect);
    let done = ended(&factory);
    open(&factory, "expired", REST, "'running', 1, 1, 'ghost/1'");
    let held = format!("'blocked', {LATER}, 0, NULL");
    open(&factory, "stuck", REST, &held);
    open(&factory, "late", REST, "'queued', 1, 0, NULL");
    open(
        &factory,
        "patient",
        REST,
        &held.replace("blocked", "waiting"),
    );
    checkpoint(&factory, "patient", "upkeep", 1, 1, "hold");
    open(&factory, &done, REST, &held.replace("blocked", "paused"));
    checkpoint(&factory, &done, "other", 9, 1, "end");
    checkpoint(&factory, "stuck", "first", 1, 5, "continue");
    checkpoint(&factory, "stuck", "second", 2, 4, "continue");
    checkpoint(&factory, "nobody", "upkeep", 1, 1, "continue");
    for run in ["late", "nobody"] {
        factory.execute(&format!(
            "INSERT INTO gates (run, stage, visit, question, opened_at) \
                VALUES ('{run}', 'ask', 1, 'well?', 1)"
        ));
    }
    factory.execute("UPDATE effects SET last_success = 1, without = 7");
    factory.execute(
        "INSERT INTO findings (key, kind, subject, message, times, first_at, last_at) \
            VALUES ('config:x', 'config', 'diary', 'a secret is not set', 1, 1, 1)",
    );
    factory.execute("UPDATE history SET status = 'done'");
    factory.execute("ALTER TABLE commits RENAME TO other_commits");
    let before = factory.count("findings");
    let (code, found) = symptoms(&factory);
    assert_eq!(code, 1);
    let expected = [
        // One cause: who else refers to the table is told with it.
        "roll call | problem | policy commits_keep_newest | the database has no table `commits`",
        "times | problem | stuck | the time of its wake is",
        "times | problem | patient | the time of its wake is",
        "leases | problem | run expired of policy:commits_keep_newest | its lease, held by ghost/1, ran out",
        "blocked | problem | run stuck of policy:commits_keep_newest | is blocked: a cause",
        "waiting | problem | run patient of policy:commits_keep_newest | stage upkeep waits for",
        "due | note |  | 1 run is due for ",
        "gates | note |  | 1 gate is open, for ",
        "one place | problem | run ",
        "fences | problem | run stuck | the checkpoint of second has a lower fence",
        "strays | problem | run nobody | stage upkeep has a checkpoint",
        "strays | problem | run nobody | gate ask is open",
        "ends | problem | run ",
        "ledger | problem | policy:commits_keep_newest | retention.keep_newest",
        "ledger | note | policy:commits_keep_newest | retention.keep_newest",
        "findings | note | diary | config: a secret is not set",
        // The table whose rows are read is the one that is gone.
        "unreadable | problem |  | ",
    ];
    for expected in expected {
        let named = found.iter().filter(|found| found.starts_with(expected));
        assert!(named.count() >= 1, "`{expected}` is not in {found:#?}");
    }
    let strange: Vec<_> = found
        .iter()
        .filter(|found| !expected.iter().any(|known| found.starts_with(known)))
        .collect();
    assert!(strange.is_empty(), "{strange:#?}");
    assert_eq!(factory.count("findings"), before, "it only looks");
    let kept = "open_runs WHERE id = 'expired' AND status = 'running'";
    assert_eq!(factory.count(kept), 1);
});

on_each!(
    problems_stand_before_notes_and_many_of_a_kind_are_one_line,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        ended(&factory);
        for number in 0..3 {
            let run = format!("late{number}");
            open(&factory, &run, REST, "'queued', 1, 0, NULL");
            factory.execute(&format!(
                "INSERT INTO gates (run, stage, visit, question, opened_at) \
                    VALUES ('{run}', 'ask', 1, 'well?', 1)"
            ));
        }
        // A problem of a check that is asked after those.
        checkpoint(&factory, "nobody", "upkeep", 1, 1, "continue");
        let (code, found) = symptoms(&factory);
        let begins = [
            "strays | problem | run nobody",
            "due | note |  | 3 runs are due, the first for ",
            "gates | note |  | 3 gates are open, the first for ",
        ];
        assert_eq!((code, found.len()), (1, begins.len()), "{found:#?}");
        for (found, begins) in found.iter().zip(begins) {
            assert!(found.starts_with(begins), "{found}");
        }
    }
);

#[test]
fn a_right_that_is_missing_on_a_table_is_a_problem_of_the_database() {
    let owned = Owned::new();
    let factory = Factory::written_at(&owned.url).strip();
    factory.ok(&["apply"]);
    let user = &owned.user;
    let mend = format!("GRANT INSERT ON open_runs TO {user}");
    owned.administer(&format!("REVOKE INSERT ON open_runs FROM {user}"));
    let (code, found) = symptoms(&factory);
    assert_eq!((code, found.len()), (1, 1), "{found:#?}");
    assert!(found[0].starts_with("database | problem"), "{found:?}");
    assert!(
        found[0].contains("INSERT on table `open_runs`"),
        "{found:?}"
    );
    let told = factory.run(&["doctor"]).stdout;
    assert!(told.contains(&mend), "{told}");
    let server = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let health = get(server.address(), "/health");
    assert_eq!(health.status, 503, "{}", health.body);
    assert!(health.body.contains("database"), "{}", health.body);
    drop(server);
    owned.administer(&format!("GRANT INSERT ON open_runs TO {user}"));
    owned.administer(&format!("REVOKE SELECT ON migrations FROM {user}"));
    let (code, found) = symptoms(&factory);
    assert_eq!((code, found.len()), (1, 1), "{found:#?}");
    assert!(
        found[0].contains("SELECT on table `migrations`"),
        "{found:?}"
    );
}

#[test]
fn a_key_file_that_opens_nothing_is_a_problem() {
    let factory = Factory::bare(Dialect::Sqlite);
    let path = factory.workspace().join("callboard.key");
    fs::write(&path, "no key").expect("a key file");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("open to others");
    let (code, found) = symptoms(&factory);
    assert_eq!((code, found.len()), (1, 2), "{found:?}");
    assert!(found[0].starts_with("secrets | problem"), "{found:?}");
    assert!(found[1].contains("others may read"), "{found:?}");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its owner's alone");
    factory.write("callboard.key", "ab".repeat(32));
    let (code, found) = symptoms(&factory);
    assert_eq!((code, found.len()), (0, 0), "{found:?}");
}

on_each!(
    a_database_that_does_not_answer_is_a_symptom,
    |dialect: Dialect| {
        let mut factory = Factory::bare(dialect);
        match dialect {
            Dialect::Sqlite => factory.write("callboard.db", "this is no database at all"),
            Dialect::Postgres => factory.drop_database(),
        }
        let (code, found) = symptoms(&factory);
        assert_eq!((code, found.len()), (1, 1), "{found:?}");
        assert!(found[0].starts_with("database | problem"), "{found:?}");
    }
);

/// Give open runs a revision that is not there, as a person who edits the database by hand can.
fn orphan(factory: &Factory, dialect: Dialect) {
    let url = factory.url();
    let strays = "UPDATE open_runs SET revision = 99";
    runtime().block_on(async {
        if dialect == Dialect::Postgres {
            let mut other = PgConnection::connect(&url).await.expect("a session");
            let free = "ALTER TABLE open_runs DROP CONSTRAINT open_runs_revision_fkey";
            for sql in [free, strays] {
                sqlx::raw_sql(sql).execute(&mut other).await.expect(sql);
            }
        } else {
            let options: SqliteConnectOptions = url.parse().expect("an address");
            let mut other = options.foreign_keys(false).connect().await.expect("a file");
            sqlx::raw_sql(strays)
                .execute(&mut other)
                .await
                .expect(strays);
            other.close().await.expect("it goes");
        }
    });
}

on_each!(
    a_run_of_a_revision_that_is_gone_is_named_and_can_be_removed,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        ended(&factory);
        let rest = format!("'paused', {LATER}, 0, NULL");
        open(&factory, "orphan", REST, &rest);
        orphan(&factory, dialect);
        let (code, found) = symptoms(&factory);
        assert_eq!((code, found.len()), (1, 1), "{found:?}");
        assert!(
            found[0].starts_with("revisions | problem") && found[0].contains("revision 99"),
            "{found:?}"
        );
        let mend = "`callboard runs prune orphan`";
        let told = factory.run(&["doctor"]).stdout;
        assert!(told.contains(mend), "{told}");
        let ran = factory.run(&["runs", "cancel", "orphan"]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains(mend), "{ran}");
        let ran = factory.run(&["runs", "resume", "orphan"]);
        assert!(ran.to_string().contains("not in the database"), "{ran}");
        factory.ok(&["runs", "prune", "orphan"]);
        let (_, found) = symptoms(&factory);
        assert_eq!(found, [] as [String; 0]);
    }
);
