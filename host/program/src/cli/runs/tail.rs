//! `runs tail`: changes of status and stages that ended, as they happen.

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_core::store::Store;
use callboard_core::store::named::{self, Short};
use callboard_core::store::runs::{self, Listed, Run};
use callboard_core::store::stage_runs::{self, StageRun};
use clap::Args;
use serde_json::{Value as Json, json};

use super::find;
use crate::cli::output::{Answered, Output};
use crate::cli::watch::length;
use crate::cli::{Context, Failure, interrupt, run};

/// How often the database is asked.
const LOOK: Duration = Duration::from_millis(500);
/// Runs that are followed at a time, if all are.
const MOST: u32 = 500;

/// What to follow.
#[derive(Debug, Args)]
pub(in crate::cli) struct Tail {
    /// The run's id as `runs list` shows it, enough of its beginning or end, or `latest`; without it,
    /// every run that has not ended.
    id: Option<String>,
}

impl Tail {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let store = app.store();
        let only = match &self.id {
            Some(id) => Some(find(store, id).await?.id),
            None => None,
        };
        let signals = interrupt::Listener::start();
        let stop = signals.stop.clone();
        let mut seen = Seen::new(context.output, only.is_some());
        loop {
            let runs = match &only {
                Some(id) => Vec::from_iter(runs::by_id(store, id).await?),
                None => seen.all(store).await?,
            };
            if only.is_none() {
                let ids = runs.iter().map(|run| run.id.as_str());
                seen.short = Short::of(store, &named::RUN, ids).await?;
            }
            for run in &runs {
                seen.look(store, run).await?;
            }
            seen.told = true;
            if let (Some(_), [run]) = (&only, runs.as_slice())
                && run.status.is_final()
            {
                return Ok(context.output.lines_end().with(run::exit(run.status)));
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(interrupted(context, &signals, only.is_some())),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

/// All runs are followed until Ctrl-C; one that is left before its end has not come to one.
fn interrupted(context: &Context, signals: &interrupt::Listener, one: bool) -> Answered {
    let ended = context.output.lines_end();
    match signals.heard() {
        Some(signal) if one => ended.with(signal.exit()),
        _ => ended,
    }
}

/// How far each run has been told.
struct Seen {
    output: Output,
    one: bool,
    /// Whether there was a first look, at what had happened before.
    told: bool,
    runs: BTreeMap<String, (String, i64)>,
    short: Short,
}

impl Seen {
    fn new(output: Output, one: bool) -> Self {
        Self {
            output,
            one,
            told: false,
            runs: BTreeMap::new(),
            short: Short::default(),
        }
    }

    /// The runs that have not ended, and those that ended since the last look.
    async fn all(&mut self, store: &Store) -> Result<Vec<Run>, Failure> {
        // One that cannot be read is blocked, and `runs list` says so.
        let open = runs::open(store, MOST).await?.into_iter();
        let mut runs: Vec<Run> = open.filter_map(Listed::run).collect();
        let gone = self.runs.keys();
        let gone = gone.filter(|id| !runs.iter().any(|run| run.id == **id));
        let gone: Vec<String> = gone.cloned().collect();
        for id in gone {
            let listed = runs::listed(store, &id).await?;
            runs.extend(listed.and_then(Listed::run));
        }
        Ok(runs)
    }

    /// Tell what is new of a run.
    async fn look(&mut self, store: &Store, run: &Run) -> Result<(), Failure> {
        let known = self.runs.get(&run.id).cloned();
        let (status, step) = known.clone().unwrap_or_default();
        let now = format!("{}: {}", run.status, run.detail);
        let moved = status != now || run.status == runs::RunStatus::Running;
        let mut last = step;
        if moved {
            for row in stage_runs::readable_of_run(store, &run.id).await?.0 {
                last = last.max(row.step);
                // What happened before is told of a run that was asked for, not of all.
                if row.step > step && (self.one || self.told) {
                    self.stage(run, &row);
                }
            }
        }
        if status != now {
            self.status(run);
        }
        if run.status.is_final() {
            self.runs.remove(&run.id);
        } else {
            self.runs.insert(run.id.clone(), (now, last));
        }
        Ok(())
    }

    fn status(&self, run: &Run) {
        let detail = if run.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", run.detail)
        };
        let text = format!("{}  {}{detail}", self.name(run), run.status);
        self.print(
            &text,
            &json!({
                "run": run.id, "pipeline": run.pipeline, "status": run.status,
                "detail": run.detail,
            }),
        );
    }

    fn stage(&self, run: &Run, row: &StageRun) {
        let took = row.finished_at.duration_since(row.started_at);
        let detail = row.outcome.detail();
        let separator = if detail.is_empty() { "" } else { ": " };
        let text = format!(
            "{}  {} {}{separator}{detail} ({})",
            self.name(run),
            row.stage,
            row.outcome.name(),
            length(took.unsigned_abs())
        );
        self.print(
            &text,
            &json!({
                "run": run.id, "pipeline": run.pipeline, "stage": row.stage,
                "visit": row.visit, "outcome": row.outcome.name(), "then": row.follow,
                "detail": detail, "finished_at": row.finished_at,
            }),
        );
    }

    /// What names the run on its lines.
    fn name(&self, run: &Run) -> String {
        if self.one {
            return run.pipeline.clone();
        }
        format!("{} {}", self.short.show(&run.id), run.pipeline)
    }

    fn print(&self, text: &str, json: &Json) {
        if self.output.is_json() {
            self.output.json_line(json);
        } else {
            self.output.say(text);
        }
    }
}
