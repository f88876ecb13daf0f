//! Move a run in flight to another revision, after saying what that means for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Actor, StoredRun, pipeline_of, refused, taken};
use crate::engine::{Engine, EngineError, RunnableRevision, complete_input, limits, plan};
use crate::outcome::Patch;
use crate::pipeline::{Pipeline, Stage};
use crate::store::gates;
use crate::store::runs::Run;
use crate::store::stage_runs::{StageRun, VisitOf};
use crate::store::steering::table::Signal;
use crate::store::steering::{self, RunVersion};

/// What a migration does to a run.
#[derive(Debug, Clone)]
pub struct RunMigration {
    pub run: Run,
    pub to: i64,
    pub stages: Vec<StageChange>,
    /// Keys of the input that the pipeline does not take any more.
    pub dropped: Vec<String>,
    seen: RunVersion,
    /// The run as it will be.
    moved: Run,
}

/// What becomes of a stage.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StageChange")]
pub struct StageChange {
    /// The stage's id.
    pub stage: String,
    /// What becomes of it.
    pub fate: StageFate,
    /// Why, for a person.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageFate {
    /// Its checkpoint counts on.
    Stays,
    /// Its checkpoint does not count any more; it is visited anew.
    Anew,
    /// It was not there before, and its turn comes.
    New,
    /// It is not there any more.
    Gone,
    /// Its question is asked on.
    Asked,
    /// Its question needs no answer any more.
    Withdrawn,
    /// Its turn has not come.
    Open,
}

impl StageFate {
    /// Its name, for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            StageFate::Stays => "stays",
            StageFate::Anew => "anew",
            StageFate::New => "new",
            StageFate::Gone => "gone",
            StageFate::Asked => "asked",
            StageFate::Withdrawn => "withdrawn",
            StageFate::Open => "open",
        }
    }
}

/// Find out what a migration to revision `to` would do. Changes nothing.
pub async fn explain(engine: &Engine, run: &Run, to: i64) -> Result<RunMigration, EngineError> {
    let stored = StoredRun::of(engine, run).await?;
    stored.takes(Signal::Migrate)?;
    if run.revision == to {
        return Err(refused(run, format!("is on revision {to} already")));
    }
    let (old_line_up, old) = stored.pipeline(engine).await?;
    let runnable = engine.runnables.at(to, None).await?;
    let new = pipeline_of(&runnable, run).map_err(|_| {
        let problem = format!(
            "cannot move to revision {to}, which has no pipeline `{}`",
            run.pipeline
        );
        refused(run, problem)
    })?;
    let open = gates::open_of_run(&engine.store, &run.id).await?;
    let comparison = Comparison {
        stored: &stored,
        old: (&old_line_up, &old),
        new: (&runnable, &new),
        asked: open.into_iter().map(|gate| gate.stage).collect(),
    };
    let stages = comparison.changes();
    let (moved, dropped) = moved(&stored.run, &runnable, &new)?;
    Ok(RunMigration {
        seen: stored.seen(),
        run: stored.run,
        to,
        stages,
        dropped,
        moved,
    })
}

/// Do what was explained, unless the run changed since.
pub async fn migrate(engine: &Engine, plan: &RunMigration, by: &Actor) -> Result<(), EngineError> {
    let from = plan.run.revision;
    let what = format!("moved from revision {from} to {}", plan.to);
    let of = |fates: &[StageFate]| {
        let changes = plan.stages.iter();
        let changes = changes.filter(|change| fates.contains(&change.fate));
        changes.map(|change| change.stage.clone()).collect()
    };
    let moved = steering::migrate::MigratePlan {
        run: plan.moved.clone(),
        seen: plan.seen,
        superseded: of(&[StageFate::Anew, StageFate::Gone]),
        withdrawn: of(&[StageFate::Withdrawn]),
        detail: by.detail(&what),
    };
    let answer = steering::migrate::migrate(&engine.store, moved).await?;
    taken(&engine.store, &plan.run, answer).await?;
    Ok(())
}

/// The run as the new revision starts it, and the keys of its input that it loses.
fn moved(
    run: &Run,
    runnable: &RunnableRevision,
    new: &Pipeline,
) -> Result<(Run, Vec<String>), EngineError> {
    let (kept, lost): (Patch, Patch) = run
        .input
        .clone()
        .into_iter()
        .partition(|(key, _)| new.input.contains_key(key));
    let input = complete_input(new, kept).map_err(|error| match error {
        EngineError::MissingInput(key) => refused(
            run,
            format!(
                "has no input `{key}`, which revision {} asks for; start another run",
                runnable.revision
            ),
        ),
        other => other,
    })?;
    let moved = Run {
        revision: runnable.revision,
        priority: new.priority,
        limits: limits(new, &input)?,
        input,
        ..run.clone()
    };
    Ok((moved, lost.keys().cloned().collect()))
}

/// Two definitions of the pipeline of one run.
struct Comparison<'a> {
    stored: &'a StoredRun,
    old: (&'a Arc<RunnableRevision>, &'a Pipeline),
    new: (&'a Arc<RunnableRevision>, &'a Pipeline),
    asked: BTreeSet<String>,
}

impl Comparison<'_> {
    fn changes(&self) -> Vec<StageChange> {
        let mut anew: BTreeSet<String> = BTreeSet::new();
        let mut changes = Vec::new();
        // In the order of their turns, so that what comes after a stage visited anew is known.
        let stages = self.new.1.order().unwrap_or_default();
        for stage in stages {
            let change = self.change(stage, &anew);
            if change.fate == StageFate::Anew {
                anew.extend(self.new.1.downstream(stage.id()));
            }
            changes.push(change);
        }
        changes.extend(self.gone());
        self.say_who_asks(&mut changes);
        changes
    }

    /// Of a gate that is there no more: who asks in its place, if anybody does.
    fn say_who_asks(&self, changes: &mut [StageChange]) {
        let is_gate = |id: &str| self.new.1.stage(id).is_some_and(|it| it.gate.is_some());
        let asks = changes.iter().filter(|change| {
            is_gate(&change.stage) && !matches!(change.fate, StageFate::Stays | StageFate::Gone)
        });
        let asks: Vec<_> = asks.map(|change| format!("`{}`", change.stage)).collect();
        let then = match asks.as_slice() {
            [] => "nobody said yes, and what is made only with a yes is refused".to_owned(),
            _ => format!(
                "the question is asked at {}, and what needs a yes before that is refused",
                asks.join(" and ")
            ),
        };
        for change in changes {
            if change.fate == StageFate::Withdrawn && !is_gate(&change.stage) {
                change.why = format!("{}; {then}", change.why);
            }
        }
    }

    fn change(&self, stage: &Stage, anew: &BTreeSet<String>) -> StageChange {
        let id = stage.id();
        let row = plan::live(&self.stored.rows).find(|row| row.stage == id);
        let (fate, why) = match row {
            Some(row) => self.fate(stage, row, anew),
            None if self.asked.contains(id) => question(stage, anew),
            None if self.old.1.stage(id).is_none() => (StageFate::New, stage.what()),
            None => (StageFate::Open, stage.what()),
        };
        StageChange {
            stage: id.to_owned(),
            fate,
            why,
        }
    }

    /// What becomes of a stage that has a checkpoint.
    fn fate(&self, stage: &Stage, row: &StageRun, anew: &BTreeSet<String>) -> (StageFate, String) {
        if anew.contains(stage.id()) {
            let why = "it comes after a stage that is visited anew";
            return (StageFate::Anew, why.to_owned());
        }
        let (handler, before) = match (VisitOf::of(stage), &row.what) {
            (VisitOf::Gate, VisitOf::Gate) => {
                return (StageFate::Stays, "its gate was decided".to_owned());
            }
            (VisitOf::Gate, VisitOf::Handler(_)) => {
                let why = "it is a gate now, and nobody has decided";
                return (StageFate::Anew, why.to_owned());
            }
            (VisitOf::Handler(handler), VisitOf::Gate) => {
                return (
                    StageFate::Anew,
                    format!("it was a gate and runs {handler} now"),
                );
            }
            (VisitOf::Handler(handler), VisitOf::Handler(before)) => (handler, before),
        };
        let handler = handler.as_str();
        match self.misfit(handler, row) {
            Some(why) => (StageFate::Anew, why),
            None if self.contract_changed(handler, before) => (
                StageFate::Stays,
                format!("{handler} changed, and what was written still fits"),
            ),
            None => (
                StageFate::Stays,
                format!("{}: {handler}", row.outcome.name()),
            ),
        }
    }

    /// Why what a stage wrote does not fit what its handler writes now.
    fn misfit(&self, handler: &str, row: &StageRun) -> Option<String> {
        let Some(entry) = self.new.0.registry.get(handler) else {
            return Some(format!("there is no handler {handler} in the new revision"));
        };
        let problem = entry.checks.writes(row.outcome.patch()?).err()?;
        Some(format!(
            "what it wrote does not fit {handler} any more: {problem}"
        ))
    }

    fn contract_changed(&self, new: &str, old: &str) -> bool {
        let contract = |runnable: &RunnableRevision, name| {
            let entry = runnable.registry.get(name);
            entry.map(|entry| entry.contract.clone())
        };
        contract(self.new.0, new) != contract(self.old.0, old)
    }

    /// Stages that the new definition does not have.
    fn gone(&self) -> impl Iterator<Item = StageChange> {
        let old = self.old.1.stages.iter().map(Stage::id);
        let gone = old.filter(|id| self.new.1.stage(id).is_none());
        gone.map(|id| {
            let came = self.stored.rows.iter().any(|row| row.stage == id);
            let (fate, why) = if self.asked.contains(id) {
                (StageFate::Withdrawn, "its gate is not there any more")
            } else if came {
                (StageFate::Gone, "its checkpoint does not count any more")
            } else {
                (StageFate::Gone, "its turn had not come")
            };
            StageChange {
                stage: id.to_owned(),
                fate,
                why: why.to_owned(),
            }
        })
    }
}

/// What becomes of an open question.
fn question(stage: &Stage, anew: &BTreeSet<String>) -> (StageFate, String) {
    match &stage.gate {
        Some(_) if anew.contains(stage.id()) => (
            StageFate::Withdrawn,
            "it is asked again after what comes before it".to_owned(),
        ),
        Some(question) => (StageFate::Asked, question.get_ref().clone()),
        None => (
            StageFate::Withdrawn,
            format!("it is no gate any more: {}", stage.what()),
        ),
    }
}
