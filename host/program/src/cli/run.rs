//! `run`: start a run of a pipeline and carry it out here.

use std::path::PathBuf;

use callboard_core::app::App;
use callboard_core::operations::runs::{self, CarriedOut, RunStatus, RunView, Start};
use callboard_core::outcome::Patch;
use clap::Args;
use serde_json::Value as Json;

use super::cassette::Cassette;
use super::exit::Exit;
use super::interrupt::{self, Signal};
use super::output::{Answered, time};
use super::watch::Progress;
use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The pipeline; `callboard pipelines list` names them.
    pipeline: String,

    /// A key of the input, `KEY=VALUE`; repeat it for each key. A value that is JSON is
    /// taken as such, everything else is a text. A relative path begins at this folder.
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    inputs: Vec<String>,

    #[command(flatten)]
    cassette: Cassette,
}

impl Run {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let input = parse_inputs(&self.inputs)?;
        let app = context.app().await?;
        self.cassette.put(&app)?;
        let run = start(&app, context, &self.pipeline, input).await?;
        Ok(report(context, &run))
    }
}

/// Queue a run and carry it out as far as it goes now.
pub(super) async fn start(
    app: &App,
    context: &Context,
    pipeline: &str,
    input: Patch,
) -> Result<RunView, Failure> {
    let folder = &here()?;
    let start = Start {
        pipeline,
        input,
        folder,
    };
    let run = runs::start(app, start).await?;
    begin(app, context, &run).await
}

/// Carry a queued run out as far as it goes now.
pub(super) async fn begin(app: &App, context: &Context, run: &RunView) -> Result<RunView, Failure> {
    let RunView { id, pipeline, .. } = run;
    context
        .output
        .progress(format_args!("run {id} of {pipeline}"));
    carry_out(app, context, id).await
}

/// Carry a run out here, or follow the worker that has it. Ctrl-C and SIGTERM give it back at once.
pub(super) async fn carry_out(app: &App, context: &Context, id: &str) -> Result<RunView, Failure> {
    let signals = interrupt::Listener::start();
    let watcher = Progress::of(context.output);
    let came = runs::carry_out(app, id, watcher, &signals.stop).await?;
    let signal = signals.heard().unwrap_or(Signal::Interrupt);
    match came {
        CarriedOut::Settled(run) => Ok(*run),
        CarriedOut::GivenBack => Err(given_back(signal, id)),
        CarriedOut::Left => Err(left(signal, id)),
    }
}

/// The run was in hand here, and is not any more.
fn given_back(signal: Signal, id: &str) -> Failure {
    let message = format!("interrupted; run {id} is given back, and what was committed is kept");
    Failure::new(signal.exit(), message).help(format!(
        "it goes on with `callboard runs resume {id}`, or by a worker"
    ))
}

/// The run is in other hands.
fn left(signal: Signal, id: &str) -> Failure {
    let message =
        format!("interrupted; run {id} is not followed any more, and goes on without this command");
    Failure::new(signal.exit(), message).help(format!(
        "`callboard runs tail {id}` follows it again, and `callboard runs cancel {id}` ends it"
    ))
}

/// Say how a run stands, with the exit code for it.
pub(super) fn report(context: &Context, run: &RunView) -> Answered {
    let (output, id) = (context.output, &run.id);
    if run.detail.is_empty() {
        output.say(run.status);
    } else {
        output.whole(&format!("{}: ", run.status), &run.detail);
    }
    match run.status {
        RunStatus::Gated => output.next("gates list"),
        RunStatus::Waiting => {
            let at = time(run.wake_at);
            output.say(format_args!(
                "`callboard serve` or `callboard work` goes on with it at {at} UTC"
            ));
            output.next(format_args!("runs resume {id}"));
        }
        RunStatus::Paused | RunStatus::Blocked => output.next(format_args!("runs resume {id}")),
        RunStatus::Queued | RunStatus::Running => {
            output.say("the worker that has it goes on");
            output.next(format_args!("runs show {id}"));
        }
        _ => {}
    }
    context.output.json(run).with(exit(run.status))
}

/// The exit code that says how a run stands.
pub(super) fn exit(status: RunStatus) -> Exit {
    match status {
        RunStatus::Done | RunStatus::NothingToDo => Exit::Done,
        RunStatus::Unavailable => Exit::Unavailable,
        RunStatus::Queued
        | RunStatus::Running
        | RunStatus::Waiting
        | RunStatus::Gated
        | RunStatus::Paused
        | RunStatus::Blocked => Exit::Waiting,
        RunStatus::Rejected | RunStatus::Failed | RunStatus::Cancelled => Exit::Failed,
    }
}

/// The folder of this command, at which the relative paths of its input begin.
pub(super) fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::usage(format!(
            "the folder of this command cannot be read: {error}"
        ))
    })
}

/// `KEY=VALUE`, as the command line has it.
pub(super) fn parse_inputs(inputs: &[String]) -> Result<Patch, Failure> {
    let mut patch = Patch::new();
    for input in inputs {
        let (key, value) = input.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`{input}` is no input")).help("write `--input KEY=VALUE`")
        })?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Json::from(value));
        if patch.insert(key.to_owned(), value).is_some() {
            return Err(Failure::usage(format!("input `{key}` is given twice")));
        }
    }
    Ok(patch)
}
