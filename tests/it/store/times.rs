//! Times that cannot be: found, told of, and set right.

use callboard_core::store::runs::RunStatus;
use callboard_core::store::times::{self, Untrue};
use callboard_core::store::{Store, findings};

use super::runs::{claimed, queue, record, run};
use super::{execute, numbers};
use crate::support::database::on_both;

const DAYS: i64 = 400 * 86_400 * 1_000_000;

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
