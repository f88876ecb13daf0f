//! `runs fork`: the same beginning, another end.

use callboard_core::operations::runs;
use clap::Args;

use super::Who;
use crate::cli::output::Answered;
use crate::cli::{Context, Failure, run};

/// A run to begin another one with.
#[derive(Debug, Args)]
pub(in crate::cli) struct Fork {
    /// Its id as `runs list` shows it, enough of its beginning or end, or `latest`.
    id: String,
    /// The first stage that is not taken over.
    #[arg(long, value_name = "STAGE")]
    from: String,
    /// A key of the input that is another one, `KEY=VALUE`; repeat it for each key.
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    inputs: Vec<String>,
    #[command(flatten)]
    who: Who,
}

impl Fork {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let input = (run::parse_inputs(&self.inputs)?, &*run::here()?);
        let app = context.app().await?;
        let by = self.who.because(String::new());
        let (fork, of) = runs::fork(&app, &self.id, &self.from, input, &by).await?;
        context.output.progress(format_args!(
            "run {} is a fork of {of} from {}",
            fork.id, self.from
        ));
        let run = run::carry_out(&app, context, &fork.id).await?;
        Ok(run::report(context, &run))
    }
}
