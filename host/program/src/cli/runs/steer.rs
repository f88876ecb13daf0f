//! `runs cancel`, `pause`, `resume` and `retry`.

use callboard_core::app::App;
use callboard_core::engine::operate::{self, By};
use callboard_core::store::holders;
use callboard_core::store::named;
use callboard_core::store::runs::{self, Listed, Run, RunStatus};
use callboard_core::store::steering::Steered;
use clap::Args;
use serde_json::json;

use super::{Who, find};
use crate::cli::output::{Answered, time};
use crate::cli::watch::Progress;
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
        // One that cannot be read can be ended all the same.
        let id = crate::cli::find::key(app.store(), &named::RUN, &self.id).await?;
        if let Some(Listed::Unreadable(run)) = runs::listed(app.store(), &id).await? {
            let by = self.who.because(self.reason);
            let steered = operate::cancel_unread(app.store(), &run.id, &by).await?;
            return told(
                context,
                &app,
                (&run.id, RunStatus::Blocked),
                steered,
                "cancel",
            )
            .await;
        }
        let (run, by) = self.of(&app).await?;
        let steered = operate::cancel(app.store(), &run, &by).await?;
        told(context, &app, (&run.id, run.status), steered, "cancel").await
    }

    pub(super) async fn pause(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let (run, by) = self.of(&app).await?;
        let steered = operate::pause(app.store(), &run, &by).await?;
        told(context, &app, (&run.id, run.status), steered, "pause").await
    }

    async fn of(self, app: &App) -> Result<(Run, By), Failure> {
        let run = find(app.store(), &self.id).await?;
        Ok((run, self.who.because(self.reason)))
    }
}

/// Say what came of a wish to stop a run that stood so.
async fn told(
    context: &Context,
    app: &App,
    (run, before): (&str, RunStatus),
    steered: Steered,
    wish: &str,
) -> Result<Answered, Failure> {
    let output = context.output;
    let status = match steered {
        Steered::Now(status) => status,
        Steered::Told | Steered::Kept => before,
    };
    if steered == Steered::Told {
        output.say(format_args!("its worker is asked to {wish} it"));
        let holder = holders::of(app.store(), run).await?;
        if let Some(until) = holder.and_then(|holder| holder.lease_until) {
            let until = time(until);
            output.say(format_args!(
                "a worker that is dead does nothing: after {until} UTC the same command does it"
            ));
        }
        output.next(format_args!("runs tail {run}"));
    } else {
        output.say(status);
    }
    let asked = (steered == Steered::Told).then_some(wish);
    let json = json!({ "run": run, "status": status, "asked": asked });
    Ok(output.json(&json))
}

/// Go on with a run here, or follow the worker that is faster.
pub(super) async fn resume(context: &Context, id: &str) -> Result<Answered, Failure> {
    let app = context.app().await?;
    let found = find(app.store(), id).await?;
    if operate::resume(app.store(), &found).await? == Steered::Told {
        context.output.say("its worker is told to go on");
    }
    let engine = app.engine(Progress::of(context.output));
    let run = run::carry_out(&app, context.output, &engine, &found.id).await?;
    Ok(run::report(context, &run))
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
        let found = find(app.store(), &self.id).await?;
        let engine = app.engine(Progress::of(context.output));
        let by = self.who.because(self.reason);
        let stages = operate::retry::retry(&engine, &found, self.from.as_deref(), &by).await?;
        let from = if stages.is_empty() {
            "where it stood".to_owned()
        } else {
            stages.join(", ")
        };
        let id = &found.id;
        context
            .output
            .progress(format_args!("run {id} goes on from {from}"));
        let run = run::carry_out(&app, context.output, &engine, id).await?;
        Ok(run::report(context, &run))
    }
}
