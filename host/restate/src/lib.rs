//! The executor that Restate dispatches: it says which worker carries which run on. Runs,
//! checkpoints, gates, deferred writes and the times at which runs wake stay in the store,
//! under its fence, and are kept as [`Local`] keeps them; what Restate has of a run is a turn,
//! which can be lost.
//!
//! * A worker announces the runs that are due ([`announce`]): the store is the outbox.
//! * Restate gives the turn of a run to a worker, one turn a run at a time ([`turn`]).
//! * The worker takes the run over, carries it on, and ends the turn once the checkpoint that
//!   gives the run back is committed ([`offers`]).
//!
//! A turn that breaks off is not a claim that is lost; a fence that moved is.
//!
//! A program that names [`dispatcher`] heeds `[engine.restate]` of `callboard.toml`.

mod announce;
mod offers;
mod turn;

use std::net::SocketAddr;
use std::sync::Arc;

use callboard_core::config::{EngineRules, RestateRules};
use callboard_core::engine::executor::{Dispatcher, Executor, ExecutorFuture};
use callboard_core::engine::local::Local;
use callboard_core::engine::{Engine, RunnableRevisions, Watcher, worker, worker_name};
use callboard_core::store::checkpoints::{Checkpoint, Committed, Then};
use callboard_core::store::claims::offered::{self, TakeOver};
use callboard_core::store::claims::{Claimant, ClaimedRun};
use callboard_core::store::leases::{Lease, Recovered, RunSignals};
use callboard_core::store::{Store, StoreError, StoreErrorKind};
use callboard_core::supervision;
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::announce::Announcer;
use self::offers::Offers;

/// What the names of workers begin with that get their runs from Restate.
const WORKERS: &str = "restate/";
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

callboard_core::dispatcher!(Restate::engine);

/// What hands runs out in a program that names it, where its configuration says so.
pub fn dispatcher() -> Dispatcher {
    Dispatcher(Restate::engine)
}

/// Runs in the store, carried on in turns of Restate.
struct Restate {
    store: Store,
    local: Local,
    rules: RestateRules,
    take_over: TakeOver,
    offers: Arc<Offers>,
    /// Has the announcer look for runs that are due.
    look: Arc<Notify>,
}

impl Restate {
    /// An engine on the store that Restate dispatches. Needs a runtime.
    fn engine(
        store: &Store,
        runnables: Arc<dyn RunnableRevisions>,
        watcher: Arc<dyn Watcher>,
        (rules, restate): (EngineRules, RestateRules),
    ) -> Engine {
        let worker = format!("{WORKERS}{}", worker_name());
        let executor = Arc::new(Self {
            store: store.clone(),
            // What is carried out without an offer is not to be taken over.
            local: Local::new(store, &worker_name(), &rules),
            rules: restate,
            take_over: TakeOver {
                claimant: Claimant {
                    worker: worker.clone(),
                    lease: rules.lease.0,
                    suspect: rules.suspect(),
                },
                workers: WORKERS.to_owned(),
                recoveries: rules.recoveries,
            },
            offers: Arc::new(Offers::new(usize::try_from(rules.slots).unwrap_or(1))),
            look: Arc::default(),
        });
        Engine::on(store, executor, runnables, watcher, rules, worker)
    }

    /// Listen for turns, and announce runs, until `stop`.
    fn start(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let address = self.rules.listen;
        let listener = listen(address).map_err(|error| {
            let message = format!("cannot listen at {address} for the turns of Restate: {error}");
            StoreError::new(StoreErrorKind::Unavailable, message)
        })?;
        let bound = listener.local_addr().unwrap_or(address);
        let server = turn::serve(listener, Arc::clone(&self.offers), stop.clone());
        tokio::spawn(supervision::vital("the server of turns", server));
        let announcer = Announcer::new(
            &self.store,
            &self.rules,
            self.take_over.claimant.suspect,
            bound,
        );
        let announces = announcer.announce(Arc::clone(&self.look), stop.clone());
        tokio::spawn(supervision::vital("the announcer", announces));
        Ok(())
    }

    /// Take over what can be taken of the runs offered; for the others there is nothing to do.
    async fn take(&self, slots: usize) -> Result<Vec<ClaimedRun>, StoreError> {
        let offers = self.offers.next(slots);
        if offers.is_empty() {
            return Ok(Vec::new());
        }
        let runs = offers.iter().map(|offer| offer.run.clone()).collect();
        let taken = offered::take_over(&self.store, &self.take_over, runs).await?;
        worker::report(&self.store, &taken.recovered).await?;
        for offer in offers {
            match taken.claims.iter().find(|claim| claim.run.id == offer.run) {
                Some(claim) => self.offers.taken(offer, claim.fence),
                None => offer.end(),
            }
        }
        Ok(taken.claims)
    }

    /// A run was given back, or belongs to another worker.
    fn end(&self, held: &Lease) {
        if let Some(offer) = self.offers.remove(held) {
            offer.end();
        }
    }
}

/// A listener whose connections send at once: Linux hands the option down to them, and without
/// it each step of a turn waits 40 ms for an acknowledgement.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Executor for Restate {
    /// The engine that asks for runs may know of some that are due: they are announced, and those
    /// that Restate offers are taken.
    fn claim(&self, slots: usize) -> ExecutorFuture<'_, Vec<ClaimedRun>> {
        self.look.notify_one();
        Box::pin(self.take(slots))
    }

    /// The worker that has nothing else in hand takes it, which no offer can know.
    fn claim_suspect(&self) -> ExecutorFuture<'_, Option<ClaimedRun>> {
        self.local.claim_suspect()
    }

    fn claim_one<'a>(&'a self, run: &'a str) -> ExecutorFuture<'a, Option<ClaimedRun>> {
        self.local.claim_one(run)
    }

    fn checkpoint(&self, checkpoint: Checkpoint) -> ExecutorFuture<'_, Committed> {
        Box::pin(async move {
            let held = checkpoint.held.clone();
            let goes_on = matches!(checkpoint.then, Then::GoOn { .. });
            let committed = self.local.checkpoint(checkpoint).await?;
            let over = match committed {
                Committed::Kept(_) => !goes_on,
                Committed::Outdated(_) => false,
                Committed::Lost => true,
            };
            if over {
                self.end(&held);
            }
            Ok(committed)
        })
    }

    fn heartbeat(&self, held: Vec<Lease>) -> ExecutorFuture<'_, Vec<(Lease, RunSignals)>> {
        Box::pin(async move {
            let kept = self.local.heartbeat(held.clone()).await?;
            for lost in held {
                if !kept.iter().any(|(known, _)| *known == lost) {
                    self.end(&lost);
                }
            }
            Ok(kept)
        })
    }

    fn recover(&self) -> ExecutorFuture<'_, Vec<Recovered>> {
        self.local.recover()
    }

    fn open<'a>(&'a self, stop: &'a CancellationToken) -> ExecutorFuture<'a, ()> {
        Box::pin(async move { self.start(stop) })
    }

    fn offered(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.offers.news())
    }

    /// Unless it was given back, its turn breaks off, and Restate offers it again.
    fn let_go(&self, held: &Lease) {
        drop(self.offers.remove(held));
    }
}
