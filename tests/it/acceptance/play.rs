//! A pipeline on a house of its own: the workspace, its database, the worker and the prompter.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use callboard_core::app::App;
use callboard_core::engine::operate::{self, Actor};
use callboard_core::engine::{Engine, EngineError, Unwatched, gate};
use callboard_core::outcome::Patch;
use callboard_core::store::gates::{Decision, Gate, GateVerdict};
use callboard_core::store::runs::{self, Run, RunLimits, RunOrigin, RunStatus};
use callboard_core::store::{Dialect, Store, gates};
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use super::prompter::Prompter;
use super::restate::Server;
use crate::scenario::roll_call::{CEILING, add_plugin};
use crate::support::daemon::{Daemon, eventually, until_frozen};
use crate::support::database::runtime;
use crate::support::factory::{BARE, Factory, KEEP};

/// Where runs are kept, and who says which worker carries them out.
pub(super) enum House {
    Sqlite,
    Postgres,
    /// On PostgreSQL, dispatched by a server of the test's own.
    Restate(Server),
}

/// A pipeline whose stages take their cues from [`Play::prompter`].
pub(super) struct Play {
    pub(super) prompter: Prompter,
    worker: RefCell<Option<Daemon>>,
    runtime: Runtime,
    store: Store,
    pub(super) factory: Factory,
    house: House,
}

impl House {
    fn dialect(&self) -> Dialect {
        match self {
            House::Sqlite => Dialect::Sqlite,
            House::Postgres => Dialect::Postgres,
            House::Restate(_) => Dialect::Postgres,
        }
    }

    /// What `callboard.toml` says of the engine.
    fn rules(&self) -> String {
        match self {
            House::Sqlite | House::Postgres => String::new(),
            House::Restate(server) => server.rules(),
        }
    }
}

/// A stage that takes cues, with more lines of its table.
pub(super) fn stage(id: &str, lines: &str) -> String {
    format!(
        "[[stage]]\nid = \"{id}\"\nhandler = \"probe.takes_cues\"\nconfig.url = \"URL\"\n{lines}\n"
    )
}

impl Play {
    /// Apply a pipeline of these stages, and start a worker.
    pub(super) fn new(house: House, stages: &[String]) -> Self {
        let play = Self::rehearsed(house, stages);
        play.start(None);
        play
    }

    /// The same, and no lease runs out while it lasts: what a worker hears, it hears by no heartbeat.
    pub(super) fn of_long_leases(house: House, stages: &[String]) -> Self {
        let play = Self::rehearsed(house, stages);
        // A server's rules say so already.
        if matches!(play.house, House::Sqlite | House::Postgres) {
            let config = play.factory.read("callboard.toml");
            let long = format!("{config}\n[engine]\nlease = \"1h\"\n");
            play.factory.write("callboard.toml", long);
        }
        play.start(None);
        play
    }

    /// The same without a worker.
    pub(super) fn rehearsed(house: House, stages: &[String]) -> Self {
        let prompter = Prompter::new();
        let factory = Factory::bare_written(house.dialect());
        let config = format!("{BARE}{CEILING}\n{}", house.rules());
        factory.write("callboard.toml", config);
        // Its runs are none of the play's.
        factory.remove(&format!("policies/{KEEP}.toml"));
        add_plugin(&factory, "misbehave");
        let (methods, port) = ("methods = [\"GET\", \"POST\"]", prompter.port());
        let port = format!("{methods}\nport = {port}");
        factory.edit("callboard.toml", methods, &port);
        factory.edit("plugins/misbehave/plugin.toml", methods, &port);
        let stages = stages.concat().replace("URL", &prompter.url());
        // An input that no condition reads would be a miss.
        let wanted = if stages.contains("wanted") {
            "input.wanted = { default = false }\n"
        } else {
            ""
        };
        let head = format!("name = \"play\"\nbudget = \"5m\"\n{wanted}");
        factory.write("pipelines/play.toml", format!("{head}{stages}"));
        factory.execute("CREATE TABLE scratch (name TEXT)");
        factory.ok(&["apply"]);
        let runtime = runtime();
        let store = runtime.block_on(Store::open(&factory.url()));
        Self {
            prompter,
            worker: RefCell::default(),
            store: store.expect("the database opens"),
            runtime,
            factory,
            house,
        }
    }

    /// Start a worker, with a fault if it is to have one.
    pub(super) fn start(&self, fault: Option<&str>) {
        if let House::Restate(server) = &self.house {
            server.expect_worker(&self.factory);
        }
        let mut command = self.factory.command(&["work"]);
        if let Some(fault) = fault {
            command.env("CALLBOARD_FAULT", fault);
        }
        self.worker.replace(Some(Daemon::of(command)));
    }

    /// Start a worker that reaches the database by another address.
    pub(super) fn start_at(&self, database: &str) {
        let mut command = self.factory.command(&["work"]);
        command.env("CALLBOARD_DATABASE", database);
        self.worker.replace(Some(Daemon::of(command)));
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Wait until the worker's log has a line with this text, after those that were read before.
    #[track_caller]
    pub(super) fn until_said(&self, text: &str) {
        self.worker.borrow().as_ref().expect("a worker").until(text);
    }

    /// Wait for the worker to be ended by its fault, or kill it.
    pub(super) fn lose_worker(&self, kill: bool) {
        let worker = self.worker.take().expect("a worker");
        if kill {
            worker.signal("KILL");
        }
        assert_eq!(worker.ended().code, -1, "a signal ended it");
    }

    /// Wait until the worker is frozen by its fault.
    #[track_caller]
    pub(super) fn until_frozen(&self) {
        until_frozen(self.worker.borrow().as_ref().expect("a worker").id());
    }

    /// Let a frozen worker go on.
    pub(super) fn thaw(&self) {
        self.worker
            .borrow()
            .as_ref()
            .expect("a worker")
            .signal("CONT");
    }

    /// Leases of a worker that fell silent run out at once, where no other process says that it is
    /// gone.
    pub(super) fn run_out(&self) {
        if matches!(self.house, House::Sqlite | House::Postgres) {
            self.factory.execute("UPDATE open_runs SET lease_until = 1");
        }
    }

    /// Freeze the worker; another can be started.
    pub(super) fn freeze_worker(&self) -> Daemon {
        let worker = self.worker.take().expect("a worker");
        worker.freeze(&self.factory.url());
        worker
    }

    pub(super) fn server(&self) -> &Server {
        match &self.house {
            House::Restate(server) => server,
            House::Sqlite | House::Postgres => panic!("a house without a server"),
        }
    }

    /// Stop the worker as an operator does; what it does now comes to its end.
    pub(super) fn stop_worker(&self) {
        let worker = self.worker.take().expect("a worker");
        worker.signal("TERM");
        self.prompter.release();
        let ended = worker.ended();
        assert_eq!(ended.code, 0, "{ended}");
    }

    /// Queue a run, as another process does.
    pub(super) fn queue(&self) -> String {
        let now = Timestamp::now();
        let mut input = Patch::new();
        input.insert("wanted".into(), Json::Bool(false));
        let run = Run {
            id: uuid::Uuid::now_v7().to_string(),
            pipeline: "play".to_owned(),
            revision: 1,
            status: RunStatus::Queued,
            detail: String::new(),
            input,
            settings: None,
            origin: RunOrigin::Cli,
            priority: 0,
            limits: RunLimits::default(),
            created_at: now,
            started_at: None,
            wake_at: now,
            spent: Duration::ZERO,
            finished_at: None,
        };
        let insert = runs::insert(&run, self.store.dialect()).expect("a run");
        self.runtime.block_on(async {
            self.store.execute(insert).await.expect("it is queued");
            self.store.wake().await;
        });
        run.id
    }

    pub(super) fn run(&self, id: &str) -> Run {
        let found = self.runtime.block_on(runs::by_id(&self.store, id));
        found.expect("the database answers").expect("the run")
    }

    /// Wait until a run has a status.
    #[track_caller]
    pub(super) fn until(&self, id: &str, status: RunStatus) {
        eventually(&format!("the run is {status}"), || {
            let run = self.run(id);
            let over = run.status.is_final() && run.status != status;
            assert!(!over, "it ended as {}: {}", run.status, run.detail);
            (run.status == status).then_some(())
        });
    }

    /// A run from its beginning to its end.
    #[track_caller]
    pub(super) fn whole(&self, status: RunStatus) -> String {
        let run = self.queue();
        self.until(&run, status);
        run
    }

    /// Cancel or pause a run.
    pub(super) fn steer(&self, id: &str, status: RunStatus) {
        let (run, store) = (self.run(id), &self.store);
        let by = Actor {
            name: "Ada".to_owned(),
            reason: String::new(),
        };
        let steered = self.runtime.block_on(async {
            match status {
                RunStatus::Cancelled => operate::cancel(store, &run, &by).await,
                RunStatus::Paused => operate::pause(store, &run, &by).await,
                _ => operate::resume(store, &run, &by).await,
            }
        });
        steered.expect("it is heeded");
    }

    /// Wait until the worker has heard what is asked of a run: its next heartbeat says it.
    #[track_caller]
    pub(super) fn until_told(&self, id: &str) {
        let lease = || {
            let sql = format!("SELECT lease_until FROM open_runs WHERE id = '{id}'");
            let rows = self.factory.query(&sql);
            let row = rows.first().expect("the run");
            row.integer("lease_until").expect("a time")
        };
        let before = lease();
        eventually("a heartbeat", || (lease() != before).then_some(()));
    }

    /// Wait until a run stands before the gate's next visit, and decide it.
    #[track_caller]
    pub(super) fn decide(
        &self,
        run: &str,
        decision: Decision,
        part: Option<&str>,
    ) -> Result<(), EngineError> {
        self.until(run, RunStatus::Gated);
        self.decide_now(run, decision, part)
    }

    /// Decide the gate that is open, whatever else the run does.
    pub(super) fn decide_now(
        &self,
        run: &str,
        decision: Decision,
        part: Option<&str>,
    ) -> Result<(), EngineError> {
        let verdict = GateVerdict {
            decision,
            part: part.map(str::to_owned),
            feedback: "as I see it".to_owned(),
            by: "Ada".to_owned(),
            seen: None,
        };
        self.runtime.block_on(async {
            let open = gates::open_of_run(&self.store, run).await;
            let open: Vec<Gate> = open.expect("the database answers");
            let engine = self.engine().await;
            gate::decide(&engine, &open[0], verdict).await
        })
    }

    async fn engine(&self) -> Engine {
        let url = self.factory.url();
        crate::support::compiles();
        let app = App::open(&self.factory.workspace(), Some(&url)).await;
        app.expect("the workspace").engine(Arc::new(Unwatched))
    }
}

/// One scenario that holds in every house: `name::sqlite`, `name::postgres` and, where a server is
/// named, `name::restate`.
macro_rules! in_every_house {
    ($name:ident, $body:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                let body: fn(House) = $body;
                body(House::Sqlite);
            }

            #[test]
            fn postgres() {
                let body: fn(House) = $body;
                body(House::Postgres);
            }

            #[test]
            #[ignore = "takes a Restate server; ./just restate"]
            fn restate() {
                let body: fn(House) = $body;
                body(House::Restate($crate::acceptance::restate::Server::start()));
            }
        }
    };
}

pub(super) use in_every_house;
