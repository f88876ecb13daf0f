//! Runs are steered: cancelled, paused, resumed, retried, moved to another revision.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::engine::Unwatched;
use crate::engine::operate::migrate::{self as moving, StageChange};
use crate::engine::operate::{self, Actor};
use crate::operations::{OperationError, named};
use crate::store::holders;
use crate::store::leases::StopRequest;
use crate::store::named as names;
use crate::store::runs::{self, ListedRun, RunStatus};
use crate::store::steering::Steered;
use crate::store::{Store, StoreError};

use super::{RunView, viewed};

/// What came of a request at once.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Steered")]
pub struct SteeredView {
    /// The run's id.
    pub run: String,
    /// Its status now.
    pub status: RunStatus,
    /// What its worker is asked to do, if one has it; `runs tail` shows when it has.
    pub asked: Option<StopRequest>,
    /// When the lease of that worker runs out: if it is dead, the same does it at once from then on.
    pub lease_until: Option<Timestamp>,
}

/// End a run as cancelled. One under way stops in a moment; what its stages have in hand is not
/// kept. One that cannot be read can be ended all the same.
pub async fn cancel(app: &App, wanted: &str, by: &Actor) -> Result<SteeredView, OperationError> {
    let store = app.store();
    let id = named::key(store, &names::RUN, wanted).await?;
    let (before, steered) = match runs::listed(store, &id).await? {
        None => return Err(named::gone("run", &id)),
        Some(ListedRun::Unreadable(run)) => {
            let steered = operate::cancel_unread(store, &run.id, by).await?;
            (RunStatus::Blocked, steered)
        }
        Some(ListedRun::Run(run)) => (run.status, operate::cancel(store, &run, by).await?),
    };
    Ok(steered_view(store, (id, before), steered, StopRequest::Cancel).await?)
}

/// Stop a run for a while. Stages under way come to their checkpoints first.
pub async fn pause(app: &App, wanted: &str, by: &Actor) -> Result<SteeredView, OperationError> {
    let run = named::run(app.store(), wanted).await?;
    let steered = operate::pause(app.store(), &run, by).await?;
    let before = (run.id, run.status);
    Ok(steered_view(app.store(), before, steered, StopRequest::Pause).await?)
}

async fn steered_view(
    store: &Store,
    (run, before): (String, RunStatus),
    steered: Steered,
    stop_request: StopRequest,
) -> Result<SteeredView, StoreError> {
    let asked = (steered == Steered::Told).then_some(stop_request);
    let holder = holders::of(store, &run).await?.filter(|_| asked.is_some());
    Ok(SteeredView {
        lease_until: holder.and_then(|holder| holder.lease_until),
        run,
        status: match steered {
            Steered::Now(status) => status,
            Steered::Told | Steered::Kept => before,
        },
        asked,
    })
}

/// Queue a run that is paused, blocked or waits, or that a worker left when it died. Gives its id,
/// and whether a worker that has it is told to go on.
pub async fn resume(app: &App, wanted: &str, by: &Actor) -> Result<(String, bool), OperationError> {
    let run = named::run(app.store(), wanted).await?;
    let steered = operate::resume(app.store(), &run, by).await?;
    Ok((run.id, steered == Steered::Told))
}

/// Let a run go on again from a stage, with a fresh budget; without a stage, from those that ended
/// or hold it. Gives its id and the stages that it goes on from; none, if it goes on where it stood.
pub async fn retry(
    app: &App,
    wanted: &str,
    from: Option<&str>,
    by: &Actor,
) -> Result<(String, Vec<String>), OperationError> {
    let run = named::run(app.store(), wanted).await?;
    let engine = app.engine(Arc::new(Unwatched));
    let stages = operate::retry::retry(&engine, &run, from, by).await?;
    Ok((run.id, stages))
}

/// What moving a run to another revision does to it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Migration")]
pub struct MigrationView {
    /// The run as it was.
    pub run: RunView,
    /// The revision it moves to.
    pub to: i64,
    /// What becomes of each stage.
    pub stages: Vec<StageChange>,
    /// Keys of the input that the pipeline does not take any more.
    pub dropped: Vec<String>,
    /// Whether it was done, or only explained.
    pub done: bool,
}

/// Move a run in flight to the revision `to`; or only say what that would do, if `by` names no
/// person or program that does it.
pub async fn migrate(
    app: &App,
    wanted: &str,
    to: i64,
    by: Option<&Actor>,
) -> Result<MigrationView, OperationError> {
    let run = named::run(app.store(), wanted).await?;
    let engine = app.engine(Arc::new(Unwatched));
    let migration = moving::explain(&engine, &run, to).await?;
    if let Some(by) = by {
        moving::migrate(&engine, &migration, by).await?;
    }
    Ok(MigrationView {
        run: viewed(app.store(), migration.run).await?,
        to: migration.to,
        stages: migration.stages,
        dropped: migration.dropped,
        done: by.is_some(),
    })
}
