//! A run is carried out by the process that asks, or followed while a worker has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{RunView, viewed};
use crate::app::App;
use crate::engine::{EngineError, Watcher};
use crate::operations::{OperationError, named};
use crate::span::Span;
use crate::store::runs::{self, Run, RunStatus};

/// How often a run that another worker has is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// How much longer than a run may take it is followed: until a worker has claimed it.
const GRACE: Duration = Duration::from_secs(5);

/// How far a run came while the caller waited for it.
#[derive(Debug)]
pub enum CarriedOut {
    /// It ended, waits, stands before a gate, or takes much longer than it may.
    Settled(Box<RunView>),
    /// Told to stop, and it was given back: what was committed is kept.
    GivenBack,
    /// Told to stop while it was in other hands, or while others were to take it: there it goes on.
    Left,
}

/// Carry a run out here; or follow it, as long as a worker of another process has it, or has the
/// database to itself. If that worker dies, it is carried out here after all. `stop` gives it back
/// at once: nothing is kept of a stage that is under way.
pub async fn carry_out(
    app: &App,
    id: &str,
    watcher: Arc<dyn Watcher>,
    stop: &CancellationToken,
) -> Result<CarriedOut, OperationError> {
    let mut engine = app.engine(Arc::clone(&watcher));
    engine.stop = stop.clone();
    engine.rules.drain = Span::from_secs(0);
    let (began, mut followed) = (Instant::now(), None);
    loop {
        app.store().in_place().await?;
        let occupant = app.store().occupant()?;
        match &occupant {
            None => match while_in_place(app, engine.carry_out(id)).await? {
                Err(EngineError::NotClaimable(_)) => {}
                Ok(run) if run.status == RunStatus::Queued && stop.is_cancelled() => {
                    return Ok(CarriedOut::GivenBack);
                }
                other => return came_to(app, other?).await,
            },
            Some(named) if followed != occupant => watcher.followed(&named.to_string()),
            Some(_) => {}
        }
        followed = occupant;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let run = runs::by_id(app.store(), id).await?;
        let run = run.ok_or_else(|| named::gone("run", id))?;
        if settled(app, &run, began).await? {
            return came_to(app, run).await;
        }
        if stop.is_cancelled() {
            // Nothing was in hand here of what is only followed.
            return Ok(match run.status {
                RunStatus::Queued if followed.is_none() => CarriedOut::GivenBack,
                _ => CarriedOut::Left,
            });
        }
    }
}

/// What `work` comes to, unless the database is not the one at its path any more: nothing of what
/// comes after that would be kept.
async fn while_in_place<T>(app: &App, work: impl Future<Output = T>) -> Result<T, OperationError> {
    tokio::select! {
        done = work => Ok(done),
        lost = app.lost() => Err(lost.into()),
    }
}

async fn came_to(app: &App, run: Run) -> Result<CarriedOut, OperationError> {
    let run = viewed(app.store(), run).await?;
    Ok(CarriedOut::Settled(Box::new(run)))
}

/// A run that ended, waits or stands before a gate, or takes much longer than it may.
async fn settled(app: &App, run: &Run, began: Instant) -> Result<bool, OperationError> {
    let loaded = app.loaded_revision(run.revision).await?;
    let longest = loaded.budget(&run.pipeline).unwrap_or_default() + GRACE;
    let goes_on = matches!(run.status, RunStatus::Queued | RunStatus::Running);
    Ok(!goes_on || began.elapsed() > longest)
}
