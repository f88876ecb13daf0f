//! `runs prune`: remove what ended long ago, or one run that has ended.

use callboard_core::operations::runs::{self, Pruned};
use callboard_core::span::Span;

use super::output::Answered;
use super::{Context, Failure};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Prune {
    /// One run that has ended, even if it cannot be read, or whose revision is gone: its id, a
    /// beginning or the end of it.
    #[arg(conflicts_with_all = ["older_than", "dry_run"])]
    run: Option<String>,

    /// How long ago a run has to have ended, such as `90d` or `12h`.
    #[arg(long, value_name = "AGE", required_unless_present = "run")]
    older_than: Option<Span>,

    /// Count them only.
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let output = context.output;
        let age = match (self.run, self.older_than) {
            (Some(run), _) => {
                let run = runs::prune_one(&app, &run).await?;
                output.say(format!("run {run} is removed"));
                return Ok(output.json(&Pruned {
                    found: 1,
                    removed: 1,
                    counted: 0,
                }));
            }
            (None, Some(age)) => age,
            (None, None) => return Err(Failure::usage("name a run, or give `--older-than AGE`")),
        };
        let told = |removed, total| {
            output.progress(format_args!("removed {removed} of {total} runs"));
        };
        let pruned = runs::prune(&app, age, self.dry_run, told).await?;
        output.say(if self.dry_run {
            format!("{} runs ended more than {age} ago", pruned.found)
        } else {
            format!("{} of {} runs are removed", pruned.removed, pruned.found)
        });
        if pruned.counted > 0 {
            output.say(format!(
                "{} of them stay for now: a rate limit still counts them",
                pruned.counted
            ));
        }
        Ok(output.json(&pruned))
    }
}
