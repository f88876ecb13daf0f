//! `runs prune`: remove what ended long ago, or one run that has ended.

use callboard_core::span::Span;
use callboard_core::store::{history, named};
use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure, find};

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
        let store = app.store();
        let age = match (self.run, self.older_than) {
            (Some(run), _) => {
                let run = find::key(store, &named::RUN, &run).await?;
                if !history::remove(store, &run).await? {
                    let message = format!("run {run} has not ended");
                    return Err(Failure::new(Exit::Failed, message)
                        .help(format!("callboard runs cancel {run}")));
                }
                context.output.say(format!("run {run} is removed"));
                return Ok(context.output.json(&json!({ "found": 1, "removed": 1 })));
            }
            (None, Some(age)) => age,
            (None, None) => return Err(Failure::usage("name a run, or give `--older-than AGE`")),
        };
        let total = history::count_older(store, age.0).await?;
        let removed = if self.dry_run {
            0
        } else {
            let told = |removed| {
                context
                    .output
                    .progress(format_args!("removed {removed} of {total} runs"));
                true
            };
            history::prune(store, age.0, told).await?
        };
        context.output.say(if self.dry_run {
            format!("{total} runs ended more than {age} ago")
        } else {
            format!("{removed} runs are removed")
        });
        let json = json!({ "found": total, "removed": removed });
        Ok(context.output.json(&json))
    }
}
