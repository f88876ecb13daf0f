//! A run waits for its own runnable revision, and nothing else waits for it: neither the runs that
//! come after it nor the heartbeat.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::app::App;
use callboard_core::config::EngineRules;
use callboard_core::engine::worker::{Duties, work};
use callboard_core::engine::{Engine, EngineError, RunnableRevision, RunnableRevisions, Unwatched};
use callboard_core::outcome::Patch;
use callboard_core::span::Span;
use callboard_core::store::poll::WorkerPoll;
use callboard_core::store::runs::{self, RunOrigin, RunStatus};
use callboard_core::store::{Dialect, NEVER, revisions};
use callboard_core::value::Statement;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::support::database::runtime;
use crate::support::factory::{Factory, on_each};

const PIPELINE: &str = "name = \"look\"\nbudget = \"1m\"\n\n\
    [[stage]]\nid = \"look\"\nhandler = \"probe.store\"\n";
/// Long enough to be seen, short enough that a lease runs out many times meanwhile.
const LEASE: Duration = Duration::from_millis(600);

/// Runnable revisions of which one comes only when it is let.
struct Late {
    app: App,
    slow: i64,
    let_come: Semaphore,
}

impl RunnableRevisions for Late {
    fn at<'a>(
        &'a self,
        revision: i64,
        settings: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<RunnableRevision>, EngineError>> {
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
    fn attend<'a>(
        &'a self,
        _: &'a Engine,
        _: &'a WorkerPoll,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
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

/// Put a queued run before a gate that has lapsed.
async fn stand_before_a_gate(app: &App, run: &str) {
    for sql in [
        format!("UPDATE open_runs SET status = 'gated', wake_at = {NEVER} WHERE id = '{run}'"),
        format!(
            "INSERT INTO gates (run, stage, visit, question, opened_at, expires_at) \
                VALUES ('{run}', 'look', 1, '?', 1, 2)"
        ),
    ] {
        let done = app.store().execute(Statement::new(sql)).await;
        assert_eq!(done.expect("it is changed"), 1);
    }
}

fn with_short_leases(app: &App, runnables: Arc<dyn RunnableRevisions>) -> Engine {
    let rules = EngineRules {
        lease: Span(LEASE),
        ..EngineRules::default()
    };
    Engine::new(app.store(), runnables, Arc::new(Unwatched), rules)
}

async fn later_ones_go_on(factory: &Factory) {
    crate::support::compiles();
    let app = App::open(&factory.workspace(), Some(&factory.url())).await;
    let app = app.expect("the workspace opens");
    let first = app.runnable().await.expect("a runnable revision");
    app.apply("").await.expect("it is applied");
    let second = app.runnable().await.expect("a runnable revision");
    let active = revisions::active(app.store()).await.expect("an answer");
    assert_eq!(active.map(|it| it.number), Some(second.revision));
    let late = Arc::new(Late {
        app: app.clone(),
        slow: first.revision,
        let_come: Semaphore::new(0),
    });
    let engine = with_short_leases(&app, Arc::clone(&late) as Arc<dyn RunnableRevisions>);
    let queue = async |runnable: &RunnableRevision| {
        let queued = engine
            .queue(runnable, "look", Patch::new(), RunOrigin::Cli)
            .await;
        queued.expect("it is queued").id
    };
    let waits = queue(&first).await;
    // A gate whose time has passed waits for the same runnable revision.
    let asks = queue(&first).await;
    stand_before_a_gate(&app, &asks).await;
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
    late.let_come.add_permits(9);
    until("the first ends", async || {
        status(&waits).await == RunStatus::Done
    })
    .await;
    until("the gate lapses", async || {
        status(&asks).await != RunStatus::Gated
    })
    .await;
    engine.stop.cancel();
    worker.await.expect("the worker ends");
    app.store().close().await;
}

on_each!(
    what_is_loaded_does_not_grow_with_each_revision,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        runtime().block_on(async {
            crate::support::compiles();
            let app = App::open(&factory.workspace(), Some(&factory.url())).await;
            let app = app.expect("the workspace opens");
            let mut most = (0, 0);
            for minutes in 1..=16 {
                let budget = format!("{minutes}m");
                factory.write("pipelines/look.toml", PIPELINE.replace("1m", &budget));
                app.apply("").await.expect("it is applied");
                app.runnable().await.expect("a runnable revision");
                let (loaded, runnables) = app.in_memory();
                most = (most.0.max(loaded), most.1.max(runnables));
            }
            // The latest, and nothing of those before them.
            assert!(most.0 <= 2 && most.1 <= 4, "{most:?}");
            assert!(most.0 >= 1 && most.1 >= 1, "{most:?}");
            app.store().close().await;
        });
    }
);
