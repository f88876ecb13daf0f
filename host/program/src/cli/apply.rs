//! `apply`: make the workspace the active revision.

use callboard_core::operations::revisions;
use clap::Args;

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
        let (app, output) = (context.app_made().await?, context.output);
        let apply = revisions::apply(&app, &self.note);
        let applied = patiently(output, check::CALLING, apply).await;
        if let Some(roll) = applied.as_ref().err().and_then(|it| it.roll.as_ref()) {
            check::tell(output, roll, false);
        }
        let applied = applied?;
        let state = if applied.unchanged {
            "is active already"
        } else {
            "is active"
        };
        output.say(format_args!(
            "revision {} ({}) {state}; all {} references answer",
            applied.revision, applied.short, applied.references,
        ));
        for change in &applied.settings {
            let (key, detail) = (&change.key, &change.detail);
            output.say(format_args!("setting {key} goes by its default: {detail}"));
        }
        Ok(output.json(&applied))
    }
}
