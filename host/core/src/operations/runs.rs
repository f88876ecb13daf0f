//! Runs: list them, look at one, start one and carry it out, follow, steer and remove them.

mod carry_out;
mod follow;
mod prune;
mod start;
mod steer;
mod view;

pub use self::carry_out::{CarriedOut, carry_out};
pub use self::follow::{Follower, RunChange, StatusChanged};
pub use self::prune::{Pruned, prune, prune_one};
pub use self::start::{Start, differs, fork, start, start_with};
pub use self::steer::{MigrationView, SteeredView, cancel, migrate, pause, resume, retry};
pub(crate) use self::view::millis;
pub use self::view::{
    HolderView, LimitsView, ListedView, RunDetails, RunProgress, RunView, StageEnded, StageRunView,
    UnreadableRunView,
};
pub use crate::engine::operate::migrate::{StageChange, StageFate};
pub use crate::store::leases::StopRequest;
pub use crate::store::runs::RunStatus;
pub use crate::store::stage_runs::UndoneVisit;

use super::gates::GateView;
use super::{Newest, OperationError, named};
use crate::app::App;
use crate::engine::plan;
use crate::outcome::Patch;
use crate::policy;
use crate::store::model_calls::{self, StageUse};
use crate::store::named::{self as names, Short};
use crate::store::runs::{self, ListedRun, Only, Run};
use crate::store::{Store, StoreError, gates, holders, stage_runs};

/// Which runs to list.
#[derive(Debug, Clone)]
pub struct Filter {
    pub status: Option<RunStatus>,
    pub pipeline: Option<String>,
    /// How many at most.
    pub limit: u32,
}

/// Runs, newest first; one that cannot be read is among them.
pub async fn list(app: &App, filter: &Filter) -> Result<Newest<ListedView>, OperationError> {
    let only = Only {
        status: filter.status,
        pipeline: filter.pipeline.as_deref(),
    };
    let asked = Newest::<ListedRun>::asked(filter.limit);
    let runs = runs::newest(app.store(), asked, only).await?;
    if let (true, Some(pipeline)) = (runs.is_empty(), &filter.pipeline) {
        known(app, pipeline).await?;
    }
    let runs = Newest::of(runs, filter.limit);
    let ids = runs.rows.iter().map(ListedRun::id);
    let short = Short::of(app.store(), &names::RUN, ids).await?;
    Ok(runs.map(|run| ListedView::of(run, &short)))
}

/// A pipeline of which there is no run is one that the active revision has.
async fn known(app: &App, pipeline: &str) -> Result<(), OperationError> {
    let loaded = app.active().await?;
    let policies = loaded.definitions.policies.keys();
    let pipelines = loaded.definitions.pipelines.keys().cloned();
    let all: Vec<String> = pipelines
        .chain(policies.map(|policy| policy::pipeline(policy)))
        .collect();
    if all.iter().any(|known| known == pipeline) {
        return Ok(());
    }
    let names = all.iter().map(String::as_str);
    Err(named::unknown(
        "pipeline",
        pipeline,
        names,
        "callboard pipelines list",
    ))
}

/// The newest runs, each with how far it came.
pub async fn progress(app: &App, limit: u32) -> Result<Vec<RunProgress>, OperationError> {
    let store = app.store();
    let listed = runs::newest(store, limit, Only::default()).await?;
    let short = Short::of(store, &names::RUN, listed.iter().map(ListedRun::id)).await?;
    let mut progress = Vec::new();
    for listed in listed {
        let mut stages = Vec::new();
        if let ListedRun::Run(run) = &listed {
            let (rows, _) = stage_runs::readable_of_run(store, &run.id).await?;
            let rows = rows.iter();
            stages.extend(rows.map(|row| StageEnded::of(run, row, &short)));
        }
        let run = ListedView::of(listed, &short);
        progress.push(RunProgress { run, stages });
    }
    Ok(progress)
}

/// The run that `wanted` names, with its stages and gates.
pub async fn show(app: &App, wanted: &str) -> Result<RunDetails, OperationError> {
    let store = app.store();
    let run = named::run(store, wanted).await?;
    let (stages, mut unreadable) = stage_runs::readable_of_run(store, &run.id).await?;
    let (gates, lost) = gates::readable_of_run(store, &run.id).await?;
    unreadable.extend(lost);
    let holder = holders::of(store, &run.id).await?;
    let models = model_calls::of_run(store, &run.id).await?;
    Ok(RunDetails {
        run: viewed(store, run).await?,
        holder: holder.map(Into::into),
        stages: stages.into_iter().map(Into::into).collect(),
        models,
        gates: GateView::all(store, gates).await?,
        unreadable,
    })
}

/// What the stages of a run took of models, by its id, in the order in which they first asked.
pub async fn models(app: &App, id: &str) -> Result<Vec<StageUse>, OperationError> {
    Ok(model_calls::of_run(app.store(), id).await?)
}

/// The visits of a run's stages by its id, in the order in which they ended.
pub async fn stages(app: &App, id: &str) -> Result<Vec<StageRunView>, OperationError> {
    let rows = stage_runs::of_run(app.store(), id).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The keys and values of a run by its id: its input, and what its stages wrote. A run that is
/// gone has none.
pub async fn keys(app: &App, id: &str) -> Result<Patch, OperationError> {
    let Some(run) = runs::by_id(app.store(), id).await? else {
        return Ok(Patch::new());
    };
    let rows = stage_runs::of_run(app.store(), id).await?;
    Ok(plan::keys(&run.input, &rows))
}

/// Whether a run has not ended, by its id. One that is gone has.
pub async fn is_open(app: &App, id: &str) -> Result<bool, OperationError> {
    let listed = runs::listed(app.store(), id).await?;
    Ok(match listed {
        Some(ListedRun::Run(run)) => !run.status.is_final(),
        Some(ListedRun::Unreadable(_)) => true,
        None => false,
    })
}

/// The pipeline of a run by its id, unless the run is gone.
pub async fn pipeline_of(app: &App, id: &str) -> Result<Option<String>, OperationError> {
    let run = runs::by_id(app.store(), id).await?;
    Ok(run.map(|run| run.pipeline))
}

/// What is shown of one run.
pub(super) async fn viewed(store: &Store, run: Run) -> Result<RunView, StoreError> {
    let short = Short::of(store, &names::RUN, [run.id.as_str()]).await?;
    Ok(RunView::of(run, &short))
}
