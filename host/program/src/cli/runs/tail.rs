//! `runs tail`: changes of status and stages that ended, as they happen.

use std::time::Duration;

use callboard_core::operations::runs::{Follower, RunChange};
use clap::Args;

use crate::cli::output::{Answered, Output};
use crate::cli::watch::length;
use crate::cli::{Context, Failure, interrupt, run};

/// How often the database is asked.
const LOOK: Duration = Duration::from_millis(500);
/// What to follow.
#[derive(Debug, Args)]
pub(in crate::cli) struct Tail {
    /// The run's id as `runs list` shows it, enough of its beginning or end, or `latest`; without it,
    /// every run that has not ended.
    id: Option<String>,
}

impl Tail {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let one = self.id.is_some();
        let mut follower = Follower::new(&app, self.id.as_deref()).await?;
        let signals = interrupt::Listener::start();
        loop {
            let (changes, ended) = follower.poll(&app).await?;
            for change in &changes {
                print(context.output, change, one);
            }
            if let Some(status) = ended {
                return Ok(context.output.lines_end().with(run::exit(status)));
            }
            tokio::select! {
                () = signals.stop.cancelled() => return Ok(interrupted(context, &signals, one)),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

/// All runs are followed until Ctrl-C; one that is left before its end has not come to one.
fn interrupted(context: &Context, signals: &interrupt::Listener, one: bool) -> Answered {
    let ended = context.output.lines_end();
    match signals.heard() {
        Some(signal) if one => ended.with(signal.exit()),
        _ => ended,
    }
}

/// A line for people, or a document on a line for programs. `one`: it is known which run it is of.
fn print(output: Output, change: &RunChange, one: bool) {
    if output.is_json() {
        return output.json_line(change);
    }
    let named = |short: &str, pipeline: &str| {
        let short = if one {
            String::new()
        } else {
            format!("{short} ")
        };
        format!("{short}{pipeline}")
    };
    let because = |detail: &str| match detail {
        "" => String::new(),
        detail => format!(": {detail}"),
    };
    match change {
        RunChange::Status(now) => output.say(format_args!(
            "{}  {}{}",
            named(&now.short, &now.pipeline),
            now.status,
            because(&now.detail)
        )),
        RunChange::Stage(ended) => output.say(format_args!(
            "{}  {} {}{} ({})",
            named(&ended.short, &ended.pipeline),
            ended.stage,
            ended.outcome,
            because(&ended.detail),
            length(Duration::from_millis(ended.took_ms))
        )),
    }
}
