//! `runs fork`: the same beginning, another end.

use callboard_core::engine::operate;
use clap::Args;

use super::{Who, find};
use crate::cli::output::Answered;
use crate::cli::watch::Progress;
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
        let mut input = run::parse_inputs(&self.inputs)?;
        let app = context.app().await?;
        let found = find(app.store(), &self.id).await?;
        let line_up = app.line_up().await?;
        if let Some(definition) = line_up.pipelines.get(&found.pipeline) {
            let registry = &line_up.registry;
            registry.settle_paths(definition, &mut input, &run::here()?);
        }
        let engine = app.engine(Progress::of(context.output));
        let by = self.who.because(String::new());
        let fork = operate::fork::fork(&engine, &found, &self.from, input, &by).await?;
        context.output.progress(format_args!(
            "run {} is a fork of {} from {}",
            fork.id, found.id, self.from
        ));
        let run = run::carry_out(&app, context.output, &engine, &fork.id).await?;
        Ok(run::report(context, &run))
    }
}
