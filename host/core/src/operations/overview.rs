//! All at once, for a person who looks in: what is registered, whether every reference answers, and
//! what the runs came to.

use schemars::JsonSchema;
use serde::Serialize;

use super::OperationError;
use super::gates::{self, GateView};
use super::handlers::{self, HandlerView};
use super::pipelines::{self, PipelineView};
use super::plugins::{self, PluginView};
use super::policies::{self, PolicyView};
use super::revisions::RevisionView;
use super::runs::{self, RunProgress};
use crate::app::{App, AppError};
use crate::rollcall::Reference;
use crate::store::revisions;

/// How many of the newest runs it has.
const RUNS: u32 = 15;

/// Everything of the host at a moment.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Overview {
    /// What the workspace is called.
    pub name: String,
    /// The active revision, if one was ever applied; without it, only the name is told.
    pub revision: Option<RevisionView>,
    /// Digest of the settings as they stand.
    pub settings_digest: String,
    /// Digest of the handlers that are registered.
    pub registry_digest: String,
    /// Every handler, by name.
    pub handlers: Vec<HandlerView>,
    /// Every plugin, by name.
    pub plugins: Vec<PluginView>,
    /// Every pipeline, by name.
    pub pipelines: Vec<PipelineView>,
    /// Every policy, by name.
    pub policies: Vec<PolicyView>,
    /// The newest, newest first.
    pub runs: Vec<RunProgress>,
    /// Open questions to a person, oldest first.
    pub gates: Vec<GateView>,
    /// References that nothing answers, but for those that depend on another one here.
    pub misses: Vec<Reference>,
    /// How many references the roll call checked.
    pub references: usize,
}

/// Everything as it stands now.
pub async fn show(app: &App) -> Result<Overview, OperationError> {
    let loaded = match app.active().await {
        Err(AppError::NothingApplied) => return Ok(nothing_applied(app)),
        active => active?,
    };
    let (roll, settings) = app.call_roll(&loaded).await?;
    let revision = revisions::active(app.store()).await?;
    let misses = roll.causes();
    let misses = misses.iter().map(|(cause, _)| (*cause).clone());
    Ok(Overview {
        name: loaded.definitions.config.value.name.clone(),
        revision: revision.map(|revision| {
            let number = revision.number;
            RevisionView::of(revision, Some(number))
        }),
        settings_digest: settings.digest(),
        registry_digest: loaded.registry.digest(),
        handlers: handlers::all(&loaded),
        plugins: plugins::all(&loaded),
        pipelines: pipelines::all(&loaded),
        policies: policies::list(app).await?,
        runs: runs::progress(app, RUNS).await?,
        gates: gates::list(app).await?,
        misses: misses.collect(),
        references: roll.asked(),
    })
}

fn nothing_applied(app: &App) -> Overview {
    Overview {
        name: app.config().name.clone(),
        ..Overview::default()
    }
}
