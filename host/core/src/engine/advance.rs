//! Carry a claimed run on: begin what can begin, keep what ends, until the run ends, waits,
//! stands before a gate, or is given back.

mod active_run;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::Digest as _;
use tokio::sync::OwnedSemaphorePermit;

use self::active_run::ActiveRun;
use super::clock::after;
use super::stage::RunContext;
use super::{Engine, EngineError, RunnableRevision, checkpoint};
use crate::store::checkpoints::{Checkpoint, Committed, Then};
use crate::store::claims::ClaimedRun;
use crate::store::leases::{Lease, RunSignals};
use crate::store::runs::{Run, RunStatus};
use crate::store::{StoreError, StoreErrorKind, findings};

/// When a blocked run looks again whether it can go on.
pub(super) const BLOCKED_LOOK: Duration = Duration::from_secs(60);
/// How long a process that ends waits for a database to take a checkpoint: less than is waited for what is in hand.
const LAST_TRY: Duration = Duration::from_secs(2);
/// When a run goes on that was put down because the database did not answer.
const LATER: Duration = Duration::from_secs(5);

/// Carry a run on as far as it goes now. What is wrong with its runnable revision blocks it. A suspect
/// has all slots of its worker: `alone`, the others, is given back at its first checkpoint.
pub(super) async fn advance(
    engine: &Engine,
    claim: ClaimedRun,
    runnable: impl Future<Output = Result<Arc<RunnableRevision>, EngineError>>,
    other_slots: Option<OwnedSemaphorePermit>,
) -> Result<(), EngineError> {
    let held = Lease {
        run: claim.run.id.clone(),
        fence: claim.fence,
    };
    let hand = engine.leases.take(held.clone(), &claim.told);
    let run = Arc::new(claim.run.clone());
    // The lease is kept meanwhile.
    let ready = match runnable.await {
        Ok(runnable) => prepared(engine, &run, &runnable).await,
        Err(error) => Err(error),
    };
    let rest = match ready {
        Ok(Ok(work)) => {
            return ActiveRun::new(work, held, claim, other_slots)
                .finish(hand)
                .await;
        }
        Ok(Err(problem)) => blocked(engine, problem),
        // It has done nothing, and is not taken for one that lost its worker.
        Err(EngineError::Store(error)) if error.is_retryable() => later(engine, &error),
        Err(error @ EngineError::Store(_)) => return Err(error),
        Err(error) => blocked(engine, error.to_string()),
    };
    put_down(engine, &run, held, claim.told, rest).await
}

/// It cannot go on until what is wrong is mended; a worker looks at it again now and then.
fn blocked(engine: &Engine, problem: String) -> Then {
    Then::Rest {
        status: RunStatus::Blocked,
        detail: problem,
        wake_at: after(engine.clock.now(), BLOCKED_LOOK),
    }
}

/// It goes on by itself in a moment.
fn later(engine: &Engine, error: &StoreError) -> Then {
    Then::Rest {
        status: RunStatus::Queued,
        detail: error.to_string(),
        wake_at: after(engine.clock.now(), LATER),
    }
}

/// Keep a checkpoint. A database that does not take it is asked for as long as the lease holds, but not for
/// longer than the process has once it is told to stop.
pub(super) async fn keep(
    engine: &Engine,
    checkpoint: Checkpoint,
) -> Result<Committed, EngineError> {
    let too_long = async {
        engine.stop.cancelled().await;
        tokio::time::sleep(engine.rules.drain.0 + LAST_TRY).await;
    };
    tokio::select! {
        kept = engine.executor.checkpoint(checkpoint) => Ok(kept?),
        () = too_long => {
            let text = "the process was told to stop, and the database has not taken what it was to keep";
            Err(StoreError::new(StoreErrorKind::Unavailable, text).into())
        }
    }
}

/// A run that does not go on here rests, unless a person wants something else of it.
pub(super) async fn put_down(
    engine: &Engine,
    run: &Run,
    held: Lease,
    mut told: RunSignals,
    rest: Then,
) -> Result<(), EngineError> {
    loop {
        let then = checkpoint::stop_requested(&told).map_or_else(
            || rest.clone(),
            |halt| checkpoint::halted(halt, engine.clock.now()),
        );
        let blank = Checkpoint::blank(held.clone(), told.signals, run.spent, then);
        match keep(engine, blank).await? {
            Committed::Outdated(news) => told = news,
            Committed::Kept(_) | Committed::Lost => return Ok(()),
        }
    }
}

/// The roll call of one pipeline, before anything is spent: the work, or what is missing.
async fn prepared(
    engine: &Engine,
    run: &Arc<Run>,
    runnable: &Arc<RunnableRevision>,
) -> Result<Result<RunContext, String>, EngineError> {
    let Some(pipeline) = runnable.pipelines.get(&run.pipeline) else {
        let error = EngineError::NoPipeline(run.pipeline.clone());
        return Ok(Err(error.to_string()));
    };
    let key = format!("config:{}:", run.pipeline);
    let misses = runnable.misses_of(pipeline);
    if misses.is_empty() {
        // The detail of a run that has been blocked says so until it goes on.
        if !run.detail.is_empty() {
            findings::resolve(&engine.store, &key).await?;
        }
        return Ok(Ok(RunContext {
            engine: engine.clone(),
            runnable: Arc::clone(runnable),
            pipeline: Arc::clone(pipeline),
            run: Arc::clone(run),
            asked: Arc::new(run.input.clone()),
            deadline: Instant::now() + pipeline.budget.0.saturating_sub(run.spent),
        }));
    }
    let problems = misses.iter().filter_map(|reference| {
        let miss = reference.miss.as_ref()?;
        Some(format!(
            "{}: {}; {}",
            reference.referrer, miss.problem, miss.mend
        ))
    });
    let problem = problems.collect::<Vec<_>>().join("; ");
    let digest = crate::settings::hex(&sha2::Sha256::digest(&problem));
    let (key, subject) = (format!("{key}{digest}"), &run.pipeline);
    if findings::raise(&engine.store, &key, "config", subject, &problem).await? {
        tracing::error!(pipeline = subject, problem, "runs of it are blocked");
    }
    Ok(Err(problem))
}
