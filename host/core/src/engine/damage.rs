//! A run whose database fails it while it is in hand: it is damaged, or a right was taken away. That is no
//! fault of the run, and its worker lives: it is given back as it stands, with the cause, and counts no
//! lost worker.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::{Engine, EngineError, RunnableRevision, advance};
use crate::store::checkpoints::Then;
use crate::store::claims::ClaimedRun;
use crate::store::leases::Lease;
use crate::store::runs::{Run, RunStatus};
use crate::store::{NEVER, StoreErrorKind, findings, timestamp};

/// Carry a claimed run on, as [`advance::advance`] does. The worker that takes it next finds the
/// same checkpoints, in a database that is sound again.
pub(super) async fn advance(
    engine: &Engine,
    claim: ClaimedRun,
    runnable: impl Future<Output = Result<Arc<RunnableRevision>, EngineError>>,
    other_slots: Option<OwnedSemaphorePermit>,
) -> Result<(), EngineError> {
    let (run, told, wake_at) = (claim.run.clone(), claim.told.clone(), claim.now);
    let held = Lease {
        run: run.id.clone(),
        fence: claim.fence,
    };
    let Err(error) = advance::advance(engine, claim, runnable, other_slots).await else {
        return Ok(());
    };
    let Some(rest) = rest(&error, wake_at) else {
        return Err(error);
    };
    if let Err(error) = advance::put_down(engine, &run, held, told, rest).await {
        tracing::warn!(run = run.id, %error, "it cannot be given back either");
    }
    if let EngineError::Unkept { .. } = &error {
        report(engine, &run, &error).await?;
    }
    Err(error)
}

/// How the run is given back; not at all, if its lease is lost or the database does not answer.
fn rest(error: &EngineError, now: Timestamp) -> Option<Then> {
    let (status, detail, wake_at) = match error {
        EngineError::Store(error) if error.kind == StoreErrorKind::Corrupt => {
            (RunStatus::Queued, format!("given back: {error}"), now)
        }
        // Nothing that a stage came to is lost: it may look again by itself.
        EngineError::Store(error) if error.kind == StoreErrorKind::Denied => (
            RunStatus::Blocked,
            error.to_string(),
            now.checked_add(advance::BLOCKED_LOOK).unwrap_or(now),
        ),
        EngineError::Unkept { .. } => (RunStatus::Blocked, error.to_string(), timestamp(NEVER)),
        _ => return None,
    };
    Some(Then::Rest {
        status,
        detail,
        wake_at,
    })
}

async fn report(engine: &Engine, run: &Run, error: &EngineError) -> Result<(), EngineError> {
    let key = format!("poisoned:{}", run.id);
    let message = format!("run {} is blocked: {error}", run.id);
    findings::raise(&engine.store, &key, "poisoned", &run.pipeline, &message).await?;
    Ok(())
}
