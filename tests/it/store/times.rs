//! Times that cannot be: found, told of, and set right.

use callboard_core::store::runs::RunStatus;
use callboard_core::store::times::{self, Untrue};
use callboard_core::store::{Store, findings};

use super::runs::{claimed, queue, record, run};
use super::{execute, numbers};
use crate::support::database::on_both;

const DAYS: i64 = 400 * 86_400 * 1_000_000;

/// Columns of times that `times` does not look at, and why.
const ELSEWHERE: [(&str, &str); 4] = [
    (
        "open_runs runs stage_runs gates schedules",
        "what runs and schedules wait for has rules of its own",
    ),
    (
        "posts.scheduled_at",
        "it lies ahead, and the run that waits for it has the rule of its wait",
    ),
    (
        "history model_calls task_history post_history revisions setting_changes settings_snapshots \
            findings migrations workers",
        "what is kept of the past, which nothing goes by",
    ),
    (
        "items commits sources embeddings rail_trials",
        "what was found and written down, which nothing waits for",
    ),
];

/// Every column of a time is looked at, or is on the list of those that are not.
fn forgotten(columns: &[(String, String)]) -> Vec<String> {
    let looked = |table: &str, column: &str| {
        times::past().any(|(_, of, _, name)| (*of, *name) == (table, column))
    };
    let excused = |table: &str, column: &str| {
        let whole = format!("{table}.{column}");
        let mut words = ELSEWHERE
            .iter()
            .flat_map(|(names, _)| names.split_whitespace());
        words.any(|word| word == table || word == whole)
    };
    let columns = columns.iter().filter(|(table, column)| {
        (column.ends_with("_at") || column == "at" || column == "since")
            && !looked(table, column)
            && !excused(table, column)
    });
    columns
        .map(|(table, column)| format!("{table}.{column}"))
        .collect()
}

on_both!(
    every_column_of_a_time_is_looked_at_or_excused,
    async |store: Store, _url| {
        let mut columns = Vec::new();
        for table in store.tables().await.expect("tables") {
            for column in store.columns(&table).await.expect("columns") {
                columns.push((table.clone(), column));
            }
        }
        assert!(columns.len() > 200, "{}", columns.len());
        assert_eq!(forgotten(&columns), Vec::<String>::new());
    }
);

on_both!(
    a_post_and_a_task_that_are_ahead_are_found_and_set_right,
    async |store: Store, _url| {
        let ahead = format!(
            "{} + {DAYS}",
            callboard_core::store::batch::now(store.dialect())
        );
        execute(
            &store,
            &format!(
                "INSERT INTO tasks (id, subject, asked, topic, run, draft, status, step, created_at, \
                    updated_at) VALUES ('t', 's', '', '', 'r', 0, 'drafted', 1, {ahead}, 1)"
            ),
        )
        .await;
        execute(
            &store,
            &format!(
                "INSERT INTO posts (id, slug, subject, task, title, excerpt, markdown, tags, written_by, \
                    covers, status, published_at, updated_at) VALUES ('p', 'slug', 's', 't', 'A', '', 'T', \
                    '', '', '', 'published', {ahead}, {ahead})"
            ),
        )
        .await;
        assert_eq!(found(&store).await, ["post slug", "post slug", "task t"]);
        let untrue = times::untrue(&store).await.expect("the store answers");
        times::set_right(&store, &untrue).await.expect("set right");
        assert_eq!(found(&store).await, Vec::<String>::new());
    }
);

async fn found(store: &Store) -> Vec<String> {
    let untrue = times::untrue(store).await.expect("the store answers");
    let name = |one: &Untrue| format!("{} {}", one.what, one.subject);
    let mut names: Vec<_> = untrue.iter().map(name).collect();
    names.sort();
    names
}

on_both!(
    times_that_no_rule_allows_are_found_and_set_right,
    async |store: Store, _url| {
        let names = [
            "leased", "held", "blocked", "again", "line", "paused", "new",
        ];
        queue(&store, &names.map(run)).await;
        for (name, status) in [
            ("leased", RunStatus::Running),
            ("held", RunStatus::Waiting),
            ("blocked", RunStatus::Blocked),
            ("again", RunStatus::Queued),
            ("paused", RunStatus::Paused),
        ] {
            let claim = claimed(&store, Some(name)).await.expect("it is due");
            assert!(record(&store, &claim, status).await);
        }
        execute(
            &store,
            "INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, holds, \
                outcome, follow, report, superseded, wake_at, started_at, finished_at) \
            SELECT 'held', 's', 1, 1, 1, 'x.y', 1, 0, 'unavailable', 'hold', \
                '{\"outcome\":\"unavailable\",\"dependency\":\"x\",\"cause\":\"y\"}', FALSE, \
                created_at + 5000000, created_at, created_at FROM open_runs WHERE id = 'held'",
        )
        .await;
        execute(
            &store,
            "INSERT INTO gates (run, stage, visit, question, opened_at, expires_at) \
            SELECT id, 'ask', 1, '?', created_at, created_at + 1000 FROM open_runs \
            WHERE id = 'paused'",
        )
        .await;
        execute(
            &store,
            "INSERT INTO policy_runs SELECT 'keep', id, 'done', created_at FROM open_runs \
            WHERE id = 'new'",
        )
        .await;
        let never = format!(
            "UPDATE open_runs SET wake_at = {} WHERE id = 'line'",
            callboard_core::store::NEVER
        );
        execute(&store, &never).await;
        execute(
            &store,
            "UPDATE open_runs SET wake_at = created_at + 5000000 WHERE id IN ('held', 'again')",
        )
        .await;
        assert_eq!(found(&store).await, Vec::<String>::new(), "all is well");
        for (table, columns) in [
            ("open_runs", "wake_at lease_until created_at"),
            ("stage_runs", "wake_at started_at finished_at"),
            ("gates", "opened_at expires_at"),
            ("policy_runs", "finished_at"),
        ] {
            for column in columns.split(' ') {
                let ahead = format!(
                    "UPDATE {table} SET {column} = {column} + {DAYS} WHERE {column} > 6000000"
                );
                execute(&store, &ahead).await;
            }
        }
        execute(&store, &never).await;
        execute(
            &store,
            "UPDATE open_runs SET wake_at = created_at WHERE id IN ('blocked', 'new')",
        )
        .await;
        let expected = [
            "gate paused",
            "lease leased",
            "policy keep",
            "wake again",
            "wake blocked",
            "wake held",
            "wake new",
        ];
        assert_eq!(found(&store).await, expected);
        let untrue = times::untrue(&store).await.expect("the store answers");
        assert!(untrue[0].problem().contains("400 days"), "{untrue:?}");
        times::set_right(&store, &untrue)
            .await
            .expect("they are set right");
        assert_eq!(found(&store).await, Vec::<String>::new());
        let kinds = findings::open(&store).await.expect("findings").len();
        assert_eq!(kinds, 4, "one of each kind");
        let soon = "SELECT COUNT(*) AS n FROM gates WHERE expires_at - opened_at BETWEEN 1000 AND 60000000";
        assert_eq!(numbers(&store, soon).await, [1]);
        // The lease holds for as long as a lease does.
        let lease = "SELECT COUNT(*) AS n FROM open_runs WHERE id = 'leased' AND lease = 30000000";
        assert_eq!(numbers(&store, lease).await, [1]);
        for name in ["held", "blocked", "again", "new"] {
            assert!(claimed(&store, Some(name)).await.is_some(), "{name}");
        }
    }
);
