//! How long what has ended is kept.

use std::time::Duration;

use callboard_core::store::{Dialect, Store, history};

use super::{execute, numbers};
use crate::support::database::on_both;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs that ended in 1970, one after another, each with a checkpoint, a gate and a large
/// report; and one that ended now.
async fn ended(store: &Store, count: u32) {
    execute(
        store,
        "INSERT INTO revisions (id, digest, note, created_at) VALUES (1, 'd', '', 0)",
    )
    .await;
    let now = match store.dialect() {
        Dialect::Sqlite => "unixepoch() * 1000000",
        Dialect::Postgres => "CAST(extract(epoch FROM now()) * 1000000 AS BIGINT)",
    };
    let numbered = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= {count})"
    );
    let at = format!("CASE WHEN i > {count} THEN {now} ELSE i END");
    let runs = format!(
        "{numbered} INSERT INTO history (id, pipeline, revision, status, detail, input, origin, \
            priority, created_at, spent, fence, signals, finished_at) \
        SELECT 'r' || i, 'p', 1, 'done', '', '{{}}', 'cli', 0, 0, 0, 1, 0, {at} FROM n"
    );
    execute(store, &runs).await;
    let blob = match store.dialect() {
        Dialect::Sqlite => "x'00'",
        Dialect::Postgres => "'\\x00'::bytea",
    };
    let blobs =
        format!("{numbered} INSERT INTO blobs (digest, content) SELECT 'b' || i, {blob} FROM n");
    execute(store, &blobs).await;
    let stages = format!(
        "{numbered} INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, \
            holds, outcome, follow, report, digest, superseded, started_at, finished_at) \
        SELECT 'r' || i, 's', 1, 1, 1, 'a.b', 1, 0, 'done', 'continue', '', 'b' || i, FALSE, 0, 0 \
        FROM n"
    );
    execute(store, &stages).await;
    let gates = format!(
        "{numbered} INSERT INTO gates (run, stage, visit, question, opened_at, decision) \
        SELECT 'r' || i, 'g', 1, '', 0, 'approved' FROM n"
    );
    execute(store, &gates).await;
}

/// A trigger that refuses the removal of a run.
async fn hold(store: &Store, run: &str) {
    match store.dialect() {
        Dialect::Sqlite => {
            let trigger = format!(
                "CREATE TRIGGER held BEFORE DELETE ON history WHEN old.id = '{run}' \
                BEGIN SELECT RAISE(ABORT, 'held'); END"
            );
            execute(store, &trigger).await;
        }
        Dialect::Postgres => {
            let function = format!(
                "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                IF old.id = '{run}' THEN RAISE EXCEPTION 'held'; END IF; RETURN old; END $$"
            );
            execute(store, &function).await;
            let trigger = "CREATE TRIGGER held BEFORE DELETE ON history \
                FOR EACH ROW EXECUTE FUNCTION hold()";
            execute(store, trigger).await;
        }
    }
}

async fn counts(store: &Store) -> [i64; 4] {
    let mut counts = [0; 4];
    for (count, table) in counts
        .iter_mut()
        .zip(["history", "stage_runs", "gates", "blobs"])
    {
        *count = numbers(store, &format!("SELECT COUNT(*) AS n FROM {table}")).await[0];
    }
    counts
}

on_both!(
    batches_are_committed_one_by_one_and_a_failure_keeps_what_is_done,
    async |store: Store, _url: String| {
        ended(&store, 1200).await;
        hold(&store, "r700").await;
        let mut told = Vec::new();
        let pruned = history::prune(&store, DAY, |removed| {
            told.push(removed);
            true
        });
        let error = pruned.await.expect_err("one of the second batch is held");
        assert!(error.message.contains("held"), "{error}");
        assert_eq!(told, [500]);
        let [runs, stages, gates, _] = counts(&store).await;
        assert_eq!((runs, stages, gates), (701, 701, 701));
        execute(
            &store,
            match store.dialect() {
                Dialect::Sqlite => "DROP TRIGGER held",
                Dialect::Postgres => "DROP TRIGGER held ON history",
            },
        )
        .await;
        let rest = history::prune(&store, DAY, |_| true).await;
        assert_eq!(rest.expect("it is removed"), 700);
        assert_eq!(counts(&store).await, [1; 4], "only the new one is left");
        let again = history::prune(&store, DAY, |_| true).await;
        assert_eq!(again.expect("nothing to do"), 0);
    }
);

on_both!(
    whoever_is_told_may_stop_after_a_batch,
    async |store: Store, _url: String| {
        ended(&store, 600).await;
        let counted = history::count_older(&store, DAY).await;
        assert_eq!(counted.expect("a count"), (600, 0));
        let removed = history::prune(&store, DAY, |_| false).await;
        assert_eq!(removed.expect("one batch"), 500);
        assert_eq!(counts(&store).await[0], 101);
    }
);

on_both!(
    what_belongs_to_a_revision_or_to_the_ledger_stays,
    async |store: Store, _url: String| {
        ended(&store, 3).await;
        for sql in [
            "INSERT INTO revision_files (revision, path, digest) VALUES (1, 'a', 'b1')",
            "UPDATE stage_runs SET digest = 'b2' WHERE run = 'r4'",
            "INSERT INTO policy_runs (policy, run, status, finished_at) VALUES ('p', 'r1', 'done', 1)",
            "INSERT INTO effects (pipeline, handler, run, outcome, last_at, without, fallbacks) \
                VALUES ('p', 'a.b', 'r1', 'done', 1, 0, 0)",
        ] {
            assert_eq!(execute(&store, sql).await, 1);
        }
        let removed = history::prune(&store, DAY, |_| true).await;
        assert_eq!(removed.expect("it is removed"), 3);
        let left = "SELECT COUNT(*) AS n FROM blobs WHERE digest IN ('b1', 'b2')";
        assert_eq!(numbers(&store, left).await, [2]);
        assert_eq!(counts(&store).await, [1, 1, 1, 2]);
        for table in ["policy_runs", "effects"] {
            let sql = format!("SELECT COUNT(*) AS n FROM {table}");
            assert_eq!(numbers(&store, &sql).await, [1], "{table}");
        }
    }
);
