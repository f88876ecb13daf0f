//! Runs are followed: what changed of them since the last look.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::operations::{OperationError, named};
use crate::store::named::{self as names, Short};
use crate::store::runs::{self, ListedRun, Run, RunStatus};
use crate::store::stage_runs;
use crate::store::{Store, StoreError};

use super::StageEnded;

/// Runs that are followed at a time, if all are.
const MOST: u32 = 500;

/// Something that happened to a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum RunChange {
    Stage(StageEnded),
    Status(StatusChanged),
}

/// A run has another status, or another reason for it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusChanged {
    /// The run's id.
    pub run: String,
    /// What lists show of it.
    pub short: String,
    /// The pipeline that it executes.
    pub pipeline: String,
    /// How it stands now.
    pub status: RunStatus,
    /// Why, for a person.
    pub detail: String,
}

/// Follows one run, or all that have not ended.
#[derive(Debug)]
pub struct Follower {
    only: Option<String>,
    /// Whether there was a first look, at what had happened before.
    looked: bool,
    /// How far each run was told: its status with the reason, and its last step.
    told: BTreeMap<String, (String, i64)>,
    short: Short,
}

impl Follower {
    /// Follow the run that `wanted` names, from its beginning; or all, from now on.
    pub async fn new(app: &App, wanted: Option<&str>) -> Result<Self, OperationError> {
        let only = match wanted {
            Some(wanted) => Some(named::run(app.store(), wanted).await?.id),
            None => None,
        };
        Ok(Self {
            only,
            looked: false,
            told: BTreeMap::new(),
            short: Short::default(),
        })
    }

    /// What happened since the last look, and the status of the one run that is followed once it
    /// has ended.
    pub async fn poll(
        &mut self,
        app: &App,
    ) -> Result<(Vec<RunChange>, Option<RunStatus>), OperationError> {
        let store = app.store();
        store.in_place().await?;
        let runs = match &self.only {
            Some(id) => Vec::from_iter(runs::by_id(store, id).await?),
            None => self.all(store).await?,
        };
        // What is shown of an id changes only when another one comes.
        if runs.iter().any(|run| !self.told.contains_key(&run.id)) {
            let ids = runs.iter().map(|run| run.id.as_str());
            self.short = Short::of(store, &names::RUN, ids).await?;
        }
        let mut changes = Vec::new();
        for run in &runs {
            changes.extend(self.changes(store, run).await?);
        }
        self.looked = true;
        let ended = runs.first().filter(|run| run.status.is_final());
        let ended = ended.filter(|_| self.only.is_some());
        Ok((changes, ended.map(|run| run.status)))
    }

    /// The runs that have not ended, and those that ended since the last look.
    async fn all(&self, store: &Store) -> Result<Vec<Run>, StoreError> {
        // One that cannot be read is blocked, and lists say so.
        let open = runs::open(store, MOST).await?.into_iter();
        let mut runs: Vec<Run> = open.filter_map(ListedRun::run).collect();
        let gone = self.told.keys();
        let gone = gone.filter(|id| !runs.iter().any(|run| run.id == **id));
        let gone: Vec<String> = gone.cloned().collect();
        for id in gone {
            let listed = runs::listed(store, &id).await?;
            runs.extend(listed.and_then(ListedRun::run));
        }
        Ok(runs)
    }

    /// What is new of a run.
    async fn changes(&mut self, store: &Store, run: &Run) -> Result<Vec<RunChange>, StoreError> {
        let (status, step) = self.told.get(&run.id).cloned().unwrap_or_default();
        let now = format!("{}: {}", run.status, run.detail);
        let mut changes = Vec::new();
        let mut last = step;
        if status != now || run.status == RunStatus::Running {
            for row in stage_runs::readable_of_run(store, &run.id).await?.0 {
                last = last.max(row.step);
                // What happened before is told of a run that was asked for, not of all.
                if row.step > step && (self.only.is_some() || self.looked) {
                    changes.push(RunChange::Stage(StageEnded::of(run, &row, &self.short)));
                }
            }
        }
        if status != now {
            changes.push(RunChange::Status(self.status(run)));
        }
        if run.status.is_final() {
            self.told.remove(&run.id);
        } else {
            self.told.insert(run.id.clone(), (now, last));
        }
        Ok(changes)
    }

    fn status(&self, run: &Run) -> StatusChanged {
        StatusChanged {
            run: run.id.clone(),
            short: self.short.show(&run.id).to_owned(),
            pipeline: run.pipeline.clone(),
            status: run.status,
            detail: run.detail.clone(),
        }
    }
}
