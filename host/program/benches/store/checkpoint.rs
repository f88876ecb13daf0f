//! A checkpoint as the engine commits it: the outcome of a stage and the progress of its run,
//! in one transaction under the fence.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callboard_core::outcome::{Done, Outcome, Patch};
use callboard_core::pipeline::Follow;
use callboard_core::store::checkpoints::{self, Checkpoint, Then};
use callboard_core::store::claims::{self, Claimant, ClaimedRun};
use callboard_core::store::leases::Lease;
use callboard_core::store::runs::{self, Run, RunLimits, RunOrigin, RunStatus};
use callboard_core::store::stage_runs::{StageRun, VisitOf};
use callboard_core::store::{Store, timestamp};
use callboard_core::value::Statement;

const LEASE: Duration = Duration::from_secs(600);

/// So many new runs, claimed.
pub(super) async fn claims(store: &Store, count: usize) -> Vec<ClaimedRun> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let revision = "INSERT INTO revisions (id, digest, note, created_at) VALUES (1, '', '', 0) \
        ON CONFLICT (id) DO NOTHING";
    store
        .execute(Statement::new(revision))
        .await
        .expect("a revision");
    let claimant = Claimant {
        worker: "bench".to_owned(),
        lease: LEASE,
        suspect: 4,
    };
    let mut claims = Vec::new();
    for _ in 0..count {
        let id = format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed));
        let insert = runs::insert(&run(&id), store.dialect()).expect("JSON");
        store.execute(insert).await.expect("a new run");
        let claim = claims::take_one(store, &claimant, &id).await;
        claims.push(claim.expect("an answer").expect("it is due"));
    }
    claims
}

fn run(id: &str) -> Run {
    Run {
        id: id.to_owned(),
        pipeline: "bench".to_owned(),
        revision: 1,
        status: RunStatus::Queued,
        detail: String::new(),
        input: Patch::new(),
        settings: None,
        origin: RunOrigin::Cli,
        priority: 0,
        limits: RunLimits::default(),
        created_at: timestamp(1),
        started_at: None,
        wake_at: timestamp(1),
        spent: Duration::ZERO,
        finished_at: None,
    }
}

/// Commit the checkpoint of one visit.
pub(super) async fn keep(store: &Store, claim: &ClaimedRun, visit: u32) {
    let kept = checkpoints::commit(store, vec![Arc::new(checkpoint(claim, visit))]).await;
    assert!(
        kept.expect("it is committed")[0].is_kept(),
        "the lease holds"
    );
}

/// The checkpoint of a visit that wrote about 500 bytes.
pub(super) fn checkpoint(claim: &ClaimedRun, visit: u32) -> Checkpoint {
    let mut patch = Patch::new();
    patch.insert(
        "draft".to_owned(),
        "A draft of some length. ".repeat(20).into(),
    );
    let row = StageRun {
        run: claim.run.id.clone(),
        stage: "draft".to_owned(),
        visit,
        step: i64::from(visit),
        what: VisitOf::Handler("content.draft".to_owned()),
        attempts: 1,
        holds: 0,
        outcome: Outcome::Done(Done::new(patch)),
        follow: Follow::Continue,
        undone: None,
        superseded: false,
        log: Vec::new(),
        wake_at: None,
        started_at: timestamp(1),
        finished_at: timestamp(2),
    };
    Checkpoint {
        held: Lease {
            run: claim.run.id.clone(),
            fence: claim.fence,
        },
        signals: 0,
        rows: vec![row],
        superseded: Vec::new(),
        gates: Vec::new(),
        settled: Vec::new(),
        writes: Vec::new(),
        writer: None,
        left: LEASE,
        spent: Duration::ZERO,
        settings: None,
        then: Then::GoOn { lease: LEASE },
        effects: Vec::new(),
    }
}
