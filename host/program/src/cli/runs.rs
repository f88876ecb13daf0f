//! `runs`: list and show them, follow them as they go, and steer them.

mod fork;
mod migrate;
mod show;
mod steer;
mod tail;

use callboard_core::operations::Actor;
use callboard_core::operations::runs::{self, Filter, ListedView, RunStatus};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::output::{Answered, time};
use super::{Context, Failure, prune};

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// The newest runs.
    List(List),
    /// One run with its stages and gates.
    Show {
        /// Its id as `runs list` shows it, enough of its beginning or end, or `latest`.
        id: String,
    },
    /// Follow a run, or all of them, until it ends: changes of status and stages that ended.
    Tail(tail::Tail),
    /// End a run. One under way stops in a moment; what its stages have in hand is not kept.
    Cancel(steer::Stop),
    /// Stop a run for a while. Stages under way come to their checkpoints first.
    Pause(steer::Stop),
    /// Go on with a run that is paused, blocked or waits, or that a worker left when it died.
    Resume(steer::Resume),
    /// Do a part of a run again, with a fresh budget; stages before it are not repeated.
    Retry(steer::Retry),
    /// Start a new run that begins at a stage of another one, with the checkpoints before it.
    Fork(fork::Fork),
    /// Move a run in flight to another revision; without --yes, only say what that would do.
    Migrate(migrate::Migrate),
    /// Remove runs that ended long ago, with their checkpoints and gates.
    Prune(prune::Prune),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of one status.
    #[arg(long, value_parser = PossibleValuesParser::new(RunStatus::names()))]
    status: Option<String>,
    /// Only those of one pipeline.
    #[arg(long)]
    pipeline: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 20)]
    limit: u32,
}

/// Who does it, for the record.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// Who does it, for the record.
    #[arg(long, env = "USER", default_value = "operator")]
    pub(super) by: String,
}

impl Who {
    fn because(self, reason: String) -> Actor {
        Actor {
            name: self.by,
            reason,
        }
    }
}

impl Runs {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        match self {
            Runs::List(list) => list.run(context).await,
            Runs::Show { id } => show::show(context, &id).await,
            Runs::Tail(tail) => tail.run(context).await,
            Runs::Cancel(stop) => stop.cancel(context).await,
            Runs::Pause(stop) => stop.pause(context).await,
            Runs::Resume(resume) => resume.run(context).await,
            Runs::Retry(retry) => retry.run(context).await,
            Runs::Fork(fork) => fork.run(context).await,
            Runs::Migrate(migrate) => migrate.run(context).await,
            Runs::Prune(prune) => prune.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let filter = Filter {
            status: self.status.as_deref().and_then(RunStatus::parse),
            pipeline: self.pipeline,
            limit: self.limit,
        };
        let runs = runs::list(&app, &filter).await?;
        let header = ["run", "pipeline", "status", "created", "detail"];
        Ok(context.output.newest(&header, &runs, row))
    }
}

fn row(listed: &ListedView) -> Vec<String> {
    let (short, pipeline, status, created, detail) = match listed {
        ListedView::Run(run) => {
            let status = run.status.as_str();
            (
                &run.short,
                &run.pipeline,
                status,
                run.created_at,
                &run.detail,
            )
        }
        ListedView::Unreadable(run) => (
            &run.short,
            &run.pipeline,
            run.status,
            run.created_at,
            &run.detail,
        ),
    };
    vec![
        short.clone(),
        pipeline.clone(),
        status.to_owned(),
        time(created),
        detail.clone(),
    ]
}
