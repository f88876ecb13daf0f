//! `apply`: make the workspace the active revision.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Context, Failure, check};
use crate::app::AppError;

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Why, for the list of revisions.
    #[arg(long, default_value = "")]
    note: String,
}

impl Apply {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        let applied = match app.apply(&self.note).await {
            Err(AppError::Misses(count, roll)) => {
                if !context.output.is_json() {
                    check::show(context.output, &roll, false);
                }
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
        if context.output.is_json() {
            context.output.json(&json!({
                "revision": applied.revision,
                "digest": applied.digest,
                "unchanged": applied.unchanged,
                "references": applied.roll.references.len(),
            }));
        }
        Ok(ExitCode::SUCCESS)
    }
}
