//! `runs`: list them, show one with its stages, go on with one.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;

use super::output::{short, time};
use super::watch::{Progress, length};
use super::{Context, Failure, run};
use crate::store::runs::Run;
use crate::store::{Store, runs, stage_runs};

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// The newest runs.
    List {
        /// Only those of one status, e.g. `failed`.
        #[arg(long)]
        status: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One run with its stages.
    Show {
        /// Its id, or enough of the beginning.
        id: String,
    },
    /// Go on with a run that waits, or that a worker left when it died.
    Resume {
        /// Its id, or enough of the beginning.
        id: String,
    },
}

impl Runs {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        match self {
            Runs::List { status, limit } => {
                let runs = runs::newest(app.store(), limit, status.as_deref()).await?;
                let rows = runs.iter().map(row).collect();
                let header = ["run", "pipeline", "status", "created", "detail"];
                context.output.show(&header, rows, &runs);
                Ok(ExitCode::SUCCESS)
            }
            Runs::Show { id } => show(context, app.store(), &id).await,
            Runs::Resume { id } => {
                let found = find(app.store(), &id).await?;
                let engine = app.engine(Arc::new(Progress(context.output)));
                let run = engine.carry_out(&found.id).await?;
                Ok(run::report(context, &run))
            }
        }
    }
}

async fn show(context: &Context, store: &Store, id: &str) -> Result<ExitCode, Failure> {
    let found = find(store, id).await?;
    let stages = stage_runs::of_run(store, &found.id).await?;
    if context.output.is_json() {
        context
            .output
            .json(&json!({ "run": found, "stages": stages }));
        return Ok(ExitCode::SUCCESS);
    }
    context.output.say(format_args!("run       {}", found.id));
    context.output.say(format_args!(
        "pipeline  {} (revision {})",
        found.pipeline, found.revision
    ));
    context
        .output
        .say(format_args!("status    {}", found.status));
    if !found.detail.is_empty() {
        context
            .output
            .say(format_args!("detail    {}", found.detail));
    }
    context
        .output
        .say(format_args!("created   {} UTC", time(found.created_at)));
    let rows = stages.iter().map(|stage| {
        let took = stage
            .finished_at
            .duration_since(stage.started_at)
            .unsigned_abs();
        vec![
            stage.stage.clone(),
            stage.visit.to_string(),
            stage.handler.clone(),
            stage.outcome.name().to_owned(),
            stage.follow.clone(),
            length(took),
            stage.outcome.detail(),
        ]
    });
    let header = [
        "stage", "visit", "handler", "outcome", "then", "took", "detail",
    ];
    context.output.table(&header, rows.collect());
    Ok(ExitCode::SUCCESS)
}

async fn find(store: &Store, id: &str) -> Result<Run, Failure> {
    runs::by_prefix(store, id).await?.ok_or_else(|| {
        Failure::usage(format!("there is no run `{id}`")).help("`callboard runs list` names them")
    })
}

fn row(run: &Run) -> Vec<String> {
    vec![
        short(&run.id),
        run.pipeline.clone(),
        run.status.to_string(),
        time(run.created_at),
        run.detail.clone(),
    ]
}
