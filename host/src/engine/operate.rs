//! What a person does to runs: cancel, pause, resume.

use super::EngineError;
use crate::store::Store;
use crate::store::leases::Wish;
use crate::store::runs::{Run, RunStatus};
use crate::store::steering::{self, Steered};

/// Who steers a run, and why.
#[derive(Debug, Clone)]
pub struct By {
    pub name: String,
    pub reason: String,
}

impl By {
    fn detail(&self, what: &str) -> String {
        let reason = if self.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", self.reason)
        };
        format!("{what} by {}{reason}", self.name)
    }
}

/// End a run as cancelled. One under way is told, and ends in a moment; what its stages have
/// in hand is not kept.
pub async fn cancel(store: &Store, run: &Run, by: &By) -> Result<Steered, EngineError> {
    let detail = by.detail("cancelled");
    let steered = steering::stop(store, &run.id, Wish::Cancel, detail).await?;
    done(store, run, "ended before it could be cancelled", steered).await
}

/// Stop a run for a while. Stages under way come to their checkpoints first.
pub async fn pause(store: &Store, run: &Run, by: &By) -> Result<Steered, EngineError> {
    let detail = by.detail("paused");
    let steered = steering::stop(store, &run.id, Wish::Pause, detail).await?;
    done(store, run, "ended before it could be paused", steered).await
}

/// Queue a run that is paused, blocked or waiting, for it to go on now.
pub async fn resume(store: &Store, run: &Run) -> Result<Steered, EngineError> {
    let steered = steering::resume(store, &run.id).await?;
    let problem = match run.status {
        RunStatus::Gated => "stands before a gate; decide it with `callboard tasks`",
        RunStatus::Running => "is under way already",
        status if status.is_final() => {
            "has ended; to do a part of it again, `callboard runs retry`"
        }
        _ => "changed meanwhile; look at it with `callboard runs show`",
    };
    done(store, run, problem, steered).await
}

async fn done(
    store: &Store,
    run: &Run,
    problem: &str,
    steered: Option<Steered>,
) -> Result<Steered, EngineError> {
    store.wake().await;
    steered.ok_or_else(|| EngineError::Refused {
        run: run.id.clone(),
        problem: problem.to_owned(),
    })
}
