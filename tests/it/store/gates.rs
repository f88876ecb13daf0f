//! `gates` are decided once; `policy_runs` hold the last end of each policy.

use callboard_core::outcome::Patch;
use callboard_core::store::gates::{self, Decision, Gate, GateVerdict};
use callboard_core::store::policy_runs;
use callboard_core::store::{Store, timestamp};

use super::runs::{queue, run};
use crate::support::database::on_both;

fn gate(run: &str, opened: i64, task: Option<&str>) -> Gate {
    Gate {
        run: run.to_owned(),
        stage: "approve".to_owned(),
        visit: 1,
        question: "Publish it?".to_owned(),
        shows: Patch::new(),
        subject: task.map(str::to_owned),
        opened_at: timestamp(opened),
        expires_at: None,
        decision: None,
        part: None,
        feedback: None,
        decided_by: None,
        decided_at: None,
    }
}

async fn opened(store: &Store, gate: &Gate) {
    assert_eq!(
        store
            .execute(gates::insert(gate))
            .await
            .expect("it is open"),
        1
    );
}

on_both!(
    a_gate_is_open_until_one_person_decides,
    async |store: Store, _url| {
        queue(&store, &[run("a"), run("b")]).await;
        let (older, newer) = (gate("b", 1, Some("task")), gate("a", 2, None));
        opened(&store, &newer).await;
        opened(&store, &older).await;
        assert_eq!(
            gates::open(&store).await.expect("gates"),
            [older.clone(), newer.clone()]
        );
        let decide = |decision, by: &str| {
            let verdict = GateVerdict {
                decision,
                part: None,
                feedback: "too long".to_owned(),
                by: by.to_owned(),
                seen: None,
            };
            gates::decide(&older, &verdict, 9)
        };
        let first = decide(Decision::Rejected, "ada");
        assert_eq!(store.execute(first).await.expect("it is decided"), 1);
        let second = decide(Decision::Approved, "bob");
        assert_eq!(store.execute(second).await.expect("it was decided"), 0);
        assert_eq!(gates::open(&store).await.expect("gates"), [newer]);
        let decided = Gate {
            decision: Some(Decision::Rejected),
            feedback: Some("too long".to_owned()),
            decided_by: Some("ada".to_owned()),
            decided_at: Some(timestamp(9)),
            ..older
        };
        assert_eq!(
            gates::about(&store, "task").await.expect("found"),
            Some(decided)
        );
    }
);

on_both!(
    the_newest_gate_of_a_task_counts,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let first = gate("a", 1, Some("task"));
        let second = Gate {
            visit: 2,
            opened_at: timestamp(2),
            ..first.clone()
        };
        // Opened in the same microsecond, the later visit is the newer one.
        let third = Gate {
            visit: 3,
            ..second.clone()
        };
        for gate in [&first, &third, &second] {
            opened(&store, gate).await;
        }
        assert_eq!(
            gates::about(&store, "task").await.expect("found"),
            Some(third)
        );
        assert_eq!(gates::about(&store, "other").await.expect("none"), None);
    }
);

on_both!(a_visit_of_a_stage_asks_once, async |store: Store, _url| {
    opened(&store, &gate("a", 1, None)).await;
    let again = store.execute(gates::insert(&gate("a", 2, None))).await;
    assert_eq!(again.expect("it stands"), 0);
    assert_eq!(
        gates::open(&store).await.expect("gates"),
        [gate("a", 1, None)]
    );
});

on_both!(
    the_last_end_of_each_policy_is_known,
    async |store: Store, _url| {
        assert!(policy_runs::all(&store).await.expect("none yet").is_empty());
        for (policy, run, status) in [
            ("b", "1", "done"),
            ("a", "2", "failed"),
            ("b", "3", "nothing-to-do"),
        ] {
            let ended = policy_runs::upsert(policy, run, status, store.dialect());
            assert_eq!(store.execute(ended).await.expect("it is noted"), 1);
        }
        let all = policy_runs::all(&store).await.expect("both");
        let last: Vec<_> = all
            .iter()
            .map(|(policy, last)| (policy.as_str(), last.run.as_str(), last.status.as_str()))
            .collect();
        assert_eq!(last, [("a", "2", "failed"), ("b", "3", "nothing-to-do")]);
    }
);
