//! `tasks regen-image`: a picture of a task is made anew.

use callboard_core::app::App;
use callboard_core::operations::runs::RunStatus;
use callboard_factory::operations::tasks::{self, Regenerated};
use clap::Args;

use crate::cli::output::Answered;
use crate::cli::runs::Who;
use crate::cli::{Context, Failure, run};

/// A picture to make anew.
#[derive(Debug, Args)]
pub(in crate::cli) struct RegenImage {
    /// The task's id as `tasks list` shows it, enough of its beginning or end, or `latest`.
    id: String,
    /// Which picture: `featured`, or `inline:N` for the Nth in the text.
    #[arg(long, value_name = "featured|inline:N")]
    which: tasks::WhichPicture,
    /// What it is to show; as before, if absent.
    #[arg(long)]
    prompt: Option<String>,
    #[command(flatten)]
    who: Who,
}

impl RegenImage {
    pub(super) async fn run(self, context: &Context, app: &App) -> Result<Answered, Failure> {
        let folder = &run::here()?;
        let picture = Regenerated {
            which: self.which,
            prompt: self.prompt.as_deref(),
            by: &self.who.by,
            folder,
        };
        let begun = tasks::regen_image(app, &self.id, picture).await?;
        let run = run::begin(app, context, &begun).await?;
        let answered = run::report(context, &run);
        if run.status == RunStatus::Done {
            context.output.next(format_args!("tasks show {}", self.id));
        }
        Ok(answered)
    }
}
