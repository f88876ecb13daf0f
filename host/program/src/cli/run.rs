//! `run`: start a run of a pipeline and carry it out here.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use callboard_core::app::App;
use callboard_core::engine::{Engine, EngineError};
use callboard_core::outcome::Patch;
use callboard_core::span::Span;
use callboard_core::store::runs::{self, RunStatus};
use clap::Args;
use serde_json::Value as Json;

use super::exit::Exit;
use super::interrupt::{self, Signal};
use super::output::{Answered, Output, time};
use super::watch::Progress;
use super::{Context, Failure, find};

/// How often a run that another worker has is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// How much longer than a run may take it is followed: until a worker has claimed it.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The pipeline; `callboard pipelines list` names them.
    pipeline: String,

    /// A key of the input, `KEY=VALUE`; repeat it for each key. A value that is JSON is
    /// taken as such, everything else is a text. A relative path begins at this folder.
    #[arg(short, long = "input", value_name = "KEY=VALUE")]
    inputs: Vec<String>,
}

impl Run {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let input = parse_inputs(&self.inputs)?;
        let app = context.app().await?;
        let run = start(&app, context, &self.pipeline, input).await?;
        Ok(report(context, &run))
    }
}

/// Queue a run and carry it out as far as it goes now.
pub(super) async fn start(
    app: &App,
    context: &Context,
    pipeline: &str,
    mut input: Patch,
) -> Result<runs::Run, Failure> {
    let engine = app.engine(Progress::of(context.output));
    let line_up = app.line_up().await?;
    let Some(definition) = line_up.pipelines.get(pipeline) else {
        let known = line_up.pipelines.keys().map(String::as_str);
        let list = "callboard pipelines list";
        return Err(find::unknown("pipeline", pipeline, known, list));
    };
    line_up
        .registry
        .settle_paths(definition, &mut input, &here()?);
    let run = engine
        .queue(&line_up, pipeline, input, runs::Origin::Cli)
        .await?;
    context
        .output
        .progress(format_args!("run {} of {pipeline}", run.id));
    carry_out(app, context.output, &engine, &run.id).await
}

/// Carry a run out here; or follow it, as long as a worker of another process has it, or has the
/// database to itself. If that worker dies, it is carried out here after all. Ctrl-C and SIGTERM
/// give it back at once: nothing is kept of a stage that is under way.
pub(super) async fn carry_out(
    app: &App,
    output: Output,
    engine: &Engine,
    id: &str,
) -> Result<runs::Run, Failure> {
    let signals = interrupt::Listener::start();
    let mut engine = engine.clone();
    engine.stop = signals.stop.clone();
    engine.rules.drain = Span::from_secs(0);
    let (began, mut followed) = (Instant::now(), None);
    loop {
        app.store().in_place()?;
        let occupant = app.store().occupant()?;
        match &occupant {
            None => match engine.carry_out(id).await {
                Err(EngineError::NotClaimable(_)) => {}
                Ok(run) if run.status == RunStatus::Queued => {
                    return signals
                        .heard()
                        .map_or(Ok(run), |signal| Err(given_back(signal, id)));
                }
                other => return Ok(other?),
            },
            Some(named) if followed != occupant => {
                output.progress(format_args!("{named} carries it out; following"));
            }
            Some(_) => {}
        }
        followed = occupant;
        tokio::select! {
            () = signals.stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some(run) = settled(app, id, began).await? {
            return Ok(run);
        }
        if let Some(signal) = signals.heard() {
            return Err(match runs::by_id(app.store(), id).await? {
                Some(run) if run.status == RunStatus::Running => left(signal, id),
                _ => given_back(signal, id),
            });
        }
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
    let message = format!("interrupted; run {id} goes on without this command");
    Failure::new(signal.exit(), message)
        .help(format!("it is followed with `callboard runs tail {id}`"))
}

/// A run that ended, waits or stands before a gate, or takes much longer than it may.
async fn settled(app: &App, id: &str, began: Instant) -> Result<Option<runs::Run>, Failure> {
    let run = runs::by_id(app.store(), id).await?;
    let run = run.ok_or_else(|| Failure::new(Exit::Failed, format!("run {id} is gone")))?;
    let company = app.company(run.revision).await?;
    let longest = company.budget(&run.pipeline).unwrap_or_default() + GRACE;
    let goes_on = matches!(run.status, RunStatus::Queued | RunStatus::Running);
    Ok((!goes_on || began.elapsed() > longest).then_some(run))
}

/// Say how a run stands, with the exit code for it.
pub(super) fn report(context: &Context, run: &runs::Run) -> Answered {
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
