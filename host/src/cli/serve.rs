//! `serve` and `work`: the daemon, until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure};
use crate::app::{App, Seen, Upkeep, tell};
use crate::engine::{Unwatched, worker};
use crate::http::{self, Face};
use crate::site::Site;
use crate::store::pulse;

/// How often a process that does not work looks whether something is new.
const LOOK: Duration = Duration::from_secs(2);

static HANDLES_INTERRUPT: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C is taken care of here: it stops the daemon in good order.
pub(super) fn handles_interrupt() -> bool {
    HANDLES_INTERRUPT.load(Ordering::Relaxed)
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen, instead of the address in callboard.toml.
    #[arg(long)]
    listen: Option<SocketAddr>,

    /// Serve only; leave runs and policies to `callboard work`.
    #[arg(long)]
    no_work: bool,
}

#[derive(Debug, Args)]
pub(super) struct Work {
    /// Runs carried out at a time; `places` of callboard.toml, if absent.
    #[arg(long)]
    places: Option<u32>,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        app.active().await?;
        let right = if self.no_work {
            None
        } else {
            Some(app.store().exclusive("serve").await?)
        };
        let stop = stop_on_signal();
        let (seen, changes) = watch::channel(Seen::default());
        let looking = if self.no_work {
            tokio::spawn(look(app.clone(), seen, stop.clone()))
        } else {
            start_work(&app, None, &stop, seen)
        };
        let address = self.listen.unwrap_or(app.config().listen);
        let served = site(context, &app, address, (&stop, changes), json!({})).await;
        stop.cancel();
        looking.await.map_err(|error| died(&error))?;
        drop(right);
        app.store().close().await;
        served
    }
}

impl Work {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        if self.places == Some(0) {
            return Err(Failure::usage(
                "--places 0 would never work; write 1 or more",
            ));
        }
        let app = context.app().await?;
        app.active().await?;
        let right = app.store().exclusive("work").await?;
        let stop = stop_on_signal();
        let places = self.places.unwrap_or(app.config().engine.places);
        context.output.progress(format_args!(
            "working on {places} runs at a time; Ctrl-C stops"
        ));
        let answered = context.output.json(&json!({ "places": places }));
        let seen = watch::Sender::default();
        let worker = start_work(&app, self.places, &stop, seen);
        worker.await.map_err(|error| died(&error))?;
        drop(right);
        app.store().close().await;
        Ok(answered)
    }
}

/// A worker that ends before it is told to is a failure of the daemon.
fn died(error: &tokio::task::JoinError) -> Failure {
    Failure::new(Exit::Failed, format!("the worker died: {error}"))
        .help("what was committed is kept; runs it left go on once their lease has run out")
}

/// Serve site and console at `address` until it is told to stop. The site is made anew when a
/// look at the database saw something new. The addresses are added to what is `told` programs.
pub(super) async fn site(
    context: &Context,
    app: &App,
    address: SocketAddr,
    (stop, changes): (&CancellationToken, watch::Receiver<Seen>),
    mut told: Json,
) -> Result<Answered, Failure> {
    let listener = http::bind(address).await?;
    let bound = listener.local_addr().map_or(address, |bound| bound);
    let (current, site) = watch::channel(Arc::new(app.site(bound).await?));
    let refresh = tokio::spawn(refresh_site(app.clone(), bound, current, changes));
    let face = Face {
        store: app.store().clone(),
        site,
        console: Arc::new(app.clone()),
    };
    context.output.say(format_args!("site     http://{bound}/"));
    context
        .output
        .say(format_args!("console  http://{bound}/console"));
    told["site"] = json!(format!("http://{bound}/"));
    told["console"] = json!(format!("http://{bound}/console"));
    let answered = context.output.json(&told);
    context.output.progress("Ctrl-C stops");
    let stopped = stop.clone().cancelled_owned();
    http::serve(listener, http::router(face), stopped).await;
    refresh.abort();
    Ok(answered)
}

/// A token that SIGINT and SIGTERM cancel.
pub(super) fn stop_on_signal() -> CancellationToken {
    HANDLES_INTERRUPT.store(true, Ordering::Relaxed);
    let stop = CancellationToken::new();
    let told = stop.clone();
    // At once: a signal that comes before somebody listens ends the process.
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    tokio::spawn(async move {
        let terminated = async {
            match &mut terminate {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
        told.cancel();
    });
    stop
}

/// Work on runs and on what is due by the clock, until `stop`.
fn start_work(
    app: &App,
    places: Option<u32>,
    stop: &CancellationToken,
    seen: watch::Sender<Seen>,
) -> JoinHandle<()> {
    let mut engine = app.engine(Arc::new(Unwatched));
    engine.stop = stop.clone();
    engine.rules.places = places.unwrap_or(engine.rules.places);
    tokio::spawn(worker::work(engine, Arc::new(Upkeep::new(app, seen))))
}

/// Look at the database as a worker does, where nobody works.
pub(super) async fn look(app: App, seen: watch::Sender<Seen>, stop: CancellationToken) {
    loop {
        match pulse::ask(app.store(), "", 1).await {
            Ok(pulse) => tell(&seen, &pulse),
            Err(error) => tracing::error!(%error, "the site stays as it was"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Swap the site when another revision becomes active or a setting changes.
async fn refresh_site(
    app: App,
    address: SocketAddr,
    current: watch::Sender<Arc<Site>>,
    mut changes: watch::Receiver<Seen>,
) {
    while changes.changed().await.is_ok() {
        match app.site(address).await {
            Ok(site) => drop(current.send_replace(Arc::new(site))),
            Err(error) => {
                tracing::error!(%error, "the site stays as it was");
                tokio::time::sleep(LOOK).await;
                changes.mark_changed();
            }
        }
    }
}
