//! `runs migrate`: move a run in flight to another revision, explained first.

use callboard_core::operations::revisions;
use callboard_core::operations::runs::{self, MigrationView, RunStatus};
use clap::Args;

use super::Who;
use crate::cli::output::Answered;
use crate::cli::{Context, Failure};

/// A run to move, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    /// Its id as `runs list` shows it, enough of its beginning or end, or `latest`.
    id: String,
    /// The revision, by number, digest or `latest`; the active one, if absent.
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    /// Do it; without this, nothing is changed.
    #[arg(long)]
    yes: bool,
    /// Why; it is kept with the run.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Migrate {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let to = revisions::number(&app, self.to.as_deref()).await?;
        let by = self.yes.then(|| self.who.because(self.reason));
        let migration = runs::migrate(&app, &self.id, to, by.as_ref()).await?;
        Ok(report(context, &migration))
    }
}

fn report(context: &Context, migration: &MigrationView) -> Answered {
    let output = context.output;
    let (id, from, to) = (&migration.run.id, migration.run.revision, migration.to);
    output.say(format_args!("run {id}, revision {from} to {to}"));
    let rows = migration.stages.iter().map(|change| {
        vec![
            change.stage.clone(),
            change.fate.name().to_owned(),
            change.why.clone(),
        ]
    });
    output.table(&["stage", "fate", "why"], rows.collect());
    for key in &migration.dropped {
        output.say(format_args!(
            "input `{key}` is dropped: the pipeline does not take it any more"
        ));
    }
    if migration.done {
        let paused = migration.run.status == RunStatus::Paused;
        output.say(if paused {
            "done; it stays paused"
        } else {
            "done; `callboard serve` or `callboard work` goes on with it"
        });
        output.next(format_args!("runs resume {id}"));
    } else {
        output.say("nothing was changed; to do it, add --yes");
    }
    output.json(migration)
}
