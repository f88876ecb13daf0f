//! `runs prune`: remove what ended long ago.

use clap::Args;
use serde_json::json;

use super::output::Answered;
use super::{Context, Failure};
use callboard_core::span::Span;
use callboard_core::store::history;

#[derive(Debug, Args)]
pub(super) struct Prune {
    /// How long ago a run has to have ended, such as `90d` or `12h`.
    #[arg(long, value_name = "AGE")]
    older_than: Span,

    /// Count them only.
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let (store, age) = (app.store(), self.older_than.0);
        let total = history::count_older(store, age).await?;
        let removed = if self.dry_run {
            0
        } else {
            let told = |removed| {
                context
                    .output
                    .progress(format_args!("removed {removed} of {total} runs"));
                true
            };
            history::prune(store, age, told).await?
        };
        context.output.say(if self.dry_run {
            format!("{total} runs ended more than {} ago", self.older_than)
        } else {
            format!("{removed} runs are removed")
        });
        let json = json!({ "found": total, "removed": removed });
        Ok(context.output.json(&json))
    }
}
