//! An engine on a store, with handlers that do nothing, and the limits it is measured against.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::config::EngineRules;
use callboard_core::engine::worker::{self, Duties};
use callboard_core::engine::{Engine, EngineError, RunnableRevision, RunnableRevisions, Unwatched};
use callboard_core::handler::{AnyHandler, Call, Contract, Needs};
use callboard_core::outcome::{Done, Outcome, Patch};
use callboard_core::pipeline::{Pipeline, Span};
use callboard_core::registry::{HandlerEntry, HandlerOrigin, Registry};
use callboard_core::settings::Snapshot;
use callboard_core::store::claims::{self, Claimant};
use callboard_core::store::poll::WorkerPoll;
use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use crate::nothing;

/// Does nothing, and says when it began.
struct Nothing(mpsc::UnboundedSender<Instant>);

impl AnyHandler for Nothing {
    fn contract(&self, name: &str) -> Contract {
        let keys = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        Contract {
            name: name.to_owned(),
            summary: "Does nothing".to_owned(),
            config: json!({ "type": "object" }),
            reads: keys.clone(),
            writes: keys,
            needs: Needs::default(),
            always_gives_a_verdict: false,
            decides: false,
            may_flag: false,
        }
    }

    fn call<'a>(&'a self, _: &'a Call, _config: Json, _input: Patch) -> BoxFuture<'a, Outcome> {
        self.0.send(Instant::now()).ok();
        let mut patch = Patch::new();
        patch.insert("text".to_owned(), "a short text".into());
        Box::pin(async move { Outcome::Done(Done::new(patch)) })
    }
}

/// The same runnable revision for every run.
struct Fixed(Arc<RunnableRevision>);

impl RunnableRevisions for Fixed {
    fn at<'a>(
        &'a self,
        _: i64,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<RunnableRevision>, EngineError>> {
        Box::pin(async move { Ok(Arc::clone(&self.0)) })
    }
}

/// Nothing goes by the clock.
struct Idle;

impl Duties for Idle {
    fn attend<'a>(
        &'a self,
        _: &'a Engine,
        _: &'a WorkerPoll,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }
}

fn pipeline(steps: usize) -> Pipeline {
    let mut text = format!("name = \"steps{steps}\"\nbudget = \"1h\"\n");
    for step in 0..steps {
        text += &format!("[[stage]]\nid = \"s{step}\"\nhandler = \"probe.nothing\"\n");
        if step > 0 {
            text += &format!("needs = [\"s{}\"]\n", step - 1);
        }
    }
    toml::from_str(&text).expect("a pipeline")
}

fn engine(
    store: &Store,
    slots: u32,
    lease: Duration,
) -> (Engine, mpsc::UnboundedReceiver<Instant>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut registry = Registry::native().expect("native handlers");
    let nothing = Nothing(sender);
    let contract = nothing.contract("probe.nothing");
    let origin = HandlerOrigin::Native { file: "bench" };
    let entry = HandlerEntry::new(contract, origin, Arc::new(nothing)).expect("its schemas");
    registry.add(entry).expect("a new name");
    let pipelines = [1, super::STEPS].map(pipeline);
    let named = pipelines.map(|it| (it.name().to_owned(), Arc::new(it)));
    let runnable = RunnableRevision {
        revision: 1,
        pipelines: BTreeMap::from(named),
        registry: Arc::new(registry),
        writers: BTreeMap::new(),
        settings: Arc::new(Snapshot::default()),
        digest: "bench".to_owned(),
        resources: Arc::new(nothing::Nothing),
        misses: Vec::new(),
    };
    let rules = EngineRules {
        slots,
        lease: Span(lease),
        ..EngineRules::default()
    };
    let runnables = Arc::new(Fixed(Arc::new(runnable)));
    (
        Engine::new(store, runnables, Arc::new(Unwatched), rules),
        receiver,
    )
}

/// Queue runs of so many steps, in one statement.
async fn queue(store: &Store, runs: usize, steps: usize) {
    let revision = "INSERT INTO revisions (id, digest, note, created_at) VALUES (1, '', '', 0) \
        ON CONFLICT (id) DO NOTHING";
    store
        .execute(Statement::new(revision))
        .await
        .expect("a revision");
    let ids: Vec<String> = (0..runs)
        .map(|_| uuid::Uuid::now_v7().to_string())
        .collect();
    let ids = serde_json::to_string(&ids).expect("JSON");
    let each = match store.dialect() {
        Dialect::Sqlite => "json_each($1)",
        Dialect::Postgres => "jsonb_array_elements_text(CAST($1 AS jsonb)) AS each (value)",
    };
    let sql = format!(
        "INSERT INTO open_runs (id, pipeline, revision, status, detail, input, origin, priority, \
            created_at, wake_at, spent, fence, lease_until, recoveries, signals) \
        SELECT value, 'steps{steps}', 1, 'queued', '', '{{}}', 'cli', 0, 1, 1, 0, 0, 0, 0, 0 \
        FROM {each}"
    );
    let insert = Statement::new(sql).bind(ids);
    store.execute(insert).await.expect("they are queued");
}

/// Runs under way or queued, those that wait for a limit left out.
async fn open(store: &Store) -> i64 {
    let count = Statement::new("SELECT COUNT(*) AS runs FROM open_runs WHERE limit_key IS NULL");
    let rows = store.query(count).await.expect("a count");
    rows.first()
        .expect("a row")
        .integer("runs")
        .expect("a number")
}

/// How long it takes to carry out so many queued runs.
pub(super) async fn burn(store: &Store, slots: u32, runs: usize, steps: usize) -> Duration {
    queue(store, runs, steps).await;
    let (engine, mut begun) = engine(store, slots, Duration::from_secs(30));
    let stop = engine.stop.clone();
    let start = Instant::now();
    let working = tokio::spawn(worker::work(engine, Arc::new(Idle)));
    for _ in 0..runs * steps {
        begun.recv().await.expect("another step");
    }
    while open(store).await > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = start.elapsed();
    stop.cancel();
    working.await.expect("the worker ends");
    took
}

pub(super) fn rate(count: usize, took: Duration) -> f64 {
    let count = u32::try_from(count).expect("not so many");
    f64::from(count) / took.as_secs_f64()
}

/// Milliseconds from queueing a run in one process to its handler in another, in order. On
/// SQLite both are the same process.
pub(super) async fn waits(url: &str, times: usize) -> Vec<f64> {
    let store = Store::open(url).await.expect("the database opens");
    let other = match store.dialect() {
        Dialect::Sqlite => store.clone(),
        Dialect::Postgres => Store::open(url).await.expect("the database opens"),
    };
    let (engine, mut begun) = engine(&store, 4, Duration::from_secs(30));
    let stop = engine.stop.clone();
    let working = tokio::spawn(worker::work(engine, Arc::new(Idle)));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut waits = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        queue(&other, 1, 1).await;
        other.wake().await;
        let began = begun.recv().await.expect("it begins");
        waits.push(began.duration_since(start).as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    working.await.expect("the worker ends");
    other.close().await;
    store.close().await;
    waits.sort_by(f64::total_cmp);
    waits
}

/// Milliseconds from the end of a dead worker's lease to the end of its run.
pub(super) async fn recovery(url: &str) -> f64 {
    let store = Store::open(url).await.expect("the database opens");
    let lease = Duration::from_secs(1);
    queue(&store, 1, 1).await;
    let dead = Claimant {
        worker: "dead".to_owned(),
        lease,
        suspect: 4,
    };
    let (engine, mut begun) = engine(&store, 4, lease);
    let claimed = claims::take(&store, &dead, 1).await.expect("an answer");
    assert_eq!(claimed.len(), 1, "it is due");
    let ends = Instant::now() + lease;
    let stop = engine.stop.clone();
    let working = tokio::spawn(worker::work(engine, Arc::new(Idle)));
    begun.recv().await.expect("it is taken over");
    while open(&store).await > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let after = Instant::now().saturating_duration_since(ends);
    stop.cancel();
    working.await.expect("the worker ends");
    store.close().await;
    after.as_secs_f64() * 1000.0
}

/// Ended runs that are written at a time.
const BATCH: usize = 20_000;

/// Ended runs number `from` to `to`, with ten checkpoints each.
pub(super) async fn fill(store: &Store, from: usize, to: usize) {
    queue(store, 0, 1).await;
    let numbers = match store.dialect() {
        Dialect::Sqlite => {
            "WITH RECURSIVE each (n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM each WHERE n < $2)"
        }
        Dialect::Postgres => "WITH each (n) AS (SELECT generate_series($1::bigint, $2::bigint))",
    };
    for begin in (from..to).step_by(BATCH) {
        let end = (begin + BATCH).min(to) - 1;
        let bound = |sql: String| {
            let number = |number| i64::try_from(number).expect("not so many");
            Statement::new(sql).bind(number(begin)).bind(number(end))
        };
        let runs = format!(
            "{numbers} INSERT INTO history (id, pipeline, revision, status, detail, input, origin, \
                priority, created_at, started_at, spent, fence, signals, finished_at) \
            SELECT 'old-' || n, 'steps10', 1, 'done', '', '{{}}', 'cli', 0, n, n, 0, 1, 0, n \
            FROM each"
        );
        let rows = format!(
            "{numbers}, stages (stage) AS (SELECT 's' || n FROM ( \
                SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 \
                UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) AS t) \
            INSERT INTO stage_runs (run, stage, visit, step, fence, handler, attempts, holds, \
                outcome, follow, report, superseded, started_at, finished_at) \
            SELECT 'old-' || n, stage, 1, 1, 1, 'probe.nothing', 1, 0, 'done', 'continue', \
                '{{\"outcome\":\"done\",\"patch\":{{}}}}', FALSE, n, n FROM each CROSS JOIN stages"
        );
        for sql in [runs, rows] {
            store.execute(bound(sql)).await.expect("the history grows");
        }
    }
}

/// Rows a second in durable commits of 64, each its own statement, without the store.
pub(super) async fn grouped(path: &str) -> f64 {
    super::limits::sqlite_grouped(path, 64).await
}

/// One-row commits a second on eight connections, without the store.
pub(super) async fn eight(url: &str) -> f64 {
    let all = (0..8).map(|_| super::limits::postgres(url));
    join_all(all).await.into_iter().sum()
}
