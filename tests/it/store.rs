//! What the store promises. A test that is a matter of one database says so by its name;
//! everything else runs on both.

mod bounds;
pub(crate) mod checkpoints;
mod columns;
mod concurrency;
mod content;
mod failures;
mod gates;
mod granting;
mod guests;
mod naming;
mod offers;
mod opening;
mod parameters;
mod place;
mod poison;
mod pooler;
mod posts;
mod queue;
mod rates;
mod retention;
mod revisions;
pub(crate) mod rights;
pub(crate) mod runs;
mod schedules;
mod steering;
mod storable;
mod suited;
mod tasks;
mod timed;
mod times;
mod transactions;
mod values;

use callboard_core::store::{Store, StoreError, StoreErrorKind};
use callboard_core::value::{Row, Statement};

/// No numbers at all.
const NONE: [i64; 0] = [];

/// A statement without parameters.
fn sql(text: &str) -> Statement {
    Statement::new(text)
}

async fn execute(store: &Store, text: &str) -> u64 {
    let done = store.execute(sql(text)).await;
    done.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The integers of the column `n`.
async fn numbers(store: &Store, text: &str) -> Vec<i64> {
    let rows = store.query(sql(text)).await;
    let rows = rows.unwrap_or_else(|error| panic!("{text}: {error}"));
    rows.iter()
        .map(|row: Row<'_>| row.integer("n").expect("an integer"))
        .collect()
}

/// An empty table `t` with one column, the integer `n`, which is unique.
async fn table(store: &Store) {
    execute(store, "CREATE TABLE t (n BIGINT PRIMARY KEY)").await;
}

fn insert(number: i64) -> Statement {
    sql("INSERT INTO t (n) VALUES ($1)").bind(number)
}

#[track_caller]
fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.expect_err("it is refused").kind
}
