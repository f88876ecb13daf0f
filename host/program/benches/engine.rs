//! The engine beside what its database can do, and beside other engines, in the same run:
//! jobs and steps a second with a durable checkpoint each, the time from queueing to the
//! handler, the time to recover a run whose worker died, and how all of that fares with a
//! long history. Prints Markdown tables.
//!
//! `CALLBOARD_BENCH_POSTGRES=postgres://…` measures that server too, in databases of its own;
//! `CALLBOARD_BENCH_RUNS` is how many runs one measurement takes, `CALLBOARD_BENCH_HISTORY` the
//! lengths of history, e.g. `1000,100000`. Peers are measured where `./just bench` installed
//! them.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "engine/floor.rs"]
mod floor;
#[path = "store/limits.rs"]
mod limits;
#[path = "../../../tests/it/support/nothing.rs"]
mod nothing;
#[path = "engine/peers.rs"]
mod peers;
#[path = "engine/table.rs"]
mod table;

use std::path::Path;

use callboard_core::store::Store;
use table::Table;

/// Each measurement is taken that often, in turns, so that a noisy moment hits all of them.
const ROUNDS: usize = 3;
const STEPS: usize = 10;
/// Runs carried out at a time.
const PLACES: [u32; 2] = [1, 64];

fn number(variable: &str, default: usize) -> usize {
    let named = std::env::var(variable).ok();
    named.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn history() -> Vec<usize> {
    let named = std::env::var("CALLBOARD_BENCH_HISTORY").ok();
    let named = named.unwrap_or_else(|| "1000,100000,1000000".to_owned());
    named
        .split(',')
        .filter_map(|text| text.trim().parse().ok())
        .collect()
}

/// Steps and jobs a second, through the engine.
async fn rates(table: &mut Table, database: &str, url: &str) {
    let runs = number("CALLBOARD_BENCH_RUNS", 1000);
    let store = Store::open(url).await.expect("the database opens");
    for slots in PLACES {
        let runs = if slots == 1 { runs / 5 } else { runs };
        let seconds = floor::burn(&store, slots, runs, STEPS).await;
        let name = format!("{database}: steps of {STEPS}-step runs, {slots} at a time");
        table.add(&name, floor::rate(runs * STEPS, seconds));
    }
    let seconds = floor::burn(&store, 64, runs * 2, 1).await;
    table.add(
        &format!("{database}: jobs of one step, 64 at a time"),
        floor::rate(runs * 2, seconds),
    );
    store.close().await;
}

/// The times of single runs.
async fn times(table: &mut Table, database: &str, url: &str) {
    let waits = floor::waits(url, 200).await;
    table.add(
        &format!("{database}: from queueing to the handler, median"),
        waits[waits.len() / 2],
    );
    table.add(
        &format!("{database}: from queueing to the handler, 99 of 100"),
        waits[waits.len() * 99 / 100],
    );
    let after = floor::recovery(url).await;
    table.add(
        &format!("{database}: from the end of a lease to the run's end"),
        after,
    );
}

/// The rates again with ever more ended runs.
async fn growth(table: &mut Table, database: &str, url: &str) {
    let runs = number("CALLBOARD_BENCH_RUNS", 1000);
    let store = Store::open(url).await.expect("the database opens");
    let mut there = 0;
    for length in history() {
        floor::fill(&store, there, length).await;
        there = length;
        for _ in 0..ROUNDS {
            let seconds = floor::burn(&store, 64, runs, STEPS).await;
            let name = format!("{database}: steps with {length} ended runs");
            table.add(&name, floor::rate(runs * STEPS, seconds));
        }
    }
    store.close().await;
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let server = std::env::var("CALLBOARD_BENCH_POSTGRES").ok();
    let server = server.as_deref();
    let (mut rates_table, mut times_table) = (Table::default(), Table::default());
    for round in 0..ROUNDS {
        let sync = limits::disk(Path::new(&path("sync"))).await;
        rates_table.add("disk: 8 KiB written and synced", sync);
        let raw = limits::sqlite(&path("raw.db")).await;
        rates_table.add("SQLite: one row a commit, FULL, no store", raw);
        let grouped = floor::grouped(&path(&format!("grouped-{round}.db"))).await;
        rates_table.add("SQLite: rows in commits of 64, FULL, no store", grouped);
        let url = format!("sqlite:{}", path(&format!("engine-{round}.db")));
        rates(&mut rates_table, "SQLite", &url).await;
        times(&mut times_table, "SQLite", &url).await;
        peers::sqlite(&mut rates_table, &path(&format!("peers-{round}")));
        if let Some(server) = server {
            let database = Database::new(server, &format!("round{round}")).await;
            let raw = limits::postgres(&database.url).await;
            rates_table.add("PostgreSQL: one row a commit, no store", raw);
            let eight = floor::eight(&database.url).await;
            rates_table.add(
                "PostgreSQL: one row a commit, 8 connections, no store",
                eight,
            );
            rates(&mut rates_table, "PostgreSQL", &database.url).await;
            times(&mut times_table, "PostgreSQL", &database.url).await;
            database.drop().await;
            peers::postgres(&mut rates_table, &mut times_table, server).await;
        }
    }
    let mut growth_table = Table::default();
    growth(
        &mut growth_table,
        "SQLite",
        &format!("sqlite:{}", path("growth.db")),
    )
    .await;
    if let Some(server) = server {
        let database = Database::new(server, "growth").await;
        growth(&mut growth_table, "PostgreSQL", &database.url).await;
        database.drop().await;
    }
    println!("{}", rates_table.titled("a second"));
    println!("{}", times_table.titled("milliseconds"));
    println!("{}", growth_table.titled("a second"));
    peers::unmeasured();
}

/// A database on the server, of this run of the benchmark only.
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    async fn new(server: &str, name: &str) -> Self {
        let name = format!("callboard_bench_{}_{name}", std::process::id());
        limits::administer(server, &format!("CREATE DATABASE {name}")).await;
        Self {
            server: server.to_owned(),
            url: limits::in_database(server, &name),
            name,
        }
    }

    async fn drop(self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        limits::administer(&self.server, &sql).await;
    }
}
