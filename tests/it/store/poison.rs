//! Rows that cannot be read: each blocks its own run.

use callboard_core::store::runs::{self, ListedRun, Only, RunStatus};
use callboard_core::store::unreadable::UNREADABLE;
use callboard_core::store::{Dialect, Store, StoreErrorKind, claims, findings, health, poll};
use callboard_core::value::Statement;

use super::execute;
use super::runs::{by_id, claimant, claimed, queue, record, run};
use crate::support::database::on_both;

/// The ids of what is taken.
async fn take(store: &Store) -> Vec<String> {
    let taken = claims::take(store, &claimant(), 9).await;
    let taken = taken.expect("nobody else is stopped").into_iter();
    let mut ids: Vec<_> = taken.map(|claim| claim.run.id).collect();
    ids.sort();
    ids
}

on_both!(
    an_unreadable_row_blocks_its_own_run_in_a_claim_and_a_list,
    async |store: Store, _url| {
        queue(&store, &["deep", "text", "sound", "well"].map(run)).await;
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128));
        for (run, input) in [("deep", deep.as_str()), ("text", "{")] {
            let sql = format!("UPDATE open_runs SET input = '{input}' WHERE id = '{run}'");
            execute(&store, &sql).await;
        }
        assert_eq!(take(&store).await, ["sound", "well"]);
        assert_eq!(take(&store).await, Vec::<String>::new());
        let listed = runs::newest(&store, 9, Only::default())
            .await
            .expect("a list");
        let unreadable = listed.iter().filter_map(|listed| match listed {
            ListedRun::Unreadable(run) => Some(run.id.as_str()),
            ListedRun::Run(_) => None,
        });
        let mut unreadable: Vec<_> = unreadable.collect();
        unreadable.sort_unstable();
        assert_eq!((listed.len(), unreadable), (4, vec!["deep", "text"]));
        let cases = health::unreadable(&store).await.expect("an answer");
        assert_eq!((cases.open.len(), cases.ended.len()), (2, 0), "{cases:?}");
        let open = findings::open(&store).await.expect("findings");
        let named = open.iter().filter(|finding| finding.kind == UNREADABLE);
        assert_eq!(named.count(), 2);
        // Mended by a person, it goes on.
        execute(
            &store,
            "UPDATE open_runs SET input = '{}' WHERE id = 'text'",
        )
        .await;
        let blocked = by_id(&store, "text").await;
        assert_eq!(blocked.status, RunStatus::Blocked);
        assert!(
            blocked.detail.contains("cannot be read"),
            "{}",
            blocked.detail
        );
        execute(&store, "UPDATE open_runs SET wake_at = 1 WHERE id = 'text'").await;
        assert_eq!(take(&store).await, ["text"]);
    }
);

on_both!(
    an_unreadable_checkpoint_blocks_the_run_that_has_it,
    async |store: Store, _url| {
        queue(&store, &["a", "b"].map(run)).await;
        for id in ["a", "b"] {
            let claim = claimed(&store, Some(id)).await.expect("it is due");
            assert!(record(&store, &claim, RunStatus::Queued).await);
        }
        execute(
            &store,
            "INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, holds, \
                outcome, follow, report, superseded, started_at, finished_at) \
            VALUES ('a', 's', 1, 1, 1, 'x.y', 1, 0, 'done', 'continue', '{', FALSE, 1, 1)",
        )
        .await;
        assert_eq!(take(&store).await, ["b"]);
        assert_eq!(by_id(&store, "a").await.status, RunStatus::Blocked);
        assert!(
            by_id(&store, "a")
                .await
                .detail
                .contains("checkpoint of s, visit 1")
        );
    }
);

/// SQLite keeps no value of another type, but takes any bytes for a text.
#[test]
fn a_text_that_is_none_blocks_its_own_run_on_sqlite() {
    crate::support::database::with_database(Dialect::Sqlite, async |store, _url| {
        queue(&store, &["a", "b", "c", "d"].map(run)).await;
        for set in [
            "detail = CAST(x'ff' AS TEXT) WHERE id = 'b'",
            "limit_key = CAST(x'ff' AS TEXT) WHERE id = 'c'",
        ] {
            execute(&store, &format!("UPDATE open_runs SET {set}")).await;
        }
        let soon = "UPDATE open_runs SET wake_at = 'soon' WHERE id = 'a'";
        let refused = store.execute(Statement::new(soon)).await;
        assert_eq!(
            refused.expect_err("no time").kind,
            StoreErrorKind::Constraint
        );
        poll::ask(&store, "test", 4).await.expect("an answer");
        assert_eq!(take(&store).await, ["a", "d"]);
        let blocked = health::blocked(&store).await.expect("an answer");
        assert_eq!(blocked.len(), 2, "{blocked:?}");
    });
}

on_both!(
    no_age_and_no_number_of_rows_hides_one_that_cannot_be_read,
    async |store: Store, _url| {
        queue(&store, &[run("open")]).await;
        let ended = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10050) \
            INSERT INTO history (id, pipeline, revision, status, detail, input, origin, priority, \
                created_at, started_at, spent, fence, signals, finished_at) \
            SELECT 'ended' || i, 'p', 1, 'done', '', CASE WHEN i = 0 THEN '{' ELSE '{}' END, \
                'cli', 0, i, i, 0, 1, 0, i FROM n";
        execute(&store, ended).await;
        let cases = health::unreadable(&store).await.expect("an answer").ended;
        let runs: Vec<_> = cases.iter().map(|case| case.run.as_str()).collect();
        assert_eq!(runs, ["ended0"], "the oldest of them");
        execute(&store, "UPDATE history SET input = '{'").await;
        let cases = health::unreadable(&store).await.expect("an answer").ended;
        let more = cases.last().expect("how many more").what.clone();
        assert_eq!(
            (cases.len(), more.as_str()),
            (101, "9951 more rows, each a run that has ended")
        );
    }
);
