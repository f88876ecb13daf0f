//! Runs beside others whose keys are spent: jobs of one step a second, with no such runs there and
//! with ten thousand keys, in the same run. What the spent ones cost is how much longer it takes.
//! Prints a Markdown table.
//!
//! `CALLBOARD_BENCH_POSTGRES=postgres://…` measures that server too, in databases of its own;
//! `CALLBOARD_BENCH_RUNS` is how many runs one measurement takes, `CALLBOARD_BENCH_KEYS` how many
//! keys are spent.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[expect(
    dead_code,
    reason = "the benchmark of the engine measures more with it"
)]
#[path = "engine/floor.rs"]
mod floor;
#[expect(
    dead_code,
    reason = "the benchmark of the engine measures more with it"
)]
#[path = "store/limits.rs"]
mod limits;
#[path = "../../../tests/it/support/nothing.rs"]
mod nothing;
#[path = "engine/table.rs"]
mod table;

use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;
use table::Table;

const ROUNDS: usize = 3;
const STEPS: usize = 10;
const PLACES: u32 = 16;

fn number(variable: &str, default: usize) -> usize {
    let named = std::env::var(variable).ok();
    named.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// So many keys of which each has had its one run of a day, and a run of each that waits.
async fn spend(store: &Store, keys: usize) {
    let (numbers, now) = match store.dialect() {
        Dialect::Sqlite => (
            "WITH RECURSIVE each (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < $1)",
            "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        ),
        Dialect::Postgres => (
            "WITH each (n) AS (SELECT generate_series(1, $1::bigint))",
            "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        ),
    };
    let columns = "id, pipeline, revision, status, detail, input, origin, priority, limit_key, \
        rate, rate_window, created_at, started_at, spent, fence, signals";
    let ended = format!(
        "{numbers} INSERT INTO history ({columns}, finished_at) SELECT 'had-' || n, 'steps1', 1, \
            'done', '', '{{}}', 'cli', 0, 'key-' || n, 1, 86400000000, 1, {now}, 0, 1, 0, {now} \
        FROM each"
    );
    let waits = format!(
        "{numbers} INSERT INTO open_runs ({columns}, wake_at, lease_until, recoveries) \
        SELECT 'waits-' || n, 'steps1', 1, 'queued', '', '{{}}', 'cli', 0, 'key-' || n, 1, \
            86400000000, 1, NULL, 0, 0, 0, 1, 0, 0 FROM each"
    );
    let count = i64::try_from(keys).expect("not so many");
    for sql in [ended, waits] {
        let fill = Statement::new(sql).bind(count);
        store.execute(fill).await.expect("it is filled");
    }
}

async fn measure(table: &mut Table, database: &str, url: &str, keys: usize) {
    let runs = number("CALLBOARD_BENCH_RUNS", 1000);
    let store = Store::open(url).await.expect("the database opens");
    // The first has a revision to make.
    floor::burn(&store, PLACES, 10, 1).await;
    if keys > 0 {
        spend(&store, keys).await;
    }
    let seconds = floor::burn(&store, PLACES, runs, 1).await;
    let name = format!("{database}: jobs of one step, {PLACES} at a time, {keys} keys spent");
    table.add(&name, floor::rate(runs, seconds));
    store.close().await;
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let server = std::env::var("CALLBOARD_BENCH_POSTGRES").ok();
    let spent = number("CALLBOARD_BENCH_KEYS", 10_000);
    let mut table = Table::default();
    for round in 0..ROUNDS {
        for keys in [0, spent] {
            let name = format!("rates-{round}-{keys}");
            let path = folder.path().join(&name);
            let url = format!("sqlite:{}", path.display());
            measure(&mut table, "SQLite", &url, keys).await;
            if let Some(server) = &server {
                let database = format!("callboard_bench_{}_{round}_{keys}", std::process::id());
                limits::administer(server, &format!("CREATE DATABASE {database}")).await;
                let url = limits::in_database(server, &database);
                measure(&mut table, "PostgreSQL", &url, keys).await;
                let drop = format!("DROP DATABASE {database} WITH (FORCE)");
                limits::administer(server, &drop).await;
            }
        }
    }
    println!("{}", table.titled("a second"));
}
