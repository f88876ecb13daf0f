//! A daemon whose tasks are watched: what falls is a finding, and what does not stay takes the
//! process down, with a message.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use callboard_core::app::App;
use callboard_core::operations::findings;
use callboard_core::supervision::{self, Fall};
use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::exit::Exit;

/// What ending may take besides the time for runs under way.
const IN_ORDER: Duration = Duration::from_secs(5);

/// Do a daemon's work until it is told to stop, or until a task of the process is given up; then
/// everything else is told to stop.
pub(super) async fn until_given_up<T>(
    app: &App,
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let worked = tokio::select! {
        worked = AssertUnwindSafe(work).catch_unwind() => match worked {
            Ok(Ok(_)) if !stop.is_cancelled() => Err(ended("it returned")),
            Ok(worked) => worked,
            Err(panic) => Err(ended(&supervision::panicked(&*panic))),
        },
        failure = watch(app) => Err(failure),
        error = app.lost() => Err(error.into()),
    };
    stop.cancel();
    worked
}

/// Wait for a task that is kept going; whether it was given up is told elsewhere.
pub(super) async fn join(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task of this process did not end well");
    }
}

/// End in good order, once `stop` says so, within the time for what is under way and a little more:
/// a database that does not let go does not hold the process.
pub(super) async fn in_time<T>(
    app: &App,
    stop: &CancellationToken,
    ends: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let longest = app.config().engine.drain.0 + IN_ORDER;
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(longest).await;
    };
    tokio::select! {
        ended = ends => ended,
        () = late => Err(Failure::new(
            Exit::Unavailable,
            format!("it did not end in good order within {} s", longest.as_secs()),
        )
        .help("runs in hand go on once their lease has run out; `callboard doctor` says what is wrong")),
    }
}

/// Make a finding of each task that falls, until one is given up.
async fn watch(app: &App) -> Failure {
    let mut falls = supervision::falls();
    loop {
        let fall = falls.next().await;
        if let Err(error) = findings::note_fall(app, &fall).await {
            tracing::error!(%error, task = fall.task, "no finding is kept of it");
        }
        if fall.given_up {
            return given_up(&fall);
        }
    }
}

fn given_up(fall: &Fall) -> Failure {
    let Fall { task, how, .. } = fall;
    failed(format!("{task} ended by itself again and again: {how}"))
}

fn ended(how: &str) -> Failure {
    failed(format!("what serves the site ended by itself: {how}"))
}

fn failed(message: String) -> Failure {
    Failure::new(Exit::Failed, message).help(
        "what was committed is kept; runs in hand go on once their lease has run out, \
         in the next process",
    )
}
