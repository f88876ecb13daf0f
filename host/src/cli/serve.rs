//! `serve` and `work`: the daemon, until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Context, Failure, interrupt, supervised};
use crate::app::{App, Seen, Upkeep, tell};
use crate::engine::{Unwatched, worker};
use crate::http::{self, Face};
use crate::site::Site;
use crate::store::pulse;
use crate::supervision;

/// How often a process that does not work looks whether something is new.
const LOOK: Duration = Duration::from_secs(2);

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
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let app = context.app().await?;
        app.active().await?;
        let right = if self.no_work {
            None
        } else {
            Some(app.store().exclusive("serve").await?)
        };
        let signals = interrupt::Listener::start();
        let stop = signals.stop.clone();
        let (seen, changes) = watch::channel(Seen::default());
        let looking = if self.no_work {
            start_look(&app, seen, &stop)
        } else {
            start_work(&app, None, &stop, seen)
        };
        let address = self.listen.unwrap_or(app.config().listen);
        let serves = site(context, &app, address, (&stop, changes));
        let served = supervised::until_given_up(&app, &stop, serves).await;
        supervised::join(looking).await;
        drop(right);
        app.store().close().await;
        served.map(|()| ExitCode::SUCCESS)
    }
}

impl Work {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        if self.places == Some(0) {
            return Err(Failure::usage(
                "--places 0 would never work; write 1 or more",
            ));
        }
        let app = context.app().await?;
        app.active().await?;
        let right = app.store().exclusive("work").await?;
        let signals = interrupt::Listener::start();
        let stop = signals.stop.clone();
        let places = self.places.unwrap_or(app.config().engine.places);
        context.output.progress(format_args!(
            "working on {places} runs at a time; Ctrl-C stops"
        ));
        let seen = watch::Sender::default();
        let worker = start_work(&app, self.places, &stop, seen);
        let told = async {
            stop.cancelled().await;
            Ok(())
        };
        let worked = supervised::until_given_up(&app, &stop, told).await;
        supervised::join(worker).await;
        drop(right);
        app.store().close().await;
        worked.map(|()| ExitCode::SUCCESS)
    }
}

/// Serve site and console at `address` until it is told to stop. The site is made anew when a
/// look at the database saw something new.
pub(super) async fn site(
    context: &Context,
    app: &App,
    address: SocketAddr,
    (stop, changes): (&CancellationToken, watch::Receiver<Seen>),
) -> Result<(), Failure> {
    let listener = http::bind(address).await?;
    let bound = listener.local_addr().map_or(address, |bound| bound);
    let (current, site) = watch::channel(Arc::new(app.site(bound).await?));
    let refresh = {
        let app = app.clone();
        supervision::keep(
            "what keeps the site current",
            || true,
            move || refresh_site(app.clone(), bound, current.clone(), changes.clone()),
        )
    };
    let face = Face {
        store: app.store().clone(),
        site,
        console: Arc::new(app.clone()),
    };
    context.output.say(format_args!("site     http://{bound}/"));
    context
        .output
        .say(format_args!("console  http://{bound}/console"));
    context.output.progress("Ctrl-C stops");
    let stopped = stop.clone().cancelled_owned();
    http::serve(listener, http::router(face), stopped).await;
    refresh.abort();
    Ok(())
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
    let (app, stopped) = (app.clone(), stop.clone());
    supervision::keep(
        "the worker",
        move || stopped.is_cancelled(),
        move || worker::work(engine.clone(), Arc::new(Upkeep::new(&app, seen.clone()))),
    )
}

/// Look whether something is new, until `stop`.
pub(super) fn start_look(
    app: &App,
    seen: watch::Sender<Seen>,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let (app, stop, stopped) = (app.clone(), stop.clone(), stop.clone());
    supervision::keep(
        "what looks for news",
        move || stopped.is_cancelled(),
        move || look(app.clone(), seen.clone(), stop.clone()),
    )
}

/// Look at the database as a worker does, where nobody works.
async fn look(app: App, seen: watch::Sender<Seen>, stop: CancellationToken) {
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
