//! `apply`: make the workspace the active revision.

use callboard_core::app::AppError;
use clap::Args;
use serde_json::json;

use super::output::Answered;
use super::watch::patiently;
use super::{Context, Failure, check};

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Why, for the list of revisions.
    #[arg(long, default_value = "")]
    note: String,
}

impl Apply {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app_made().await?;
        let applied = match patiently(context.output, check::CALLING, app.apply(&self.note)).await {
            Err(AppError::Misses(count, roll)) => {
                check::tell(context.output, &roll, false);
                return Err(AppError::Misses(count, roll).into());
            }
            other => other?,
        };
        let state = if applied.unchanged {
            "is active already"
        } else {
            "is active"
        };
        context.output.say(format_args!(
            "revision {} ({}) {state}; all {} references answer",
            applied.revision,
            &applied.digest[..12],
            applied.roll.references.len(),
        ));
        Ok(context.output.json(&json!({
            "revision": applied.revision,
            "digest": applied.digest,
            "unchanged": applied.unchanged,
            "references": applied.roll.references.len(),
        })))
    }
}
