//! A run whose database turns out to be damaged while it is in hand. That is no fault of the run:
//! it is given back as it stands, with the cause, and counts no lost worker.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{Engine, EngineError, RunnableRevision, advance};
use crate::store::StoreErrorKind;
use crate::store::checkpoints::Then;
use crate::store::claims::Claim;
use crate::store::leases::Lease;
use crate::store::runs::RunStatus;

/// Carry a claimed run on, as [`advance::advance`] does. The worker that takes it next finds the
/// same checkpoints, in a database that is sound again.
pub(super) async fn advance(
    engine: &Engine,
    claim: Claim,
    runnable: impl Future<Output = Result<Arc<RunnableRevision>, EngineError>>,
    other_slots: Option<OwnedSemaphorePermit>,
) -> Result<(), EngineError> {
    let (run, told, wake_at) = (claim.run.clone(), claim.told.clone(), claim.now);
    let held = Lease {
        run: run.id.clone(),
        fence: claim.fence,
    };
    let error = match advance::advance(engine, claim, runnable, other_slots).await {
        Err(EngineError::Store(error)) if error.kind == StoreErrorKind::Corrupt => error,
        advanced => return advanced,
    };
    let rest = Then::Rest {
        status: RunStatus::Queued,
        detail: format!("given back: {error}"),
        wake_at,
    };
    if let Err(error) = advance::put_down(engine, &run, held, told, rest).await {
        tracing::warn!(run = run.id, %error, "it cannot be given back either");
    }
    Err(error.into())
}
