//! How many checkpoints a second the store commits, durably, beside what the disk and the
//! database can do at all, in the same run. Prints a Markdown table.
//!
//! `CALLBOARD_BENCH_POSTGRES=postgres://… cargo bench --bench store` measures that server too,
//! in a database of its own; `CALLBOARD_BENCH_SECONDS` is how long each measurement takes.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "store/checkpoint.rs"]
mod checkpoint;
#[path = "store/limits.rs"]
#[expect(dead_code, reason = "the engine's benchmark measures more limits")]
mod limits;

use std::fmt;
use std::path::Path;
use std::time::Instant;

use callboard_core::store::Store;
use futures_util::future::join_all;

/// Each measurement is taken that often, in turns, so that a noisy moment hits all of them.
const ROUNDS: usize = 3;
const TOGETHER: usize = 64;

/// One row of the table.
struct Row {
    name: String,
    rates: Vec<f64>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        let (least, median, most) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
        write!(
            f,
            "| {} | {median:.0} | {least:.0} – {most:.0} |",
            self.name
        )
    }
}

/// The rows, in the order they were first measured.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, name: &str, rate: f64) {
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.rates.push(rate),
            None => self.0.push(Row {
                name: name.to_owned(),
                rates: vec![rate],
            }),
        }
    }
}

/// The checkpoints a second of so many runs at once.
async fn checkpoints(store: &Store, callers: usize) -> f64 {
    let claims = checkpoint::claims(store, callers).await;
    let (start, length) = (Instant::now(), limits::length());
    let work = claims.into_iter().map(|claim| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut visit = 0_u32;
            while start.elapsed() < length {
                visit += 1;
                checkpoint::keep(&store, &claim, visit).await;
            }
            visit
        })
    });
    let done: u32 = join_all(work)
        .await
        .into_iter()
        .map(|it| it.expect("no panic"))
        .sum();
    f64::from(done) / start.elapsed().as_secs_f64()
}

async fn through_the_store(table: &mut Table, database: &str, url: &str) {
    let store = Store::open(url).await.expect("the database opens");
    let one = checkpoints(&store, 1).await;
    table.add(&format!("{database}: checkpoints, one run"), one);
    let many = checkpoints(&store, TOGETHER).await;
    table.add(
        &format!("{database}: checkpoints, {TOGETHER} runs at once"),
        many,
    );
    store.close().await;
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let postgres = std::env::var("CALLBOARD_BENCH_POSTGRES").ok();
    let database = format!("callboard_bench_{}", std::process::id());
    if let Some(server) = &postgres {
        limits::administer(server, &format!("CREATE DATABASE {database}")).await;
    }
    let mut table = Table::default();
    for _ in 0..ROUNDS {
        table.add(
            "disk: 8 KiB written and synced",
            limits::disk(Path::new(&path("sync"))).await,
        );
        table.add(
            "SQLite: one row a commit, FULL, no store",
            limits::sqlite(&path("raw.db")).await,
        );
        through_the_store(
            &mut table,
            "SQLite",
            &format!("sqlite:{}", path("store.db")),
        )
        .await;
        if let Some(server) = &postgres {
            let url = limits::in_database(server, &database);
            table.add(
                "PostgreSQL: one row a commit, no store",
                limits::postgres(&url).await,
            );
            through_the_store(&mut table, "PostgreSQL", &url).await;
        }
    }
    if let Some(server) = &postgres {
        limits::administer(server, &format!("DROP DATABASE {database}")).await;
    }
    println!("| what | a second (median) | least – most of {ROUNDS} |\n|---|---:|---:|");
    for row in table.0 {
        println!("{row}");
    }
}
