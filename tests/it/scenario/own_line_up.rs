//! A run waits for its own line-up, and nobody else waits for it: neither those who come after it
//! nor the heartbeat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::app::App;
use callboard_core::config::EngineRules;
use callboard_core::engine::worker::{Duties, work};
use callboard_core::engine::{Engine, EngineError, LineUp, LineUps, Unwatched};
use callboard_core::outcome::Patch;
use callboard_core::span::Span;
use callboard_core::store::pulse::Pulse;
use callboard_core::store::runs::{self, Origin, RunStatus};
use callboard_core::store::{Dialect, revisions};
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::support::database::runtime;
use crate::support::factory::{Factory, on_each};

const PIPELINE: &str = "name = \"look\"\nbudget = \"1m\"\n\n\
    [[stage]]\nid = \"look\"\nhandler = \"probe.store\"\n";
/// Long enough to be seen, short enough that a lease runs out many times meanwhile.
const LEASE: Duration = Duration::from_millis(600);

/// Line-ups of which one comes only when it is let.
struct Late {
    app: App,
    slow: i64,
    let_come: Semaphore,
}

impl LineUps for Late {
    fn at<'a>(
        &'a self,
        revision: i64,
        settings: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<LineUp>, EngineError>> {
        Box::pin(async move {
            if revision == self.slow {
                let come = self.let_come.acquire().await;
                come.expect("it is never closed").forget();
            }
            self.app.at(revision, settings).await
        })
    }
}

struct NoDuties;

impl Duties for NoDuties {
    fn attend<'a>(&'a self, _: &'a Engine, _: &'a Pulse) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_each!(
    a_line_up_that_comes_late_holds_nobody_but_its_own_run,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        factory.write("pipelines/look.toml", PIPELINE);
        factory.ok(&["apply"]);
        factory.write("pipelines/look.toml", PIPELINE.replace("1m", "2m"));
        runtime().block_on(later_ones_go_on(&factory));
    }
);

async fn later_ones_go_on(factory: &Factory) {
    crate::support::compiles();
    let app = App::open(&factory.workspace(), Some(&factory.url())).await;
    let app = app.expect("the workspace opens");
    let first = app.line_up().await.expect("a line-up");
    app.apply("").await.expect("it is applied");
    let second = app.line_up().await.expect("a line-up");
    let active = revisions::active(app.store()).await.expect("an answer");
    assert_eq!(active.map(|it| it.number), Some(second.revision));
    let late = Arc::new(Late {
        app: app.clone(),
        slow: first.revision,
        let_come: Semaphore::new(0),
    });
    let line_ups = Arc::clone(&late) as Arc<dyn LineUps>;
    let rules = EngineRules {
        lease: Span(LEASE),
        ..EngineRules::default()
    };
    let engine = Engine::new(app.store(), line_ups, Arc::new(Unwatched), rules);
    let queue = async |line_up: &LineUp| {
        let queued = engine
            .queue(line_up, "look", Patch::new(), Origin::Cli)
            .await;
        queued.expect("it is queued").id
    };
    let waits = queue(&first).await;
    let worker = tokio::spawn(work(engine.clone(), Arc::new(NoDuties)));
    let status = async |run: &str| {
        let run = runs::by_id(app.store(), run).await.expect("an answer");
        run.expect("it is there").status
    };
    until("the first is claimed", async || {
        status(&waits).await == RunStatus::Running
    })
    .await;
    // More than a lease goes by, in which others are claimed and end.
    let began = Instant::now();
    while began.elapsed() < LEASE * 4 {
        let next = queue(&second).await;
        until("a later one ends", async || {
            status(&next).await == RunStatus::Done
        })
        .await;
    }
    assert_eq!(
        status(&waits).await,
        RunStatus::Running,
        "its lease is kept"
    );
    late.let_come.add_permits(1);
    until("the first ends", async || {
        status(&waits).await == RunStatus::Done
    })
    .await;
    engine.stop.cancel();
    worker.await.expect("the worker ends");
    app.store().close().await;
}
