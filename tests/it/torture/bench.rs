//! The rack: a factory whose stages end as each run's `plan` asks them to, and its runs.

use std::time::{Duration, Instant};

use callboard_core::outcome::Patch;
use callboard_core::store::runs::{self, Run, RunLimits, RunOrigin, RunStatus};
use callboard_core::store::{Dialect, Store};
use jiff::Timestamp;
use serde_json::json;

use super::chance::Chance;
use crate::support::database::runtime;
use crate::support::factory::{BARE, Factory, KEEP};
use crate::support::guests::{fixture, guest};

/// Short leases, so that a worker that falls silent is soon missed; no run is given up.
const RULES: &str = "
[engine]
lease = \"2s\"
drain = \"20s\"
slots = 8
recoveries = 1000
[limits.torture]
concurrent_calls = 64
[grants.torture]
log = true
[[grants.torture.db]]
table = \"torture_writes\"
verbs = [\"insert\"]
[[grants.torture.db]]
table = \"torture_guard\"
verbs = [\"select\"]
";
const TABLE: &str = "CREATE TABLE torture_writes \
    (run TEXT NOT NULL, stage TEXT NOT NULL, visit BIGINT NOT NULL, attempt BIGINT NOT NULL)";
/// Two branches and their join.
const BRANCHES: &str = r#"
name = "branches"
budget = "30m"
input.plan.required = true
stage = [
    { id = "a", handler = "probe.acts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, timeout = "5m" },
    { id = "b", handler = "probe.counts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, needs = ["a"], timeout = "5m" },
    { id = "c", handler = "probe.acts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, needs = ["a"], timeout = "5m" },
    { id = "d", handler = "probe.acts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, needs = ["b", "c"], timeout = "5m" },
]
"#;
/// A gate that no person decides, and so is passed.
const GATED: &str = r#"
name = "gated"
budget = "30m"
input.plan.required = true
stage = [
    { id = "a", handler = "probe.acts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, timeout = "5m" },
    { id = "ask", gate = "go on?", needs = ["a"], expiry = { after = "200ms", as = "approved" } },
    { id = "b", handler = "probe.counts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, needs = ["ask"], timeout = "5m" },
]
"#;
/// A stage that has little time.
const BRIEF: &str = r#"
name = "brief"
budget = "30m"
input.plan.required = true
stage = [ { id = "b", handler = "probe.counts", on.unavailable = "end", retry = { attempts = 3, backoff = "50ms" }, timeout = "300ms" } ]
"#;

/// A rail before the work.
const GUARDED: &str = r#"
name = "guarded"
budget = "30m"
input.plan.required = true
stage = [
    { id = "guard", handler = "probe.guards", timeout = "5m", required = true },
    { id = "b", handler = "probe.counts", needs = ["guard"], timeout = "5m" },
]
"#;

/// A factory of the torture's own, applied.
pub(super) fn rack(dialect: Dialect) -> Factory {
    set_up(Factory::bare_written(dialect))
}

pub(super) fn set_up(factory: Factory) -> Factory {
    factory.write("callboard.toml", format!("{BARE}{RULES}"));
    let manifest = std::fs::read(fixture("torture").join("plugin.toml")).expect("a manifest");
    let component = std::fs::read(guest("torture")).expect("a component");
    factory.write("plugins/torture/plugin.toml", manifest);
    factory.write("plugins/torture/torture.wasm", component);
    // Its policy would be due at once, and share the fate of whatever runs beside it.
    factory.remove(&format!("policies/{KEEP}.toml"));
    for (name, text) in [
        ("branches", BRANCHES),
        ("gated", GATED),
        ("brief", BRIEF),
        ("guarded", GUARDED),
    ] {
        factory.write(format!("pipelines/{name}.toml"), text);
    }
    factory.execute(TABLE);
    factory.execute("CREATE TABLE torture_guard (objection TEXT NOT NULL)");
    factory.ok(&["apply"]);
    factory
}

/// Queue a run of `pipeline` for each plan; gives their ids.
pub(super) fn queue(factory: &Factory, pipeline: &str, plans: &[String]) -> Vec<String> {
    let runs: Vec<Run> = plans.iter().map(|plan| new_run(pipeline, plan)).collect();
    queue_runs(factory, runs)
}

/// Queue runs as they are; gives their ids.
pub(super) fn queue_runs(factory: &Factory, runs: Vec<Run>) -> Vec<String> {
    let ids = runs.iter().map(|run| run.id.clone()).collect();
    let url = factory.url();
    runtime().block_on(async {
        let store = Store::open(&url).await.expect("the database opens");
        let dialect = store.dialect();
        let queued = store.write(move |transaction| {
            Box::pin(async move {
                for run in runs {
                    transaction.execute(runs::insert(&run, dialect)?).await?;
                }
                Ok(())
            })
        });
        queued.await.expect("the runs are queued");
        store.wake().await;
        store.close().await;
    });
    ids
}

pub(super) fn new_run(pipeline: &str, plan: &str) -> Run {
    let now = Timestamp::now();
    let input = json!({ "plan": plan });
    Run {
        id: uuid::Uuid::now_v7().to_string(),
        pipeline: pipeline.to_owned(),
        revision: 1,
        status: RunStatus::Queued,
        detail: String::new(),
        input: Patch::from_iter(input.as_object().expect("an object").clone()),
        settings: None,
        origin: RunOrigin::Cli,
        priority: 0,
        limits: RunLimits::default(),
        created_at: now,
        started_at: None,
        wake_at: now,
        spent: Duration::ZERO,
        finished_at: None,
    }
}

/// So many plans; of every hundred stages that act, `percent` go wrong somehow.
pub(super) fn plans(chance: &mut Chance, count: usize, percent: usize) -> Vec<String> {
    const WRONG: [&str; 8] = [
        "fails", "stumbles", "rejects", "idles", "misses", "defers", "traps", "lies",
    ];
    let plan = |_| {
        if chance.percent(percent) {
            format!("b={}", chance.one_of(&WRONG))
        } else {
            format!(
                "{}=sleep:{}",
                chance.one_of(&["a", "b", "c"]),
                chance.below(60)
            )
        }
    };
    (0..count).map(plan).collect()
}

/// So many runs that go well.
pub(super) fn well(count: usize) -> Vec<String> {
    vec!["well".to_owned(); count]
}

/// Runs of the torture that have not ended.
pub(super) fn open(factory: &Factory) -> i64 {
    factory.count("open_runs WHERE origin = 'cli'")
}

/// Wait until every run has ended, however long that takes if they keep ending.
#[track_caller]
pub(super) fn until_ended(factory: &Factory) {
    let (mut left, mut since) = (open(factory), Instant::now());
    while left > 0 {
        std::thread::sleep(Duration::from_millis(200));
        let now = open(factory);
        if now != left {
            (left, since) = (now, Instant::now());
        }
        let open = || {
            factory.texts(
                "SELECT status || ' ' || detail AS text FROM open_runs",
                "text",
            )
        };
        assert!(
            since.elapsed() < Duration::from_secs(90),
            "no run has ended for 90 s; open are {:#?}",
            open()
        );
    }
}
