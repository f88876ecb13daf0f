//! A run whose database turns out to be damaged while it is in hand. That is no fault of the run:
//! it is given back as it stands, with the cause, and counts no lost worker.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::executor::Executor;
use super::{Engine, EngineError, LineUp, advance};
use crate::store::checkpoints::{Checkpoint, Committed, Then};
use crate::store::claims::Claim;
use crate::store::leases::Held;
use crate::store::runs::RunStatus;
use crate::store::{StoreError, StoreErrorKind};

/// Carry a claimed run on, as [`advance::advance`] does.
pub(super) async fn advance(
    engine: &Engine,
    claim: Claim,
    line_up: impl Future<Output = Result<Arc<LineUp>, EngineError>>,
    alone: Option<OwnedSemaphorePermit>,
) -> Result<(), EngineError> {
    let held = Held {
        run: claim.run.id.clone(),
        fence: claim.fence,
    };
    let blank = |then| Checkpoint::blank(held, claim.told.signals, claim.run.spent, then);
    let then = Then::Rest {
        status: RunStatus::Queued,
        detail: String::new(),
        wake_at: claim.now,
    };
    let unbegun = blank(then);
    match advance::advance(engine, claim, line_up, alone).await {
        Err(EngineError::Store(error)) if error.kind == StoreErrorKind::Corrupt => {
            give_back(&*engine.executor, unbegun, &error).await;
            Err(error.into())
        }
        advanced => advanced,
    }
}

/// Whoever takes it next finds the same checkpoints, in a database that is sound again.
async fn give_back(executor: &dyn Executor, mut blank: Checkpoint, error: &StoreError) {
    if let Then::Rest { detail, .. } = &mut blank.then {
        *detail = format!("given back: {error}");
    }
    let run = blank.held.run.clone();
    loop {
        match executor.checkpoint(blank.clone()).await {
            Ok(Committed::Outdated(told)) => blank.signals = told.signals,
            Ok(Committed::Kept(_) | Committed::Lost) => return,
            Err(error) => {
                tracing::warn!(run, %error, "it cannot be given back either");
                return;
            }
        }
    }
}
