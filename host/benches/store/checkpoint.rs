//! A checkpoint as the engine commits it: the outcome of a stage and the progress of its run,
//! in one transaction under the fence.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callboard::outcome::{Done, Outcome, Patch};
use callboard::store::runs::{self, Claim, Progress, Run, RunStatus};
use callboard::store::stage_runs::{self, StageRun};
use callboard::store::{Store, timestamp};
use callboard::value::Statement;

/// So many new runs, claimed.
pub(super) async fn claims(store: &Store, count: usize) -> Vec<Claim> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let revision = "INSERT INTO revisions (id, digest, note, created_at) VALUES (1, '', '', 0) \
        ON CONFLICT (id) DO NOTHING";
    store
        .execute(Statement::new(revision))
        .await
        .expect("a revision");
    let mut claims = Vec::new();
    for _ in 0..count {
        let id = format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed));
        store
            .execute(runs::insert(&run(&id)).expect("JSON"))
            .await
            .expect("a new run");
        let claim = runs::claim(store, Some(&id)).await.expect("an answer");
        claims.push(claim.expect("it is due"));
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
        settings: String::new(),
        created_at: timestamp(1),
        wake_at: timestamp(1),
        spent: Duration::ZERO,
        finished_at: None,
    }
}

/// Commit the checkpoint of one visit.
pub(super) async fn keep(store: &Store, claim: &Claim, visit: u32) {
    let mut patch = Patch::new();
    patch.insert(
        "draft".to_owned(),
        "A draft of some length. ".repeat(20).into(),
    );
    let row = StageRun {
        run: claim.run.id.clone(),
        stage: "draft".to_owned(),
        visit,
        handler: "content.draft".to_owned(),
        attempts: 1,
        outcome: Outcome::Done(Done::new(patch)),
        follow: "continue".to_owned(),
        superseded: false,
        started_at: timestamp(1),
        finished_at: timestamp(2),
    };
    let (checkpoint, claim) = (stage_runs::insert(&row).expect("JSON"), claim.clone());
    let progress = Progress {
        status: RunStatus::Running,
        detail: String::new(),
        spent: Duration::ZERO,
        wake_at: timestamp(1),
    };
    let kept = store.write(move |transaction| {
        Box::pin(async move {
            transaction.execute(checkpoint).await?;
            runs::record(transaction, &claim, progress).await
        })
    });
    kept.await.expect("it is committed");
}
