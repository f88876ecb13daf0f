//! Runs that an executor elsewhere offers by name: who may be fenced off, and what is taken.

use callboard_core::store::claims::offered::{self, TakeOver, TakenRuns};
use callboard_core::store::claims::{self, Claimant, ClaimedRun};
use callboard_core::store::runs::{Run, RunLimits, RunStatus};
use callboard_core::store::{Store, timestamp};

use super::execute;
use super::runs::{LEASE, claimed, queue, record, run};
use crate::support::database::on_both;

/// Offer runs to a worker; a run that lost two workers is a suspect.
async fn offer(store: &Store, worker: &str, runs: &[&str]) -> TakenRuns {
    let rule = TakeOver {
        claimant: Claimant {
            worker: format!("turns/{worker}"),
            lease: LEASE,
            suspect: 2,
        },
        workers: "turns/".to_owned(),
        recoveries: 3,
    };
    let runs = runs.iter().map(ToString::to_string).collect();
    let taken = offered::take_over(store, &rule, runs).await;
    taken.expect("the store answers")
}

/// What is taken of one run that is offered.
async fn offer_one(store: &Store, worker: &str, run: &str) -> Option<ClaimedRun> {
    offer(store, worker, &[run]).await.claims.pop()
}

on_both!(
    a_run_that_is_offered_is_taken_over_from_a_worker_of_turns,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let first = offer_one(&store, "one", "a").await.expect("it is due");
        let second = offer(&store, "two", &["a"]).await;
        assert_eq!(second.recovered.len(), 1, "{second:?}");
        let second = &second.claims[0];
        assert_eq!((first.fence, second.fence), (1, 2));
        assert!(!record(&store, &first, RunStatus::Done).await, "fenced off");
        assert!(record(&store, second, RunStatus::Done).await);
        let gone = offer(&store, "one", &["a", "b"]).await;
        assert_eq!(gone.claims, []);
    }
);

on_both!(
    a_live_lease_of_any_other_worker_holds,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        let by_hand = claimed(&store, Some("a")).await.expect("it is due");
        let refused = offer(&store, "one", &["a"]).await;
        assert_eq!((refused.claims, refused.recovered), (vec![], vec![]));
        assert!(record(&store, &by_hand, RunStatus::Done).await);
    }
);

on_both!(
    a_run_whose_next_loss_blocks_it_is_neither_announced_nor_taken,
    async |store: Store, _url| {
        queue(&store, &[run("a")]).await;
        for _ in 0..2 {
            offer_one(&store, "one", "a").await.expect("it is due");
        }
        let last = offer(&store, "one", &["a"]).await;
        assert_eq!(last.claims, []);
        assert!(!last.recovered[0].blocked, "{last:?}");
        assert_eq!(offered::due(&store, 2, 9).await.expect("an answer"), []);
        let alone = Claimant {
            worker: "alone".to_owned(),
            lease: LEASE,
            suspect: 2,
        };
        let alone = claims::take_suspect(&store, &alone).await;
        alone.expect("the store answers").expect("it is due");
    }
);

on_both!(
    what_is_not_due_is_neither_announced_nor_taken,
    async |store: Store, _url| {
        queue(&store, &[run("late"), run("gated")]).await;
        let wakes_at = "UPDATE open_runs SET wake_at = 9000000000000000 WHERE id = 'late'";
        execute(&store, wakes_at).await;
        execute(
            &store,
            "UPDATE open_runs SET status = 'gated' WHERE id = 'gated'",
        )
        .await;
        assert_eq!(offered::due(&store, 2, 9).await.expect("an answer"), []);
        let taken = offer(&store, "one", &["late", "gated"]).await;
        assert_eq!(taken.claims, []);
    }
);

on_both!(
    a_full_key_takes_no_run_that_is_offered,
    async |store: Store, _url| {
        let keyed = |id: &str| Run {
            limits: RunLimits {
                key: Some("k".to_owned()),
                at_once: Some(1),
                ..RunLimits::default()
            },
            wake_at: timestamp(1_000_000),
            ..run(id)
        };
        queue(&store, &[keyed("a"), keyed("b"), run("free")]).await;
        let due = offered::due(&store, 2, 9).await.expect("an answer");
        assert_eq!(due.len(), 2, "one of the key and the free one: {due:?}");
        let taken = offer(&store, "one", &["a", "b", "free"]).await.claims;
        assert_eq!(taken.len(), 2, "{taken:?}");
        let held = ["a", "b"]
            .iter()
            .position(|id| taken.iter().all(|claim| claim.run.id != *id));
        let waits = ["a", "b"][held.expect("one waits")];
        for claim in &taken {
            record(&store, claim, RunStatus::Done).await;
        }
        offer_one(&store, "two", waits)
            .await
            .expect("its place is free");
    }
);
