//! `serve` and `work`: the daemon, until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use callboard_core::address::Address;
use callboard_core::app::{App, SeenVersions, WorkerDuties};
use callboard_core::config::Config;
use callboard_core::engine::{Unwatched, worker};
use callboard_core::supervision;
use callboard_factory::site::SiteNow;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cassette::Cassette;
use super::documents::{Serving, Working};
use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure, LOOK, interrupt, renewing, supervised};
use crate::http::{self, CONSOLE, Listeners, Renderings, SITE, WebState};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen for readers, instead of the address in callboard.toml.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Address>,

    /// Where to listen for the console, an address of this machine alone, instead of the one in
    /// callboard.toml or, without one, the port after the site's.
    #[arg(long, value_name = "ADDRESS")]
    console: Option<Address>,

    /// Serve only; leave runs and policies to `callboard work`.
    #[arg(long)]
    no_work: bool,

    #[command(flatten)]
    cassette: Cassette,
}

#[derive(Debug, Args)]
pub(super) struct Work {
    /// Runs carried out at a time; `slots` of callboard.toml, if absent.
    #[arg(long)]
    slots: Option<u32>,

    #[command(flatten)]
    cassette: Cassette,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app_made().await?;
        self.cassette.put(&app)?;
        app.active().await?;
        warn_of_open_files(context, &app);
        let right = if self.no_work {
            None
        } else {
            Some(app.exclusive("serve").await?)
        };
        // Before anything begins: who is refused here has started no run.
        let listeners = BoundListeners::open(self.listen, self.console, app.config()).await?;
        let signals = interrupt::Listener::start();
        let stop = signals.stop.clone();
        let (seen, changes) = watch::channel(SeenVersions::default());
        let looking = if self.no_work {
            start_look(&app, seen, &stop)
        } else {
            start_work(&app, None, &stop, seen)
        };
        let renewing = renewing::start(&app, &stop);
        let told = |serving: Serving| context.output.json(&serving);
        let serves = site(context, &app, listeners, (&stop, changes), told);
        let ends = async {
            let served = supervised::until_given_up(&app, &stop, serves).await;
            supervised::join(looking).await;
            if let Some(renewing) = renewing {
                supervised::join(renewing).await;
            }
            drop(right);
            app.close().await;
            served
        };
        supervised::in_time(&app, &stop, ends).await
    }
}

impl Work {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        if self.slots == Some(0) {
            return Err(Failure::usage(
                "--slots 0 would never work; write 1 or more",
            ));
        }
        let app = context.app_made().await?;
        self.cassette.put(&app)?;
        app.active().await?;
        warn_of_open_files(context, &app);
        let right = app.exclusive("work").await?;
        let signals = interrupt::Listener::start();
        let stop = signals.stop.clone();
        let slots = self.slots.unwrap_or(app.config().engine.slots);
        context.output.progress(format_args!(
            "working on {slots} runs at a time; Ctrl-C stops"
        ));
        let answered = context.output.json(&Working { slots });
        let seen = watch::Sender::default();
        let worker = start_work(&app, self.slots, &stop, seen);
        let renewing = renewing::start(&app, &stop);
        let told = async {
            stop.cancelled().await;
            Ok(())
        };
        let ends = async {
            let worked = supervised::until_given_up(&app, &stop, told).await;
            supervised::join(worker).await;
            if let Some(renewing) = renewing {
                supervised::join(renewing).await;
            }
            drop(right);
            app.close().await;
            worked
        };
        supervised::in_time(&app, &stop, ends)
            .await
            .map(|()| answered)
    }
}

/// What a process listens on: for readers, and for people on this machine.
pub(super) struct BoundListeners {
    readers: TcpListener,
    here: TcpListener,
}

impl BoundListeners {
    /// Listen where the command line says, or the configuration.
    pub(super) async fn open(
        site: Option<Address>,
        console: Option<Address>,
        config: &Config,
    ) -> Result<Self, Failure> {
        let listeners = config.part::<Listeners>();
        let site = site.unwrap_or_else(|| listeners.listen.clone());
        let written = console.or_else(|| listeners.console.listen.clone());
        // Any free port stays any free port.
        let next = (site.port > 0).then(|| site.port.checked_add(1)).flatten();
        let console = written.unwrap_or_else(|| Address::loopback(next.unwrap_or(0)));
        Ok(Self {
            readers: http::bind(&site).await?,
            here: http::bind_here(&console).await?,
        })
    }
}

/// Serve site and console until it is told to stop. `told` tells programs the addresses.
pub(super) async fn site(
    context: &Context,
    app: &App,
    BoundListeners { readers, here }: BoundListeners,
    (stop, changes): (&CancellationToken, watch::Receiver<SeenVersions>),
    told: impl FnOnce(Serving) -> Answered,
) -> Result<Answered, Failure> {
    let bound = local(&readers)?;
    let (current, keepers) = app.keep_current(bound, &changes).await?;
    if let Some(Err(cause)) = current.get::<SiteNow>().as_deref() {
        let text = format_args!("the site answers 503: {cause}");
        context.output.warn(text);
    }
    let web = WebState {
        app: app.clone(),
        current,
        renderings: Renderings::default(),
    };
    let at = local(&here)?;
    let console = format!("http://{at}/console");
    context.output.say(format_args!("site     http://{bound}/"));
    context.output.say(format_args!("console  {console}"));
    let answered = told(Serving {
        site: format!("http://{bound}/"),
        console,
    });
    context.output.progress("Ctrl-C stops");
    let listeners = app.config().part::<Listeners>();
    let rules = &listeners.connections;
    let open = http::console(web.clone(), &listeners.console.names);
    let kept = [
        SITE.keep_open(readers, bound, http::site(web), rules, stop),
        CONSOLE.keep_open(here, at, open, rules, stop),
    ];
    for task in kept {
        supervised::join(task).await;
    }
    drop(keepers);
    Ok(answered)
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    let address = listener.local_addr();
    address
        .map_err(|error| Failure::new(Exit::Failed, format!("a listener has no address: {error}")))
}

/// Name the files that others than their owner may reach.
fn warn_of_open_files(context: &Context, app: &App) {
    for path in app.open_to_others() {
        let path = path.display();
        context
            .output
            .warn(format_args!("others may read {path}; `chmod 600 {path}`"));
    }
}

/// Work on runs and on what is due by the clock, until `stop`.
fn start_work(
    app: &App,
    slots: Option<u32>,
    stop: &CancellationToken,
    seen: watch::Sender<SeenVersions>,
) -> JoinHandle<()> {
    let mut engine = app.engine(Arc::new(Unwatched));
    engine.stop = stop.clone();
    engine.rules.slots = slots.unwrap_or(engine.rules.slots);
    let (app, stopped) = (app.clone(), stop.clone());
    supervision::keep(
        "the worker",
        move || stopped.is_cancelled(),
        move || {
            worker::work(
                engine.clone(),
                Arc::new(WorkerDuties::new(&app, seen.clone())),
            )
        },
    )
}

/// Look whether something is new, until `stop`.
pub(super) fn start_look(
    app: &App,
    seen: watch::Sender<SeenVersions>,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let (app, stop, stopped) = (app.clone(), stop.clone(), stop.clone());
    supervision::keep(
        "what looks for news",
        move || stopped.is_cancelled(),
        move || poll_changes(app.clone(), seen.clone(), stop.clone()),
    )
}

/// Look at the database as a worker does, where no worker runs.
async fn poll_changes(app: App, seen: watch::Sender<SeenVersions>, stop: CancellationToken) {
    loop {
        if let Err(error) = app.poll(&seen).await {
            tracing::error!(%error, "the site stays as it was");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
