//! `runs cancel`, `pause`, `resume` and `retry`.

use callboard_core::operations::runs::{self, SteeredView};
use clap::Args;

use super::Who;
use crate::cli::output::{Answered, time};
use crate::cli::{Context, Failure, run};

/// A run to stop, and why.
#[derive(Debug, Args)]
pub(in crate::cli) struct Stop {
    /// Its id as `runs list` shows it, enough of its beginning or end, or `latest`.
    id: String,
    /// Why; it is kept with the run.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Stop {
    pub(super) async fn cancel(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let by = self.who.because(self.reason);
        let steered = runs::cancel(&app, &self.id, &by).await?;
        Ok(told(context, &steered))
    }

    pub(super) async fn pause(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let by = self.who.because(self.reason);
        let steered = runs::pause(&app, &self.id, &by).await?;
        Ok(told(context, &steered))
    }
}

/// Say what came of a request to stop.
fn told(context: &Context, steered: &SteeredView) -> Answered {
    let output = context.output;
    match steered.asked {
        None => output.say(steered.status),
        Some(stop_request) => {
            let (stop_request, run) = (stop_request.as_str(), &steered.run);
            output.say(format_args!("its worker is asked to {stop_request} it"));
            if let Some(until) = steered.lease_until.map(time) {
                output.say(format_args!(
                    "a worker that is dead does nothing: after {until} UTC the same command does it"
                ));
            }
            output.next(format_args!("runs tail {run}"));
        }
    }
    output.json(steered)
}

/// A run to go on with.
#[derive(Debug, Args)]
pub(in crate::cli) struct Resume {
    /// Its id as `runs list` shows it, enough of its beginning or end, or `latest`.
    id: String,
    /// Why; it is kept with the run.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Resume {
    /// Go on with the run here, or follow the worker that is faster.
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let by = self.who.because(self.reason);
        let (run, told) = runs::resume(&app, &self.id, &by).await?;
        if told {
            context.output.say("its worker is told to go on");
        }
        let run = run::carry_out(&app, context, &run).await?;
        Ok(run::report(context, &run))
    }
}

/// A run to go on again.
#[derive(Debug, Args)]
pub(in crate::cli) struct Retry {
    /// Its id as `runs list` shows it, enough of its beginning or end, or `latest`.
    id: String,
    /// The stage to go on from; without it, the one that ended the run or holds it.
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
    /// Why; it is kept with the run.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Retry {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let by = self.who.because(self.reason);
        let (id, stages) = runs::retry(&app, &self.id, self.from.as_deref(), &by).await?;
        let from = if stages.is_empty() {
            "where it stood".to_owned()
        } else {
            stages.join(", ")
        };
        context
            .output
            .progress(format_args!("run {id} goes on from {from}"));
        let run = run::carry_out(&app, context, &id).await?;
        Ok(run::report(context, &run))
    }
}
